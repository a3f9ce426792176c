import EventBus
import WorkflowModel

extension BusContract {
    static let groups: [BusContract] = [
        BusContract("a group resumes after what it committed; what it did not commit comes again") { bus, seed in
            var work = Workload(seed: seed)
            let publisher = try await bus.publisher()
            try await publisher.publish(work.add(executions: 6, length: 10))
            let options = SubscriptionOptions(group: "contract", start: .beginning)
            let first = try await bus.subscriber.subscribe(options)
            var committed = Seen()
            try await first.read(into: &committed, until: 20, limit: 5)
            try await first.commit(committed.positions)
            var uncommitted = committed
            try await first.read(into: &uncommitted, until: 35, limit: 5)
            await first.close()
            try await publisher.publish(work.add(executions: 2, length: 10))
            let second = try await bus.subscriber.subscribe(options)
            var seen = committed
            let before = committed.nextOffsets
            while seen.count < 80 {
                let events = try await second.next(limit: 50)
                for event in events {
                    let next = before[event.partition] ?? 0
                    try require(event.offset >= next, "offset \(event.offset) came again, committed was \(next)")
                }
                try seen.add(events)
            }
            try seen.requireEqual(work.sourced.map(\.event))
            await second.close()
            await publisher.close()
        },
        BusContract("a group that committed nothing begins again where it was told to") { bus, seed in
            var work = Workload(seed: seed)
            let publisher = try await bus.publisher()
            try await publisher.publish(work.add(executions: 2, length: 5))
            for _ in 0..<2 {
                let subscription = try await bus.subscriber.subscribe(
                    SubscriptionOptions(group: "forgetful", start: .beginning))
                var seen = Seen()
                try await subscription.read(into: &seen, until: 10)
                try seen.requireEqual(work.sourced.map(\.event))
                await subscription.close()
            }
            await publisher.close()
        },
        BusContract("a group goes on where it was although it asks for the end") { bus, seed in
            var work = Workload(seed: seed)
            let publisher = try await bus.publisher()
            try await publisher.publish(work.add(executions: 2, length: 5))
            let options = SubscriptionOptions(group: "from-end", start: .end)
            let first = try await bus.subscriber.subscribe(options)
            let live = work.add(executions: 2, length: 5)
            try await publisher.publish(live)
            var seen = Seen()
            try await first.read(into: &seen, until: 10)
            try await first.commit(seen.positions)
            await first.close()
            let missed = work.add(executions: 4, length: 5)
            try await publisher.publish(missed)
            let second = try await bus.subscriber.subscribe(options)
            try await second.read(into: &seen, until: 30)
            try seen.requireEqual((live + missed).map(\.event))
            await second.close()
            await publisher.close()
        },
        BusContract("every group gets everything") { bus, seed in
            var work = Workload(seed: seed)
            let publisher = try await bus.publisher()
            let one = try await bus.subscriber.subscribe(SubscriptionOptions(group: "one", start: .beginning))
            let two = try await bus.subscriber.subscribe(SubscriptionOptions(group: "two", start: .beginning))
            try await publisher.publish(work.add(executions: 8, length: 8), size: 9)
            for subscription in [one, two] {
                var seen = Seen()
                try await subscription.read(into: &seen, until: 64)
                try seen.requireEqual(work.sourced.map(\.event))
                await subscription.close()
            }
            await publisher.close()
        },
    ]
}
