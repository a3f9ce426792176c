package import WorkflowModel

/// What somebody says to an approval.
package struct VoteCommand: Sendable {
    /// Who votes, as the listener knows them.
    package struct Voter: Hashable, Sendable {
        package var name: String
        package var groups: Set<String>
        /// Nobody's groups are known, and whoever can reach the listener may decide everything.
        package var isInEveryGroup: Bool

        package init(name: String, groups: Set<String> = [], isInEveryGroup: Bool = false) {
            self.name = name
            self.groups = groups
            self.isInEveryGroup = isInEveryGroup
        }
    }

    /// nil means the one there is.
    package var approvalID: String?
    package var voter: Voter
    package var decision: ApprovalDecision
    package var comment: String?
    package var form: JSONValue?
    /// Of the link that was used; its record uses the link up.
    package var nonce: String?

    package init(
        approvalID: String? = nil, voter: Voter, decision: ApprovalDecision, comment: String? = nil,
        form: JSONValue? = nil, nonce: String? = nil
    ) {
        self.approvalID = approvalID
        self.voter = voter
        self.decision = decision
        self.comment = comment
        self.form = form
        self.nonce = nonce
    }
}

extension RecordBody.ApprovalVoted {
    /// Whether the command would be the same vote again.
    func says(_ command: VoteCommand) -> Bool {
        decision == command.decision && comment == command.comment && form == command.form
    }
}

/// What became of a vote.
package enum VoteAnswer: Sendable {
    /// With the approval as it stands after it.
    case recorded(ApprovalState)
    /// The same vote of the same voter again.
    case repeated(ApprovalState)
    case refused(VoteRefusal)
}

package struct VoteRefusal: Error, Sendable {
    package enum Code: String, CaseIterable, Sendable {
        case unknownApproval = "unknown_approval"
        /// More than one could be meant.
        case ambiguous = "approval_ambiguous"
        case notApprover = "not_an_approver"
        case fourEyes = "four_eyes"
        /// It is settled; the approval says how.
        case decided = "approval_decided"
        /// This voter has voted otherwise.
        case voted = "already_voted"
        case linkUsed = "link_used"
        case invalidForm = "invalid_form"
        case tooLong = "comment_too_long"
    }

    package var code: Code
    package var message: String
    package var approval: ApprovalState?
    /// What of the form does not fit.
    package var violations: [JSONSchemaViolation]
    /// The approvals that could be meant.
    package var candidates: [String]

    init(
        _ code: Code, _ message: String, approval: ApprovalState? = nil, violations: [JSONSchemaViolation] = [],
        candidates: [String] = []
    ) {
        self.code = code
        self.message = message
        self.approval = approval
        self.violations = violations
        self.candidates = candidates
    }
}
