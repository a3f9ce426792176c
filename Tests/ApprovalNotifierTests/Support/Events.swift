import WorkflowModel

/// Approval events as the encoder writes them.
struct Events {
    let execution: ExecutionID
    private var sequence = 0
    static let start = Timestamp(microseconds: 1_767_607_200_000_000)

    init(_ number: Int) {
        var random = SeededGenerator(state: UInt64(number) + 1)
        execution = ExecutionID(at: Self.start, using: &random)
    }

    var approvalID: String { "\(execution):release" }

    mutating func requested(_ approvers: [String] = ["ann"], deadline: Timestamp? = nil) -> EncodedEvent {
        event(
            .approvalRequested(
                EventData.ApprovalRequested(
                    approvalID: approvalID, kind: .release, stepName: nil, approvers: approvers, quorum: 1,
                    fourEyes: false, deadlineAt: deadline, riskScore: 71.5, reason: "risk & <b>more</b>",
                    formSchema: ["type": "object"])))
    }

    mutating func reminder(_ stage: Int, _ approvers: [String] = ["ann"]) -> EncodedEvent {
        event(
            .approvalReminder(
                EventData.ApprovalNotice(
                    approvalID: approvalID, stage: stage, approvers: approvers, deadlineAt: nil)))
    }

    mutating func granted() -> EncodedEvent {
        event(
            .approvalGranted(
                EventData.ApprovalOutcome(approvalID: approvalID, decidedBy: "ann", comment: "fine", policy: .quorum)),
            isFinal: true)
    }

    mutating func other() -> EncodedEvent {
        event(.stepStarted(EventData.StepStarted(stepNumber: 1, stepName: "s", function: "p.f", attempt: 1)))
    }

    private mutating func event(_ data: EventData, isFinal: Bool = false) -> EncodedEvent {
        sequence += 1
        return EncodedEvent(
            WorkflowEvent(
                executionID: execution, workflow: "review", sequence: sequence, time: Self.start, progress: 100,
                isFinal: isFinal, data: data))
    }
}

/// SplitMix64 (Steele, Lea and Flood 2014).
struct SeededGenerator: RandomNumberGenerator {
    var state: UInt64
    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}
