import EventBus
import WorkflowModel

extension BusContract {
    static let subscriptions: [BusContract] = [
        BusContract("a subscription from the beginning sees what was published before it") { bus, seed in
            var work = Workload(seed: seed)
            let publisher = try await bus.publisher()
            try await publisher.publish(work.add(executions: 10, length: 20), size: 50)
            let subscription = try await bus.subscriber.subscribe(SubscriptionOptions(start: .beginning))
            var seen = Seen()
            try await subscription.read(into: &seen, until: 200, limit: 7)
            try seen.requireEqual(work.sourced.map(\.event))
            await subscription.close()
            await publisher.close()
        },
        BusContract("a subscription from the end sees only, and all of, what comes after it") { bus, seed in
            var work = Workload(seed: seed)
            let publisher = try await bus.publisher()
            try await publisher.publish(work.add(executions: 4, length: 5))
            let subscription = try await bus.subscriber.subscribe(SubscriptionOptions(start: .end))
            let later = work.add(executions: 4, length: 5)
            try await publisher.publish(later)
            var seen = Seen()
            try await subscription.read(into: &seen, until: 20)
            try seen.requireEqual(later.map(\.event))
            await subscription.close()
            await publisher.close()
        },
        BusContract("a subscription from positions goes on there, and begins anew on a shorter topic") { bus, seed in
            var work = Workload(seed: seed)
            let publisher = try await bus.publisher()
            let events = work.add(executions: 10, length: 10)
            try await publisher.publish(events, size: 25)
            var first = Seen()
            let before = try await bus.subscriber.subscribe(SubscriptionOptions(start: .beginning))
            try await before.read(into: &first, until: 40, limit: 7)
            await before.close()
            let rest = try await bus.subscriber.subscribe(SubscriptionOptions(start: .positions(first.positions)))
            // The seen set takes on: an event that is skipped or comes twice in its partition is a fault.
            try await rest.read(into: &first, until: 100)
            try first.requireEqual(events.map(\.event))
            await rest.close()
            var anew = Seen()
            let beyond = first.positions.map { TopicPosition(partition: $0.partition, nextOffset: $0.nextOffset + 1) }
            let again = try await bus.subscriber.subscribe(SubscriptionOptions(start: .positions(beyond)))
            try await again.read(into: &anew, until: 100)
            try anew.requireEqual(events.map(\.event))
            await again.close()
            await publisher.close()
        },
        BusContract("a consumer may come before the first publisher") { bus, seed in
            var work = Workload(seed: seed)
            let subscription = try await bus.subscriber.subscribe(SubscriptionOptions(start: .end))
            let events = work.add(executions: 2, length: 3)
            async let seen = within("the first events") {
                var seen = Seen()
                try await subscription.read(into: &seen, until: 6)
                return seen
            }
            let publisher = try await bus.publisher()
            try await publisher.publish(events)
            try await seen.requireEqual(events.map(\.event))
            await subscription.close()
            await publisher.close()
        },
        BusContract("a slow consumer holds back neither publisher nor others, and misses nothing") { bus, seed in
            var work = Workload(seed: seed)
            let publisher = try await bus.publisher()
            let slow = try await bus.subscriber.subscribe(SubscriptionOptions(start: .beginning))
            let fast = try await bus.subscriber.subscribe(SubscriptionOptions(start: .beginning))
            let events = work.add(executions: 200, length: 50)
            try await publisher.publish(Array(events.prefix(10)))
            var late = Seen()
            try await slow.read(into: &late, until: 1, limit: 1)
            let rest = Array(events.dropFirst(10))
            async let published: Void = publisher.publish(rest, size: 128)
            var seen = Seen()
            try await fast.read(into: &seen, until: events.count)
            try await published
            try seen.requireEqual(events.map(\.event))
            try await slow.read(into: &late, until: events.count, limit: 333)
            try late.requireEqual(events.map(\.event))
            await slow.close()
            await fast.close()
            await publisher.close()
        },
        BusContract("close wakes a waiting next, which gives nothing") { bus, _ in
            let publisher = try await bus.publisher()
            let subscription = try await bus.subscriber.subscribe(SubscriptionOptions(start: .end))
            async let waiting = within("the end of next") { try await subscription.next(limit: 10) }
            await Task.yield()
            await subscription.close()
            let events = try await waiting
            try require(events.isEmpty, "\(events.count) events came from a closed subscription")
            let after = try await subscription.next(limit: 10)
            try require(after.isEmpty, "\(after.count) events came after close")
            await publisher.close()
        },
        BusContract("a cancelled task's next throws closed, and the subscription goes on") { bus, seed in
            var work = Workload(seed: seed)
            let publisher = try await bus.publisher()
            let subscription = try await bus.subscriber.subscribe(SubscriptionOptions(start: .end))
            let waiting = Task { () -> BusError? in
                do throws(BusError) { _ = try await subscription.next(limit: 10) } catch { return error }
                return nil
            }
            await Task.yield()
            waiting.cancel()
            let error = try await within("the end of a cancelled next") { await waiting.value }
            try require(error?.code == .closed, "a cancelled next ended with \(error.debugDescription)")
            let events = work.add(executions: 1, length: 4)
            try await publisher.publish(events)
            var seen = Seen()
            try await subscription.read(into: &seen, until: 4)
            try seen.requireEqual(events.map(\.event))
            await subscription.close()
            await publisher.close()
        },
        BusContract("the lag is what was not delivered yet") { bus, seed in
            var work = Workload(seed: seed)
            let publisher = try await bus.publisher()
            let subscription = try await bus.subscriber.subscribe(SubscriptionOptions(start: .beginning))
            try await publisher.publish(work.add(executions: 3, length: 10))
            var seen = Seen()
            while seen.count < 30 {
                try seen.add(try await subscription.next(limit: 4))
                if let lag = await subscription.lag {
                    try require(lag == 30 - seen.count, "after \(seen.count) of 30 events the lag is \(lag)")
                }
            }
            let lag = await subscription.lag
            try require(lag == 0, "the lag of a consumer that has everything is \(lag.debugDescription)")
            await subscription.close()
            await publisher.close()
        },
    ]
}
