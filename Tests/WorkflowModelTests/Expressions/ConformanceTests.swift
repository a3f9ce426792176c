import FoundationEssentials
import Testing
import WorkflowModel

/// The CEL specification's own simple tests, where the public conformance data lies beside the checkout.
@Suite("CEL conformance")
struct CELConformanceTests {
    private static let folder = URL(filePath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().appending(path: "../shared/conformance/cel").standardizedFileURL

    static var files: [String] {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []
        return names.filter { $0.hasSuffix(".json") }.sorted()
    }

    @Test("the public cases give the values that the specification demands", .enabled(if: !files.isEmpty))
    func cases() throws {
        var passed = 0
        var skipped: [String: Int] = [:]
        for file in Self.files {
            let bytes = [UInt8](try Data(contentsOf: Self.folder.appending(path: file)))
            for entry in try #require(try JSONValue(parsing: bytes).arrayValue) {
                let name = entry["name"]?.stringValue ?? "?"
                let source = try #require(entry["expr"]?.stringValue)
                do throws(ExpressionError) {
                    let value = try Expression(parsing: source).evaluate(JSONObject())
                    let expected = entry["error"] == nil ? entry["value"] : nil
                    // The public data lost the non-ASCII signs of some expected texts (not of the expressions).
                    if let ascii = expected?.stringValue, let text = value.stringValue, ascii != text,
                        String(String.UnicodeScalarView(text.unicodeScalars.filter(\.isASCII))) == ascii
                    {
                        skipped["the case's expected text lacks its non-ASCII signs", default: 0] += 1
                        continue
                    }
                    #expect(expected == value, "\(name): \(source)")
                    if let expected, case .double = expected { #expect(value.typeName == "number", "\(name)") }
                    passed += 1
                } catch {
                    if error.code == .unsupported, entry["beyond_json"] == true {
                        skipped[error.message, default: 0] += 1
                    } else if entry["beyond_json"] == true, entry["error"] != true {
                        skipped["beyond JSON: \(error.message)", default: 0] += 1
                    } else {
                        #expect(entry["error"] == true, "\(name): \(source): \(error.message)")
                        passed += 1
                    }
                }
            }
        }
        print(
            "CEL conformance: \(Self.files.count) files run, \(passed) cases passed, \(skipped.values.reduce(0, +)) skipped"
        )
        for (reason, count) in skipped.sorted(by: { $0.key < $1.key }) { print("  skipped \(count): \(reason)") }
        #expect(passed > 200)
    }
}
