import CRdKafka
import EventBus
import Glibc
import Logging
import Synchronization

/// A pointer of librdkafka's, passed between threads.
// SAFETY: librdkafka's handles may be used from any thread; when they may be used at all is `KafkaClient`'s business.
struct Pointer: @unchecked Sendable {
    let raw: OpaquePointer
    init(_ raw: OpaquePointer) { self.raw = raw }
}

/// One `rd_kafka_t`: made once, destroyed once, and never used after that.
///
/// No callback of the library reaches Swift: everything comes as an event through its queues, and what a record
/// belongs to crosses the boundary as an integer.
final class KafkaClient: Sendable {
    /// What the library says about itself, as it was said last.
    struct Report: Sendable {
        /// nil before the first of the library's reports, `statisticsInterval` after the client was made.
        var statistics: ClientStatistics?
        /// Why it has no connection, or the last one was lost; nil once a broker is up again.
        var lastError: BusError?
        /// Rises with each loss of a connection, perhaps by more than one.
        var disconnects = 0
        /// An error this client cannot recover from.
        var fatal: BusError?
        /// Only of a client that asks about topics; whole once it is closed.
        var features = BrokerFeatures()
    }

    /// A closure held by a generic type as it is would gain a thunk with every access; a struct does not.
    private struct Listener: Sendable {
        var signal: (@Sendable () -> Void)?
    }

    let thread: BlockingThread
    let logger: Logger
    private let configuration: KafkaBusConfiguration
    private let handle: Pointer
    private let main: Pointer
    /// Closed to calls that may overlap with `close`; those on `thread` come before or after it.
    private let isOpen = Mutex(true)
    private let report = Mutex(Report())
    private let watch = Mutex<EventPoller.Watch?>(nil)
    private let listener = Mutex(Listener())
    private let isMember: Bool
    private let role: ClientProperties.Role
    private let metrics: KafkaMetrics

    /// - Parameter deliveries: gets the delivery reports of a producer, to destroy, on the poller's thread.
    /// - Throws: `configuration` when the library refuses what it is given.
    init(
        _ role: ClientProperties.Role, context: KafkaContext,
        deliveries: (@Sendable (OpaquePointer) -> Void)? = nil
    ) throws(BusError) {
        let configuration = context.configuration
        let built = try ClientConfiguration.make(ClientProperties.all(role, configuration))
        var events = RD_KAFKA_EVENT_LOG | RD_KAFKA_EVENT_ERROR | RD_KAFKA_EVENT_STATS | RD_KAFKA_EVENT_REBALANCE
        if deliveries != nil { events |= RD_KAFKA_EVENT_DR }
        if configuration.security.oauthToken != nil { events |= RD_KAFKA_EVENT_OAUTHBEARER_TOKEN_REFRESH }
        rd_kafka_conf_set_events(built, events)
        let isProducer = role == .events || role == .activity
        var text = [CChar](repeating: 0, count: 512)
        guard let raw = rd_kafka_new(isProducer ? RD_KAFKA_PRODUCER : RD_KAFKA_CONSUMER, built, &text, text.count)
        else {
            rd_kafka_conf_destroy(built)
            throw KafkaErrors.creation(String(cText: text))
        }
        guard let main = rd_kafka_queue_get_main(raw) else {
            rd_kafka_destroy(raw)
            throw BusError(.unavailable, "librdkafka has no main queue")
        }
        self.configuration = configuration
        handle = Pointer(raw)
        self.main = Pointer(main)
        self.role = role
        metrics = context.metrics
        logger = context.logger
        thread = BlockingThread("\(role)")
        if case .member = role { isMember = true } else { isMember = false }
        rd_kafka_set_log_queue(raw, nil)
        let watch: EventPoller.Watch
        do throws(BusError) {
            watch = try context.poller.watch { [weak self] in self?.serve(deliveries) }
        } catch {
            isOpen.withLock { $0 = false }
            rd_kafka_queue_destroy(main)
            rd_kafka_destroy(raw)
            throw error
        }
        self.watch.withLock { $0 = watch }
        Self.enableEvents(main, watch)
        // What came before the queue was watched.
        serve(deliveries)
    }

    /// Calls `signal` after each change of `lastReport`, on the poller's thread.
    func listen(_ signal: @escaping @Sendable () -> Void) { listener.withLock { $0.signal = signal } }

    private func changed() { listener.withLock { $0.signal }?() }

    var lastReport: Report { report.withLock { $0 } }

    /// Calls `body` unless the client is closed, and keeps it open meanwhile; `body` must not block.
    func use<Value>(_ body: (OpaquePointer) throws(BusError) -> Value) throws(BusError) -> Value? {
        let result: Result<Value, BusError>? = isOpen.withLock { isOpen in
            guard isOpen else { return nil }
            do throws(BusError) { return .success(try body(handle.raw)) } catch { return .failure(error) }
        }
        return try result?.get()
    }

    /// Calls `body`, which may block, on the client's own thread.
    /// - Throws: `closed` once the client is.
    func block<Value: Sendable>(
        _ body: @escaping @Sendable (OpaquePointer) throws(BusError) -> Value
    ) async throws(BusError) -> Value {
        try await thread.run { () throws(BusError) in
            guard self.isOpen.withLock({ $0 }) else { throw BusError(.closed, "closed") }
            return try body(self.handle.raw)
        }
    }

    /// Calls `body` as `block` does, and stops waiting when the task is cancelled; for questions whose answer may drop.
    func ask<Value: Sendable>(
        _ body: @escaping @Sendable (OpaquePointer) throws(BusError) -> Value
    ) async throws(BusError) -> Value {
        try await thread.ask { () throws(BusError) in
            guard self.isOpen.withLock({ $0 }) else { throw BusError(.closed, "closed") }
            return try body(self.handle.raw)
        }
    }

    /// Leaves the group, ends the library's threads and frees the handle; gives up waiting at the deadline and lets
    /// the library finish alone.
    ///
    /// - Parameter release: frees what else belongs to the handle, before it.
    func close(release: @escaping @Sendable () -> Void = {}) async {
        let wasOpen = isOpen.withLock { isOpen in
            defer { isOpen = false }
            return isOpen
        }
        guard wasOpen else { return }
        if await !thread.run(within: configuration.limits.closeTimeout, { self.destroy(release) }) {
            logger.warning("kafka client is still closing", metadata: ["error": "\(lastReport.lastError as Any)"])
        }
    }

    deinit {
        guard isOpen.withLock({ $0 }) else { return }
        // Nobody closed it: the thread does, with copies of what it needs.
        let (handle, main, watch, isMember) = (handle, main, watch.withLock { $0 }, isMember)
        thread.submit { Self.destroy(handle, main, watch, isMember: isMember) }
    }

    private func destroy(_ release: () -> Void) {
        release()
        let watch = watch.withLock { watch in
            defer { watch = nil }
            return watch
        }
        if role == .admin {
            // The library's log may hold more about the broker. Nobody reads it after this.
            watch?.cancel()
            serve(nil)
        }
        Self.destroy(handle, main, watch, isMember: isMember)
    }

    private static func destroy(
        _ handle: Pointer, _ main: Pointer, _ watch: EventPoller.Watch?, isMember: Bool
    ) {
        watch?.cancel()
        rd_kafka_queue_io_event_enable(main.raw, -1, nil, 0)
        rd_kafka_queue_destroy(main.raw)
        if isMember { _ = rd_kafka_consumer_close(handle.raw) }
        rd_kafka_destroy_flags(handle.raw, RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE)
        // Its descriptor may be written to until here.
        withExtendedLifetime(watch) {}
    }

    static func enableEvents(_ queue: OpaquePointer, _ watch: EventPoller.Watch) {
        var one: UInt64 = 1
        rd_kafka_queue_io_event_enable(queue, watch.descriptor, &one, MemoryLayout<UInt64>.size)
    }

    // MARK: - The main queue, on the poller's thread

    private func serve(_ deliveries: (@Sendable (OpaquePointer) -> Void)?) {
        while let event = rd_kafka_queue_poll(main.raw, 0) {
            switch rd_kafka_event_type(event) {
            case RD_KAFKA_EVENT_DR:
                if let deliveries {
                    deliveries(event)
                    continue
                }
            case RD_KAFKA_EVENT_STATS: takeStatistics(event)
            case RD_KAFKA_EVENT_ERROR: takeError(event)
            case RD_KAFKA_EVENT_LOG: takeLog(event)
            case RD_KAFKA_EVENT_OAUTHBEARER_TOKEN_REFRESH: refreshToken()
            default: break
            }
            rd_kafka_event_destroy(event)
        }
    }

    private func takeStatistics(_ event: OpaquePointer) {
        guard let text = rd_kafka_event_stats(event),
            let statistics = ClientStatistics(json: UnsafeBufferPointer(start: text, count: strlen(text)))
        else { return }
        report.withLock { report in
            // The library does not tell of a loss again that looks like the last one.
            report.disconnects += max(0, statistics.disconnects - (report.statistics?.disconnects ?? 0))
            report.statistics = statistics
            if statistics.brokersUp > 0 { report.lastError = nil }
        }
        metrics.connected(statistics.brokersUp)
        changed()
        switch role {
        case .events: metrics.queued(statistics.queuedRecords)
        case .member(let group): metrics.lag(statistics.uncommittedRecords, group: group)
        case .activity, .follower, .reader, .admin: break
        }
    }

    private func takeError(_ event: OpaquePointer) {
        let code = rd_kafka_event_error(event)
        let text = rd_kafka_event_error_string(event).map { String(cString: $0) } ?? ""
        if code == RD_KAFKA_RESP_ERR__FATAL {
            var reason = [CChar](repeating: 0, count: 512)
            let cause = rd_kafka_fatal_error(handle.raw, &reason, reason.count)
            let error = KafkaErrors.error(cause, String(cText: reason))
            report.withLock { $0.fatal = error }
            return logger.warning("kafka client failed for good", metadata: ["error": "\(error)"])
        }
        let error = KafkaErrors.error(code, text)
        // Once for each reason: the library repeats itself for every broker and attempt.
        let isNews = report.withLock { report in
            if code == RD_KAFKA_RESP_ERR__TRANSPORT || code == RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN {
                report.disconnects += 1
            }
            // "All brokers are down" says less than the reason that came before it.
            if code == RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN, report.lastError != nil { return false }
            defer { report.lastError = error }
            return report.lastError?.code != error.code
        }
        changed()
        if isNews { logger.warning("kafka connection", metadata: ["error": "\(error)"]) }
    }

    private func takeLog(_ event: OpaquePointer) {
        var facility: UnsafePointer<CChar>?
        var text: UnsafePointer<CChar>?
        var severity: Int32 = 7
        guard rd_kafka_event_log(event, &facility, &text, &severity) == 0, let facility, let text else { return }
        let name = String(cString: facility)
        if role == .admin, severity > 6, configuration.properties["debug"] == nil {
            return report.withLock { $0.features.take(String(cString: text)) }
        }
        // Properties that are another kind of client's are no fault: one list of them serves all kinds.
        let level: Logger.Level =
            switch severity {
            case _ where name == "CONFWARN": .debug
            case ...3: .warning
            case 4: .notice
            case 5, 6: .info
            default: .debug
            }
        logger.log(
            level: level, "librdkafka", metadata: ["facility": "\(name)", "text": "\(masked(String(cString: text)))"])
    }

    private func masked(_ text: String) -> String {
        let secrets =
            [configuration.security.password?.value].compactMap { $0 }
            + configuration.properties.filter { ClientProperties.isSecret($0.key) }.map(\.value)
        return secrets.filter { !$0.isEmpty }.reduce(text) { $0.replacing($1, with: "***") }
    }

    private func refreshToken() {
        guard let source = configuration.security.oauthToken else { return }
        // Unstructured: the library asks on its own time, and an answer to a closed client is dropped.
        Task { [weak self] in
            do {
                let token = try await source()
                self?.setToken(token)
            } catch {
                _ = try self?.use { client throws(BusError) in
                    _ = rd_kafka_oauthbearer_set_token_failure(client, "\(error)")
                }
            }
        }
    }

    private func setToken(_ token: KafkaBusConfiguration.OAuthToken) {
        let failure: String?? = try? use { client throws(BusError) in
            var text = [CChar](repeating: 0, count: 512)
            let code = rd_kafka_oauthbearer_set_token(
                client, token.value.value, token.expiresAtMilliseconds, token.principal, nil, 0, &text, text.count)
            guard code != RD_KAFKA_RESP_ERR_NO_ERROR else { return nil }
            _ = rd_kafka_oauthbearer_set_token_failure(client, &text)
            return String(cText: text)
        }
        if let failure, let failure {
            logger.warning("kafka token is refused", metadata: ["error": "\(masked(failure))"])
        }
    }
}
