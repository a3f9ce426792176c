import WorkflowModel

/// One event of each type, the counterparts of the files in `Golden`.
enum SampleEvents {
    static let all: [WorkflowEvent] = EventType.allCases.compactMap(sample)

    static let executionID = ExecutionID("01970f00-7a3b-7c4d-8e5f-0123456789ab")

    private static var id: String { executionID?.description ?? "" }
    private static let deadline = Timestamp(microseconds: 1_767_693_602_000_000)

    static func sample(_ type: EventType) -> WorkflowEvent? {
        switch type {
        case .executionStarted:
            event(
                1, "2026-01-05T10:00:00.000000Z", 0,
                .executionStarted(
                    .init(
                        deliverableType: "data_quality_report", totalSteps: 3,
                        startedAt: Timestamp(microseconds: 1_767_607_200_000_000), definitionRevision: 12)))
        case .stepStarted:
            event(
                2, "2026-01-05T10:00:00.000250Z", 0,
                .stepStarted(.init(stepNumber: 1, stepName: "parse", function: "tabular.parse", attempt: 1)))
        case .stepCompleted:
            event(
                5, "2026-01-05T10:00:00.123456Z", 66,
                .stepCompleted(
                    .init(
                        stepNumber: 2, stepName: "score", executionTimeMilliseconds: 12.4, progress: 66, attempt: 1,
                        queuedMilliseconds: 0.1)))
        case .stepFailed:
            event(
                7, "2026-01-05T10:00:01.500000Z", 66,
                .stepFailed(
                    .init(
                        stepNumber: 3, stepName: "report", executionTimeMilliseconds: 1042,
                        errorMessage: "line 3: \"path\" C:\\tmp/a\n\u{1} ungültig 🚫", progress: 66, attempt: 3,
                        queuedMilliseconds: 0.0571, errorCode: "invalid_input")))
        case .executionCompleted:
            event(
                8, "2026-01-05T10:00:02.000001Z", 100,
                .executionCompleted(
                    .init(riskScore: 72.5, requiresApproval: true, totalSteps: 3, successfulSteps: 2)))
        case .executionFailed:
            event(
                9, "2026-12-31T23:59:59.999999Z", 66, isFinal: true,
                .executionFailed(
                    .init(errorMessage: "step report failed", failedStep: "report", errorCode: "crashed")))
        case .stepRetrying:
            event(
                4, "2026-01-05T10:00:00.200000Z", 33,
                .stepRetrying(
                    .init(
                        stepNumber: 2, stepName: "score", attempt: 1, errorCode: "timeout",
                        errorMessage: "no answer within 30 s", executionTimeMilliseconds: 30000.001,
                        nextAttemptAt: Timestamp(microseconds: 1_767_607_200_387_000))))
        case .stepSkipped:
            event(
                6, "2028-02-29T00:00:00.000000Z", 28,
                .stepSkipped(.init(stepNumber: 29, stepName: "score", reason: "when is false", progress: 28)))
        case .executionCancelled:
            event(
                10, "2026-01-05T10:00:03.000000Z", 33, isFinal: true, workflow: "prüfung",
                .executionCancelled(
                    .init(reason: "no longer needed", requestedBy: "ops@example.com", progress: 33)))
        case .approvalRequested:
            event(
                8, "2026-01-05T10:00:02.000000Z", 100,
                .approvalRequested(
                    .init(
                        approvalID: "\(id):release", kind: .release, stepName: nil,
                        approvers: ["data-stewards", "alice"], quorum: 2, fourEyes: true, deadlineAt: deadline,
                        riskScore: 72.5, reason: "risk_score >= 70",
                        formSchema: ["type": "object", "required": ["ticket"]])))
        case .approvalVote:
            event(
                10, "2026-01-05T10:05:00.000000Z", 100,
                .approvalVote(
                    .init(
                        approvalID: "\(id):release", approver: "alice", decision: .approve,
                        comment: "“seen”\nwith Bob", at: Timestamp(microseconds: 1_767_607_500_000_000))))
        case .approvalReminder:
            event(
                11, "2026-01-05T14:00:02.000000Z", 100,
                .approvalReminder(
                    .init(approvalID: "\(id):release", stage: 1, approvers: ["data-stewards"], deadlineAt: deadline)))
        case .approvalEscalated:
            event(
                12, "2026-01-05T22:00:02.000000Z", 100,
                .approvalEscalated(
                    .init(
                        approvalID: "\(id):release", stage: 2, approvers: ["data-stewards", "managers"],
                        deadlineAt: nil)))
        case .approvalGranted:
            event(
                13, "2026-01-05T22:30:00.000000Z", 100, isFinal: true,
                .approvalGranted(
                    .init(approvalID: "\(id):release", decidedBy: "bob", comment: nil, policy: .quorum)))
        case .approvalRejected:
            event(
                6, "2026-01-05T10:00:09.000000Z", 33,
                .approvalRejected(
                    .init(approvalID: "\(id):gate:review", decidedBy: "bob", comment: "no", policy: .rejection)))
        case .approvalExpired:
            event(
                9, "2026-01-06T10:00:02.000000Z", 100, isFinal: true,
                .approvalExpired(
                    .init(approvalID: "\(id):release", decidedBy: nil, comment: nil, policy: .deadline)))
        }
    }

    private static func event(
        _ sequence: Int, _ time: String, _ progress: Int, isFinal: Bool = false, workflow: String = "dataset-review",
        _ data: EventData
    ) -> WorkflowEvent? {
        guard let executionID, let time = Timestamp(time) else { return nil }
        return WorkflowEvent(
            executionID: executionID, workflow: workflow, sequence: sequence, time: time, progress: progress,
            isFinal: isFinal, data: data)
    }
}
