/// What plugins may ask for by name: each its own, none another's.
///
/// No description or reflection shows a value.
package struct PluginSecrets: Sendable, CustomStringConvertible, CustomReflectable {
    enum Answer: Hashable, Sendable {
        case value([UInt8])
        case notFound
        /// Of another plugin.
        case refused

        var name: String {
            switch self {
            case .value: "given"
            case .notFound: "not_found"
            case .refused: "refused"
            }
        }
    }

    /// A shorter value would be found, and masked, in text that has nothing to do with it.
    package static let valueBytesMin = 4
    package static let valueBytesMax = 64 << 10

    private let values: [String: [String: String]]
    private let masks: [String: SecretMask]

    /// - Parameter values: by the plugin's name, then by the secret's.
    package init(_ values: [String: [String: String]] = [:]) {
        self.values = values
        masks = values.mapValues { SecretMask($0.values) }
    }

    /// - Parameter key: the secret's name, or `plugin/name`.
    func answer(to key: String, for plugin: String) -> Answer {
        var name = key[...]
        if let slash = key.firstIndex(of: "/") {
            guard key[..<slash] == plugin else { return .refused }
            name = key[key.index(after: slash)...]
        }
        return values[plugin]?[String(name)].map { .value(Array($0.utf8)) } ?? .notFound
    }

    /// Hides the plugin's values, whether it asked for them in this call or in an earlier one; nil when it has none.
    func mask(for plugin: String) -> SecretMask? { masks[plugin] }

    /// Hides the values of every plugin, in what is known of a process but not of which plugin.
    func hideAll(in text: String) -> String { masks.values.reduce(text) { $1.hide(in: $0) } }

    package var description: String { "secrets of \(values.keys.sorted().joined(separator: ", "))" }
    package var customMirror: Mirror { Mirror(self, children: []) }
}
