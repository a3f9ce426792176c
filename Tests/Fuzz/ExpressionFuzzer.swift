@testable import WorkflowModel

/// Expressions: parsed and evaluated; parentheses around the whole change nothing.
enum ExpressionFuzzer {
    static func read(_ input: [UInt8]) {
        guard let source = String(validating: input, as: UTF8.self) else { return }
        template(source)
        guard let expression = try? Expression(parsing: source) else { return }
        let value = value(of: expression)
        // On a line of its own, since the source may end with a comment.
        guard let wrapped = try? Expression(parsing: "(\(source)\n)") else {
            require(
                source.utf8.count + 3 > Expression.sourceBytesMax || isNearDepthLimit(source),
                "parentheses make it unreadable")
            return
        }
        require(self.value(of: wrapped) == value, "parentheses change the value")
    }

    private static func isNearDepthLimit(_ source: String) -> Bool {
        do throws(ExpressionError) {
            _ = try Expression(parsing: "(\(source)\n)")
            return false
        } catch {
            return error.code == .limit
        }
    }

    /// The value as text, in which not-a-number equals itself; an error's text differs by its place.
    private static func value(of expression: Expression) -> String? {
        (try? expression.evaluate(variables)).map { "\($0.typeName) \($0.encodedText)" }
    }

    private static func template(_ source: String) {
        guard let template = try? ValueTemplate(.string(source)),
            let value = try? template.evaluate(variables, bytesMax: 1 << 20)
        else { return }
        require((try? JSONValue(parsing: value.encoded)) == value, "the template's value has no JSON form")
    }

    private static let variables: JSONObject = {
        let text = """
            {"inputs": {"n": 3, "x": 1.5, "t": "Käse, €5", "l": [1, 2, 3, "a", null, true], "m": {"a": {"b": [0]}}},
             "steps": {"a": {"output": {"rows": [{"k": "v", "n": 1}, {"k": "w", "n": 2}]}, "status": "completed"}},
             "risk_score": 71, "execution": {"id": "0190"}, "empty": {}}
            """
        guard case .object(let variables) = try? JSONValue(parsing: text) else { fatalError("the variables are JSON") }
        return variables
    }()
}
