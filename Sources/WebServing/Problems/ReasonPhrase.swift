import HTTPTypes

/// The reason phrases of RFC 9110, for problem titles and status lines.
enum ReasonPhrase {
    static func of(_ status: Int) -> String {
        let phrase = HTTPResponse.Status(code: status).reasonPhrase
        return phrase.isEmpty ? "Status \(status)" : phrase
    }
}
