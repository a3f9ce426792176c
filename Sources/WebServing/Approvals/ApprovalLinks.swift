import Crypto
package import WorkflowModel

/// Makes and checks the tokens of the links by which approvers decide, `/approvals/{token}`.
///
/// A token is `base64url(approval_id|approver|expires|nonce)`, a dot, and the base64url of the HMAC-SHA256 (RFC 2104)
/// over the text before the dot. It says who may decide what until when; that it is used once is the journal's part,
/// by the nonce. Whoever makes links and whoever takes them have the same key.
package struct ApprovalLinks: Sendable {
    /// What a token says.
    package struct Claims: Hashable, Sendable {
        package var approvalID: String
        /// The name or group the link was made for.
        package var approver: String
        package var expires: Timestamp
        /// Tells tokens of the same approver and approval apart.
        package var nonce: String
        package init(approvalID: String, approver: String, expires: Timestamp, nonce: String) {
            self.approvalID = approvalID
            self.approver = approver
            self.expires = expires
            self.nonce = nonce
        }
    }

    /// As many as the hash gives: fewer would be weaker than it, more would be no stronger.
    package static let keyBytesMin = 32
    /// Longer texts are no tokens of ours; names of approvers and steps are far shorter.
    static let tokenBytesMax = 4096

    private let key: SymmetricKey

    /// - Parameter key: at least `keyBytesMin` bytes that nobody can guess.
    package init(key: [UInt8]) {
        precondition(key.count >= Self.keyBytesMin, "the key of approval links has at least 32 bytes")
        self.key = SymmetricKey(data: key)
    }

    /// - Parameters:
    ///   - approvalID: without `|`, as every approval's ID is.
    ///   - nonce: without `|`.
    package func token(approvalID: String, approver: String, expires: Timestamp, nonce: String) -> String {
        precondition(!approvalID.contains("|") && !nonce.contains("|"), "an approval's ID and a nonce have no |")
        let claims = Base64URL.encode("\(approvalID)|\(approver)|\(expires)|\(nonce)".utf8)
        return "\(claims).\(Base64URL.encode(HMAC<SHA256>.authenticationCode(for: Array(claims.utf8), using: key)))"
    }

    /// What the token says, when it is genuine and still good at `now`.
    ///
    /// - Throws: `notValid` for whatever was not made with this key, without saying why; `expired` with the claims.
    package func claims(of token: String, now: Timestamp) throws(ApprovalLinkError) -> Claims {
        let parts = token.utf8.count <= Self.tokenBytesMax ? token.split(separator: ".", maxSplits: 2) : []
        // The code is compared in constant time, and before anything is read.
        guard parts.count == 2, let code = Base64URL.decode(parts[1]),
            HMAC<SHA256>.isValidAuthenticationCode(code, authenticating: Array(parts[0].utf8), using: key),
            let claims = Base64URL.decode(parts[0]).flatMap(Self.claims)
        else { throw .notValid }
        guard now < claims.expires else { throw .expired(claims) }
        return claims
    }

    /// The name of an approver may hold a `|`, no other part does.
    private static func claims(_ bytes: [UInt8]) -> Claims? {
        let parts = String(decoding: bytes, as: UTF8.self).split(separator: "|", omittingEmptySubsequences: false)
        guard parts.count >= 4, let expires = Timestamp(parts[parts.count - 2]) else { return nil }
        return Claims(
            approvalID: String(parts[0]), approver: parts[1..<(parts.count - 2)].joined(separator: "|"),
            expires: expires, nonce: String(parts[parts.count - 1]))
    }
}

/// Why a link cannot be used.
package enum ApprovalLinkError: Error, Hashable, Sendable {
    /// Malformed, or made with another key: nothing is known of it.
    case notValid
    /// Genuine and past its time: its claims say of what.
    case expired(ApprovalLinks.Claims)
}
