import Glibc
import WorkflowModel

/// Reads what commands and settings name: files, pipes, `<( )`, `/dev/stdin`; `-` is standard input.
enum InputFile {
    static let bytesMax = 64 << 20
    /// For tokens, keys and certificates.
    static let secretBytesMax = 1 << 20

    /// Everything that can be read there. A pipe is read to its end, so each is read once.
    static func bytes(_ path: String, bytesMax: Int = Self.bytesMax) throws(InputFileError) -> [UInt8] {
        let read: [UInt8]?
        do throws(Errno) { read = try self.read(path, bytesMax: bytesMax) } catch {
            let hint = path.hasPrefix("~") ? "; ~ stands for no directory here, write the whole path" : ""
            throw InputFileError(
                path: path, reason: "cannot be read: \(error)\(hint)", isMissing: error.code == ENOENT)
        }
        guard let read else { throw InputFileError(path: path, reason: "exceeds \(bytesMax) bytes") }
        return read
    }

    private static func read(_ path: String, bytesMax: Int) throws(Errno) -> [UInt8]? {
        // A descriptor may be a socket, which cannot be opened by this name.
        if isStandardInput(path) { return try Descriptor.readAll(STDIN_FILENO, bytesMax: bytesMax) }
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw Errno(code: errno) }
        defer { close(descriptor) }
        return try Descriptor.readAll(descriptor, bytesMax: bytesMax)
    }

    static func isStandardInput(_ path: String) -> Bool { path == "-" || path == "/dev/stdin" }

    /// UTF-8 without a byte-order mark, as settings are.
    static func text(_ path: String, bytesMax: Int = Self.bytesMax) throws(InputFileError) -> String {
        let bytes = ByteOrderMark.skipped(try self.bytes(path, bytesMax: bytesMax))
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw InputFileError(path: path, reason: "is not UTF-8")
        }
        return text
    }

    /// The text of a secret's file, without white space around it.
    static func secret(_ path: String) throws(InputFileError) -> String {
        var secret = try text(path, bytesMax: secretBytesMax).drop(while: \.isWhitespace)
        while secret.last?.isWhitespace == true { secret.removeLast() }
        return String(secret)
    }

    /// A bearer token: what a header can carry, so that a second line is no part of a header.
    static func token(_ path: String) throws(InputFileError) -> String {
        let token = try secret(path)
        guard token.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) else {
            throw InputFileError(
                path: path, reason: "holds no token: a token is one line of ASCII characters without white space")
        }
        return token
    }

    static func json(_ path: String) throws -> JSONValue {
        let bytes = try self.bytes(path)
        do throws(JSONError) {
            return try JSONValue(parsing: bytes, limits: JSONLimits(bytesMax: Self.bytesMax))
        } catch {
            throw InputFileError(path: path, reason: "is not usable JSON: \(error)")
        }
    }
}

/// Why a file is of no use.
struct InputFileError: ExitStatusError, CustomStringConvertible {
    var path: String
    var reason: String
    /// There is no such file.
    var isMissing = false
    var exitStatus: ExitStatus { .usage }
    var description: String { "\(path == "-" ? "standard input" : path) \(reason)" }
}
