import Crypto
package import WebServing
import WorkflowModel

/// Makes the links by which approvers decide.
package struct DecisionLinks: Sendable {
    /// How long a link is good where the approval has no deadline.
    static let lifetimeDefault = Duration.seconds(7 * 86_400)

    private let links: ApprovalLinks
    private let publicURL: String
    private let groups: Set<String>

    /// - Parameters:
    ///   - publicURL: what approvers reach the orchestrator by, without a slash at the end.
    ///   - groups: names that stand for several people.
    package init(links: ApprovalLinks, publicURL: String, groups: Set<String>) {
        self.links = links
        self.publicURL = publicURL
        self.groups = groups
    }

    /// One for each approver; the same for the same event, since they are part of what attempts repeat.
    ///
    /// Where it matters who decides, groups get none: a link would not say it, and the orchestrator refuses it.
    ///
    /// - Parameter facts: the request's data.
    func links(
        for notice: ApprovalNotice, facts: JSONObject, to approvers: [String]
    ) -> [(approver: String, url: String)] {
        let isPersonal = facts["four_eyes"]?.boolValue ?? false || facts["quorum"]?.intValue ?? 1 > 1
        let expires = notice.deadlineAt ?? notice.time + Self.lifetimeDefault
        return approvers.filter { !isPersonal || !groups.contains($0) }.map { approver in
            let text = "\(notice.approvalID)\u{0}\(approver)\u{0}\(notice.stage)"
            let nonce = Base64URL.encode(SHA256.hash(data: Array(text.utf8)).prefix(16))
            let token = links.token(
                approvalID: notice.approvalID, approver: approver, expires: expires, nonce: nonce)
            return (approver, "\(publicURL)/approvals/\(token)")
        }
    }
}
