import WorkflowEngine
import WorkflowModel

extension JournalContract {
    static let ordering = [
        JournalContract("nothing is ever committed before a position already handed out") { test in
            let journal = try await test.open()
            let lease = try await journal.acquireLease(shard: 0)
            let (appenders, rounds) = (8, 25)
            let isDone = Shared(false)
            let seen = try await withThrowingTaskGroup(of: [JournalPosition].self) { group in
                // Tails the journal as a relay does: what it has passed, it never looks at again.
                group.addTask {
                    var seen: [JournalPosition] = []
                    while true {
                        let isLast = isDone.withLock { $0 }
                        let page = try await journal.events(after: seen.last, shard: 0, limit: 5)
                        seen += page.map(\.position)
                        if page.isEmpty {
                            if isLast { return seen }
                            await Task.yield()
                        }
                    }
                }
                let before = try await journal.events(after: nil, shard: 0, limit: 1).count
                try expectEqual(before, 0, "events of an empty journal")
                await withTaskGroup(of: Void.self) { appending in
                    for appender in 0..<appenders {
                        var sample = Sample(seed: test.seed &+ UInt64(appender))
                        appending.addTask {
                            for _ in 0..<rounds {
                                let execution = sample.execution()
                                let count = sample.number(1...6)
                                _ = await journal.append(
                                    [
                                        AppendRequest(
                                            execution: execution, expectedVersion: 0,
                                            records: Sample.records(execution, after: 0, sequence: 0, count: count))
                                    ], lease: lease)
                            }
                        }
                    }
                }
                isDone.withLock { $0 = true }
                return try await group.next() ?? []
            }
            try expectEqual(
                seen, try await journal.allEvents().map(\.position), "what a tailing reader saw (seed \(test.seed))")
            try expectEqual(seen, seen.sorted(), "ascending positions")
            try expectEqual(Set(seen).count, seen.count, "different positions")
            await journal.close()
        },
        JournalContract("events are counted from a position on, and only events") { test in
            let journal = try await test.open()
            let lease = try await journal.acquireLease(shard: 0)
            try expectEqual(try await journal.countEvents(after: nil, shard: 0), 0, "events of an empty journal")
            var sample = Sample(seed: test.seed)
            for count in 1...6 {
                let execution = sample.execution()
                var records = Sample.records(execution, after: 0, sequence: 0, count: count)
                records.append(JournalRecord(version: count + 1, kind: 1, payload: [], event: nil))
                _ = await journal.append(
                    [AppendRequest(execution: execution, expectedVersion: 0, records: records)], lease: lease)
            }
            let events = try await journal.allEvents()
            try expectEqual(try await journal.countEvents(after: nil, shard: 0), events.count, "all events")
            for (index, event) in events.enumerated() {
                try expectEqual(
                    try await journal.countEvents(after: event.position, shard: 0), events.count - index - 1,
                    "events after the \(index + 1). (seed \(test.seed))")
            }
            await journal.close()
        },
        JournalContract("an event is readable when its append has returned, at or before the receipt's position") {
            test in
            let journal = try await test.open()
            let lease = try await journal.acquireLease(shard: 0)
            var sample = Sample(seed: test.seed)
            var last: JournalPosition?
            for _ in 0..<20 {
                let execution = sample.execution()
                let receipt = try await journal.append(
                    AppendRequest(
                        execution: execution, expectedVersion: 0,
                        records: Sample.records(execution, after: 0, sequence: 0, count: 3)), lease)
                let events = try await journal.events(after: last, shard: 0, limit: 9)
                try expectEqual(events.map(\.event.executionID), [execution, execution], "the new events")
                try expect(events.allSatisfy { $0.position <= receipt.position }, "events after the receipt's position")
                try expect(last.map { $0 < receipt.position } ?? true, "the position did not rise")
                last = receipt.position
            }
            await journal.close()
        },
        JournalContract("the tap gets every committed event once, in order, as reading gives them") { test in
            let journal = try await test.open()
            let lease = try await journal.acquireLease(shard: 0)
            let tapped = Shared<[CommittedEvent]>([])
            let inside = Shared(0)
            let overlaps = Shared(0)
            journal.setCommitTap { events in
                let depth = inside.withLock { $0 += 1; return $0 }
                if depth > 1 || events.isEmpty { overlaps.withLock { $0 += 1 } }
                tapped.withLock { $0 += events }
                inside.withLock { $0 -= 1 }
            }
            await withTaskGroup(of: Void.self) { group in
                for appender in 0..<6 {
                    var sample = Sample(seed: test.seed &+ UInt64(appender))
                    group.addTask {
                        for _ in 0..<15 {
                            let execution = sample.execution()
                            let records = Sample.records(execution, after: 0, sequence: 0, count: 4)
                            let request = AppendRequest(execution: execution, expectedVersion: 0, records: records)
                            // The second is refused: its events must not show.
                            _ = await journal.append([request, request], lease: lease)
                        }
                    }
                }
            }
            let read = try await journal.allEvents()
            let got = tapped.withLock { $0 }
            try expectEqual(read.count, 6 * 15 * 3, "events (seed \(test.seed))")
            try expectEqual(got.map(\.position), read.map(\.position), "tapped positions (seed \(test.seed))")
            try expectEqual(got.map(\.event), read.map(\.event), "tapped events (seed \(test.seed))")
            try expectEqual(overlaps.withLock { $0 }, 0, "calls at the same time or with nothing")
            await journal.close()
        },
        JournalContract("the tap has been called when the append returns; another tap replaces it") { test in
            let journal = try await test.open()
            let lease = try await journal.acquireLease(shard: 0)
            var sample = Sample(seed: test.seed)
            let first = Shared(0)
            let second = Shared(0)
            let firstCount = { @Sendable (events: [CommittedEvent]) in first.withLock { $0 += events.count } }
            let secondCount = { @Sendable (events: [CommittedEvent]) in second.withLock { $0 += events.count } }
            journal.setCommitTap(firstCount)
            try await journal.append(Sample.start(sample.execution()), lease)
            try expectEqual(first.withLock { $0 }, 1, "events of the first tap")
            journal.setCommitTap(secondCount)
            try await journal.append(Sample.start(sample.execution()), lease)
            journal.setCommitTap(nil)
            try await journal.append(Sample.start(sample.execution()), lease)
            try expectEqual(first.withLock { $0 }, 1, "events of the first tap")
            try expectEqual(second.withLock { $0 }, 1, "events of the second tap")
            await journal.close()
        },
    ]
}
