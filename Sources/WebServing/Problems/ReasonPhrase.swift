import NIOHTTP1

/// The reason phrases of the registry of HTTP status codes (RFC 9110), for problem titles.
enum ReasonPhrase {
    static func of(_ status: Int) -> String {
        switch status {
        // NIO still has those of RFC 2616 and RFC 4918.
        case 413: "Content Too Large"
        case 422: "Unprocessable Content"
        default: HTTPResponseStatus(statusCode: status).reasonPhrase
        }
    }
}
