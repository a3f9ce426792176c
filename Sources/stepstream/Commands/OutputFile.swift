import FoundationEssentials
import Glibc
import WorkflowModel

/// Writes what a run put out.
enum OutputFile {
    /// A string as its text, anything else as JSON; `-` is standard output.
    static func write(_ output: JSONValue, to path: String) throws {
        let bytes = output.stringValue.map { Array($0.utf8) } ?? output.encoded
        if path == "-" {
            Platform.write(bytes + (bytes.last == 0x0A ? [] : [0x0A]), to: STDOUT_FILENO)
        } else {
            do { try Data(bytes).write(to: URL(filePath: path)) } catch {
                throw CommandError(.failed, "\(path) cannot be written: \(error)")
            }
        }
    }
}
