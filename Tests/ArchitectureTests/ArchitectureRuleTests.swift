import Testing

/// Each rule on a small example that breaks it, so that a silent rule is noticed.
@Suite("Architecture rules")
struct ArchitectureRuleTests {
    private static let markdown = """
        text
        | room | job | may import (rooms; third parties) |
        |---|---|---|
        | WorkflowModel | words | –; Yams |
        | WorkflowEngine | decisions | – |
        | JournalSQLite | journal | WorkflowEngine; GRDB |
        | EventBus | ports | – |
        | StepKit (product) | authors | – |
        | Orchestrator | runs | WorkflowEngine, EventBus |
        | Gateway | serves | EventBus; NIO |
        | stepstream (executable) | root | all; NIO |

        | name | modules |
        |---|---|
        | NIO | NIOCore, NIOPosix |

        | modules | closed to |
        |---|---|
        | WorkflowModel | StepKit |
        | Swift, FoundationEssentials | – |
        | Logging | WorkflowModel |
        """

    private static let manifest = """
        // .target(name: "Comment", dependencies: ["X"])
        let nio = [product("NIOCore"), product("NIOPosix")]
        let package = Package(
            dependencies: [.package(url: "https://example.com/x", from: "1.0.0")],
            targets: [
                .target(name: "WorkflowModel", dependencies: [product("Yams")]),
                .target(name: "WorkflowEngine", dependencies: ["WorkflowModel"]),
                .target(name: "JournalSQLite", dependencies: ["WorkflowEngine", product("GRDB")]),
                .target(name: "EventBus"),
                .target(name: "StepKit"),
                .target(
                    name: "Orchestrator",
                    dependencies: [
                        "WorkflowEngine",
                        "EventBus",  // the ports
                    ]),
                .target(name: "Gateway", dependencies: ["EventBus"] + nio, cSettings: [.define("X")]),
                .executableTarget(name: "stepstream", dependencies: ["Gateway", "Orchestrator"] + nio),
                .testTarget(name: "GatewayTests", dependencies: ["Gateway", "Orchestrator"]),
            ])
        """

    private let table: ArchitectureTable

    init() throws { table = try ArchitectureTable(markdown: Self.markdown) }

    private func manifest(replacing text: String = "", with other: String = "") throws -> Manifest {
        try Manifest(text.isEmpty ? Self.manifest : Self.manifest.replacing(text, with: other))
    }

    private func file(_ room: String, _ text: String) -> SourceFile { SourceFile("Sources/\(room)/File.swift", text) }

    @Test("the package description is read, lists and trailing comments included")
    func manifestReading() throws {
        let targets = try manifest().targets
        #expect(targets.map(\.name).sorted() == [
            "EventBus", "Gateway", "GatewayTests", "JournalSQLite", "Orchestrator", "StepKit", "WorkflowEngine",
            "WorkflowModel", "stepstream",
        ])
        #expect(targets.first { $0.name == "Gateway" }?.dependencies == ["EventBus", "NIOCore", "NIOPosix"])
        #expect(targets.first { $0.name == "Orchestrator" }?.dependencies == ["WorkflowEngine", "EventBus"])
        #expect(targets.filter(\.isTest).map(\.name) == ["GatewayTests"])
    }

    @Test("a dependency in an unknown form is refused, not skipped")
    func manifestForms() {
        #expect(throws: Manifest.Unreadable.self) { try manifest(replacing: "+ nio,", with: "+ others,") }
        #expect(throws: Manifest.Unreadable.self) { try manifest(replacing: #"["EventBus"] +"#, with: "[bus] +") }
    }

    @Test("the example itself breaks nothing")
    func example() throws {
        #expect(ArchitectureRules.manifestArrows(try manifest(), table) == [])
        #expect(ArchitectureRules.consumersApart([], try manifest()) == [])
    }

    @Test("a dependency the table lacks is found")
    func manifestArrows() throws {
        let bad = try manifest(replacing: #"["WorkflowModel"]"#, with: #"["WorkflowModel", "EventBus"] + nio"#)
        #expect(ArchitectureRules.manifestArrows(bad, table) == [
            "Package.swift: WorkflowEngine → EventBus is not in the table",
            "Package.swift: WorkflowEngine → NIOCore is not in the table",
            "Package.swift: WorkflowEngine → NIOPosix is not in the table",
        ])
        let closed = try manifest(
            replacing: #"name: "StepKit")"#, with: #"name: "StepKit", dependencies: ["WorkflowModel"])"#)
        #expect(ArchitectureRules.manifestArrows(closed, table).count == 1)
        let unknown = try manifest(replacing: #"name: "EventBus")"#, with: #"name: "Attic")"#)
        #expect(ArchitectureRules.manifestArrows(unknown, table) == ["Package.swift: Attic has no row"])
    }

    @Test("an import the table or the target lacks is found, however it is written")
    func importArrows() throws {
        func broken(_ room: String, _ text: String) throws -> Int {
            ArchitectureRules.importArrows([file(room, text)], try manifest(), table).count
        }
        #expect(try broken("Gateway", "package import EventBus\nimport NIOCore\nimport FoundationEssentials") == 0)
        #expect(try broken("Gateway", "import GRDB") == 1)
        #expect(try broken("Gateway", "@preconcurrency package import GRDB") == 1)
        #expect(try broken("Gateway", "import struct GRDB.Row") == 1)
        #expect(try broken("Gateway", "import NIOCore; import GRDB") == 1)
        #expect(try broken("Gateway", "// import GRDB\n/* import GRDB */\nlet x = \"\"\"\nimport GRDB\n\"\"\"") == 0)
        #expect(try broken("WorkflowModel", "import Logging") == 1)
        #expect(try broken("Orchestrator", "import WorkflowModel") == 1, "allowed, but its target does not declare it")
        #expect(try broken("Attic", "import Swift") == 1)
    }

    @Test("an arrow between consumers and orchestrator is found even if a table allowed it")
    func consumersApart() throws {
        let imports = [
            file("Gateway", "import Orchestrator"), file("Gateway", "import WorkflowEngine"),
            file("Gateway", "import JournalSQLite"), file("MetricsAggregator", "import Gateway"),
            file("Orchestrator", "import Gateway"), file("stepstream", "import Gateway"),
        ]
        #expect(ArchitectureRules.consumersApart(imports, try manifest()).count == 5)
        let declared = try manifest(replacing: #"["EventBus"] + nio"#, with: #"["EventBus", "JournalSQLite"]"#)
        #expect(ArchitectureRules.consumersApart([], declared) == ["Package.swift: Gateway → JournalSQLite"])
    }

    @Test("public outside the authors' rooms is found, in code only")
    func publicRooms() {
        let files = [
            file("Gateway", "public struct A {}\n@usableFromInline public func f()\n    public import EventBus"),
            file("Gateway", "open class B {}\nlet open = 1\n// public\nlet text = \"public \\\" public\"\n/// public"),
            file("StepKit", "public struct A {}"),
        ]
        #expect(ArchitectureRules.publicRooms(files).count == 4)
    }

    @Test("a stranger at the top level is found")
    func topLevel() {
        let names = [".git", "Package.swift", "Package.resolved", "README.md", "Makefile", "docs", "Sources", "out"]
        #expect(ArchitectureRules.topLevel(names, gitignore: "Package.resolved\nout/\n") == ["Makefile", "docs"])
    }

    @Test("an unchecked promise without its reason is found")
    func safetyLines() {
        let promise = "final class A: @unchecked " + "Sendable {}"
        let state = "nonisolated" + "(unsafe) var a = 1"
        let files = [
            file("Gateway", promise), file("Gateway", "// SAFETY: guarded.\n\n\(promise)"), file("Gateway", state),
            file("Gateway", "// SAFETY: guarded.\n@available(*, noasync)\n\(promise)"),
            file("Gateway", "/// A.\n// SAFETY: set once\n// before threads start.\n    \(state)"),
            file("Gateway", "\(state)  // SAFETY: set once."), file("Gateway", "\(state)\n    // SAFETY: set once."),
            file("Gateway", "// \(promise)\nlet a = \"\(promise)\""),
        ]
        #expect(ArchitectureRules.safetyLines(files).count == 3)
    }

    @Test("an overlong file is found")
    func longFiles() {
        let lines = String(repeating: "\n", count: ArchitectureRules.linesCountMax)
        #expect(
            ArchitectureRules.longFiles([file("Gateway", lines), file("Gateway", String(lines.dropFirst()))]).count == 1
        )
    }

    @Test("a table that cannot be read is refused")
    func tables() {
        #expect(throws: ArchitectureTable.Malformed.self) { try ArchitectureTable(markdown: "no table") }
        let twice = Self.markdown.replacing("| EventBus | ports | – |", with: "| Gateway | ports | – |")
        #expect(throws: ArchitectureTable.Malformed.self) { try ArchitectureTable(markdown: twice) }
    }
}
