package import WorkflowModel

package enum ApprovalStatus: String, CaseIterable, Sendable {
    case pending, granted, rejected, expired
}

/// Where one approval of an execution stands: the fold of its records.
package struct ApprovalState: Hashable, Sendable {
    /// `<execution>:release`, or `<execution>:gate:<step path>`.
    package let id: String
    package let kind: ApprovalKind
    /// The step that waits; nil for a release.
    package let path: String?
    /// Names and groups that may decide; more once it is escalated.
    package private(set) var approvers: [String]
    package let quorum: Int
    package let fourEyes: Bool
    package let reason: String
    /// The risk of the execution when it was asked for.
    package let risk: Double
    package let requestedAt: Timestamp
    package private(set) var deadlineAt: Timestamp?
    package private(set) var remindAt: Timestamp?
    package private(set) var escalateAt: Timestamp?
    /// Reminders and escalations so far.
    package private(set) var stage = 0
    package private(set) var isEscalated = false
    package private(set) var votes: [RecordBody.ApprovalVoted] = []
    package private(set) var status = ApprovalStatus.pending
    package private(set) var decision: RecordBody.ApprovalDecided?

    package static func id(_ execution: ExecutionID, _ kind: ApprovalKind, path: String?) -> String {
        "\(execution):\(kind.rawValue)" + (path.map { ":" + $0 } ?? "")
    }

    init(_ body: RecordBody.ApprovalRequested, _ definition: ApprovalDefinition) {
        id = body.id
        kind = body.kind
        path = body.path
        approvers = definition.approvers
        quorum = definition.quorum
        fourEyes = definition.fourEyes
        reason = body.reason
        risk = body.risk
        requestedAt = body.at
        deadlineAt = body.deadlineAt
        remindAt = body.remindAt
        escalateAt = body.escalateAt
    }

    package var isPending: Bool { status == .pending }

    /// The soonest of what is to happen without a vote; nil when nothing is.
    package var nextTimer: Timestamp? {
        isPending ? [deadlineAt, remindAt, escalateAt].compactMap { $0 }.min() : nil
    }

    package func vote(of approver: String) -> RecordBody.ApprovalVoted? { votes.first { $0.approver == approver } }

    var approvals: Int { votes.count { $0.decision == .approve } }

    mutating func apply(_ vote: RecordBody.ApprovalVoted) { votes.append(vote) }

    mutating func apply(_ notice: RecordBody.ApprovalNotified, others: [String]) {
        stage = notice.stage
        remindAt = notice.remindAt
        deadlineAt = notice.deadlineAt
        guard notice.isEscalation else { return }
        isEscalated = true
        escalateAt = nil
        approvers += others.filter { !approvers.contains($0) }
    }

    mutating func apply(_ decided: RecordBody.ApprovalDecided) {
        status = decided.status
        decision = decided
    }
}
