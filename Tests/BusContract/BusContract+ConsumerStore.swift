import EventBus
import WorkflowModel

extension BusContract {
    static let consumerStores: [BusContract] = [
        BusContract("a consumer store keeps entries and positions over a restart") { bus, _ in
            let store = try await bus.consumerStore(named: "contract")
            let none = try await store.positions()
            try require(none.isEmpty, "a new store has positions")
            try await store.commit(
                [ConsumerChange(key: "a", value: [1, 0, 255]), ConsumerChange(key: "b", value: [])],
                positions: [TopicPosition(partition: 0, nextOffset: 7), TopicPosition(partition: 3, nextOffset: 9)])
            try await store.commit(
                [ConsumerChange(key: "b", value: nil), ConsumerChange(key: "c\u{0}é", value: [2])],
                positions: [TopicPosition(partition: 3, nextOffset: 10)])
            await store.close()
            let again = try await bus.consumerStore(named: "contract")
            let (a, b) = (try await again.value(for: "a"), try await again.value(for: "b"))
            let c = try await again.value(for: "c\u{0}é")
            try require(a == [1, 0, 255] && b == nil && c == [2], "values came back as \([a, b, c])")
            let several = try await again.values(for: ["a", "b", "c\u{0}é", "d"])
            try require(several == ["a": [1, 0, 255], "c\u{0}é": [2]], "values came back together as \(several)")
            let positions = try await again.positions().sorted { $0.partition < $1.partition }
            try require(
                positions == [TopicPosition(partition: 0, nextOffset: 7), TopicPosition(partition: 3, nextOffset: 10)],
                "positions came back as \(positions)")
            let other = try await bus.consumerStore(named: "another")
            let foreign = try await other.value(for: "a")
            try require(foreign == nil, "two stores share their entries")
            await other.close()
            await again.close()
        },
        BusContract("a consumer store lists entries by prefix, in key order, page by page") { bus, seed in
            var random = SplitMix(state: seed)
            let store = try await bus.consumerStore(named: "listing")
            let keys = (0..<250).map { "n/\(String(repeating: "0", count: 3 - String($0).count))\($0)" }
            let noise = ["m", "n", "n.", "n0", "o/000", "é"]
            try await store.commit(
                (keys + noise).shuffled(using: &random).map { ConsumerChange(key: $0, value: Array($0.utf8)) },
                positions: [])
            var listed: [String] = []
            while true {
                let page = try await store.entries(prefix: "n/", after: listed.last, limit: 100)
                try require(page.count <= 100, "\(page.count) entries came where 100 were asked for")
                try require(page.allSatisfy { $0.value == Array($0.key.utf8) }, "a value stands at another key")
                listed += page.map(\.key)
                if page.count < 100 { break }
            }
            try require(listed == keys, "the listing has \(listed.count) keys or another order")
            let none = try await store.entries(prefix: "zz", after: nil, limit: 5)
            try require(none.isEmpty, "an unknown prefix has entries")
            await store.close()
        },
        BusContract("effects kept with their positions are counted once over any number of restarts") { bus, seed in
            var work = Workload(seed: seed)
            var random = SplitMix(state: seed ^ 1)
            let publisher = try await bus.publisher()
            try await publisher.publish(work.add(executions: 20, length: 15), size: 32)
            var counted = 0
            var restarts = 0
            while counted < 300 {
                let subscription = try await bus.subscriber.subscribe(
                    SubscriptionOptions(group: "counter", start: .beginning))
                let store = try await bus.consumerStore(named: "counter")
                var positions = Dictionary(
                    uniqueKeysWithValues: try await store.positions().map { ($0.partition, $0.nextOffset) })
                var seen = Set<String>()
                let stored = try await store.value(for: "count") ?? []
                counted = stored.reduce(0) { $0 << 8 | Int($1) }
                // Two to six batches, then a crash: the group hears of only some of them.
                for _ in 0..<Int.random(in: 2...6, using: &random) where counted < 300 {
                    for record in try await subscription.next(limit: 13)
                    where record.offset >= positions[record.partition] ?? 0 {
                        if seen.insert(record.event.id).inserted { counted += 1 }
                        positions[record.partition] = record.offset + 1
                    }
                    let next = positions.map { TopicPosition(partition: $0.key, nextOffset: $0.value) }
                    try await store.commit(
                        [ConsumerChange(key: "count", value: [UInt8(counted >> 8), UInt8(counted & 255)])],
                        positions: next)
                    if Bool.random(using: &random) { try await subscription.commit(next) }
                }
                await subscription.close()
                await store.close()
                restarts += 1
                try require(restarts < 300, "300 events were not counted in \(restarts) restarts, \(counted) were")
            }
            try require(counted == 300, "300 events were counted as \(counted)")
            await publisher.close()
        },
    ]
}
