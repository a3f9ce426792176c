import Testing
import WorkflowEngine

@testable import StepHosting

@Suite("what a step says of its failure") struct StepFailurePayloadTests {
    @Test("a step cannot claim a fault of the machine, which would cost no attempt", arguments: [
        "host_lost", "interrupted",
    ])
    func claims(_ code: String) {
        let failure = StepFailurePayload(Array(#"{"code":"\#(code)","message":"so they say"}"#.utf8), bytesMax: 100)
        #expect(failure.code == StepErrorCode.failed && failure.message == "so they say")
    }

    @Test("a code of its own is kept")
    func ownCode() {
        #expect(StepFailurePayload(Array(#"{"code":"card_declined"}"#.utf8), bytesMax: 100).code == "card_declined")
    }
}
