import CRdKafka
package import EventBus
import Logging
import Synchronization
import WorkflowModel

/// Follows the activity topic from its end for as long as anybody listens.
package final class KafkaActivitySubscriber: ActivitySubscriber {
    /// Messages a follower may be behind; it then loses the oldest.
    static let pendingMax = 256
    private static let retryInterval = Duration.seconds(1)

    private let subscriber: KafkaEventSubscriber

    init(subscriber: KafkaEventSubscriber) { self.subscriber = subscriber }

    package func activity() -> AsyncStream<EncodedActivity> {
        let (stream, continuation) = AsyncStream.makeStream(
            of: EncodedActivity.self, bufferingPolicy: .bufferingNewest(Self.pendingMax))
        let following = Task { [subscriber] in
            await Self.follow(subscriber, continuation)
            continuation.finish()
        }
        continuation.onTermination = { _ in following.cancel() }
        return stream
    }

    private static func follow(
        _ subscriber: KafkaEventSubscriber, _ follower: AsyncStream<EncodedActivity>.Continuation
    ) async {
        let topic = subscriber.context.configuration.topics.activity
        while !Task.isCancelled, !subscriber.context.isClosed {
            do throws(BusError) {
                let records = try await subscriber.open(topic: topic, SubscriptionOptions(start: .end)) {
                    message throws(RecordDecoder.NotOurs) in
                    guard let execution = RecordDecoder.execution(message) else { throw .key }
                    let bytes = UnsafeRawBufferPointer(start: message.pointee.payload, count: message.pointee.len)
                    return EncodedActivity(executionID: execution, bytes: Array(bytes))
                }
                do throws(BusError) {
                    while true { for activity in try await records.next(limit: 100) { follower.yield(activity) } }
                } catch {
                    await records.close()
                    throw error
                }
            } catch {
                if error.code == .closed { return }
                subscriber.context.logger.info("activity cannot be followed", metadata: ["error": "\(error)"])
                try? await Task.sleep(for: retryInterval)
            }
        }
    }
}
