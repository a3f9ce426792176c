import EventBus
import Synchronization
import WebServing
import WorkflowModel

/// Everything the gateway knows, and who listens to it: one lock around memory, clients and the queue of history scans.
///
/// Nothing here suspends or does I/O: sending to a connection only queues bytes.
final class StreamHub: Sendable {
    /// What the gateway's tasks have to do outside the lock.
    enum Work: Sendable {
        case scan(ExecutionID, after: Int)
        /// Look again after a pause.
        case pause(ExecutionID, Duration)
    }

    struct Statistics: Sendable {
        var clientCount: Int
        var executionCount: Int
        var memoryBytes: Int
        var scanCount: Int
        var isSubscribed: Bool
    }

    let work: AsyncStream<Work>
    private let state: Mutex<HubState>
    private let clientsMax: Int

    /// - Parameter isBeyondRetention: whether the topic no longer holds the beginning of the execution.
    init(
        configuration: GatewayConfiguration,
        isBeyondRetention: @escaping @Sendable (ExecutionID) -> Bool = { _ in false }
    ) {
        let (work, continuation) = AsyncStream.makeStream(of: Work.self)
        self.work = work
        clientsMax = configuration.clientsMax
        // At most one item for each execution with clients, so clients' number bounds the stream's buffer.
        state = Mutex(
            HubState(configuration: configuration, isBeyondRetention: isBeyondRetention) { continuation.yield($0) })
    }

    var hasRoomForClients: Bool { state.withLock { $0.clientCount < clientsMax } }

    var statistics: Statistics { state.withLock { $0.statistics } }

    /// Changes the state and shows how it stands.
    private func change<Result: Sendable>(_ body: (inout HubState) -> Result) -> Result {
        state.withLock { state in
            let result = body(&state)
            state.metrics.stand(state.statistics)
            return result
        }
    }

    // MARK: clients

    func attach(
        _ connection: any StreamConnection, of owner: String, to execution: ExecutionID, after sequence: Int,
        now: ContinuousClock.Instant
    ) -> any StreamSession {
        let id = change { $0.attach(connection, of: owner, to: execution, after: sequence, now: now) }
        return Session(hub: self, execution: execution, client: id)
    }

    private struct Session: StreamSession {
        let hub: StreamHub
        let execution: ExecutionID
        let client: Int

        func hasRoom() { hub.change { $0.hasRoom(client, execution) } }
        func closed() { hub.change { $0.detach(client, execution, now: .now) } }
    }

    // MARK: the live topic

    /// The subscription stands: every event from now on comes live.
    func subscribed(at time: Timestamp) { change { $0.subscribed(at: time) } }

    /// The subscription broke: events may pass unseen.
    func interrupted() { change { $0.interrupted() } }

    func publish(_ batch: [DeliveredEvent]) { change { $0.publish(batch) } }

    // MARK: history

    /// Takes a page of a scan that began after `start`.
    /// - Returns: the sequence to go on after; nil when the scan is over.
    func took(_ page: EventHistoryPage, of execution: ExecutionID, scanFrom start: Int) -> Int? {
        change { $0.took(page, of: execution, scanFrom: start) }
    }

    func scanFailed(_ execution: ExecutionID, scanFrom start: Int, isRetryable: Bool) {
        change { $0.scanFailed(execution, scanFrom: start, isRetryable: isRetryable) }
    }

    func pauseEnded(_ execution: ExecutionID) { change { $0.pauseEnded(execution) } }
}
