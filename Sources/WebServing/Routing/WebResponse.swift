package import WorkflowModel

/// An answer: ready bytes, or a stream of events.
package struct WebResponse: Sendable {
    package enum Body: Sendable {
        case none
        case bytes([UInt8])
        /// Server-sent events (`text/event-stream`) until the session closes the connection. Where they may be over
        /// already, that is found out first, and answered with 204.
        case events(StreamOpening, mayBeOver: Bool)
    }

    package var status: Int
    package var headers: [WebHeader]
    package var body: Body

    package init(status: Int, headers: [WebHeader] = [], body: Body = .none) {
        self.status = status
        self.headers = headers
        self.body = body
    }

    /// 204 without a body.
    package static let noContent = WebResponse(status: 204)

    /// 304: the client has it already.
    package static func notModified(_ headers: [WebHeader]) -> WebResponse {
        WebResponse(status: 304, headers: headers)
    }

    /// JSON that is already encoded, sent as it is.
    package static func json(_ encoded: [UInt8], status: Int = 200, headers: [WebHeader] = []) -> WebResponse {
        .bytes(encoded, type: "application/json", status: status, headers: headers)
    }

    package static func json(_ value: JSONValue, status: Int = 200, headers: [WebHeader] = []) -> WebResponse {
        .json(value.encoded, status: status, headers: headers)
    }

    package static func bytes(
        _ bytes: [UInt8], type: String, status: Int = 200, headers: [WebHeader] = []
    ) -> WebResponse {
        WebResponse(status: status, headers: [WebHeader("content-type", type)] + headers, body: .bytes(bytes))
    }

    package static func problem(_ problem: Problem) -> WebResponse {
        .bytes(
            problem.encoded, type: "application/problem+json", status: problem.status, headers: problem.headers)
    }
}
