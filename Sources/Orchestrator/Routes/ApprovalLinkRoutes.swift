import WebServing
import WorkflowEngine
import WorkflowModel

/// `GET` and `POST /approvals/{token}`: the page a link in a message leads to, and the decision made there.
///
/// Open to everybody: the token says who decides what until when. Only `POST` decides, so that nothing that merely
/// looks at links does; the vote's record uses the link up.
struct ApprovalLinkRoutes: RouteProvider {
    let executions: Executions
    let journal: any Journal
    let links: ApprovalLinks
    /// The names of callers. Any other name may stand for several people, who cannot be told apart by a link.
    let people: Set<String>
    let clock: any WallClock

    func addRoutes(to router: inout WebRouter) {
        router.get("/approvals/{token}", access: .everybody) { request in
            try await answer(request) { try await show(request) }
        }
        router.post("/approvals/{token}", access: .everybody, bodyBytesMax: VoteBody.bytesMax) { request in
            try await answer(request) { try await decide(request) }
        }
    }

    /// What a link is about, as it stands.
    private struct Case {
        var claims: ApprovalLinks.Claims
        var execution: ExecutionID
        var approval: ApprovalState
        var details: JSONValue
    }

    private func show(_ request: WebRequest) async throws -> WebResponse {
        let opened = try await open(request)
        guard ApprovalPage.isWanted(request) else { return .json(opened.details) }
        return ApprovalPage.question(opened.details, approver: opened.claims.approver)
    }

    private func decide(_ request: WebRequest) async throws -> WebResponse {
        let opened = try await open(request)
        let body = try await ApprovalPage.body(of: request)
        let voter = VoteCommand.Voter(name: opened.claims.approver)
        var command = try VoteBody.command(body, voter: voter)
        command.approvalID = opened.claims.approvalID
        command.nonce = opened.claims.nonce
        switch try await executions.vote(command, on: opened.execution) {
        case .recorded(let approval), .repeated(let approval):
            let details = ApprovalJSON.approval(approval, execution: opened.execution)
            return ApprovalPage.isWanted(request) ? ApprovalPage.thanks(details) : .json(details)
        case .refused(let refusal):
            var problem = refusal.problem
            // Nothing can be done with the link any more.
            if refusal.code == .decided { problem.status = 410 }
            throw problem
        }
    }

    /// - Throws: 404 for a token that was not made with this key, 410 for one that is expired, used or too late, 403
    ///   for a group's where it matters who of the group decides.
    private func open(_ request: WebRequest) async throws -> Case {
        let claims: ApprovalLinks.Claims
        var isExpired = false
        do { claims = try links.claims(of: request.pathParameter("token"), now: clock.now) } catch {
            guard case .expired(let known) = error else {
                throw Problem(404, "link_not_valid", "this link is not valid here; ask for a new one")
            }
            claims = known
            isExpired = true
        }
        let prefix = claims.approvalID.split(separator: ":", maxSplits: 1).first ?? ""
        guard let execution = ExecutionID(String(prefix)), let summary = try await journal.summary(of: execution)
        else { throw Problem(404, "link_not_valid", "the execution of this link is not known here") }
        let state = try await executions.replayed(summary).state
        guard let approval = state.approvals.first(where: { $0.id == claims.approvalID }) else {
            throw Problem(404, "link_not_valid", "the approval of this link is not known here")
        }
        let opened = Case(
            claims: claims, execution: execution, approval: approval,
            details: ApprovalJSON.approval(approval, of: state))
        let code =
            if approval.vote(of: claims.approver) != nil { VoteRefusal.Code.linkUsed.rawValue } else if isExpired {
                "link_expired"
            } else { approval.isPending ? nil : VoteRefusal.Code.decided.rawValue }
        guard let code else {
            try checkGroup(opened)
            return opened
        }
        let what = isExpired ? "the link is past its time" : "the link is of no use any more"
        throw Problem(
            410, code, "\(what): \(approval.id) is \(approval.status.rawValue)",
            members: ["approval_id": .string(approval.id), "approval_status": .string(approval.status.rawValue)])
    }

    private func checkGroup(_ opened: Case) throws(Problem) {
        let approver = opened.claims.approver
        if people.contains(approver) { return }
        if opened.approval.fourEyes {
            throw Problem(
                403, VoteRefusal.Code.fourEyes.rawValue,
                "four eyes ask who decides, and \(approver) is no caller's name; decide with a token of your own")
        }
        // Otherwise one of a group would count twice: by the link, and by name.
        if opened.approval.quorum > 1 {
            throw Problem(
                403, "group_link",
                """
                \(opened.approval.quorum) have to approve, and \(approver) is no caller's name; decide with a token of \
                your own
                """
            )
        }
    }

    /// A browser is told of a problem on a page.
    private func answer(
        _ request: WebRequest, _ body: () async throws -> WebResponse
    ) async throws -> WebResponse {
        guard ApprovalPage.isWanted(request) else { return try await body() }
        do { return try await body() } catch let problem as Problem {
            return ApprovalPage.problem(problem)
        } catch let error as any ProblemConvertible {
            return ApprovalPage.problem(error.problem)
        }
    }
}
