import EventBus
import WorkflowModel

extension BusContract {
    static let deadLetterCases: [BusContract] = [
        BusContract("dead letters stand on a topic of their own, in the order they were given up") { bus, seed in
            var work = Workload(seed: seed)
            let publisher = try await bus.publisher()
            let events = work.add(executions: 2, length: 3)
            try await publisher.publish(events)
            var letters = Workload(seed: seed ^ 1)
            let given = letters.add(executions: 3, length: 4).map(\.event)
            try await bus.deadLetters.publish(Array(given.prefix(5)))
            try await bus.deadLetters.publish([])
            try await bus.deadLetters.publish(Array(given.dropFirst(5)))
            let subscription = try await bus.deadLetterSubscriber().subscribe(SubscriptionOptions(start: .beginning))
            var seen = Seen()
            try await subscription.read(into: &seen, until: given.count)
            try seen.requireEqual(given)
            await subscription.close()
            let others = try await bus.subscriber.subscribe(SubscriptionOptions(start: .beginning))
            var untouched = Seen()
            try await others.read(into: &untouched, until: events.count)
            try untouched.requireEqual(events.map(\.event))
            await others.close()
            await publisher.close()
        }
    ]
}
