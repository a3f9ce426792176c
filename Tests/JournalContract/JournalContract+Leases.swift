import WorkflowEngine
import WorkflowModel

extension JournalContract {
    static let leases = [
        JournalContract("every takeover raises the epoch, over restarts too") { test in
            var epochs: [Int64] = []
            for _ in 0..<3 {
                let journal = try await test.open()
                epochs.append(try await journal.acquireLease(shard: 0).epoch)
                epochs.append(try await journal.acquireLease(shard: 0).epoch)
                await journal.close()
            }
            try expect(epochs[0] > 0, "the first epoch is \(epochs[0])")
            for (earlier, later) in zip(epochs, epochs.dropFirst()) {
                try expectEqual(later, earlier + 1, "the epoch after \(earlier)")
            }
        },
        JournalContract("a stale lease appends nothing and defines nothing") { test in
            let journal = try await test.open()
            var sample = Sample(seed: test.seed)
            let (one, two) = (sample.execution(), sample.execution())
            let stale = try await journal.acquireLease(shard: 0)
            try await journal.append(Sample.start(one), stale)
            let lease = try await journal.acquireLease(shard: 0)
            let draft = StoredDefinition.Draft(name: "a", format: .yaml, source: [1], at: Sample.start)
            for wrong in [
                stale, JournalLease(shard: 0, epoch: lease.epoch + 1), JournalLease(shard: 7, epoch: lease.epoch),
            ] {
                let results = await journal.append([Sample.next(one, after: 1), Sample.start(two)], lease: wrong)
                try expectEqual(results.map(\.code), [.staleLease, .staleLease], "appends with \(wrong)")
                try await expectError(.staleLease, "putting with \(wrong)") { () throws(JournalError) in
                    try await journal.putDefinition(draft, lease: wrong)
                }
                try await expectError(.staleLease, "deleting with \(wrong)") { () throws(JournalError) in
                    try await journal.deleteDefinition(named: "a", lease: wrong)
                }
            }
            try expectEqual(try await journal.records(of: one, after: 0).count, 1, "records")
            try expectEqual(try await journal.records(of: two, after: 0).count, 0, "records")
            try expectEqual(try await journal.definitions(after: nil, limit: 9).count, 0, "definitions")
            try await journal.append(Sample.next(one, after: 1), lease)
            await journal.close()
        },
        JournalContract("the published position rises, is kept by closing, and only the lease's holder moves it") {
            test in
            var journal = try await test.open()
            let stale = try await journal.acquireLease(shard: 0)
            let lease = try await journal.acquireLease(shard: 0)
            try expectEqual(try await journal.publishedPosition(shard: 0), nil, "before anything")
            let (low, high) = (JournalPosition(rawValue: 5), JournalPosition(rawValue: 9))
            await journal.notePublished(high, lease: stale)
            try expectEqual(try await journal.publishedPosition(shard: 0), nil, "after a stale lease")
            await journal.notePublished(low, lease: lease)
            await journal.notePublished(high, lease: lease)
            await journal.notePublished(low, lease: lease)
            try expectEqual(try await journal.publishedPosition(shard: 0), high, "the highest")
            await journal.close()
            journal = try await test.open()
            try expectEqual(try await journal.publishedPosition(shard: 0), high, "after closing")
            await journal.close()
        },
    ]
}
