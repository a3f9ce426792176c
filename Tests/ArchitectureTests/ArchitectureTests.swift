import FoundationEssentials
import Testing

@Suite("Architecture of this repository")
struct ArchitectureTests {
    private static let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()

    private static func text(_ path: String) throws -> String {
        String(decoding: try Data(contentsOf: root.appending(path: path)), as: UTF8.self)
    }

    /// Source files below a folder, sorted by path.
    private static func files(below folder: String) throws -> [SourceFile] {
        let names = try FileManager.default.subpathsOfDirectory(atPath: root.appending(path: folder).path)
        return try names.sorted().filter { name in [".swift", ".c", ".h"].contains(where: name.hasSuffix) }
            .map { SourceFile("\(folder)/\($0)", try text("\(folder)/\($0)")) }
    }

    private static let sources = Result { try files(below: "Sources") }
    private static let tests = Result { try files(below: "Tests") }

    private static func manifest() throws -> Manifest { try Manifest(try text("Package.swift")) }

    private static func table() throws -> ArchitectureTable {
        try ArchitectureTable(markdown: try text("deploy/guide/architecture.md"))
    }

    @Test("the package's targets depend on what their rows allow")
    func manifestArrows() throws {
        let manifest = try Self.manifest()
        #expect(manifest.targets.filter { !$0.isTest }.count >= 14, "the package description was not read whole")
        #expect(ArchitectureRules.manifestArrows(manifest, try Self.table()) == [])
    }

    @Test("every import is in its room's row")
    func importArrows() throws {
        let files = try Self.sources.get()
        #expect(files.flatMap(\.imports).count >= 10, "the import lines were not read")
        #expect(ArchitectureRules.importArrows(files, try Self.manifest(), try Self.table()) == [])
    }

    @Test("consumers and orchestrator meet only in the event contract")
    func consumersApart() throws {
        #expect(ArchitectureRules.consumersApart(try Self.sources.get(), try Self.manifest()) == [])
    }

    @Test("only the rooms of plugin authors have public declarations")
    func publicRooms() throws { #expect(ArchitectureRules.publicRooms(try Self.sources.get()) == []) }

    @Test("the top level holds what it is for and nothing else")
    func topLevel() throws {
        let names = try FileManager.default.contentsOfDirectory(atPath: Self.root.path).sorted()
        #expect(ArchitectureRules.topLevel(names, gitignore: try Self.text(".gitignore")) == [])
    }

    @Test("unchecked promises say why they hold")
    func safetyLines() throws {
        let files = try Self.sources.get() + Self.tests.get()
        #expect(ArchitectureRules.safetyLines(files) == [])
    }

    @Test("no file is longer than 500 lines")
    func longFiles() throws {
        let files = try Self.sources.get() + Self.tests.get()
        #expect(ArchitectureRules.longFiles(files) == [])
    }
}
