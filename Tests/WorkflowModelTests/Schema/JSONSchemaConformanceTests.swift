import FoundationEssentials
import Testing
import WorkflowModel

/// The JSON-Schema-Test-Suite's cases, which lie beside the repository on machines that have them.
@Suite("JSON Schema conformance")
struct JSONSchemaConformanceTests {
    private static let folder = "../shared/conformance/json-schema-2020-12"

    /// Groups that are not run: the reason by which their schema is recognised.
    private static func skipReason(_ schema: JSONValue) -> String? {
        let text = schema.encodedText
        if text.contains("\"$ref\":\"https://json-schema.org/draft/2020-12/schema\"") {
            return "refers to the meta-schema, a remote document"
        }
        for keyword in ["unevaluatedProperties", "unevaluatedItems", "$dynamicRef"]
        where text.contains("\"\(keyword)\":") {
            return "\(keyword) is not promised"
        }
        return nil
    }

    @Test("the public cases give their answers")
    func publicCases() throws {
        guard FileManager.default.fileExists(atPath: Repository.root.appending(path: Self.folder).path) else {
            print("JSON Schema conformance: NOT RUN, \(Self.folder) is not on this machine; own cases only")
            return
        }
        var passed = 0
        var skipped: [String: Int] = [:]
        let names = try Repository.names(Self.folder).filter { $0.hasSuffix(".json") }
        for name in names {
            let groups = try JSONValue(
                parsing: try Repository.bytes("\(Self.folder)/\(name)"), limits: JSONLimits(depthMax: 512))
            for group in try #require(groups.arrayValue) {
                let cases = try #require(group["tests"]?.arrayValue)
                let document = try #require(group["schema"])
                if let reason = Self.skipReason(document) {
                    skipped["\(name): \(reason)", default: 0] += cases.count
                    continue
                }
                let title = "\(name): \(group["description"]?.stringValue ?? "")"
                let schema: JSONSchema
                do {
                    schema = try JSONSchema(document)
                } catch {
                    Issue.record("\(title): \(error.faults)")
                    continue
                }
                for test in cases {
                    let data = try #require(test["data"])
                    let found = schema.violations(of: data)
                    if found.isEmpty == test["valid"]?.boolValue {
                        passed += 1
                    } else {
                        Issue.record("\(title): \(test["description"]?.stringValue ?? ""): \(found)")
                    }
                }
            }
        }
        let left = skipped.sorted { $0.key < $1.key }.map { "\($0.value) of \($0.key)" }
        print("JSON Schema conformance: \(names.count) files, \(passed) cases passed, skipped: \(left)")
        #expect(passed > 0)
    }
}
