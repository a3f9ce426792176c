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
                "type": "object", "properties": ["type": ["const": "object"]],
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
        ],
        "$defs": [
            "step": step,
            "retry": retry,
            "duration": [
                "description": "A whole number and a unit, at most 7d.",
                "type": "string", "pattern": "^[0-9]+(ms|s|m|h|d)$",
                "examples": ["200ms", "30s", "5m", "24h", "7d"],
            ],
        ],
    ]

    private static let nameLength = Int64(DefinitionNames.nameBytesMax)

    private static let step: JSONValue = [
        "type": "object",
        "required": ["name", "function"],
        "additionalProperties": false,
        "properties": [
            "name": [
                "description": "Unique; other steps read its result as steps.NAME.output.",
                "type": "string", "maxLength": .int(nameLength), "pattern": "^[a-zA-Z_][a-zA-Z0-9_-]*$",
            ],
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
            "when": [
                "description": "An expression without ${{ }}; the step is skipped when it is false.",
                "type": "string", "minLength": 1, "maxLength": .int(Int64(Expression.sourceBytesMax)),
            ],
            "timeout": ["description": "Per attempt; 5m when left out.", "$ref": "#/$defs/duration"],
            "retry": ["$ref": "#/$defs/retry"],
            "on_failure": [
                "enum": .array(FailurePolicy.allCases.map { .string($0.rawValue) }), "default": "fail",
            ],
        ],
    ]

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
