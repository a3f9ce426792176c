package import EventBus
import Logging

/// Opens subscriptions to a topic file, whoever publishes it and whether or not it exists yet.
package struct EmbeddedEventSubscriber: EventSubscriber {
    let topic: EmbeddedTopic
    let dataDirectory: String

    package func subscribe(_ options: SubscriptionOptions) async throws(BusError) -> any EventSubscription {
        var group: ConsumerGroup?
        if let name = options.group {
            group = try await ConsumerGroup.join(name, topic: topic.paths.name, dataDirectory: dataDirectory)
        }
        do throws(BusError) {
            let committed = try await group?.committed()
            // Attach first, then read the head: nothing committed in between is missed.
            let token = try topic.subscribed()
            do throws(BusError) {
                return EmbeddedSubscription(
                    topic: topic, token: token, group: group, committed: committed, start: options.start,
                    head: try await topic.head())
            } catch {
                await topic.unsubscribed()
                throw error
            }
        } catch {
            await group?.leave()
            throw error
        }
    }
}
