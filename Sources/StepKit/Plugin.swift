@_exported public import StepABI

/// What a plugin offers; the whole of a plugin's entry point is
///
/// ```swift
/// @c @implementation
/// public func step_plugin_entry(_: UInt32, _: UInt32) -> UnsafePointer<step_plugin>! {
///     Plugin.export(Plugin(name: "pricing", version: "1.0.0", steps: [ … ]))
/// }
/// ```
public struct Plugin: Sendable {
    public let name: String
    public let version: String
    public let steps: [Step]

    public init(name: String, version: String, steps: [Step]) {
        self.name = name
        self.version = version
        self.steps = steps
    }

    /// The C table for the host. One plugin per process: a second call returns the first plugin's table.
    public static func export(_ plugin: Plugin) -> UnsafePointer<step_plugin> {
        PluginRuntime.shared.install(plugin)
        return PluginTable.pointer
    }

    /// The JSON that describes the plugin: name, version, sdk and for each function its name, summary and schemas.
    ///
    /// Where a type has no automatic schema the function carries `schema_problem` instead of a guess.
    package var description: String {
        var functions: [String] = []
        for step in steps {
            var parts = ["\"name\":\(StepValue.string(step.name).json)"]
            if !step.summary.isEmpty { parts.append("\"summary\":\(StepValue.string(step.summary).json)") }
            var problems: [String] = []
            for (key, result) in [("input", step.inputSchema), ("output", step.outputSchema)] {
                switch result {
                case .schema(let schema): parts.append("\"\(key)\":\(schema.json)")
                case .unsupported(let problem): problems.append("\(key): \(problem)")
                }
            }
            if !problems.isEmpty {
                parts.append("\"schema_problem\":\(StepValue.string(problems.joined(separator: "; ")).json)")
            }
            if let timeout = step.heartbeatTimeout {
                parts.append("\"heartbeat_timeout_ms\":\(timeout.wholeMilliseconds)")
            }
            functions.append("{\(parts.joined(separator: ","))}")
        }
        return """
            {"name":\(StepValue.string(name).json),"version":\(StepValue.string(version).json),\
            "sdk":"stepkit-swift/\(StepKitVersion.text)","functions":[\(functions.joined(separator: ","))]}
            """
    }
}
