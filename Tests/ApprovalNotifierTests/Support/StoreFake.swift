import EventBus
import Synchronization

/// A consumer store in memory that outlives sessions and can fail at any commit, before or after it is done.
final class StoreFake: ConsumerStore {
    struct State {
        var entries: [String: [UInt8]] = [:]
        var positions: [Int: Int64] = [:]
        var commitCount = 0
        /// The commit that fails, once.
        var failing: (number: Int, isDone: Bool)?
        var hasFailed = false
    }

    let state = Mutex(State())

    init(failingAt number: Int? = nil, isDone: Bool = false) {
        state.withLock { state in state.failing = number.map { ($0, isDone) } }
    }

    func keys(_ prefix: String) -> [String] {
        state.withLock { state in state.entries.keys.filter { $0.hasPrefix(prefix) }.sorted() }
    }

    func positions() async throws(BusError) -> [TopicPosition] {
        state.withLock { state in state.positions.map { TopicPosition(partition: $0.key, nextOffset: $0.value) } }
    }

    func value(for key: String) async throws(BusError) -> [UInt8]? { state.withLock { $0.entries[key] } }

    func values(for keys: [String]) async throws(BusError) -> [String: [UInt8]] {
        state.withLock { state in state.entries.filter { keys.contains($0.key) } }
    }

    func entries(prefix: String, after key: String?, limit: Int) async throws(BusError) -> [ConsumerEntry] {
        keys(prefix).filter { $0 > key ?? "" }.prefix(limit).compactMap { key in
            state.withLock { $0.entries[key] }.map { ConsumerEntry(key: key, value: $0) }
        }
    }

    func commit(_ changes: [ConsumerChange], positions: [TopicPosition]) async throws(BusError) {
        let fails = state.withLock { state -> Bool in
            state.commitCount += 1
            let failing = state.failing.flatMap { $0.number == state.commitCount ? $0 : nil }
            if failing == nil || failing?.isDone == true {
                for change in changes { state.entries[change.key] = change.value }
                for position in positions { state.positions[position.partition] = position.nextOffset }
            }
            state.hasFailed = state.hasFailed || failing != nil
            return failing != nil
        }
        if fails { throw BusError(.inputOutput, "the store crashed") }
    }

    func close() async {}
}
