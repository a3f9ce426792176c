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
    ]
}
