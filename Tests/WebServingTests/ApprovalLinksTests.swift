import Testing
import WebServing
import WorkflowModel

@Suite("links of approvals")
struct ApprovalLinksTests {
    private let links = ApprovalLinks(key: Array(repeating: 7, count: 32))
    private let expires = Timestamp("2026-01-06T10:00:00.000000Z")!
    private let approval = "01970f00-7a3b-7c4d-8e5f-0123456789ab:gate:review"

    private func token(approver: String = "alice") -> String {
        links.token(approvalID: approval, approver: approver, expires: expires, nonce: "n1")
    }

    private func error(of token: String, now: Timestamp? = nil) -> ApprovalLinkError? {
        do throws(ApprovalLinkError) {
            _ = try links.claims(of: token, now: now ?? expires + .seconds(-1))
            return nil
        } catch { return error }
    }

    @Test("a token says what it was made of", arguments: ["alice", "data-stewards", "a|b||c", "ünïcode 名", ""])
    func roundTrip(approver: String) throws {
        let claims = try links.claims(of: token(approver: approver), now: expires + .seconds(-1))
        #expect(claims == .init(approvalID: approval, approver: approver, expires: expires, nonce: "n1"))
    }

    @Test("a token is the one that others compute from the same key")
    func knownToken() {
        // printf %s "$CLAIMS" | basenc --base64url, and openssl dgst -sha256 -mac HMAC -macopt hexkey:07… over that.
        #expect(
            token() == """
                MDE5NzBmMDAtN2EzYi03YzRkLThlNWYtMDEyMzQ1Njc4OWFiOmdhdGU6cmV2aWV3fGFsaWNlfDIwMjYtMDEtMDZUMTA6MDA6MDAu\
                MDAwMDAwWnxuMQ.aK5F-LsbFDxYSa6WEsXy7rUKNl1M5MrTwp1Ht8R0CNI
                """)
    }

    @Test("any changed character makes a token invalid")
    func everyCharacterCounts() {
        let token = Array(token().utf8)
        for index in token.indices {
            var changed = token
            changed[index] = changed[index] == UInt8(ascii: "A") ? UInt8(ascii: "B") : UInt8(ascii: "A")
            #expect(error(of: String(decoding: changed, as: UTF8.self)) == .notValid, "character \(index)")
        }
    }

    @Test("another key's token is invalid")
    func otherKey() {
        let other = ApprovalLinks(key: Array(repeating: 8, count: 32))
        #expect(
            error(of: other.token(approvalID: approval, approver: "alice", expires: expires, nonce: "n1")) == .notValid)
    }

    @Test(
        "what is no token is invalid",
        arguments: ["", ".", "..", "a.b", "a", "Zm9v.", "=.=", "é.é", String(repeating: "A", count: 1 << 20)])
    func malformed(text: String) { #expect(error(of: text) == .notValid) }

    @Test("padding, a second code or another alphabet makes a token invalid")
    func oneSpelling() {
        #expect(error(of: token() + "=") == .notValid)
        #expect(error(of: token() + ".AAAA") == .notValid)
        #expect(error(of: " " + token()) == .notValid)
    }

    @Test("an expired token tells what it was for, from its very last moment on")
    func expired() {
        let claims = ApprovalLinks.Claims(approvalID: approval, approver: "alice", expires: expires, nonce: "n1")
        #expect(error(of: token(), now: expires) == .expired(claims))
        #expect(error(of: token(), now: expires + .seconds(86_400)) == .expired(claims))
        #expect(error(of: token(), now: expires + .microseconds(-1)) == nil)
    }
}
