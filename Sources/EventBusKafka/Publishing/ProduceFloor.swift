import CRdKafka
package import EventBus
package import Logging

/// What librdkafka itself takes: one bare record at a time, from `produce` to its delivery report.
///
/// The settings, the eventfd and the wake-up of a task are those of the publisher; key, headers and batches are not.
package enum ProduceFloor {
    /// Microseconds of each record.
    /// - Throws: `BusError` of the first record that the broker did not take.
    package static func measure(
        _ configuration: KafkaBusConfiguration, value: [UInt8], count: Int, logger: Logger
    ) async throws(BusError) -> [Double] {
        let context = try KafkaContext(configuration: configuration, logger: logger)
        defer { context.close() }
        let name = configuration.topics.events
        _ = try await TopicDirectory(context: context).partitions(of: name)
        let deliveries = Deliveries()
        let client = try KafkaClient(.events, context: context, deliveries: { deliveries.take($0) })
        let opened = try client.use { handle throws(BusError) in
            rd_kafka_topic_new(handle, name, nil).map { Pointer($0) }
        }
        guard let opened, let topic = opened else { throw BusError(.unavailable, "librdkafka has no memory") }
        let result: Result<[Double], BusError>
        do throws(BusError) { result = .success(try await measure(client, topic, deliveries, value, count)) } catch {
            result = .failure(error)
        }
        await client.close(release: { rd_kafka_topic_destroy(topic.raw) })
        return try result.get()
    }

    private static func measure(
        _ client: KafkaClient, _ topic: Pointer, _ deliveries: Deliveries, _ value: [UInt8], _ count: Int
    ) async throws(BusError) -> [Double] {
        var times: [Double] = []
        for _ in 0..<count {
            let ticket = deliveries.open(count: 1)
            defer { deliveries.close(ticket) }
            deliveries.seal(ticket)
            let start = ContinuousClock.now
            let code = try client.use { handle throws(BusError) in
                value.withUnsafeBytes {
                    crdkafka_produce(
                        handle, topic.raw, nil, 0, $0.baseAddress, $0.count, 0, rd_kafka_headers_new(0),
                        UnsafeMutableRawPointer(bitPattern: ticket.number))
                }
            }
            try KafkaErrors.check(code ?? RD_KAFKA_RESP_ERR__DESTROY, "a bare record")
            while true {
                ticket.latch.clear()
                if try deliveries.isDone(ticket) { break }
                await ticket.latch.wait()
            }
            times.append(Double((ContinuousClock.now - start) / .nanoseconds(1)) / 1000)
        }
        return times
    }
}
