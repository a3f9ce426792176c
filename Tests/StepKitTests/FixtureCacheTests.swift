import FixtureCache
import Foundation
import Testing

/// The cache that the suites take their plugins from.
@Suite("what tests compile is compiled once") struct FixtureCacheTests {
    /// Counts its runs in a file beside the results, and fails for a source that says so.
    private struct Bench {
        let directory: URL
        let cache: FixtureCache
        var source: URL { directory.appending(path: "sources/source") }

        init() throws {
            directory = try Tool.temporaryDirectory()
            cache = FixtureCache(directory: directory.appending(path: "results").path)
            try FileManager.default.createDirectory(
                at: directory.appending(path: "sources"), withIntermediateDirectories: true)
            try "one".write(to: source, atomically: true, encoding: .utf8)
        }

        func remove() { try? FileManager.default.removeItem(at: directory) }

        func recipe(_ flags: String = "") -> FixtureCache.Recipe {
            FixtureCache.Recipe(
                """
                echo run >> '\(directory.path)/runs' && cp '\(source.path)' copy && echo '\(flags)' >> copy \
                && ! grep -q broken copy
                """, compiler: "cc", sources: [directory.appending(path: "sources").path])
        }

        func result(_ flags: String = "") throws -> String {
            try String(contentsOfFile: try cache.directory(of: recipe(flags)) + "/copy", encoding: .utf8)
        }

        var runs: Int {
            let lines = try? String(contentsOf: directory.appending(path: "runs"), encoding: .utf8)
            return lines?.split(separator: "\n").count ?? 0
        }
    }

    @Test("the same recipe runs once, also for another process's cache")
    func once() throws {
        let bench = try Bench()
        defer { bench.remove() }
        for _ in 0..<3 { #expect(try bench.result() == "one\n") }
        #expect(try FixtureCache(directory: bench.cache.directory).directory(of: bench.recipe()).isEmpty == false)
        #expect(bench.runs == 1)
    }

    @Test("another source, another file beside it and other flags are another result; the old one is kept")
    func changed() throws {
        let bench = try Bench()
        defer { bench.remove() }
        #expect(try bench.result() == "one\n")
        #expect(try bench.result("-O2") == "one-O2\n")
        try "two".write(to: bench.source, atomically: true, encoding: .utf8)
        #expect(try bench.result() == "two\n")
        try "one".write(to: bench.source, atomically: true, encoding: .utf8)
        #expect(try bench.result() == "one\n")
        #expect(bench.runs == 3)
        let header = bench.directory.appending(path: "sources/header.h")
        try "".write(to: header, atomically: true, encoding: .utf8)
        #expect(try bench.result() == "one\n")
        #expect(bench.runs == 4)
    }

    @Test("a script that fails leaves nothing behind, and runs again once its source is mended")
    func failing() throws {
        let bench = try Bench()
        defer { bench.remove() }
        try "broken".write(to: bench.source, atomically: true, encoding: .utf8)
        for _ in 0..<2 { #expect(throws: FixtureCache.Failure.self) { try bench.result() } }
        #expect(bench.runs == 2)
        #expect(try FileManager.default.contentsOfDirectory(atPath: bench.cache.directory).isEmpty)
        try "mended".write(to: bench.source, atomically: true, encoding: .utf8)
        #expect(try bench.result() == "mended\n")
    }

    @Test("many at once each get a whole result")
    func atOnce() async throws {
        let bench = try Bench()
        defer { bench.remove() }
        try await withThrowingTaskGroup(of: String.self) { group in
            for _ in 0..<8 { group.addTask { try bench.result() } }
            for try await result in group { #expect(result == "one\n") }
        }
        #expect(try FileManager.default.contentsOfDirectory(atPath: bench.cache.directory).count == 1)
    }
}
