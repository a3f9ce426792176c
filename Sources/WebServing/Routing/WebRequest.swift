import HTTPTypes
import HummingbirdCore
import NIOCore
package import WorkflowModel

/// A request as a route's handler sees it.
package struct WebRequest: Sendable {
    package let method: WebMethod
    /// The path as it was sent, still percent-encoded.
    package let path: String
    package let query: WebQuery
    package let caller: Caller
    /// Unique within the process; also in the answer's `x-request-id` and in log lines.
    package let requestID: String
    let pathParameters: [String: String]
    private let fields: HTTPFields
    /// Where the request came from; empty when that is not known.
    package let address: String
    /// Tells when the client is gone.
    package let client: ClientPresence
    private let source: Body

    /// Where the body is read from, and its limits.
    struct Body: Sendable {
        var parts = RequestBody(buffer: ByteBuffer())
        var bytesMax = 0
        var budget = MemoryBudget(bytesMax: 0)
        /// Tells the connection that the body is about to be read.
        var announce: @Sendable () -> Void = {}
    }

    init(
        method: WebMethod, path: String, query: WebQuery, pathParameters: [String: String], fields: HTTPFields,
        caller: Caller, requestID: String, body: Body, address: String, client: ClientPresence = ClientPresence()
    ) {
        self.method = method
        self.path = path
        self.query = query
        self.pathParameters = pathParameters
        self.fields = fields
        self.caller = caller
        self.requestID = requestID
        self.source = body
        self.address = address
        self.client = client
    }

    /// The decoded text of `{name}` in the route's path; empty for a name the route does not have.
    package func pathParameter(_ name: String) -> String { pathParameters[name] ?? "" }

    /// The first header of that name, in any letter case.
    package func header(_ name: String) -> String? { HTTPField.Name(name).flatMap { fields[$0] } }

    /// The conditions of `If-Match` and `If-None-Match`.
    /// - Throws: 400 `invalid_condition`.
    package var preconditions: Preconditions {
        get throws(Problem) {
            try Preconditions(match: header("if-match"), noneMatch: header("if-none-match"))
        }
    }

    /// The media type of the body in lower case, without parameters; nil when the request names none.
    package var mediaType: String? {
        fields[.contentType].map { value in
            let bare = value.prefix { $0 != ";" && $0 != " " }
            return bare.lowercased()
        }
    }

    /// The whole body; call it once.
    /// - Throws: 415 `unsupported_content_encoding`; 413 `body_too_large` beyond the route's limit; 429
    ///   `too_many_bytes` when other requests' bodies use up the memory for bodies; 400 `body_incomplete` when the
    ///   connection breaks.
    package func body() async throws(Problem) -> [UInt8] {
        let memory = try BodyMemory(source.budget)
        if let coding = fields[.contentEncoding], coding.lowercased() != "identity" {
            throw Problem(
                415, "unsupported_content_encoding", "bodies are read as they are, not in \(coding)",
                headers: [WebHeader("accept-encoding", "identity")])
        }
        let limit = source.bytesMax
        let tooLarge = Problem(
            413, "body_too_large", "the body exceeds the limit of \(limit) bytes",
            members: ["limit_bytes": .int(Int64(limit))],
            // The rest of the body is not read.
            headers: [WebHeader("connection", "close")])
        let length = fields[.contentLength].flatMap { Int($0) }
        if let length, length > limit { throw tooLarge }
        if fields[.expect] != nil { source.announce() }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(length ?? 0)
        do {
            for try await part in source.parts {
                guard bytes.count + part.readableBytes <= limit else { throw tooLarge }
                try memory.hold(byteCount: bytes.count + part.readableBytes)
                bytes.append(contentsOf: part.readableBytesView)
            }
        } catch let problem as Problem {
            throw problem
        } catch {
            throw Problem(400, "body_incomplete", "the body ended early")
        }
        return bytes
    }

    /// The body as JSON; a request that names another media type is refused.
    /// - Throws: what `body` throws, 415 `unsupported_media_type`, 400 `invalid_json` with line and column.
    package func json() async throws(Problem) -> JSONValue { try await json(within: source.budget).value }

    /// The body as JSON, with the memory that its values take out of the given budget, which may be the route's own.
    package func json(
        within budget: MemoryBudget
    ) async throws(Problem) -> (value: JSONValue, share: MemoryBudget.Share) {
        if let mediaType, mediaType != "application/json", !mediaType.hasSuffix("+json") {
            throw Problem(415, "unsupported_media_type", "expected application/json, not \(mediaType)")
        }
        let length = fields[.contentLength].flatMap { Int($0) } ?? 0
        if length <= source.bytesMax { try BodyMemory.check(budget, announcedByteCount: length) }
        let bytes = try await body()
        let share = try BodyMemory.share(of: budget, forJSON: bytes)
        do {
            return (try JSONValue(parsing: bytes), share)
        } catch {
            throw Problem(error)
        }
    }
}
