import FoundationEssentials
import Glibc

/// A directory that goes with its owner.
final class TemporaryDirectory: Sendable {
    let path: String

    struct Failure: Error { var code: Int32 }

    init() throws {
        var template = Array("/tmp/stepstream-journal-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { throw Failure(code: errno) }
        path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    deinit {
        try? FileManager.default.removeItem(atPath: path)
    }

    func file(_ name: String) -> String { "\(path)/\(name)" }
}
