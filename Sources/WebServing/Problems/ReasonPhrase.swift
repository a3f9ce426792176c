import NIOHTTP1

/// The reason phrases of RFC 9110, for problem titles.
enum ReasonPhrase {
    static func of(_ status: Int) -> String {
        HTTPResponseStatus(statusCode: status).reasonPhrase
    }
}
