package import WorkflowModel

/// What plugins offer at the moment.
package protocol FunctionCatalog: Sendable {
    /// Every plugin that loads, by name.
    var plugins: [PluginDescription] { get }
    /// Asked for each step of each start.
    func plugin(named name: String) -> PluginDescription?
    /// Files that look like plugins and do not load, with the reason in plain words.
    var failures: [PluginFailure] { get }
    /// Files that are still being looked at; empty once the catalog is complete.
    var loading: [String] { get }
    /// Waits until each of the plugins is offered, or no file is left that could offer it; not beyond a cancellation.
    func loaded(_ plugins: Set<String>) async
}

/// A catalog that is complete from the beginning.
extension FunctionCatalog {
    package var loading: [String] { [] }
    package func loaded(_ plugins: Set<String>) async {}
}

extension FunctionCatalog {
    package func plugin(named name: String) -> PluginDescription? { plugins.first { $0.name == name } }

    package func function(_ name: FunctionName) -> FunctionDescription? {
        plugin(named: name.plugin)?.functions.first { $0.name == name.function }
    }

    /// What the definition reader asks.
    package func lookup(_ name: FunctionName) -> FunctionLookup {
        if let function = function(name) { return .known(input: function.input) }
        return .unknown {
            plugins.flatMap { plugin in
                plugin.functions.map { FunctionName(plugin: plugin.name, function: $0.name) }
            }
        }
    }
}

/// What a plugin says of itself, read from its code outside the server.
package struct PluginDescription: Hashable, Sendable {
    package var name: String
    package var version: String
    package var sdk: String
    /// SHA-256 of the file, lower-case hex; executions are pinned to it.
    package var hash: String
    package var path: String
    package var functions: [FunctionDescription]
    /// What holds its step hosts; nil until one of them has loaded it.
    package var confinement: Confinement?

    package init(
        name: String, version: String, sdk: String, hash: String, path: String, functions: [FunctionDescription],
        confinement: Confinement? = nil
    ) {
        self.confinement = confinement
        self.name = name
        self.version = version
        self.sdk = sdk
        self.hash = hash
        self.path = path
        self.functions = functions
    }
}

package struct FunctionDescription: Hashable, Sendable {
    package var name: String
    package var summary: String?
    /// JSON Schemas as the plugin gave them.
    package var input: JSONValue?
    package var output: JSONValue?
    /// Without a heartbeat for so long an attempt ends as `heartbeat_lost`; nil: it may be silent.
    package var heartbeatTimeout: Duration?

    package init(
        name: String, summary: String? = nil, input: JSONValue? = nil, output: JSONValue? = nil,
        heartbeatTimeout: Duration? = nil
    ) {
        self.name = name
        self.heartbeatTimeout = heartbeatTimeout
        self.summary = summary
        self.input = input
        self.output = output
    }
}

package struct PluginFailure: Hashable, Sendable {
    package var path: String
    package var code: String
    package var message: String

    package init(path: String, code: String, message: String) {
        self.path = path
        self.code = code
        self.message = message
    }
}
