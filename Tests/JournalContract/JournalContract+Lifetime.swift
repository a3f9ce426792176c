import WorkflowEngine
import WorkflowModel

extension JournalContract {
    static let lifetime = [
        JournalContract("what was committed is there after closing and opening, and goes on from there") { test in
            var journal = try await test.open()
            var lease = try await journal.acquireLease(shard: 0)
            var sample = Sample(seed: test.seed)
            let (one, two) = (sample.execution(), sample.execution())
            let timer = Sample.start + .seconds(9)
            let claim = IdempotencyClaim(
                key: "k", workflow: "review", digest: [5], execution: one, at: test.clock.now)
            try await journal.append(
                Sample.start(one, summary: Sample.summary(one), timer: .set(timer), idempotency: claim), lease)
            let last = try await journal.append(Sample.start(two, isFinal: true), lease)
            _ = try await journal.putDefinition(
                .init(name: "review", format: .yaml, source: [1], at: Sample.start), lease: lease)
            let events = try await journal.allEvents()
            await journal.close()

            journal = try await test.open()
            try expectEqual(try await journal.records(of: one, after: 0), Sample.start(one).records, "records")
            try expectEqual(try await journal.allEvents().map(\.event), events.map(\.event), "events")
            try expectEqual(try await journal.allEvents().map(\.position), events.map(\.position), "positions")
            try expectEqual(try await journal.open(shard: 0, after: nil, limit: 9), [one], "open executions")
            try expectEqual(
                try await journal.due(shard: 0, until: timer, limit: 9), [DueTimer(execution: one, at: timer)], "timers"
            )
            try expectEqual(try await journal.summary(of: one), Sample.summary(one), "the listing row")
            try expectEqual(try await journal.idempotencyKey("k", workflow: "review"), claim, "the idempotency key")
            try expectEqual(try await journal.definition(named: "review", revision: nil)?.source, [1], "the definition")
            lease = try await journal.acquireLease(shard: 0)
            let next = try await journal.append(Sample.next(one, after: 1), lease)
            try expect(next.position > last.position, "a position was used again: \(next) after \(last)")
            let current = lease
            try await expectError(.versionConflict, "starting again") { () throws(JournalError) in
                try await journal.append(Sample.start(two), current)
            }
            await journal.close()
        },
        JournalContract("a closed journal answers `closed`, and closing twice is harmless") { test in
            let journal = try await test.open()
            let lease = try await journal.acquireLease(shard: 0)
            var sample = Sample(seed: test.seed)
            let execution = sample.execution()
            await journal.close()
            await journal.close()
            try expectEqual(
                await journal.append([Sample.start(execution)], lease: lease).map(\.code), [.closed], "append")
            try await expectError(.closed, "records") { () throws(JournalError) in
                try await journal.records(of: execution, after: 0)
            }
            try await expectError(.closed, "events") { () throws(JournalError) in
                try await journal.events(after: nil, shard: 0, limit: 1)
            }
            try await expectError(.closed, "acquireLease") { () throws(JournalError) in
                try await journal.acquireLease(shard: 0)
            }
            try await expectError(.closed, "publishedPosition") { () throws(JournalError) in
                try await journal.publishedPosition(shard: 0)
            }
            await journal.notePublished(JournalPosition(rawValue: 1), lease: lease)
        },
        JournalContract("closing finishes the appends that wait") { test in
            var journal = try await test.open()
            let lease = try await journal.acquireLease(shard: 0)
            let closing = journal
            let committed = await withTaskGroup(of: ExecutionID?.self) { group in
                for appender in 0..<50 {
                    var sample = Sample(seed: test.seed &+ UInt64(appender))
                    let execution = sample.execution()
                    group.addTask {
                        await closing.append([Sample.start(execution)], lease: lease)[0].code == nil ? execution : nil
                    }
                    if appender == 25 { group.addTask { await closing.close(); return nil } }
                }
                return await group.reduce(into: Set<ExecutionID>()) { if let execution = $1 { $0.insert(execution) } }
            }
            journal = try await test.open()
            try expectEqual(
                Set(try await journal.open(shard: 0, after: nil, limit: 99)), committed,
                "what was answered is what is there (seed \(test.seed))")
            await journal.close()
        },
    ]
}
