/// A parsed expression of the documented CEL subset (`deploy/guide/expressions.md`).
///
/// Parsed once, evaluated often: reading a path such as `steps.parse.output` follows references and copies nothing.
package struct Expression: Sendable, CustomStringConvertible {
    /// A variable that the expression reads, with the constant fields behind it.
    package struct Reference: Hashable, Sendable {
        /// `steps.parse.output.profile` as its parts; the first is a root variable.
        package var path: [String]
        /// Byte offset of the first part in the source.
        package var offset: Int
        /// Whether something not known before evaluation follows, as in `steps[inputs.name]`.
        package var continuesDynamically: Bool
    }

    /// The longest source, in bytes of UTF-8.
    package static let sourceBytesMax = 4096
    /// The most steps of one evaluation: one a node evaluated, and one more for every
    /// 100 elements or 1,024 bytes that an operation has to touch.
    package static let evaluationStepsMax = 10_000
    /// The deepest nesting of parentheses, operators and calls.
    package static let depthMax = 200

    /// Everything that can be called.
    static let functionNames =
        ["has"] + ExpressionFunction.allCases.map(\.rawValue) + ExpressionMacro.allCases.map(\.rawValue)

    package let source: String
    let root: ExpressionNode
    /// Every root variable that is read and how, in order of appearance.
    package let references: [Reference]
    /// Calls of functions that this subset lacks: errors once evaluated, so a definition refuses them.
    package let unknownFunctions: [(name: String, offset: Int)]
    /// Whether it has arithmetic, from which alone not-a-number and infinity can come.
    let computesNumbers: Bool

    /// - Throws: `ExpressionError` with the offset of the first fault.
    package init(parsing source: String) throws(ExpressionError) {
        guard source.utf8.count <= Self.sourceBytesMax else {
            throw ExpressionError(
                .limit, message: "expression of \(source.utf8.count) bytes exceeds the limit of \(Self.sourceBytesMax)",
                offset: 0)
        }
        var parser = try ExpressionParser(source)
        let root = try parser.whole()
        self.source = source
        self.root = root
        var survey = Survey()
        survey.visit(root)
        references = survey.references
        unknownFunctions = survey.unknownFunctions
        computesNumbers = survey.computesNumbers
    }

    /// Evaluates against the variables at the root (`inputs`, `steps` …).
    /// - Throws: `ExpressionError` of code `evaluation` or `limit`.
    package func evaluate(_ variables: JSONObject) throws(ExpressionError) -> JSONValue {
        var evaluator = ExpressionEvaluator(variables: variables)
        return try evaluator.evaluate(root).json(at: root.offset)
    }

    package var description: String { source }
}

/// Collects what a definition check asks about.
private struct Survey {
    var references: [Expression.Reference] = []
    var unknownFunctions: [(name: String, offset: Int)] = []
    var computesNumbers = false

    mutating func visit(_ node: ExpressionNode) {
        switch node.kind {
        case .path(let root, let fields): add([root] + fields, node.offset, isDynamic: false)
        case .has(let operand, let field):
            if case .path(let root, let fields) = operand.kind {
                return add([root] + fields + [field], operand.offset, isDynamic: false)
            }
        case .index(let base, let index):
            if case .path(let root, let fields) = base.kind {
                add([root] + fields, base.offset, isDynamic: true)
                return visit(index)
            }
        case .unknownCall(let name, _): unknownFunctions.append((name, node.offset))
        case .binary(.add, _, _), .binary(.subtract, _, _), .binary(.multiply, _, _), .binary(.divide, _, _),
            .call(.double, _):
            computesNumbers = true
        default: break
        }
        for child in node.children { visit(child) }
    }

    private mutating func add(_ path: [String], _ offset: Int, isDynamic: Bool) {
        references.append(.init(path: path, offset: offset, continuesDynamically: isDynamic))
    }
}
