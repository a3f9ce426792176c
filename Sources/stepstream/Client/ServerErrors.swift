import AsyncHTTPClient
import NIOCore
import NIOHTTP1
import NIOPosix
import WorkflowModel

/// The server did not answer, or not to the end.
struct ConnectionError: ExitStatusError, CustomStringConvertible {
    let base: String
    /// In words, without the library's names.
    let reason: String

    var exitStatus: ExitStatus { .failed }
    var description: String {
        "no server answers at \(base): \(reason); start one with `stepstream serve`, or give --url another address"
    }

    init(base: String, _ error: any Error) {
        self.base = base
        reason = Self.reason(error)
    }

    private static func reason(_ error: any Error) -> String {
        switch error {
        case let error as IOError: return Platform.text(ofErrno: error.errnoCode)
        case let error as NIOConnectionError:
            if let first = error.connectionErrors.first { return reason(first.error) }
            return "the name \(error.host) cannot be resolved"
        case is SocketAddressError, is SocketAddressError.UnknownHost: return "its name cannot be resolved"
        case let error as HTTPClientError: return reason(error)
        case is HTTPParserError: return "what answers does not speak HTTP"
        case ChannelError.connectTimeout(_): return "no connection in time"
        default:
            // The library for TLS belongs to another room.
            if String(reflecting: type(of: error)).hasPrefix("NIOSSL.") {
                return "there is no TLS with it (\(tlsReason("\(error)"))); the address may have to begin with http://"
            }
            return "the connection failed"
        }
    }

    /// `wrong version number` of BoringSSL's `…:OPENSSL_internal:WRONG_VERSION_NUMBER at FILE:LINE`.
    private static func tlsReason(_ text: String) -> String {
        guard let mark = text.firstRange(of: "OPENSSL_internal:") else { return "the handshake failed" }
        let word = text[mark.upperBound...].prefix { $0 == "_" || $0.isNumber || $0.isUppercase }
        return word.isEmpty ? "the handshake failed" : word.lowercased().replacing("_", with: " ")
    }

    private static func reason(_ error: HTTPClientError) -> String {
        switch error {
        case .connectTimeout: "no connection within 10 s"
        case .deadlineExceeded, .readTimeout: "no answer in time"
        case .remoteConnectionClosed: "it closed the connection"
        default: error.shortDescription
        }
    }
}

/// An answer that is not 2xx: the server's problem in words, with every fault on a line of its own.
struct ServerRefusal: ExitStatusError, CustomStringConvertible {
    let status: HTTPResponseStatus
    /// The problem's code, such as `unknown_workflow`.
    let code: String?
    let description: String

    var exitStatus: ExitStatus { status.code == 422 || status.code == 400 ? .usage : .failed }
    /// Whether the same request may succeed a little later.
    var isTransient: Bool { [429, 502, 503, 504].contains(status.code) }

    /// - Parameter isAnonymous: whether the request came without a token.
    init(_ status: HTTPResponseStatus, _ bytes: [UInt8], isAnonymous: Bool) {
        self.status = status
        guard let problem = try? JSONValue(parsing: bytes), let detail = problem["detail"]?.stringValue else {
            code = nil
            description = "the server answered \(status)"
            return
        }
        code = problem["code"]?.stringValue
        let hint = status == .unauthorized && isAnonymous ? "; give --token-file or STEPSTREAM_TOKEN_FILE" : ""
        var lines = ["\(detail) [\(code ?? "\(status.code)")]\(hint)"]
        for fault in problem["faults"]?.arrayValue ?? [] {
            let line = fault["line"]?.intValue.map { "\($0):\(fault["column"]?.intValue ?? 1): " } ?? ""
            let path = fault["path"]?.stringValue.map { $0.isEmpty ? "" : "\($0): " } ?? ""
            lines.append("  \(line)\(path)\(fault["message"]?.stringValue ?? "")")
        }
        lines += (problem["approvals"]?.arrayValue ?? []).compactMap(\.stringValue).map { "  --approval-id \($0)" }
        if let comment = problem["comment"]?.stringValue { lines.append("  comment: \(comment)") }
        // A line of the message is one line, whatever the server put into it.
        description = lines.map(VisibleText.escaped).joined(separator: "\n")
    }
}
