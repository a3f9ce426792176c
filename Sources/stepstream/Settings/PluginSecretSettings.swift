import StepHosting
import WorkflowModel
import Yams

/// The settings under `plugin_secret_files`: which secrets a plugin may ask for, each in a file of its own.
struct PluginSecretSettings: Sendable {
    private static let key = "plugin_secret_files"

    /// Paths, by the plugin's name and the secret's.
    private(set) var files: [String: [String: String]] = [:]
    /// What the files hold, once they were read.
    private(set) var secrets = PluginSecrets([:])

    init() {}

    /// Reads the names. The files are not looked at: only the role that runs steps needs to have them.
    init(_ source: SettingsSource, _ faults: inout [String]) {
        guard let node = source.node(Self.key) else { return }
        let place = "\(Self.key) in \(source.path)"
        guard let plugins = node.mapping else {
            faults.append("\(place) is not a mapping of plugins to names and files of secrets")
            return
        }
        for (key, node) in plugins {
            let plugin = key.string ?? "?"
            if FunctionName("\(plugin).x") == nil { faults.append("\(place): \"\(plugin)\" is no plugin's name") }
            guard let secrets = node.mapping else {
                faults.append("\(place): \(plugin) is not a mapping of names to files")
                continue
            }
            for (key, file) in secrets {
                let name = key.string ?? "?"
                if !Self.isName(name) {
                    faults.append("\(place): \(plugin) has \"\(name)\"; a secret's name is letters, digits, -, _ and .")
                }
                guard let path = file.settingText, !path.isEmpty else {
                    faults.append("\(place): \(plugin).\(name) names no file")
                    continue
                }
                files[plugin, default: [:]][name] = path
            }
        }
    }

    /// As `--print-config` shows them: without the values.
    var json: JSONValue {
        .object(
            JSONObject(
                files.sorted { $0.key < $1.key }.map { plugin, secrets in
                    (
                        plugin,
                        .object(JSONObject(secrets.sorted { $0.key < $1.key }.map { ($0.key, .string($0.value)) }))
                    )
                }))
    }

    /// Reads every file; a value is its text without the newline at the end. A pipe can be read once.
    mutating func read(_ faults: inout [String]) {
        var values: [String: [String: String]] = [:]
        for (plugin, secrets) in files.sorted(by: { $0.key < $1.key }) {
            for (name, path) in secrets.sorted(by: { $0.key < $1.key }) {
                do throws(Fault) { values[plugin, default: [:]][name] = try Self.value(of: path) } catch {
                    faults.append("\(Self.key): \(plugin).\(name): \(path) \(error.reason)")
                }
            }
        }
        secrets = PluginSecrets(values)
    }

    private struct Fault: Error { var reason: String }

    private static func value(of path: String) throws(Fault) -> String {
        var text: String
        do throws(InputFileError) { text = try InputFile.text(path, bytesMax: InputFile.secretBytesMax) } catch {
            throw Fault(reason: error.reason)
        }
        if text.last?.isNewline == true { text.removeLast() }
        let (least, most) = (PluginSecrets.valueBytesMin, PluginSecrets.valueBytesMax)
        guard (least...most).contains(text.utf8.count) else {
            throw Fault(reason: "holds \(text.utf8.count) bytes; a secret has \(least) to \(most)")
        }
        return text
    }

    private static func isName(_ text: String) -> Bool {
        (1...128).contains(text.utf8.count)
            && text.utf8.allSatisfy { byte in
                let letter = byte | 0x20
                return (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(letter)
                    || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) || "-_.".utf8.contains(byte)
            }
    }
}
