package import EventBus
import Glibc
import Synchronization
package import WorkflowModel

/// History by looking through the execution's partition: slower than an index, bounded, and honest about its bounds.
package final class KafkaEventHistory: EventHistory {
    /// Events a page has at most, whatever its limit.
    static let pageMax = 1000
    /// Clients, and so scans, at a time.
    static let scansMax = 4
    /// Callers that may wait for one.
    static let waitingMax = 1000

    private struct State {
        var idle: [KafkaClient] = []
        var clientCount = 0
        var waiting: [CheckedContinuation<Void, Never>] = []
        var isClosed = false
    }

    private let context: KafkaContext
    private let topics: TopicDirectory
    private let limits: HistoryScan.Limits
    private let state = Mutex(State())

    init(context: KafkaContext, topics: TopicDirectory, limits: HistoryScan.Limits = HistoryScan.Limits()) {
        self.context = context
        self.topics = topics
        self.limits = limits
    }

    /// - Throws: `unavailable` when no broker answers or too many callers wait.
    package func events(
        of execution: ExecutionID, after sequence: Int, limit: Int
    ) async throws(BusError) -> EventHistoryPage {
        let topic = context.configuration.topics.events
        let count = try await topics.partitions(of: topic)
        let client = try await acquire()
        defer { release(client) }
        let scan = HistoryScan(
            topic: topic, partitionCount: count, execution: execution,
            collector: HistoryCollector(after: sequence, limit: min(max(limit, 1), Self.pageMax)), limits: limits,
            nowMilliseconds: Self.wallClockMilliseconds())
        let timeout = context.configuration.limits.requestTimeout
        return try await client.block { handle throws(BusError) in
            var scan = scan
            return try scan.run(handle, timeout: timeout)
        }
    }

    func close() async {
        let (idle, waiting) = state.withLock { state in
            state.isClosed = true
            defer {
                state.idle = []
                state.waiting = []
            }
            return (state.idle, state.waiting)
        }
        for continuation in waiting { continuation.resume() }
        for client in idle { await client.close() }
    }

    // MARK: - Clients

    private enum Turn {
        case take(KafkaClient)
        case make, wait
        case refuse(BusError)
    }

    private func acquire() async throws(BusError) -> KafkaClient {
        while true {
            switch state.withLock({ Self.turn(&$0) }) {
            case .take(let client): return client
            case .refuse(let error): throw error
            case .make:
                do throws(BusError) { return try KafkaClient(.reader, context: context) } catch {
                    state.withLock { $0.clientCount -= 1 }
                    throw error
                }
            case .wait:
                await withCheckedContinuation { continuation in
                    let isReady = state.withLock { state in
                        // Since the look one may have come free.
                        if state.isClosed || !state.idle.isEmpty { return true }
                        state.waiting.append(continuation)
                        return false
                    }
                    if isReady { continuation.resume() }
                }
            }
        }
    }

    private static func turn(_ state: inout State) -> Turn {
        if state.isClosed { return .refuse(BusError(.closed, "the bus is closed")) }
        if let client = state.idle.popLast() { return .take(client) }
        if state.clientCount < scansMax {
            state.clientCount += 1
            return .make
        }
        if state.waiting.count >= waitingMax {
            return .refuse(BusError(.unavailable, "\(waitingMax) callers wait for history already"))
        }
        return .wait
    }

    private func release(_ client: KafkaClient) {
        let (next, isClosed) = state.withLock { state -> (CheckedContinuation<Void, Never>?, Bool) in
            if state.isClosed { return (nil, true) }
            state.idle.append(client)
            return (state.waiting.isEmpty ? nil : state.waiting.removeFirst(), false)
        }
        next?.resume()
        if isClosed { Task { await client.close() } }
    }

    private static func wallClockMilliseconds() -> Int64 {
        var now = timespec()
        clock_gettime(CLOCK_REALTIME, &now)
        return Int64(now.tv_sec) * 1000 + Int64(now.tv_nsec) / 1_000_000
    }
}
