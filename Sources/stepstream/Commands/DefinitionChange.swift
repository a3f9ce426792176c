import NIOHTTP1
import WorkflowModel

/// What storing a definition would do.
struct DefinitionChange {
    enum Kind: String { case created, changed, unchanged }

    let file: DefinitionFile
    let name: String
    let kind: Kind
    /// What the server has now.
    let revision: Int64?
    /// `steps +verify -check ~score`, `inputs`; empty when only the text's form differs.
    let differences: [String]

    /// - Parameter stored: the server's answer; nil when it has no such workflow.
    init(file: DefinitionFile, name: String, stored: JSONValue?) {
        self.file = file
        self.name = name
        revision = stored?["revision"]?.intValue
        let text = stored?["source"]?.stringValue.map { Array($0.utf8) }
        let isSame = text == file.source && stored?["format"]?.stringValue == file.format.rawValue
        kind = stored == nil ? .created : isSame ? .unchanged : .changed
        let format = stored?["format"]?.stringValue.flatMap { DefinitionFormat(rawValue: $0) }
        differences = kind == .changed
            ? Self.differences(
                text.flatMap { DefinitionReader.json($0, format: format) } ?? .null,
                DefinitionReader.json(file.source, format: file.format) ?? .null) : []
    }

    var isNeeded: Bool { kind != .unchanged }

    /// Sends the definition, on the condition that nobody else did so meanwhile.
    /// - Returns: its revision.
    func store(_ client: ServerClient) async throws -> Int64 {
        let condition = revision.map { ("if-match", "\"\($0)\"") } ?? ("if-none-match", "*")
        do {
            let stored = try await client.call(
                .PUT, "/api/v1/workflows/\(URLText.segment(name))", body: file.source,
                contentType: "application/\(file.format.rawValue)", headers: [condition])
            return stored["revision"]?.intValue ?? 0
        } catch let error as ServerRefusal where error.status == .preconditionFailed {
            throw CommandError(
                .failed, "\(name) was changed by somebody else meanwhile; look at it with `stepstream workflow show "
                    + "\(name)`, and apply again")
        }
    }

    /// `changed    dataset-review  revision 3 → 4  steps +verify ~score  review.yaml`
    func line(revision stored: Int64?, dryRun: Bool) -> String {
        let verb = dryRun && isNeeded ? "would be \(kind.rawValue)" : kind.rawValue
        let revisions = [revision, stored].compactMap { $0.map { "\($0)" } }.joined(separator: " → ")
        var columns = [verb, name]
        if !revisions.isEmpty { columns.append("revision \(revisions)") }
        if kind == .changed { columns.append(differences.isEmpty ? "text only" : differences.joined(separator: ", ")) }
        return (columns + [file.path]).joined(separator: "  ")
    }

    func json(revision stored: Int64?, dryRun: Bool) -> JSONValue {
        [
            "name": .string(name), "file": .string(file.path), "change": .string(kind.rawValue),
            "dry_run": .bool(dryRun), "revision_before": revision.map { .int($0) } ?? nil,
            "revision": (stored ?? (isNeeded ? nil : revision)).map { .int($0) } ?? nil,
            "differences": .array(differences.map { .string($0) }),
        ]
    }

    private static func differences(_ old: JSONValue, _ new: JSONValue) -> [String] {
        let keys = (new.objectValue?.keys ?? []) + (old.objectValue?.keys ?? []).filter { new[$0] == nil }
        return keys.compactMap { key in
            guard old[key] != new[key] else { return nil }
            return key == "steps" ? steps(old[key], new[key]) : key
        }
    }

    private static func steps(_ old: JSONValue?, _ new: JSONValue?) -> String {
        func byName(_ steps: JSONValue?) -> [(name: String, step: JSONValue)] {
            (steps?.arrayValue ?? []).compactMap { step in step["name"]?.stringValue.map { ($0, step) } }
        }
        let (before, after) = (byName(old), byName(new))
        var marks: [String] = []
        for (name, step) in after {
            guard let earlier = before.first(where: { $0.name == name }) else {
                marks.append("+\(name)")
                continue
            }
            if earlier.step != step { marks.append("~\(name)") }
        }
        marks += before.filter { step in !after.contains { $0.name == step.name } }.map { "-\($0.name)" }
        return "steps " + (marks.isEmpty ? "in another order" : marks.joined(separator: " "))
    }
}
