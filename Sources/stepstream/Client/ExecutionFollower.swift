import NIOHTTP1
import WorkflowModel

/// Follows an execution to its end, over as many connections as it takes.
///
/// Every event has a sequence number, so a stream that broke is taken up behind the last one that was shown: a server
/// that is started again costs the reader nothing. The first connection is tried once: a wrong address stays wrong.
struct ExecutionFollower {
    let client: ServerClient
    let execution: String
    /// How long it is tried without a new event or an answer.
    let retryFor: Duration
    /// Whether the server has answered before.
    var isKnown = false

    private var clock: ContinuousClock { ContinuousClock() }

    init(client: ServerClient, execution: String, retryFor: Duration, isKnown: Bool = false) {
        self.client = client
        self.execution = execution
        self.retryFor = retryFor
        self.isKnown = isKnown
    }

    /// - Throws: `CommandError` `lost` when the end cannot be learnt.
    mutating func run(after: Int, view: ExecutionView) async throws -> ExitStatus {
        var view = view
        var loss = Loss()
        view.sequence = after
        while true {
            let before = view.sequence
            let reason: String
            do {
                try await client.events(of: execution, after: view.sequence) { part in
                    switch part {
                    case .opened:
                        isKnown = true
                        if loss.since != nil {
                            view.notice("connected again; going on after event \(view.sequence)")
                            loss.isTold = false
                        }
                    case .event(let bytes): try view.take(bytes)
                    case .idle: await tellWhatIsWaitedFor(&view)
                    }
                }
                if let final = view.finalType { return ExitStatus(finalType: final) }
                // An execution that ended before `after` has nothing left to send.
                if let ended = await endedStatus() { return ended }
                reason = "the server ended the stream"
            } catch let error as ConnectionError where isKnown {
                reason = error.reason
            } catch let error as ServerRefusal where isKnown && error.isTransient {
                reason = error.description
            }
            if let final = view.finalType { return ExitStatus(finalType: final) }
            if view.sequence > before { loss = Loss() }
            try await pause(&loss, reason, view)
        }
    }

    private struct Loss {
        var since: ContinuousClock.Instant?
        var isTold = false
        var delay = DoublingPause(from: .milliseconds(100), to: .seconds(2))
    }

    private func pause(_ loss: inout Loss, _ reason: String, _ view: ExecutionView) async throws {
        let since = loss.since ?? clock.now
        loss.since = since
        guard clock.now - since < retryFor else {
            throw CommandError(
                .lost,
                "the connection to \(client.base) was lost after event \(view.sequence) (\(reason)) and did not come "
                    + "back within \(retryFor); the execution goes on, follow it with `stepstream watch \(execution) "
                    + "--after \(view.sequence)`")
        }
        if !loss.isTold {
            loss.isTold = true
            view.notice("the connection is lost after event \(view.sequence): \(reason); trying again")
        }
        try await Task.sleep(for: loss.delay.next())
    }

    /// What the execution ended with; nil while it has not, or where the server does not say.
    private func endedStatus() async -> ExitStatus? {
        guard let report = try? await client.call(.GET, "/api/v1/executions/\(URLText.segment(execution))") else {
            return nil
        }
        switch report["status"]?.stringValue {
        case "completed": return .completed
        case "failed": return .failed
        case "cancelled": return .cancelled
        default: return nil
        }
    }

    /// The server sent a sign of life in place of an event: either a step takes its time, or something is in the way of
    /// the events, such as a broker that is away.
    private func tellWhatIsWaitedFor(_ view: inout ExecutionView) async {
        guard let health = try? await client.call(.GET, "/health"), let parts = health["parts"]?.objectValue else {
            return
        }
        let degraded = parts.filter { $0.value["status"]?.stringValue == "degraded" }.map { part, value in
            part + (value["detail"]?.stringValue.map { ": \($0)" } ?? "")
        }
        view.waits(for: degraded)
    }
}
