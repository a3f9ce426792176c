package import WorkflowModel

/// Publishes what a consumer gave up on to `stepstream.dead-letter.v1`.
///
/// A record is an event record as on any topic: key, headers and bytes. The topic is held only while a call lasts, so
/// that on a bus with one publisher a topic several consumers take turns.
package struct DeadLetterPublisher: Sendable {
    private let open: @Sendable () async throws(BusError) -> any EventPublisher

    /// - Parameter open: a publisher to the dead-letter topic.
    package init(open: @escaping @Sendable () async throws(BusError) -> any EventPublisher) { self.open = open }

    /// Returns when the bus has acknowledged all of them; letters whose outcome is unknown are published again by the
    /// caller, and may then stand twice.
    /// - Throws: `publisherTaken` while another consumer holds the topic; it may be free a moment later.
    package func publish(_ letters: [EncodedEvent]) async throws(BusError) {
        let publisher = try await open()
        let result: Result<Void, BusError>
        do throws(BusError) {
            // Where the topic keeps a position, the letters are numbered on from it.
            let last = try await publisher.sourcePosition()?.rawValue ?? 0
            try await publisher.publish(
                letters.enumerated().map { index, letter in
                    SourcedEvent(position: SourcePosition(rawValue: last + 1 + Int64(index)), event: letter)
                })
            result = .success(())
        } catch { result = .failure(error) }
        await publisher.close()
        try result.get()
    }
}
