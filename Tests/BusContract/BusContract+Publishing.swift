import EventBus
import WorkflowModel

extension BusContract {
    static let publishing: [BusContract] = [
        BusContract("events come in the order of their execution, with the very bytes published") { bus, seed in
            var work = Workload(seed: seed)
            work.add(executions: 40, length: 12)
            let publisher = try await bus.publisher()
            let subscription = try await bus.subscriber.subscribe(SubscriptionOptions(start: .beginning))
            try await publisher.publish(work.sourced, size: 32)
            var seen = Seen()
            try await subscription.read(into: &seen, until: work.sourced.count)
            try seen.requireEqual(work.sourced.map(\.event))
            await subscription.close()
            await publisher.close()
        },
        BusContract("a batch that is published again is harmless") { bus, seed in
            var work = Workload(seed: seed)
            let first = work.add(executions: 5, length: 10)
            let publisher = try await bus.publisher()
            try await publisher.publish(first)
            try await publisher.publish(first)
            try await publisher.publish(Array(first.suffix(7)))
            let second = work.add(executions: 5, length: 10)
            try await publisher.publish(second)
            let subscription = try await bus.subscriber.subscribe(SubscriptionOptions(start: .beginning))
            var seen = Seen()
            try await subscription.read(into: &seen, until: 100)
            try seen.requireEqual(work.sourced.map(\.event))
            for execution in work.executions {
                let page = try await bus.history.events(of: execution, after: 0, limit: 100)
                try require(
                    page.events == work.events(of: execution) && page.isWhole && !page.hasMore,
                    "history of \(execution) has \(page.events.map(\.sequence)) after a repeated batch")
            }
            await subscription.close()
            await publisher.close()
        },
        BusContract("a publisher that was closed and opened again goes on behind what is there") { bus, seed in
            var work = Workload(seed: seed)
            let before = try await bus.publisher()
            let empty = try await before.sourcePosition()
            try require(empty == nil, "an empty topic says it stands at \(empty.debugDescription)")
            try await before.publish(work.add(executions: 3, length: 9))
            await before.close()
            let after = try await bus.publisher()
            if let position = try await after.sourcePosition() {
                let last = work.sourced.last?.position
                try require(position == last, "the topic stands at \(position), not at \(last.debugDescription)")
            }
            try await after.publish(work.add(executions: 3, length: 9))
            let subscription = try await bus.subscriber.subscribe(SubscriptionOptions(start: .beginning))
            var seen = Seen()
            try await subscription.read(into: &seen, until: 54)
            try seen.requireEqual(work.sourced.map(\.event))
            await subscription.close()
            await after.close()
        },
        BusContract("an empty batch is accepted") { bus, _ in
            let publisher = try await bus.publisher()
            try await publisher.publish([])
            await publisher.close()
        },
        BusContract("a closed publisher refuses a batch") { bus, seed in
            var work = Workload(seed: seed)
            let publisher = try await bus.publisher()
            await publisher.close()
            let batch = work.add(executions: 1, length: 1)
            do throws(BusError) { try await publisher.publish(batch) } catch {
                try require(error.code == .closed && !error.isRetryable, "a closed publisher threw \(error)")
                return
            }
            throw ContractViolation("a closed publisher acknowledged a batch")
        },
    ]
}
