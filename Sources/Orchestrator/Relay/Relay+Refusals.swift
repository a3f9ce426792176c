import EventBus
import Logging
import Metrics
import WorkflowEngine
import WorkflowModel

extension Relay {
    /// Publishes a batch with an event that the bus refuses for its size, one event after the other.
    func publishEach(_ batch: [SourcedEvent]) async {
        for event in batch where !Task.isCancelled { await publishOne(event) }
    }

    private func publishOne(_ original: SourcedEvent) async {
        var sourced = original
        var refusals = 0
        var pause = retryPause
        while !Task.isCancelled {
            do throws(BusError) {
                return try await publisher.publish([sourced])
            } catch {
                noteFailure(error, of: [sourced])
                refusals = error.code == .eventTooLarge ? refusals + 1 : 0
                if refusals == configuration.refusalsMax, sourced.event == original.event {
                    sourced.event = await withhold(original.event, reason: error.message)
                    continue
                }
            }
            try? await Task.sleep(for: pause.next())
        }
    }

    /// Gives what is published in the event's place.
    private func withhold(_ event: EncodedEvent, reason: String) async -> EncodedEvent {
        withheld.increment()
        let replaced: WithheldEvent
        do { replaced = try WithheldEvent(event, reason: reason, at: clock.now) } catch {
            logger.critical("an event is not JSON", metadata: ["event": "\(event.id)", "error": "\(error)"])
            return event
        }
        logger.error(
            "the bus refuses an event for its size: it is published cut short",
            metadata: ["event": "\(event.id)", "reason": "\(reason)"])
        do throws(BusError) { try await deadLetters?.publish([replaced.letter]) } catch {
            // The event's own place is what counts; the journal has all of it.
            logger.error(
                "a dead letter is not published", metadata: ["event": "\(event.id)", "error": "\(error)"])
        }
        return replaced.standIn
    }
}
