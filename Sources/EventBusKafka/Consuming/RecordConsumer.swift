import CRdKafka
import EventBus
import Logging
import Synchronization

/// Takes records from one of librdkafka's queues, one at a time, when somebody asks for them.
///
/// What nobody asks for stays with the library, which stops fetching at its own limit: that is the back-pressure.
final class RecordConsumer<Value: Sendable & Equatable>: KafkaMember {
    /// Records and bytes of values one call gives at most, whatever its limit.
    static var recordsMax: Int { 1000 }
    static var bytesMax: Int { 4 << 20 }
    /// Batches of one partition that are compared after a loss. Those that were fetched before it are the first ones,
    /// and the library holds no more than a few.
    private static var suspectsMax: Int { 1000 }

    private struct State {
        /// The next offset of each partition that was delivered or assigned.
        var positions: [Int32: Int64]
        var assigned: Set<Int32>
        /// The last record of each partition, where there is no group.
        var landmarks: [Int32: ContinuityCheck<Value>.Landmark] = [:]
        /// Losses of a connection that are known of.
        var disconnects = 0
        /// Since the first loss after which the topic was not looked at: the last record of each batch from then on.
        var suspects: [Int32: [ContinuityCheck<Value>.Landmark]]?
        var skipped = 0
        var isClosed = false
        var isBusClosed = false
        /// The client cannot go on, for instance since another took its place in the group.
        var fatal: BusError?
    }

    private struct Drained {
        var values: [Value] = []
        var rebalance: Pointer?
        var failure: BusError?
    }

    let client: KafkaClient
    let source: RecordSource
    private let context: KafkaContext
    private let decode: ContinuityCheck<Value>.Decode
    private let state: Mutex<State>
    private let membership = Mutex<UInt64?>(nil)

    init(
        client: KafkaClient, source: RecordSource, positions: [Int32: Int64], context: KafkaContext,
        decode: @escaping ContinuityCheck<Value>.Decode
    ) throws(BusError) {
        self.client = client
        self.source = source
        self.context = context
        self.decode = decode
        state = Mutex(State(positions: positions, assigned: Set(positions.keys)))
        let serial = try context.join(self)
        membership.withLock { $0 = serial }
        if source.group == nil {
            client.listen { [weak self] in self?.standingChanged() }
        }
    }

    /// See `EventSubscription.next`.
    func next(limit: Int) async throws(BusError) -> [Value] {
        precondition(limit > 0, "a subscription is asked for at least one record")
        while true {
            let (isClosed, isBusClosed, fatal) = state.withLock { ($0.isClosed, $0.isBusClosed, $0.fatal) }
            if isClosed { return [] }
            if isBusClosed { throw BusError(.closed, "the bus is closed") }
            if let fatal { throw fatal }
            if Task.isCancelled { throw BusError(.closed, "the waiting task was cancelled") }
            source.latch.clear()
            try await checkContinuity()
            let most = min(limit, Self.recordsMax)
            guard let drained = try client.use({ handle throws(BusError) in drain(handle, most) }) else { continue }
            if let rebalance = drained.rebalance { try await handle(rebalance) }
            if !drained.values.isEmpty { return drained.values }
            if let failure = drained.failure { throw failure }
            if drained.rebalance == nil { await source.latch.wait() }
        }
    }

    /// On the poller's thread, thus before anything that was fetched after a loss.
    private func standingChanged() {
        let disconnects = client.lastReport.disconnects
        let isInDoubt = state.withLock { state in
            if disconnects != state.disconnects {
                state.disconnects = disconnects
                if state.suspects == nil { state.suspects = state.landmarks.mapValues { [$0] } }
            }
            return state.suspects != nil
        }
        if isInDoubt { source.latch.signal() }
    }

    /// After the loss of a connection, whether the topic is still the one that was read; a broker that is away is asked
    /// again when the library tells of it. Of a group the broker keeps the positions.
    private func checkContinuity() async throws(BusError) {
        guard client.lastReport.lastError == nil else { return }
        let (check, disconnects) = state.withLock { state in
            let check = state.suspects.map {
                ContinuityCheck(
                    topic: source.topic, positions: state.positions, landmarks: $0, decode: decode)
            }
            return (check, state.disconnects)
        }
        guard let check else { return }
        let timeout = context.configuration.limits.requestTimeout
        let reader = try KafkaClient(.reader, context: context)
        let broken: Result<Int32?, BusError>
        do throws(BusError) {
            broken = .success(
                try await reader.ask { handle throws(BusError) in try check.firstBroken(handle, timeout: timeout) })
        } catch { broken = .failure(error) }
        await reader.close()
        switch broken {
        case .success(nil):
            state.withLock { state in
                if state.disconnects == disconnects { state.suspects = nil }
            }
        case .success(let partition?): throw Self.lost(check.topic, "partition \(partition) is not what was read of it")
        case .failure(let error) where error.isRetryable: break
        case .failure(let error): throw error
        }
    }

    /// Retryable: a new subscription stands where the topic is now.
    private static func lost(_ topic: String, _ reason: String) -> BusError {
        BusError(.unavailable, "\(topic) may have lost records that were or would have been read: \(reason)")
    }

    /// Stores the positions of the group's own partitions; a partition that has moved on is its new owner's to store.
    func commit(_ positions: [TopicPosition]) async throws(BusError) {
        guard source.group != nil else { return }
        let assigned = state.withLock { $0.assigned }
        let own = positions.filter { assigned.contains(Int32(clamping: $0.partition)) }
        guard !own.isEmpty else { return }
        let topic = source.topic
        try await client.block { handle throws(BusError) in
            guard let list = rd_kafka_topic_partition_list_new(Int32(own.count)) else {
                throw BusError(.unavailable, "librdkafka has no memory")
            }
            defer { rd_kafka_topic_partition_list_destroy(list) }
            for position in own {
                rd_kafka_topic_partition_list_add(list, topic, Int32(clamping: position.partition))?.pointee.offset =
                    position.nextOffset
            }
            try KafkaErrors.check(rd_kafka_commit(handle, list, 0), "commit")
        }
    }

    /// Asks the brokers how far the topic is; nil when they do not answer in time.
    var lag: Int? {
        get async {
            let (positions, assigned) = state.withLock { ($0.positions, $0.assigned) }
            guard !assigned.isEmpty else { return nil }
            let topic = source.topic
            let highs = try? await client.block { handle throws(BusError) in
                try Watermarks.offsets(.high, topic: topic, partitions: assigned, handle, timeout: .seconds(2))
            }
            guard let highs else { return nil }
            var lag: Int64 = 0
            for (partition, high) in highs {
                guard let position = positions[partition] else { return nil }
                lag += max(0, high - position)
            }
            return Int(lag)
        }
    }

    func close() async {
        let wasClosed = state.withLock { state in
            defer { state.isClosed = true }
            return state.isClosed
        }
        guard !wasClosed else { return }
        if let serial = membership.withLock({ $0 }) { context.leave(serial) }
        source.latch.signal()
        let source = source
        await client.close(release: { source.release() })
    }

    deinit {
        guard !state.withLock({ $0.isClosed }) else { return }
        let (client, source) = (client, source)
        Task { await client.close(release: { source.release() }) }
    }

    // MARK: - The queue

    private func drain(_ handle: OpaquePointer, _ limit: Int) -> Drained {
        state.withLock { state in
            var drained = Drained()
            var bytes = 0
            let skippedBefore = state.skipped
            while drained.values.count < limit, bytes < Self.bytesMax,
                let event = rd_kafka_queue_poll(source.queue.raw, 0)
            {
                let type = rd_kafka_event_type(event)
                if type == RD_KAFKA_EVENT_REBALANCE {
                    drained.rebalance = Pointer(event)
                    break
                }
                defer { rd_kafka_event_destroy(event) }
                if type == RD_KAFKA_EVENT_FETCH, let message = rd_kafka_event_message_next(event) {
                    if let value = take(message, handle, &state) {
                        drained.values.append(value)
                        bytes += message.pointee.len
                    }
                } else if type == RD_KAFKA_EVENT_ERROR, let failure = failure(event, handle, &state) {
                    drained.failure = failure
                    break
                }
            }
            for (partition, last) in state.landmarks {
                guard let known = state.suspects?[partition, default: []], known.count < Self.suspectsMax,
                    known.last?.offset != last.offset
                else { continue }
                state.suspects?[partition, default: []].append(last)
            }
            if state.skipped > skippedBefore { context.metrics.skipped(state.skipped - skippedBefore) }
            return drained
        }
    }

    private func take(
        _ message: UnsafePointer<rd_kafka_message_t>, _ handle: OpaquePointer, _ state: inout State
    ) -> Value? {
        let (partition, offset) = (message.pointee.partition, message.pointee.offset)
        guard message.pointee.err == RD_KAFKA_RESP_ERR_NO_ERROR else { return nil }
        if let expected = state.positions[partition], offset < expected,
            !isTopicShorter(than: expected, partition, handle)
        {
            return nil
        }
        state.positions[partition] = offset + 1
        do throws(RecordDecoder.NotOurs) {
            let value = try decode(message)
            if source.group == nil { state.landmarks[partition] = .init(offset: offset, value: value) }
            return value
        } catch {
            state.skipped += 1
            if context.isFirst(error, on: source.topic) {
                context.logger.warning(
                    "a record on the topic is not an event and is skipped, as are others like it",
                    metadata: [
                        "topic": "\(source.topic)", "partition": "\(partition)", "offset": "\(offset)",
                        "reason": "\(error.rawValue)",
                    ])
            }
            return nil
        }
    }

    /// An offset below the expected one is a repetition, unless the topic lost its tail or is another one.
    private func isTopicShorter(than expected: Int64, _ partition: Int32, _ handle: OpaquePointer) -> Bool {
        var (low, high): (Int64, Int64) = (0, 0)
        let code = rd_kafka_get_watermark_offsets(handle, source.topic, partition, &low, &high)
        guard code == RD_KAFKA_RESP_ERR_NO_ERROR, high >= 0, high < expected else { return false }
        context.logger.warning(
            "the topic is shorter than what was read of it: it begins anew",
            metadata: [
                "topic": "\(source.topic)", "partition": "\(partition)", "read": "\(expected)", "end": "\(high)",
            ])
        return true
    }

    /// What the consumer must hear of; what the library mends itself is only logged.
    private func failure(_ event: OpaquePointer, _ handle: OpaquePointer, _ state: inout State) -> BusError? {
        let code = rd_kafka_event_error(event)
        let text = rd_kafka_event_error_string(event).map { String(cString: $0) } ?? ""
        if code == RD_KAFKA_RESP_ERR__FATAL {
            var reason = [CChar](repeating: 0, count: 512)
            let cause = rd_kafka_fatal_error(handle, &reason, reason.count)
            state.fatal = KafkaErrors.error(cause, String(cText: reason))
            return state.fatal
        }
        let error = KafkaErrors.error(code, text)
        // Of its own partitions the library tells what it does not mend: the place is gone, or the log is another.
        if source.group == nil { return error.code == .unavailable ? Self.lost(source.topic, text) : error }
        if error.code == .unavailable || error.code == .closed {
            context.logger.info(
                "kafka consumer", metadata: ["topic": "\(source.topic)", "error": "\(error)"])
            return nil
        }
        return error
    }

    private func handle(_ rebalance: Pointer) async throws(BusError) {
        let known = state.withLock { $0.positions }
        let (source, timeout) = (source, context.configuration.limits.requestTimeout)
        let starts = try await client.block { handle throws(BusError) in
            defer { rd_kafka_event_destroy(rebalance.raw) }
            return source.rebalance(rebalance.raw, handle, known: known, timeout: timeout)
        }
        state.withLock { state in
            state.assigned = Set(starts.keys)
            for (partition, start) in starts where start >= 0 { state.positions[partition] = start }
        }
    }

    // MARK: - KafkaMember

    func busClosed() {
        state.withLock { $0.isBusClosed = true }
        source.latch.signal()
    }

    var standing: MemberStatistics {
        let (positions, assigned, skipped) = state.withLock { ($0.positions, $0.assigned, $0.skipped) }
        let lag = try? client.use { handle throws(BusError) in
            var lag: [Int: Int] = [:]
            for partition in assigned {
                var (low, high): (Int64, Int64) = (0, 0)
                guard let position = positions[partition],
                    rd_kafka_get_watermark_offsets(handle, source.topic, partition, &low, &high)
                        == RD_KAFKA_RESP_ERR_NO_ERROR, high >= 0
                else { continue }
                lag[Int(partition)] = Int(max(0, high - position))
            }
            return lag
        }
        let report = client.lastReport
        return MemberStatistics(
            client: report.statistics, lastError: report.fatal ?? report.lastError, skipped: skipped,
            subscription: KafkaStatistics.Subscription(group: source.group, lagByPartition: lag ?? [:]))
    }
}

extension RecordConsumer: EventSubscription where Value == DeliveredEvent {}
