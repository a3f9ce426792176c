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
        nftw(path, { path, _, _, _ in path.map { remove($0) } ?? 0 }, 8, Int32(FTW_DEPTH.rawValue | FTW_PHYS.rawValue))
    }

    func file(_ name: String) -> String { "\(path)/\(name)" }
}
