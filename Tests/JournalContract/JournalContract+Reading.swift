import WorkflowEngine
import WorkflowModel

extension JournalContract {
    static let reading = [
        JournalContract("the events of an execution come in sequence order, after the given one, up to the limit") {
            test in
            let journal = try await test.open()
            let lease = try await journal.acquireLease(shard: 0)
            var sample = Sample(seed: test.seed)
            let (one, other) = (sample.execution(), sample.execution())
            let records = Sample.records(one, after: 0, sequence: 0, count: 12, isFinal: true)
            for record in records {
                try await journal.append(
                    AppendRequest(execution: one, expectedVersion: record.version - 1, records: [record]), lease)
                if record.version == 3 { try await journal.append(Sample.start(other), lease) }
            }
            let events = records.compactMap(\.event)
            for sequence in 0...events.count {
                try expectEqual(
                    try await journal.events(of: one, after: sequence, limit: 100), Array(events.dropFirst(sequence)),
                    "events after \(sequence)")
                try expectEqual(
                    try await journal.events(of: one, after: sequence, limit: 2),
                    Array(events.dropFirst(sequence).prefix(2)), "two events after \(sequence)")
            }
            try expectEqual(try await journal.events(of: one, after: 0, limit: 0), [], "no events")
            try expectEqual(
                try await journal.events(of: sample.execution(), after: 0, limit: 9), [], "an unknown one's")
            await journal.close()
        },
        JournalContract("an execution is open until its final event, and open ones come oldest first") { test in
            let journal = try await test.open()
            let lease = try await journal.acquireLease(shard: 0)
            var sample = Sample(seed: test.seed)
            let executions = (0..<25).map { _ in sample.execution() }
            // Stored newest first: the order comes from the identifiers.
            for execution in executions.reversed() { try await journal.append(Sample.start(execution), lease) }
            let short = sample.execution()
            try await journal.append(Sample.start(short, isFinal: true), lease)
            var open = executions
            for index in [20, 7, 0] {
                let closing = open.remove(at: index)
                // Completed, yet open while its release is pending: only `final` closes.
                try await journal.append(
                    Sample.next(closing, after: 1, summary: Sample.summary(closing, status: .completed)), lease)
                try expect(
                    try await journal.open(shard: 0, after: nil, limit: 99).contains(closing), "closed too early")
                try await journal.append(Sample.next(closing, after: 2, isFinal: true), lease)
            }
            try expectEqual(try await journal.open(shard: 0, after: nil, limit: 99), open, "open executions")
            var paged: [ExecutionID] = []
            while true {
                let page = try await journal.open(shard: 0, after: paged.last, limit: 4)
                paged += page
                if page.count < 4 { break }
            }
            try expectEqual(paged, open, "open executions by pages")
            await journal.close()
        },
        JournalContract("timers are due soonest first, can be moved and cleared, and end with the final event") {
            test in
            let journal = try await test.open()
            let lease = try await journal.acquireLease(shard: 0)
            var sample = Sample(seed: test.seed)
            let executions = (0..<5).map { _ in sample.execution() }
            func at(_ seconds: Int) -> Timestamp { Sample.start + .seconds(seconds) }
            for (execution, seconds) in zip(executions, [50, 10, 40, 10, 30]) {
                try await journal.append(Sample.start(execution, timer: .set(at(seconds))), lease)
            }
            func due(_ seconds: Int, limit: Int = 9) async throws(JournalError) -> [DueTimer] {
                try await journal.due(shard: 0, until: at(seconds), limit: limit)
            }
            func timer(_ index: Int, _ seconds: Int) -> DueTimer {
                DueTimer(execution: executions[index], at: at(seconds))
            }
            try expectEqual(try await due(9), [], "before the first")
            try expectEqual(try await due(10), [timer(1, 10), timer(3, 10)], "at the first")
            try expectEqual(try await due(60, limit: 3), [timer(1, 10), timer(3, 10), timer(4, 30)], "the first three")
            try await journal.append(Sample.next(executions[1], after: 1), lease)
            try await journal.append(Sample.next(executions[3], after: 1, timer: .cleared), lease)
            try await journal.append(Sample.next(executions[4], after: 1, timer: .set(at(45))), lease)
            try await journal.append(Sample.next(executions[0], after: 1, isFinal: true), lease)
            try expectEqual(try await due(60), [timer(1, 10), timer(2, 40), timer(4, 45)], "after the changes")
            await journal.close()
        },
        JournalContract("an idempotency key is claimed with its request, once in its lifetime and workflow") { test in
            let journal = try await test.open()
            let lease = try await journal.acquireLease(shard: 0)
            var sample = Sample(seed: test.seed)
            func claim(_ execution: ExecutionID, _ workflow: String = "review") -> IdempotencyClaim {
                IdempotencyClaim(
                    key: "k-1", workflow: workflow, digest: [9, 8, 7], execution: execution, at: test.clock.now)
            }
            func start(_ claim: IdempotencyClaim) async throws(JournalError) -> AppendReceipt {
                try await journal.append(Sample.start(claim.execution, idempotency: claim), lease)
            }
            let first = claim(sample.execution())
            try expectEqual(try await journal.idempotencyKey("k-1", workflow: "review"), nil, "an unknown key")
            _ = try await start(first)
            try expectEqual(try await journal.idempotencyKey("k-1", workflow: "review"), first, "the key")

            let second = claim(sample.execution())
            try await expectError(.idempotencyKeyTaken, "the same key") { () throws(JournalError) in
                try await start(second)
            }
            try expectEqual(try await journal.records(of: second.execution, after: 0), [], "records of the refused")
            try expectEqual(
                try await journal.open(shard: 0, after: nil, limit: 9), [first.execution], "open executions")
            // Refused for its version, the request leaves no claim behind.
            var conflicting = Sample.next(first.execution, after: 5)
            conflicting.idempotency = claim(first.execution, "refused")
            let request = conflicting
            try await expectError(.versionConflict, "a wrong version") { () throws(JournalError) in
                try await journal.append(request, lease)
            }
            try expectEqual(try await journal.idempotencyKey("k-1", workflow: "refused"), nil, "the refused claim")
            _ = try await start(claim(sample.execution(), "other"))

            test.clock.advance(by: IdempotencyClaim.lifetime - .microseconds(1))
            try expectEqual(try await journal.idempotencyKey("k-1", workflow: "review"), first, "the key at its end")
            test.clock.advance(by: .microseconds(1))
            try expectEqual(try await journal.idempotencyKey("k-1", workflow: "review"), nil, "the key after its end")
            let third = claim(sample.execution())
            _ = try await start(third)
            try expectEqual(try await journal.idempotencyKey("k-1", workflow: "review"), third, "the key claimed anew")
            await journal.close()
        },
        JournalContract("two claims of one key in one batch: the first holds") { test in
            let journal = try await test.open()
            let lease = try await journal.acquireLease(shard: 0)
            var sample = Sample(seed: test.seed)
            let requests = (0..<2).map { _ in
                let execution = sample.execution()
                return Sample.start(
                    execution,
                    idempotency: IdempotencyClaim(
                        key: "k", workflow: "w", digest: [], execution: execution, at: test.clock.now))
            }
            let codes = await journal.append(requests, lease: lease).map(\.code)
            try expectEqual(codes, [nil, .idempotencyKeyTaken], "results")
            await journal.close()
        },
    ]
}
