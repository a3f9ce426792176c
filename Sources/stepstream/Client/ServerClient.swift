import AsyncHTTPClient
import FoundationEssentials
import NIOCore
import NIOHTTP1
import WorkflowModel

/// Talks to a running server over its public HTTP surface.
struct ServerClient: Sendable {
    static let urlDefault = "http://127.0.0.1:8000"
    static let answerBytesMax = 64 << 20
    static let requestTimeout = TimeAmount.seconds(70)

    let base: String
    private let token: String?

    /// One connection attempt is one attempt: the library would try for as long as a request may take, and a wrong
    /// address would look like a slow server.
    private static let http: HTTPClient = {
        var configuration = HTTPClient.Configuration()
        configuration.connectionPool.retryConnectionEstablishment = false
        configuration.timeout.connect = .seconds(10)
        configuration.httpVersion = .http1Only
        return HTTPClient(eventLoopGroupProvider: .singleton, configuration: configuration)
    }()

    /// `--url` over `STEPSTREAM_URL` over the default; `--token-file` over `STEPSTREAM_TOKEN_FILE` over no token.
    /// - Throws: `CommandError` for what is no URL of a server, or of a token.
    init(url: String?, tokenFile: String?) throws {
        let environment = ProcessInfo.processInfo.environment
        let chosen = url ?? environment["STEPSTREAM_URL"] ?? Self.urlDefault
        guard ServerAddress.isURL(chosen) else {
            let source = url == nil ? "STEPSTREAM_URL" : "--url"
            throw CommandError(
                .usage, "\(source) is \"\(chosen)\", no server's address; give a URL such as \(Self.urlDefault)")
        }
        base = chosen.hasSuffix("/") ? String(chosen.dropLast()) : chosen
        let source = tokenFile == nil ? "STEPSTREAM_TOKEN_FILE" : "--token-file"
        token = try (tokenFile ?? environment["STEPSTREAM_TOKEN_FILE"]).map { try Self.token(in: $0, source) }
    }

    private static func token(in path: String, _ source: String) throws -> String {
        guard !path.isEmpty else { throw CommandError(.usage, "\(source) is empty; give the file of a token") }
        do throws(InputFileError) {
            let token = try InputFile.token(path)
            guard !token.isEmpty else { throw InputFileError(path: path, reason: "is empty; give the file of a token") }
            return token
        } catch { throw CommandError(error.exitStatus, "\(source): \(error)") }
    }

    /// - Throws: `CommandError` for an answer that is not 2xx, with its faults; `ConnectionError`.
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
            response = try await Self.http.execute(request, timeout: Self.requestTimeout)
            bytes = Array(buffer: try await response.body.collect(upTo: Self.answerBytesMax))
        } catch { throw ConnectionError(base: base, error) }
        guard (200...299).contains(response.status.code) else {
            throw ServerRefusal(response.status, bytes, isAnonymous: token == nil)
        }
        if bytes.isEmpty { return .null }
        do {
            return try JSONValue(parsing: bytes, limits: .written)
        } catch { throw CommandError(.failed, "\(base)\(path) did not answer with JSON: \(error)") }
    }

    /// What a stream brings.
    enum StreamPart {
        /// The server answered; events follow.
        case opened
        /// One JSON object.
        case event([UInt8])
        /// The server is there and has nothing to say.
        case idle
    }

    /// The execution's events after `sequence`, by server-sent events, until the server ends the stream.
    /// - Throws: `ServerRefusal`, `ConnectionError`, what `take` throws.
    func events(of execution: String, after sequence: Int, _ take: (StreamPart) async throws -> Void) async throws {
        let path = "/api/v1/workflows/stream/\(URLText.segment(execution))?after=\(sequence)"
        var request = HTTPClientRequest(url: base + path)
        request.headers.add(name: "accept", value: "text/event-stream")
        authorize(&request)
        var body: HTTPClientResponse.Body.AsyncIterator
        do {
            let response = try await Self.http.execute(request, deadline: .distantFuture)
            guard response.status == .ok || response.status == .noContent else {
                throw ServerRefusal(
                    response.status, Array(buffer: try await response.body.collect(upTo: 1 << 20)),
                    isAnonymous: token == nil)
            }
            body = response.body.makeAsyncIterator()
        } catch let error as ServerRefusal { throw error } catch { throw ConnectionError(base: base, error) }
        try await take(.opened)
        var lines = EventStreamLines()
        while true {
            let part: ByteBuffer?
            do { part = try await body.next() } catch { throw ConnectionError(base: base, error) }
            guard let part else { return }
            for line in lines.take(part.readableBytesView) {
                switch line {
                case .event(let bytes): try await take(.event(bytes))
                case .comment: try await take(.idle)
                }
            }
        }
    }

    private func authorize(_ request: inout HTTPClientRequest) {
        if let token { request.headers.add(name: "authorization", value: "Bearer \(token)") }
    }
}
