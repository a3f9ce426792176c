import WebServing

/// A file that never changes while the process runs: browsers keep it and ask whether it is still the same.
struct StaticFile: Sendable {
    private let type: String
    private let bytes: [UInt8]
    private let tag: String

    /// - Parameter type: of text, which is UTF-8.
    init(type: String, bytes: [UInt8]) {
        self.type = "\(type); charset=utf-8"
        self.bytes = bytes
        let digest = ContentDigest.sha256(bytes).prefix(16).map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }
        tag = "\"\(digest.joined())\""
    }

    func answer(_ request: WebRequest, headers: [WebHeader] = []) throws(Problem) -> WebResponse {
        let common = headers + [
            WebHeader("etag", tag), WebHeader("cache-control", "no-cache"),
            WebHeader("x-content-type-options", "nosniff"), WebHeader("referrer-policy", "same-origin"),
        ]
        if try request.preconditions.isKnown(tag: tag) { return .notModified(common) }
        return .bytes(bytes, type: type, headers: common)
    }
}
