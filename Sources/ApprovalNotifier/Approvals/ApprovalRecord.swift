import WorkflowModel

/// What the notifier knows of one approval: the store's truth, by which a repeated event is told from a new one.
///
/// Not by offsets: the topic may be made anew, and then they begin again.
enum ApprovalRecord: Hashable, Sendable {
    /// Nothing was heard of it.
    case unknown
    /// Somebody has to decide. `facts` is the request's data; what the messages of later stages repeat of it.
    case pending(stage: Int, facts: JSONObject)
    case settled(at: Timestamp)

    /// What an event leads to.
    enum Step: Hashable, Sendable {
        /// Heard of already.
        case nothing
        /// The approvers are told of this stage.
        case announce(stage: Int)
        /// Who was told hears that nobody has to decide any more.
        case settle
    }

    mutating func take(_ notice: ApprovalNotice) -> Step {
        if case .settled = self { return .nothing }
        guard notice.kind.isPending else {
            self = .settled(at: notice.time)
            return .settle
        }
        var facts = JSONObject()
        if case .pending(let stage, let known) = self {
            guard notice.stage > stage else { return .nothing }
            facts = known
        }
        if notice.kind == .requested { facts = notice.data }
        self = .pending(stage: notice.stage, facts: facts)
        return .announce(stage: notice.stage)
    }

    var facts: JSONObject { if case .pending(_, let facts) = self { facts } else { JSONObject() } }

    // MARK: the store

    /// As the store keeps it; nil for nothing.
    var encoded: [UInt8]? {
        switch self {
        case .unknown: nil
        case .pending(let stage, let facts):
            (["stage": .int(Int64(stage)), "facts": .object(facts)] as JSONValue).encoded
        case .settled(let time): (["settled_at": .int(time.microseconds)] as JSONValue).encoded
        }
    }

    init(encoded: [UInt8]?) throws(NotifierError) {
        guard let encoded else {
            self = .unknown
            return
        }
        let value = try JSONValue(stored: encoded)
        if let time = value["settled_at"]?.intValue {
            self = .settled(at: Timestamp(microseconds: time))
        } else if let stage = value["stage"]?.intValue, let facts = value["facts"]?.objectValue {
            self = .pending(stage: Int(clamping: stage), facts: facts)
        } else {
            throw NotifierError(.store, "an approval's record has neither a stage nor an end")
        }
    }
}

extension JSONValue {
    /// What this room's store keeps.
    init(stored bytes: [UInt8]) throws(NotifierError) {
        do { self = try JSONValue(parsing: bytes, limits: JSONLimits(depthMax: 128, bytesMax: 8 << 20)) } catch {
            throw NotifierError(.store, "an entry of the store is not JSON", cause: error)
        }
    }
}
