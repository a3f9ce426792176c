import Testing
import WorkflowModel

@testable import ApprovalNotifier

@Suite("Webhook signatures")
struct WebhookSignatureTests {
    /// The first is what the libraries of the Standard Webhooks project test their signing with
    /// (standard-webhooks/standard-webhooks, `libraries/*`, "sign function works"); the second is the example of the
    /// specification's scheme as Svix, whose format it took over, documents it ("Verifying webhooks manually").
    @Test(
        "are those of the specification's own vectors",
        arguments: [
            (
                "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330,
                #"{"test": 2432232314}"#, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
            ),
            (
                "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD", "msg_27UH4WbU6Z5A5EzD8u03UvzRbpk", 1_649_367_553,
                #"{"email":"test@example.com","username":"test_user"}"#,
                "v1,tZ1I4/hDygAJgO5TYxiSd6Sd0kDW6hPenDe+bTa3Kkw="
            ),
        ] as [(String, String, Int64, String, String)])
    func vectors(_ secret: String, _ id: String, _ time: Int64, _ body: String, _ expected: String) throws {
        let signature = WebhookSignature(secrets: [try #require(WebhookSignature.secret(secret))])
        #expect(signature.header(id: id, timestamp: time, body: Array(body.utf8)) == expected)
    }

    @Test("stand side by side while a secret is replaced")
    func rotation() throws {
        let secrets = try ["MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "C2FVsBQIhrscChlQIMV+b5sSYspob7oD"].map {
            try #require(WebhookSignature.secret($0))
        }
        let each = secrets.map { WebhookSignature(secrets: [$0]).header(id: "a", timestamp: 1, body: []) }
        #expect(
            WebhookSignature(secrets: secrets).header(id: "a", timestamp: 1, body: []) == each.joined(separator: " "))
        #expect(each[0] != each[1])
    }

    @Test("take secrets of 24 to 64 bytes in base64")
    func secrets() {
        #expect(WebhookSignature.secret("whsec_" + String(repeating: "AAAA", count: 8))?.count == 24)
        #expect(WebhookSignature.secret("whsec_" + String(repeating: "AAAA", count: 7)) == nil)
        #expect(WebhookSignature.secret("whsec_" + String(repeating: "AAAA", count: 22)) == nil)
        #expect(WebhookSignature.secret("whsec_not base64, however long it may be made") == nil)
    }

    @Test(
        "answers are taken as the specification has them",
        arguments: [
            (200, .delivered), (204, .delivered), (302, .failed("the receiver answered 302")),
            (404, .failed("the receiver answered 404")), (410, .gone("the receiver answered 410")),
            (500, .failed("the receiver answered 500")),
            (429, .failed("the receiver answered 429", retryAfter: .seconds(7))),
            (502, .failed("the receiver answered 502", retryAfter: .seconds(7))),
            (503, .failed("the receiver answered 503", retryAfter: .seconds(7))),
            (504, .failed("the receiver answered 504", retryAfter: .seconds(7))),
        ] as [(Int, DeliveryOutcome)])
    func answers(_ status: Int, _ outcome: DeliveryOutcome) {
        #expect(
            WebhookSender.outcome(HTTPReceiver.Answer(status: status, retryAfter: .seconds(7), body: [])) == outcome)
    }
}
