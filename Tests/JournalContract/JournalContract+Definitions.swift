import WorkflowEngine
import WorkflowModel

extension JournalContract {
    static let definitions = [
        JournalContract("every revision of a definition is kept, and the same source makes none") { test in
            let journal = try await test.open()
            let lease = try await journal.acquireLease(shard: 0)
            func draft(_ source: String, _ seconds: Int, _ format: StoredDefinition.Format = .yaml)
                -> StoredDefinition.Draft
            {
                StoredDefinition.Draft(
                    name: "review", format: format, source: Array(source.utf8), at: Sample.start + .seconds(seconds))
            }
            try expectEqual(try await journal.definition(named: "review", revision: nil), nil, "an unknown name")
            let first = try await journal.putDefinition(draft("one", 1), lease: lease)
            let again = try await journal.putDefinition(draft("one", 2), lease: lease)
            let second = try await journal.putDefinition(draft("two", 3, .json), lease: lease)
            let third = try await journal.putDefinition(draft("one", 4), lease: lease)
            try expectEqual(
                first,
                StoredDefinition(
                    name: "review", revision: 1, format: .yaml, source: Array("one".utf8),
                    createdAt: Sample.start + .seconds(1)), "the first")
            try expectEqual(again, first, "the same source")
            try expectEqual([second.revision, third.revision], [2, 3], "revisions")
            try expectEqual(second.format, .json, "the format")
            for stored in [first, second, third] {
                try expectEqual(
                    try await journal.definition(named: "review", revision: stored.revision), stored,
                    "revision \(stored.revision)")
            }
            try expectEqual(try await journal.definition(named: "review", revision: nil), third, "the newest")
            try expectEqual(try await journal.definition(named: "review", revision: 4), nil, "an unknown revision")
            await journal.close()
        },
        JournalContract("a deleted definition is hidden, its revisions stay, and it can come back") { test in
            let journal = try await test.open()
            let lease = try await journal.acquireLease(shard: 0)
            let draft = StoredDefinition.Draft(name: "a", format: .json, source: [1, 2], at: Sample.start)
            let stored = try await journal.putDefinition(draft, lease: lease)
            try expectEqual(try await journal.deleteDefinition(named: "b", lease: lease), false, "deleting nothing")
            try expectEqual(try await journal.deleteDefinition(named: "a", lease: lease), true, "deleting")
            try expectEqual(try await journal.deleteDefinition(named: "a", lease: lease), false, "deleting twice")
            try expectEqual(try await journal.definition(named: "a", revision: nil), nil, "the newest")
            try expectEqual(try await journal.definition(named: "a", revision: 1), stored, "the pinned revision")
            try expectEqual(try await journal.definitions(after: nil, limit: 9), [], "the list")
            let back = try await journal.putDefinition(draft, lease: lease)
            try expectEqual(back, stored, "the same source again")
            try expectEqual(try await journal.definition(named: "a", revision: nil), stored, "the newest again")
            var changed = draft
            changed.source = [3]
            try expectEqual(try await journal.putDefinition(changed, lease: lease).revision, 2, "the next revision")
            await journal.close()
        },
        JournalContract("definitions are listed by name, newest revisions only, in pages") { test in
            let journal = try await test.open()
            let lease = try await journal.acquireLease(shard: 0)
            let names = ["zebra", "a", "m-1", "m", "b-2", "b"]
            for name in names {
                for source in 1...2 {
                    _ = try await journal.putDefinition(
                        .init(name: name, format: .yaml, source: [UInt8(source)], at: Sample.start), lease: lease)
                }
            }
            _ = try await journal.deleteDefinition(named: "m", lease: lease)
            let expected = ["a", "b", "b-2", "m-1", "zebra"]
            let all = try await journal.definitions(after: nil, limit: 99)
            try expectEqual(all.map(\.name), expected, "names")
            try expectEqual(Set(all.map(\.revision)), [2], "revisions")
            var paged: [String] = []
            while true {
                let page = try await journal.definitions(after: paged.last, limit: 2)
                paged += page.map(\.name)
                if page.count < 2 { break }
            }
            try expectEqual(paged, expected, "names by pages")
            await journal.close()
        },
    ]
}
