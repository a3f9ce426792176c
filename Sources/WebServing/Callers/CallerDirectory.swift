/// The callers that a listener knows by their bearer tokens (RFC 6750).
///
/// Keeps no token, only its SHA-256: a look-up takes as long for a wrong token as for a right one, and what is in memory
/// does not open a door.
package struct CallerDirectory: Sendable {
    /// The shortest token that is taken.
    package static let tokenBytesMin = 16

    private var callers: [[UInt8]: Caller] = [:]

    package init() {}

    package var isEmpty: Bool { callers.isEmpty }

    /// - Returns: false when another caller has the same token.
    package mutating func add(_ caller: Caller, token: String) -> Bool {
        let digest = ContentDigest.sha256(Array(token.utf8))
        guard callers[digest] == nil else { return false }
        callers[digest] = caller
        return true
    }

    /// - Parameter authorization: the header's value.
    /// - Throws: 401 without a token that is known.
    func caller(authorization: String?) throws(Problem) -> Caller {
        guard let authorization else {
            throw Self.unauthorized("token_missing", "show a token: Authorization: Bearer …")
        }
        let parts = authorization.split(separator: " ", maxSplits: 1)
        guard parts.count == 2, parts[0].lowercased() == "bearer",
            let caller = callers[ContentDigest.sha256(Array(parts[1].utf8))]
        else { throw Self.unauthorized("token_refused", "the token is not known here") }
        return caller
    }

    private static func unauthorized(_ code: String, _ detail: String) -> Problem {
        Problem(401, code, detail, headers: [WebHeader("www-authenticate", "Bearer")])
    }
}
