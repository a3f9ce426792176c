extension DefinitionReader {
    /// The JSON Schema (2020-12) of a definition, served at `/schemas/workflow.json` for editors.
    ///
    /// It says what a schema can say: keys, types, forms and ranges, from the same constants as the reader.
    /// References, functions, unique step names and the text of expressions are the reader's alone.
    package static let workflowSchema: JSONValue = [
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Stepstream workflow definition",
        "type": "object",
        "required": ["name", "steps"],
        "additionalProperties": false,
        "properties": [
            "name": [
                "description": "A DNS label; 'stream' is reserved.",
                "type": "string", "minLength": 1, "maxLength": .int(nameLength),
                "pattern": "^[a-z0-9]([a-z0-9-]*[a-z0-9])?$", "not": ["const": "stream"],
            ],
            "deliverable_type": [
                "description": "What a run delivers; the workflow's name when left out.",
                "type": "string", "minLength": 1,
                "maxLength": .int(Int64(DefinitionChecker.deliverableTypeScalarsMax)),
            ],
            "inputs": [
                "description": "JSON Schema (2020-12) of the inputs, an object.",
                "type": "object", "properties": ["type": ["const": "object"], "$schema": dialect],
            ],
            "steps": [
                "type": "array", "minItems": 1, "maxItems": .int(Int64(DefinitionLimits().stepsMax)),
                "items": ["$ref": "#/$defs/step"],
            ],
            "risk": [
                "description": "Replaces the risk that steps report, 0 to 100.",
                "anyOf": [
                    ["type": "number", "minimum": 0, "maximum": 100], ["type": "string", "pattern": "\\$\\{\\{"],
                ],
            ],
            "output": ["description": "The execution's output; strings may hold ${{ expressions }}."],
            "approval": release,
        ],
        "$defs": [
            "step": ["oneOf": [["$ref": "#/$defs/call"], ["$ref": "#/$defs/gate"]]],
            "call": call,
            "gate": gate,
            "approvers": approvers,
            "retry": retry,
            "duration": duration,
        ],
    ]

    private static let dialect: JSONValue = ["enum": .array(JSONSchema.dialects.map { .string($0) })]

    private static let duration: JSONValue = [
        "description": "A whole number and a unit, 1ms to 7d.",
        "type": "string", "pattern": .string("^0*(\(durationForms.joined(separator: "|")))$"),
        // Zero of whatever unit.
        "not": ["pattern": "^0+[a-z]"],
        "examples": ["200ms", "30s", "5m", "24h", "7d"],
    ]

    /// The whole numbers up to seven days, by unit; what a pattern can say of a range.
    private static let durationForms = [
        ("ms", 604_800_000), ("s", 604_800), ("m", 10_080), ("h", 168), ("d", 7),
    ].map { unit, most in "(\(wholeNumbers(upTo: most)))\(unit)" }

    /// A pattern of the numbers from 0 without leading zeros: shorter ones, and by each digit those below it.
    private static func wholeNumbers(upTo most: Int) -> String {
        let digits = String(most).compactMap(\.wholeNumberValue)
        var forms = digits.count > 1 ? ["[0-9]{1,\(digits.count - 1)}"] : []
        var prefix = ""
        for (index, digit) in digits.enumerated() {
            let rest = digits.count - index - 1
            let lowest = index == 0 && rest > 0 ? 1 : 0
            if digit > lowest {
                forms.append("\(prefix)[\(lowest)-\(digit - 1)]" + (rest > 0 ? "[0-9]{\(rest)}" : ""))
            }
            prefix += String(digit)
        }
        return (forms + [prefix]).joined(separator: "|")
    }

    private static let nameLength = Int64(DefinitionNames.nameBytesMax)

    private static let stepName: JSONValue = [
        "description": "Unique; other steps read its result as steps.NAME.output.",
        "type": "string", "maxLength": .int(nameLength), "pattern": "^[a-zA-Z_][a-zA-Z0-9_-]*$",
    ]
    private static let when: JSONValue = [
        "description": "An expression without ${{ }}; the step is skipped when it is false.",
        "type": "string", "minLength": 1, "maxLength": .int(Int64(Expression.sourceBytesMax)),
        "not": ["pattern": marked],
    ]
    /// What an expression that stands for itself does not begin with.
    private static let marked: JSONValue = "^\\s*\\$\\{\\{"
    private static let onFailure: JSONValue = [
        "enum": .array(FailurePolicy.allCases.map { .string($0.rawValue) }), "default": "fail",
    ]

    private static let call: JSONValue = [
        "type": "object",
        "required": ["name", "function"],
        "additionalProperties": false,
        "properties": [
            "name": stepName,
            "function": [
                "description": "plugin.function",
                "type": "string", "pattern": "^[a-z][a-z0-9_-]*\\.[a-z][a-z0-9_-]*$",
            ],
            "with": [
                "description": "The input; strings may hold ${{ expressions }}. Or one expression for the whole.",
                "anyOf": [
                    ["type": "object"], ["type": "string", "pattern": "^\\$\\{\\{[\\s\\S]*\\}\\}$"],
                ],
            ],
            "when": when,
            "timeout": ["description": "Per attempt; 5m when left out.", "$ref": "#/$defs/duration"],
            "retry": ["$ref": "#/$defs/retry"],
            "on_failure": onFailure,
        ],
    ]

    private static let gate: JSONValue = [
        "description": "Holds the run until somebody decides.",
        "type": "object",
        "required": ["name", "approval"],
        "additionalProperties": false,
        "properties": [
            "name": stepName,
            "approval": approval(required: ["approvers"], []),
            "when": when,
            "on_failure": onFailure,
        ],
    ]

    private static let release = approval(
        required: ["required_when", "approvers"],
        [
            (
                "required_when",
                [
                    "description": "An expression without ${{ }}; what cannot be evaluated requires the approval.",
                    "type": "string", "minLength": 1, "maxLength": .int(Int64(Expression.sourceBytesMax)),
                    "not": ["pattern": marked],
                ]
            )
        ])

    private static let approvers: JSONValue = [
        "type": "array", "minItems": 1, "maxItems": .int(Int64(DefinitionChecker.approversMax)), "uniqueItems": true,
        "items": [
            "type": "string", "minLength": 1, "maxLength": .int(Int64(DefinitionChecker.approverScalarsMax)),
            "pattern": "^[^|\\u0000-\\u001f\\u007f]*$",
        ],
    ]

    private static func approval(required: [String], _ further: [(String, JSONValue)]) -> JSONValue {
        let properties: JSONValue = [
            "approvers": ["description": "Names or groups of the settings' tokens.", "$ref": "#/$defs/approvers"],
            "quorum": [
                "description": "How many have to approve; one rejection rejects.",
                "type": "integer", "minimum": 1, "maximum": .int(DefinitionChecker.quorumMax), "default": 1,
            ],
            "four_eyes": [
                "description": "Whoever started the execution may not decide.", "type": "boolean", "default": false,
            ],
            "form": [
                "description": "JSON Schema (2020-12) of what an approval brings along.",
                "type": "object", "properties": ["$schema": dialect],
            ],
            "deadline": ["description": "From the request.", "$ref": "#/$defs/duration"],
            "remind_every": ["$ref": "#/$defs/duration"],
            "escalate_to": ["description": "May decide as well once it is escalated.", "$ref": "#/$defs/approvers"],
            "escalate_after": ["description": "From the request.", "$ref": "#/$defs/duration"],
            "on_expiry": [
                "description": "What a deadline that passes means.",
                "enum": .array(ExpiryPolicy.allCases.map { .string($0.rawValue) }), "default": "fail",
            ],
            "reason": [
                "description": "For the approvers; public.",
                "type": "string", "minLength": 1, "maxLength": .int(Int64(DefinitionChecker.reasonScalarsMax)),
            ],
        ]
        return [
            "type": "object", "required": .array(required.map { .string($0) }), "additionalProperties": false,
            "properties": .object(
                JSONObject(further + (properties.objectValue ?? JSONObject()).map { ($0.key, $0.value) })),
            "dependentRequired": ["on_expiry": ["deadline"], "escalate_after": ["escalate_to"]],
            "allOf": [
                [
                    "if": ["required": ["escalate_to"], "not": ["required": ["escalate_after"]]],
                    "then": ["required": ["on_expiry"], "properties": ["on_expiry": ["const": "escalate"]]],
                ],
                [
                    "if": ["required": ["on_expiry"], "properties": ["on_expiry": ["const": "escalate"]]],
                    "then": ["required": ["escalate_to"]],
                ],
            ],
        ]
    }

    private static let retry: JSONValue = [
        "type": "object",
        "additionalProperties": false,
        "properties": [
            "max_attempts": [
                "description": "The first one included.",
                "type": "integer", "minimum": 1, "maximum": .int(DefinitionChecker.attemptsMax), "default": 1,
            ],
            "initial_interval": ["description": "1s when left out.", "$ref": "#/$defs/duration"],
            "multiplier": [
                "type": "number", "minimum": 1, "maximum": .double(DefinitionChecker.multiplierMax), "default": 2,
            ],
            "max_interval": ["description": "60s when left out.", "$ref": "#/$defs/duration"],
            "jitter": [
                "enum": .array(RetryPolicy.Jitter.allCases.map { .string($0.rawValue) }), "default": "full",
            ],
            "non_retryable": [
                "description": "Error codes that end the step at once.",
                "type": "array", "maxItems": .int(Int64(DefinitionChecker.nonRetryableCountMax)),
                "items": ["type": "string", "maxLength": .int(nameLength), "pattern": "^[a-z][a-z0-9_]*$"],
            ],
        ],
    ]
}
