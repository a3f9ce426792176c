import EventBus

/// What the notifier's store holds, by key.
enum StoreKeys {
    /// `ApprovalRecord`s; those that are settled begin otherwise, so that they can be swept.
    static let approvals = "approval/"
    static let settled = "settled/"
    /// `told/<approval>/<channel>`: an acknowledged announcement.
    static let told = "told/"
    /// `PendingDelivery`s by ID, and their messages, which are written once and read at each attempt.
    static let pending = "pending/"
    static let messages = "message/"
    /// `DeadLetter`s by ID.
    static let dead = "dead/"
    /// Disabled channels.
    static let channels = "channel/"

    static func approval(_ id: String) -> String { approvals + id }
    static func settled(_ id: String) -> String { settled + id }
    static func told(_ approval: String, _ channel: String = "") -> String { "\(told)\(approval)/\(channel)" }
    static func pending(_ id: String) -> String { pending + id }
    static func message(_ id: String) -> String { messages + id }
    static func dead(_ id: String) -> String { dead + id }
    static func channel(_ name: String) -> String { channels + name }
}

extension ConsumerStore {
    /// All entries with the prefix.
    func all(_ prefix: String) async throws(BusError) -> [ConsumerEntry] {
        let pageMax = 500
        var all: [ConsumerEntry] = []
        var isMore = true
        while isMore {
            let page = try await entries(prefix: prefix, after: all.last?.key, limit: pageMax)
            all += page
            isMore = page.count == pageMax
        }
        return all
    }
}
