import AsyncHTTPClient
import FoundationEssentials
import NIOCore
import NIOHTTP1
import WorkflowModel

/// Talks to a running server over its public HTTP surface.
struct ServerClient {
    static let urlDefault = "http://127.0.0.1:8000"
    static let answerBytesMax = 64 << 20
    static let requestTimeout = TimeAmount.seconds(70)

    let base: String
    private let token: String?

    /// `--url` over `STEPSTREAM_URL` over the default; `--token-file` over `STEPSTREAM_TOKEN_FILE` over no token.
    /// - Throws: `CommandError` when the token's file cannot be read.
    init(url: String?, tokenFile: String?) throws(CommandError) {
        let environment = ProcessInfo.processInfo.environment
        let chosen = url ?? environment["STEPSTREAM_URL"] ?? Self.urlDefault
        base = chosen.hasSuffix("/") ? String(chosen.dropLast()) : chosen
        guard let file = tokenFile ?? environment["STEPSTREAM_TOKEN_FILE"] else {
            token = nil
            return
        }
        guard let data = FileManager.default.contents(atPath: file) else {
            throw CommandError(.usage, "the token file \(file) cannot be read")
        }
        token = String(decoding: data, as: UTF8.self).filter { !$0.isWhitespace }
    }

    /// - Throws: `CommandError` for an answer that is not 2xx, with its faults, or when nothing listens.
    func call(
        _ method: HTTPMethod, _ path: String, body: [UInt8]? = nil, contentType: String = "application/json",
        headers: [(String, String)] = []
    ) async throws -> JSONValue {
        var request = HTTPClientRequest(url: base + path)
        request.method = method
        if let body {
            request.headers.add(name: "content-type", value: contentType)
            request.body = .bytes(ByteBuffer(bytes: body))
        }
        authorize(&request)
        for (name, value) in headers { request.headers.add(name: name, value: value) }
        let response: HTTPClientResponse
        let bytes: [UInt8]
        do {
            response = try await HTTPClient.shared.execute(request, timeout: Self.requestTimeout)
            bytes = Array(buffer: try await response.body.collect(upTo: Self.answerBytesMax))
        } catch { throw unreachable(error) }
        guard (200...299).contains(response.status.code) else { throw Self.refusal(response.status, bytes) }
        if bytes.isEmpty { return .null }
        do {
            return try JSONValue(parsing: bytes, limits: JSONLimits(depthMax: 128, bytesMax: Self.answerBytesMax))
        } catch { throw CommandError(.failed, "\(base)\(path) did not answer with JSON: \(error)") }
    }

    /// The execution's events after `sequence`, one JSON object each, until the final one; by server-sent events.
    func events(
        of execution: String, after sequence: Int, _ take: (_ event: [UInt8]) throws -> Void
    ) async throws {
        var request = HTTPClientRequest(url: "\(base)/api/v1/workflows/stream/\(execution)?after=\(sequence)")
        request.headers.add(name: "accept", value: "text/event-stream")
        authorize(&request)
        let response: HTTPClientResponse
        do { response = try await HTTPClient.shared.execute(request, deadline: .distantFuture) } catch {
            throw unreachable(error)
        }
        guard response.status == .ok else {
            throw Self.refusal(response.status, Array(buffer: try await response.body.collect(upTo: 1 << 20)))
        }
        var lines = EventStreamLines()
        for try await part in response.body {
            for data in lines.take(part.readableBytesView) { try take(data) }
        }
    }

    private func authorize(_ request: inout HTTPClientRequest) {
        if let token { request.headers.add(name: "authorization", value: "Bearer \(token)") }
    }

    private func unreachable(_ error: any Error) -> CommandError {
        CommandError(
            .failed, "no server answers at \(base) (\(error)); start one with `stepstream serve` or give --url")
    }

    /// The server's problem in words, with every fault on a line of its own.
    private static func refusal(_ status: HTTPResponseStatus, _ bytes: [UInt8]) -> CommandError {
        let exit = status.code == 422 || status.code == 400 ? ExitStatus.usage : .failed
        guard let problem = try? JSONValue(parsing: bytes), let detail = problem["detail"]?.stringValue else {
            return CommandError(exit, "the server answered \(status)")
        }
        var lines = ["\(detail) [\(problem["code"]?.stringValue ?? "\(status.code)")]"]
        for fault in problem["faults"]?.arrayValue ?? [] {
            let line = fault["line"]?.intValue.map { "\($0):\(fault["column"]?.intValue ?? 1): " } ?? ""
            let path = fault["path"]?.stringValue.map { $0.isEmpty ? "" : "\($0): " } ?? ""
            lines.append("  \(line)\(path)\(fault["message"]?.stringValue ?? "")")
        }
        lines += (problem["approvals"]?.arrayValue ?? []).compactMap(\.stringValue).map { "  --approval-id \($0)" }
        if let comment = problem["comment"]?.stringValue { lines.append("  comment: \(comment)") }
        return CommandError(exit, lines.joined(separator: "\n"))
    }
}
