import WorkflowModel

/// What an approval's event says, as far as messages to approvers go.
struct ApprovalNotice: Sendable {
    enum Kind: String, Sendable {
        case requested = "approval_requested"
        case reminder = "approval_reminder"
        case escalated = "approval_escalated"
        case granted = "approval_granted"
        case rejected = "approval_rejected"
        case expired = "approval_expired"

        /// Whether somebody still has to decide after it.
        var isPending: Bool { self == .requested || self == .reminder || self == .escalated }

        /// The type of the message about it: words joined by full stops, as Standard Webhooks recommends.
        var messageType: String { rawValue.replacing("_", with: ".") }
    }

    var kind: Kind
    var approvalID: String
    var executionID: ExecutionID
    var workflow: String
    var time: Timestamp
    /// The event's `data`.
    var data: JSONObject
    /// 0 for the request, then 1, 2, 3 … over reminders and escalations.
    var stage: Int
    /// Who may decide from here on; empty in an outcome.
    var approvers: [String]
    var deadlineAt: Timestamp?

    /// - Returns: nil for an event that no message comes of; its bytes are not looked at.
    /// - Throws: `NotifierError` `event` for one that should have said more than it does.
    init?(_ event: EncodedEvent) throws(NotifierError) {
        guard let kind = Kind(rawValue: event.type) else { return nil }
        self.kind = kind
        executionID = event.executionID
        workflow = event.workflow
        time = event.time
        let parsed: JSONValue?
        // A later release may write what this one refuses elsewhere, such as a member twice.
        do { parsed = try JSONValue(parsing: event.bytes, limits: JSONLimits(duplicateKeysRefused: false)) } catch {
            throw NotifierError(.event, "event \(event.id) is not JSON", cause: error)
        }
        guard let data = parsed?["data"]?.objectValue, let id = data["approval_id"]?.stringValue,
            !id.isEmpty, !id.contains("|")
        else { throw NotifierError(.event, "event \(event.id) names no approval") }
        self.data = data
        approvalID = id
        stage = kind == .requested ? 0 : Int(clamping: data["stage"]?.intValue ?? 0)
        approvers = data["approvers"]?.arrayValue?.compactMap(\.stringValue) ?? []
        deadlineAt = data["deadline_at"]?.stringValue.flatMap { Timestamp($0) }
        guard !kind.isPending || !approvers.isEmpty, kind != .reminder && kind != .escalated || stage > 0 else {
            throw NotifierError(.event, "event \(event.id) names no approvers, or no stage")
        }
    }
}
