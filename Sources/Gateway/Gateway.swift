package import EventBus
package import Logging
import ServiceLifecycle
package import WebServing
package import WorkflowModel

/// The consumer that streams every execution's events to WebSocket and server-sent-events clients.
///
/// `WS or SSE /api/v1/workflows/stream/{execution_id}?after=N` replays what follows sequence N and goes on live. One
/// subscription feeds all clients; older executions come from the history port. Run it before its web server in a
/// service group, so that it is stopped after it.
package struct Gateway: RouteProvider {
    /// Events read from the topic, and from history, at a time.
    static let batchCountMax = 512
    static let pageCountMax = 256
    /// How far an identifier's time may be ahead of this machine's clock, and behind the execution's start: the
    /// orchestrator accepts identifiers that are a minute ahead or a day old, and clocks of machines differ.
    static let leadMax = Duration.seconds(60 + 300)
    static let startLagMax = Duration.seconds(86_400 + 300)

    private let subscriber: any EventSubscriber
    private let history: any EventHistory
    private let hub: StreamHub
    private let logger: Logger
    private let now: @Sendable () -> Timestamp

    /// - Parameter now: the wall clock, by which executions that began after the subscription are told from older ones.
    package init(
        subscriber: any EventSubscriber, history: any EventHistory,
        configuration: GatewayConfiguration = GatewayConfiguration(), logger: Logger,
        now: @escaping @Sendable () -> Timestamp
    ) {
        self.subscriber = subscriber
        self.history = history
        self.logger = logger
        self.now = now
        hub = StreamHub(configuration: configuration) { [retention = configuration.retention] execution in
            retention.map { now() - execution.time > $0 + Self.startLagMax } ?? false
        }
    }

    // MARK: routes

    package func addRoutes(to router: inout WebRouter) {
        router.stream("/api/v1/workflows/stream/{execution_id}") { [self] request throws(Problem) in
            let text = request.pathParameter("execution_id")
            guard let execution = ExecutionID(text) else {
                throw .invalidParameter("execution_id", "expected a UUIDv7 in lower case, not \"\(text)\"")
            }
            let after = try Self.position(request)
            try checkTime(of: execution)
            guard hub.hasRoomForClients else {
                throw Problem(
                    503, "too_many_clients", "this gateway serves as many clients as it may; try another or later",
                    headers: [WebHeader("retry-after", "5")])
            }
            let owner = "\(request.caller.name)|\(request.address)"
            return { [hub] connection in
                hub.attach(connection, of: owner, to: execution, after: after, now: .now)
            }
        }
    }

    /// Refuses an identifier whose time is still to come, before anything is searched for.
    private func checkTime(of execution: ExecutionID) throws(Problem) {
        guard execution.time - now() <= Self.leadMax else {
            throw .invalidParameter("execution_id", "its time, \(execution.time), is still to come")
        }
    }

    /// `Last-Event-ID` of a reconnecting `EventSource` goes before the `after` that its URL still carries.
    private static func position(_ request: WebRequest) throws(Problem) -> Int {
        let range = 0...Int(Int32.max)
        guard let last = request.header("last-event-id") else {
            return try request.query.int("after", default: 0, in: range)
        }
        guard let sequence = WebQuery.wholeNumber(last), range.contains(sequence) else {
            throw .invalidParameter("Last-Event-ID", "expected a sequence, not \"\(last)\"")
        }
        return sequence
    }

    // MARK: health

    /// Degraded while the topic cannot be followed; ready once it is.
    package var health: HealthCheck {
        { [hub] in
            let statistics = hub.statistics
            return PartHealth(
                isHealthy: statistics.isSubscribed, isReady: statistics.isSubscribed,
                detail: statistics.isSubscribed ? nil : "the event topic cannot be followed",
                values: JSONObject([
                    ("clients", .int(Int64(statistics.clientCount))),
                    ("executions", .int(Int64(statistics.executionCount))),
                    ("memory_bytes", .int(Int64(statistics.memoryBytes))),
                    ("history_scans", .int(Int64(statistics.scanCount))),
                ]))
        }
    }
}

extension Gateway: Service {
    package func run() async throws {
        await cancelWhenGracefulShutdown {
            await withDiscardingTaskGroup { group in
                group.addTask { await follow() }
                for await work in hub.work {
                    group.addTask { await perform(work) }
                }
            }
        }
    }

    /// Follows the topic from its end for as long as the service runs, whatever the bus does.
    private func follow() async {
        var pause = DoublingPause(from: .milliseconds(100), to: .seconds(5))
        while !Task.isCancelled {
            do {
                let subscription = try await subscriber.subscribe(SubscriptionOptions(start: .end))
                hub.subscribed(at: now())
                pause.reset()
                try await read(subscription)
            } catch {
                hub.interrupted()
                guard !Task.isCancelled else { return }
                logger.warning("The event topic cannot be followed", metadata: ["error": "\(error)"])
                try? await Task.sleep(for: pause.next())
            }
        }
    }

    private func read(_ subscription: any EventSubscription) async throws(BusError) {
        let result: Result<Void, BusError> = await withTaskCancellationHandler {
            do throws(BusError) {
                while !Task.isCancelled {
                    let batch = try await subscription.next(limit: Self.batchCountMax)
                    if batch.isEmpty { throw BusError(.closed, "the subscription was closed") }
                    hub.publish(batch)
                }
                return .success(())
            } catch {
                return .failure(error)
            }
        } onCancel: {
            // Wakes a waiting `next`.
            Task { await subscription.close() }
        }
        await subscription.close()
        try result.get()
    }

    private func perform(_ work: StreamHub.Work) async {
        switch work {
        case .scan(let execution, let start): await scan(execution, from: start)
        case .pause(let execution, let duration):
            try? await Task.sleep(for: duration)
            hub.pauseEnded(execution)
        }
    }

    private func scan(_ execution: ExecutionID, from start: Int) async {
        var after: Int? = start
        do throws(BusError) {
            while let position = after {
                let page = try await history.events(of: execution, after: position, limit: Self.pageCountMax)
                after = hub.took(page, of: execution, scanFrom: start)
            }
        } catch {
            logger.warning(
                "History cannot be read", metadata: ["execution_id": "\(execution)", "error": "\(error)"])
            hub.scanFailed(execution, scanFrom: start, isRetryable: error.isRetryable)
        }
    }
}
