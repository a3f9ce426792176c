import WorkflowEngine
import WorkflowModel

extension JournalContract {
    static let listing = [
        JournalContract("the listing row is the last one given, and open until the final event") { test in
            let journal = try await test.open()
            let lease = try await journal.acquireLease(shard: 0)
            var sample = Sample(seed: test.seed)
            let execution = sample.execution()
            try expectEqual(try await journal.summary(of: execution), nil, "before the start")
            var summary = Sample.summary(execution)
            try await journal.append(Sample.start(execution, summary: summary), lease)
            try expectEqual(try await journal.summary(of: execution), summary, "after the start")
            try await journal.append(Sample.next(execution, after: 1), lease)
            try expectEqual(try await journal.summary(of: execution), summary, "left alone")
            summary.status = .completed
            summary.endedAt = Sample.start + .seconds(5)
            summary.isOpen = false
            try await journal.append(Sample.next(execution, after: 2, isFinal: true, summary: summary), lease)
            try expectEqual(try await journal.summary(of: execution), summary, "at the end")
            let bare = sample.execution()
            try await journal.append(Sample.start(bare), lease)
            try expectEqual(try await journal.summary(of: bare), nil, "without a summary")
            try expectEqual(try await journal.summaries(.init(), limit: 9), [summary], "the list")
            await journal.close()
        },
        JournalContract("executions are listed newest first, by workflow and status, in pages") { test in
            let journal = try await test.open()
            let lease = try await journal.acquireLease(shard: 0)
            var sample = Sample(seed: test.seed)
            var stored: [ExecutionSummary] = []
            for index in 0..<40 {
                let execution = sample.execution()
                let status = ExecutionStatus.allCases[index % 5]
                let isOpen = status == .running || status == .waiting
                let summary = Sample.summary(
                    execution, workflow: ["review", "import", "rare"][index % 13 == 0 ? 2 : index % 2], status: status,
                    isOpen: isOpen, endedAt: isOpen ? nil : Sample.start)
                try await journal.append(
                    Sample.start(execution, isFinal: !isOpen, summary: summary), lease)
                stored.insert(summary, at: 0)
            }
            let workflows: [String?] = [nil, "review", "rare", "unknown"]
            let statuses: [ExecutionStatus?] = [nil] + ExecutionStatus.allCases
            for workflow in workflows {
                for status in statuses {
                    let expected = stored.filter {
                        (workflow ?? $0.workflow) == $0.workflow && (status ?? $0.status) == $0.status
                    }
                    var filter = ExecutionFilter(workflow: workflow, status: status)
                    let what = "\(workflow ?? "any workflow"), \(status?.rawValue ?? "any status")"
                    try expectEqual(try await journal.summaries(filter, limit: 99), expected, what)
                    var paged: [ExecutionSummary] = []
                    while true {
                        filter.before = paged.last?.execution
                        let page = try await journal.summaries(filter, limit: 3)
                        paged += page
                        if page.count < 3 { break }
                    }
                    try expectEqual(paged, expected, "\(what), in pages")
                }
            }
            await journal.close()
        },
        JournalContract("approvals are listed the last one first, by workflow and status, in pages") { test in
            let journal = try await test.open()
            let lease = try await journal.acquireLease(shard: 0)
            var sample = Sample(seed: test.seed)
            var stored: [ApprovalSummary] = []
            for index in 0..<24 {
                let execution = sample.execution()
                let workflow = ["review", "import"][index % 2]
                var request = Sample.start(execution, summary: Sample.summary(execution, workflow: workflow))
                // Some executions ask twice.
                request.approvals = (0...index % 3).map { number in
                    ApprovalSummary(
                        id: "\(execution):gate:\(number)", execution: execution, workflow: workflow, status: .pending,
                        details: sample.bytes(20))
                }
                try await journal.append(request, lease)
                stored.insert(contentsOf: request.approvals.reversed(), at: 0)
                // Those that are decided keep their place.
                guard index % 4 != 0, var decided = request.approvals.first,
                    let place = stored.firstIndex(of: decided)
                else { continue }
                decided.status = ApprovalStatus.allCases[index % 4]
                decided.details = sample.bytes(30)
                var next = Sample.next(execution, after: 1)
                next.approvals = [decided]
                try await journal.append(next, lease)
                stored[place] = decided
            }
            for workflow in [nil, "review", "unknown"] as [String?] {
                for status in [nil] + ApprovalStatus.allCases as [ApprovalStatus?] {
                    let expected = stored.filter {
                        (workflow ?? $0.workflow) == $0.workflow && (status ?? $0.status) == $0.status
                    }
                    var filter = ApprovalFilter(workflow: workflow, status: status)
                    let what = "\(workflow ?? "any workflow"), \(status?.rawValue ?? "any status")"
                    try expectEqual(try await journal.approvals(filter, limit: 99), expected, what)
                    var paged: [ApprovalSummary] = []
                    while true {
                        filter.before = paged.last?.id
                        let page = try await journal.approvals(filter, limit: 5)
                        paged += page
                        if page.count < 5 { break }
                    }
                    try expectEqual(paged, expected, "\(what), in pages")
                }
            }
            await journal.close()
        },
        JournalContract("an approval of a refused request is not listed") { test in
            let journal = try await test.open()
            let lease = try await journal.acquireLease(shard: 0)
            var sample = Sample(seed: test.seed)
            let execution = sample.execution()
            try await journal.append(Sample.start(execution, summary: Sample.summary(execution)), lease)
            var stale = Sample.next(execution, after: 7)
            stale.approvals = [
                ApprovalSummary(
                    id: "a", execution: execution, workflow: "review", status: .pending, details: [123, 125])
            ]
            let refused = await journal.append([stale], lease: lease)
            try expectEqual(refused.map { (try? $0.get()) == nil }, [true], "the stale request")
            try expectEqual(try await journal.approvals(ApprovalFilter(), limit: 9), [], "the list")
            await journal.close()
        },
    ]
}
