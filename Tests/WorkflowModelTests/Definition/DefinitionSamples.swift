import WorkflowModel

/// Definitions and the catalogue that several tests share.
enum DefinitionSamples {
    static let functions: [String: JSONValue] = [
        "tabular.parse": [
            "type": "object", "required": ["text"], "additionalProperties": false,
            "properties": ["text": ["type": "string"], "separator": ["type": "string"]],
        ],
        "risk.score": ["type": "object"],
        "document.render": ["type": "object"],
    ]

    static func lookup(_ name: FunctionName) -> FunctionLookup {
        if let schema = functions[name.description] { return .known(input: schema) }
        return .unknown { functions.keys.sorted().compactMap(FunctionName.init) }
    }

    static func read(
        _ text: String, _ format: DefinitionFormat? = nil, limits: DefinitionLimits = DefinitionLimits()
    ) throws(DefinitionError) -> WorkflowDefinition {
        try DefinitionReader.read(Array(text.utf8), format: format, limits: limits, functions: lookup)
    }

    /// The faults of a text as `line:column path code`.
    static func faults(
        _ text: String, _ format: DefinitionFormat? = nil, limits: DefinitionLimits = DefinitionLimits()
    ) -> [String] {
        do throws(DefinitionError) {
            _ = try read(text, format, limits: limits)
            return []
        } catch {
            return error.faults.map { "\($0.line):\($0.column) \($0.path) \($0.code.rawValue)" }
        }
    }

    static func messages(_ text: String) -> [String] {
        do throws(DefinitionError) {
            _ = try read(text)
            return []
        } catch { return error.faults.map(\.message) }
    }

    /// The example of the design page, without its approval.
    static let review = """
        name: dataset-review                 # DNS label, not "stream"
        deliverable_type: data_quality_report
        inputs: { type: object, required: [csv], properties: { csv: { type: string }, rules: { type: array } } }
        steps:
          - name: parse
            function: tabular.parse          # plugin.function
            with: { text: "${{ inputs.csv }}" }
            timeout: 30s                     # per attempt
            retry: { max_attempts: 3, initial_interval: 200ms, multiplier: 2, max_interval: 10s, jitter: full, non_retryable: [invalid_input] }
          - name: score
            function: risk.score
            when: "size(inputs.rules) > 0"
            with: { profile: "${{ steps.parse.output.profile }}", rules: "${{ inputs.rules }}" }
          - name: report
            function: document.render
            with: { template: "…", data: "${{ steps.parse.output }}" }
            on_failure: fail                 # or continue
        output: "${{ steps.report.output }}"
        """

    static let reviewJSON = """
        {"name": "dataset-review", "deliverable_type": "data_quality_report",
         "inputs": {"type": "object", "required": ["csv"], "properties": {"csv": {"type": "string"}, "rules": {"type": "array"}}},
         "steps": [
          {"name": "parse", "function": "tabular.parse", "with": {"text": "${{ inputs.csv }}"}, "timeout": "30s",
           "retry": {"max_attempts": 3, "initial_interval": "200ms", "multiplier": 2, "max_interval": "10s", "jitter": "full", "non_retryable": ["invalid_input"]}},
          {"name": "score", "function": "risk.score", "when": "size(inputs.rules) > 0",
           "with": {"profile": "${{ steps.parse.output.profile }}", "rules": "${{ inputs.rules }}"}},
          {"name": "report", "function": "document.render",
           "with": {"template": "…", "data": "${{ steps.parse.output }}"}, "on_failure": "fail"}
         ],
         "output": "${{ steps.report.output }}"}
        """
}
