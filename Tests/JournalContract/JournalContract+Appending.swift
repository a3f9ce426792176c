import WorkflowEngine
import WorkflowModel

extension JournalContract {
    static let appending = [
        JournalContract("what was appended is read back as it was given") { test in
            let journal = try await test.open()
            let lease = try await journal.acquireLease(shard: 0)
            var sample = Sample(seed: test.seed)
            let execution = sample.execution()
            var first = Sample.records(execution, after: 0, sequence: 0, count: 5)
            // More than a page, and bytes that are no text.
            first[0].payload = sample.bytes(20_000)
            first[1].event?.bytes = sample.bytes(9_000)
            let second = Sample.records(execution, after: 5, sequence: 4, count: 4, isFinal: true)
            try await journal.append(AppendRequest(execution: execution, expectedVersion: 0, records: first), lease)
            try await journal.append(AppendRequest(execution: execution, expectedVersion: 5, records: second), lease)
            let all = first + second
            try expectEqual(try await journal.records(of: execution, after: 0), all, "all records")
            for version in 1...10 {
                try expectEqual(
                    try await journal.records(of: execution, after: version), Array(all.dropFirst(version)),
                    "the records after \(version)")
            }
            try expectEqual(try await journal.records(of: sample.execution(), after: 0), [], "an unknown execution")
            await journal.close()
        },
        JournalContract("each request of a batch stands or falls alone") { test in
            let journal = try await test.open()
            let lease = try await journal.acquireLease(shard: 0)
            var sample = Sample(seed: test.seed)
            let (one, two, three, four) = (
                sample.execution(), sample.execution(), sample.execution(), sample.execution()
            )
            try await journal.append(Sample.start(two, summary: Sample.summary(two)), lease)
            let results = await journal.append(
                [
                    Sample.start(one),
                    // Refused whole, with summary, timer and second record.
                    AppendRequest(
                        execution: two, expectedVersion: 0,
                        records: Sample.records(two, after: 0, sequence: 0, count: 2, isFinal: true),
                        summary: Sample.summary(two, status: .failed, isOpen: false), timer: .set(Sample.start)),
                    Sample.next(three, after: 4),
                    Sample.start(four),
                    // Builds on the request before it.
                    Sample.next(four, after: 1),
                ], lease: lease)
            try expectEqual(results.map(\.code), [nil, .versionConflict, .versionConflict, nil, nil], "the results")
            try expectEqual(try await journal.records(of: one, after: 0).count, 1, "records of the first")
            try expectEqual(try await journal.records(of: two, after: 0).count, 1, "records of the refused")
            try expectEqual(try await journal.summary(of: two)?.status, .running, "the refused request's summary")
            try expectEqual(try await journal.records(of: three, after: 0).count, 0, "records of the unknown")
            try expectEqual(try await journal.records(of: four, after: 0).map(\.version), [1, 2], "the last")
            try expectEqual(
                try await journal.due(shard: 0, until: Timestamp(microseconds: .max), limit: 9), [], "timers")
            try expectEqual(try await journal.open(shard: 0, after: nil, limit: 9), [one, two, four], "open ones")
            try expectEqual(
                try await journal.allEvents().map(\.event.executionID), [two, one, four, four], "the events' order")
            await journal.close()
        },
        JournalContract("a wrong expected version is refused and changes nothing") { test in
            let journal = try await test.open()
            let lease = try await journal.acquireLease(shard: 0)
            var sample = Sample(seed: test.seed)
            let execution = sample.execution()
            try await journal.append(Sample.start(execution), lease)
            for wrong in [0, 2, 7] {
                try await expectError(.versionConflict, "expected version \(wrong)") { () throws(JournalError) in
                    try await journal.append(Sample.next(execution, after: wrong), lease)
                }
            }
            try await journal.append(Sample.next(execution, after: 1), lease)
            try expectEqual(try await journal.records(of: execution, after: 0).map(\.version), [1, 2], "versions")
            await journal.close()
        },
        JournalContract("versions are dense: records that skip or repeat one are refused") { test in
            let journal = try await test.open()
            let lease = try await journal.acquireLease(shard: 0)
            var sample = Sample(seed: test.seed)
            let execution = sample.execution()
            for versions in [[2], [1, 3], [1, 1], [0]] {
                let records = versions.map { JournalRecord(version: $0, kind: 1, payload: [], event: nil) }
                try await expectError(.versionConflict, "versions \(versions)") { () throws(JournalError) in
                    try await journal.append(
                        AppendRequest(execution: execution, expectedVersion: 0, records: records), lease)
                }
            }
            try expectEqual(try await journal.records(of: execution, after: 0), [], "records")
            await journal.close()
        },
        JournalContract("of those who append to one version at once, one wins") { test in
            let journal = try await test.open()
            let lease = try await journal.acquireLease(shard: 0)
            var sample = Sample(seed: test.seed)
            let execution = sample.execution()
            for version in 0..<20 {
                let codes = await withTaskGroup(of: JournalError.Code?.self) { group in
                    for _ in 0..<8 {
                        group.addTask {
                            await journal.append([Sample.next(execution, after: version)], lease: lease)[0].code
                        }
                    }
                    return await group.reduce(into: []) { $0.append($1) }
                }
                try expectEqual(codes.count { $0 == nil }, 1, "winners at \(version)")
                try expectEqual(codes.count { $0 == .versionConflict }, 7, "refused at \(version)")
            }
            try expectEqual(
                try await journal.records(of: execution, after: 0).map(\.version), Array(1...20), "versions")
            await journal.close()
        },
        JournalContract("no request gives no result, and each request one") { test in
            let journal = try await test.open()
            let lease = try await journal.acquireLease(shard: 0)
            var sample = Sample(seed: test.seed)
            try expectEqual(await journal.append([], lease: lease).count, 0, "results of nothing")
            let executions = (0..<300).map { _ in sample.execution() }
            let results = await journal.append(executions.map { Sample.start($0) }, lease: lease)
            try expectEqual(results.count, 300, "results")
            let positions = try results.map { try $0.get().position }
            try expectEqual(positions, positions.sorted(), "the positions' order")
            try expectEqual(Set(positions).count, 300, "different positions")
            await journal.close()
        },
    ]
}

extension Result where Failure == JournalError {
    /// The error's code; nil for success.
    var code: JournalError.Code? {
        if case .failure(let error) = self { error.code } else { nil }
    }
}
