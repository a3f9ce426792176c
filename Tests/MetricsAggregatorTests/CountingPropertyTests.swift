import EventBus
import Testing
import WorkflowModel

@testable import MetricsAggregator

@Suite("counts do not depend on how events come")
struct CountingPropertyTests {
    @Test(
        "late events, repeated runs, any batches and crashes between them give the counts of the clean topic",
        arguments: UInt64(1)...40)
    func anyOrder(seed: UInt64) throws {
        var random = SplitMix(state: seed)
        var runs = GeneratedRuns(seed: seed)
        let clean = GeneratedTopic.clean((0..<60).map { _ in runs.run() }, partitions: 3, using: &random)
        let (disturbed, copies) = clean.disturbed(using: &random)
        let expected = try counted(clean.events).figures
        try #require(expected.totals.duplicates == 0 && expected.totals.malformed == 0)
        try #require(expected.totals.missingInside == 0)
        try #require(copies > 0)

        // Memory for ten executions: what was seen has to come back from the store.
        let limits = AggregatorLimits(recordsMax: 10)
        var store = StoreModel()
        var state = try store.load(limits)
        var crashes = 0
        while true {
            let rest = disturbed.events.filter { $0.offset >= store.positions[$0.partition] ?? 0 }
            if rest.isEmpty { break }
            var left = rest[...]
            while !left.isEmpty {
                let size = Int.random(in: 1...60, using: &random)
                try state.take(left.prefix(size), from: store)
                left = left.dropFirst(size)
                let (changes, positions) = state.takeChanges()
                // The crash comes before the commit or after it.
                let isCommitted = Int.random(in: 0..<8, using: &random) > 0
                if isCommitted { store.commit(changes, positions) }
                if !isCommitted || Int.random(in: 0..<8, using: &random) == 0 {
                    state = try store.load(limits)
                    crashes += 1
                    break
                }
            }
        }
        try #require(crashes > 0, "seed \(seed)")
        var figures = state.figures
        #expect(figures.totals.duplicates == UInt64(copies), "seed \(seed)")
        figures.totals.duplicates = 0
        #expect(figures.totals == expected.totals, "seed \(seed)")
        #expect(figures.workflows == expected.workflows, "seed \(seed)")
        #expect(figures.functions == expected.functions, "seed \(seed)")
        #expect(figures.statistics == expected.statistics, "seed \(seed)")
        #expect(figures.approvals == expected.approvals, "seed \(seed)")
    }

    @Test("partitions may be read at any pace", arguments: UInt64(1)...5)
    func anyPace(seed: UInt64) throws {
        var random = SplitMix(state: seed)
        var runs = GeneratedRuns(seed: seed)
        let clean = GeneratedTopic.clean((0..<60).map { _ in runs.run() }, partitions: 4, using: &random)
        let oneByOne = (0..<4).flatMap { partition in clean.events.filter { $0.partition == partition } }
        #expect(try counted(oneByOne).figures == counted(clean.events).figures)
    }

    @Test("a store holds what it was given: reloading changes nothing, and ended executions take few bytes")
    func reload() throws {
        var random = SplitMix(state: 7)
        var runs = GeneratedRuns(seed: 7)
        let clean = GeneratedTopic.clean((0..<200).map { _ in runs.run() }, partitions: 2, using: &random)
        let (figures, store) = try counted(clean.events)
        #expect(try store.load(AggregatorLimits()).figures == figures)
        let ended = store.entries.filter { $0.key.hasPrefix("x/") && $0.value.count <= 16 }.count
        #expect(ended > 150)
        for (key, value) in store.entries where !value.isEmpty {
            var state = AggregatorState(limits: AggregatorLimits())
            #expect(throws: StoredFault.self, "\(key)") {
                let cut = ConsumerEntry(key: key, value: Array(value.dropLast()))
                if key.hasPrefix("x/") { try state.recall([cut.key: cut.value]) } else { try state.load(cut) }
            }
        }
    }
}
