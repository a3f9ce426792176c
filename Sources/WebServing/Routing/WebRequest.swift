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
    private let bodySource: RequestBody
    private let bodyBytesMax: Int

    init(
        method: WebMethod, path: String, query: WebQuery, pathParameters: [String: String], fields: HTTPFields,
        caller: Caller, requestID: String, body: RequestBody, bodyBytesMax: Int
    ) {
        self.method = method
        self.path = path
        self.query = query
        self.pathParameters = pathParameters
        self.fields = fields
        self.caller = caller
        self.requestID = requestID
        self.bodySource = body
        self.bodyBytesMax = bodyBytesMax
    }

    /// The decoded text of `{name}` in the route's path; empty for a name the route does not have.
    package func pathParameter(_ name: String) -> String { pathParameters[name] ?? "" }

    /// The first header of that name, in any letter case.
    package func header(_ name: String) -> String? { HTTPField.Name(name).flatMap { fields[$0] } }

    /// The media type of the body in lower case, without parameters; nil when the request names none.
    package var mediaType: String? {
        fields[.contentType].map { value in
            let bare = value.prefix { $0 != ";" && $0 != " " }
            return bare.lowercased()
        }
    }

    /// The whole body; call it once.
    /// - Parameter bytesMax: below the server's own limit, for routes that take less.
    /// - Throws: 413 `body_too_large`, or 400 `body_incomplete` when the connection breaks.
    package func body(bytesMax: Int = .max) async throws(Problem) -> [UInt8] {
        let limit = min(bytesMax, bodyBytesMax)
        let tooLarge = Problem(
            413, "body_too_large", "the body exceeds the limit of \(limit) bytes",
            members: ["limit_bytes": .int(Int64(limit))],
            // What follows of the body is not worth reading.
            headers: [WebHeader("connection", "close")])
        if let length = fields[.contentLength].flatMap({ Int($0) }), length > limit { throw tooLarge }
        var bytes: [UInt8] = []
        do {
            for try await part in bodySource {
                guard bytes.count + part.readableBytes <= limit else { throw tooLarge }
                bytes.append(contentsOf: part.readableBytesView)
            }
        } catch let problem as Problem {
            throw problem
        } catch {
            throw Problem(400, "body_incomplete", "the body ended early")
        }
        return bytes
    }

    /// The body as JSON, refused unless its media type is JSON or not named.
    /// - Throws: 413 `body_too_large`, 415 `unsupported_media_type`, 400 `invalid_json` with line and column.
    package func json(limits: JSONLimits = JSONLimits()) async throws(Problem) -> JSONValue {
        if let mediaType, mediaType != "application/json", !mediaType.hasSuffix("+json") {
            throw Problem(415, "unsupported_media_type", "expected application/json, not \(mediaType)")
        }
        let bytes = try await body(bytesMax: limits.bytesMax)
        do {
            return try JSONValue(parsing: bytes, limits: limits)
        } catch {
            throw Problem(error)
        }
    }
}
