/// Who has to decide, by when, and what happens otherwise.
package struct ApprovalDefinition: Sendable {
    /// Names and groups of the settings' tokens.
    package var approvers: [String]
    /// How many of them have to approve; one rejection rejects.
    package var quorum: Int
    /// Whoever started the execution may not decide.
    package var fourEyes: Bool
    /// JSON Schema 2020-12 of what an approval has to bring along.
    package var form: JSONSchema?
    /// From the request; nil waits for ever.
    package var deadline: Duration?
    package var remindEvery: Duration?
    /// Who may decide as well, once it is escalated.
    package var escalateTo: [String]
    /// From the request; nil escalates at the deadline alone, and only with `onExpiry` escalate.
    package var escalateAfter: Duration?
    package var onExpiry: ExpiryPolicy
    /// For the approvers; nil lets the engine say what asks for the decision.
    package var reason: String?

    package init(
        approvers: [String], quorum: Int = 1, fourEyes: Bool = false, form: JSONSchema? = nil,
        deadline: Duration? = nil,
        remindEvery: Duration? = nil, escalateTo: [String] = [], escalateAfter: Duration? = nil,
        onExpiry: ExpiryPolicy = .fail, reason: String? = nil
    ) {
        self.approvers = approvers
        self.quorum = quorum
        self.fourEyes = fourEyes
        self.form = form
        self.deadline = deadline
        self.remindEvery = remindEvery
        self.escalateTo = escalateTo
        self.escalateAfter = escalateAfter
        self.onExpiry = onExpiry
        self.reason = reason
    }
}

/// The approval of a run's result.
package struct ReleaseDefinition: Sendable {
    /// Evaluated at the end of the run; what cannot be evaluated requires the approval.
    package var requiredWhen: Expression
    package var approval: ApprovalDefinition

    package init(requiredWhen: Expression, approval: ApprovalDefinition) {
        self.requiredWhen = requiredWhen
        self.approval = approval
    }
}

/// What a deadline that passes means.
package enum ExpiryPolicy: String, CaseIterable, Sendable {
    case approve, reject, fail
    /// Ask `escalate_to` as well, with the same time once more; after that it fails.
    case escalate
}
