import FoundationEssentials
import Testing

@Suite("Error codes of steps")
struct ErrorCodeTests {
    private static func text(_ path: String) throws -> String {
        let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        return String(decoding: try Data(contentsOf: root.appending(path: path)), as: UTF8.self)
    }

    @Test("the guide's table has the codes of the source, each once")
    func table() throws {
        let source = try Self.text("Sources/WorkflowEngine/Ports/StepRunner.swift")
        let declaration = try #require(source.split(separator: "package enum StepErrorCode {").last)
        let codes = declaration.split(separator: "\n").filter { $0.contains("static let") }
            .compactMap { $0.split(separator: "\"").dropFirst().first }
        #expect(codes.count > 10)
        let guide = try Self.text("deploy/guide/workflow-definition.md")
        let section = try #require(guide.split(separator: "### Error codes\n").last?.split(separator: "\n## ").first)
        let rows = section.split(separator: "\n").filter { $0.hasPrefix("| `") }
        let listed = rows.flatMap { row in
            let cell = row.dropFirst(2).prefix { $0 != "|" }
            return cell.split(separator: "`").filter { $0.contains { $0.isLetter } }
        }
        #expect(listed.sorted() == codes.sorted())
    }
}
