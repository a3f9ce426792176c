/// One node of a parsed expression.
struct ExpressionNode: Sendable {
    indirect enum Kind: Sendable {
        case literal(JSONValue)
        /// A variable of the scope and the constant fields read from it: `steps.parse.output`, `steps["a-b"]`.
        case path(root: String, fields: [String])
        /// A variable that a macro binds, by its place among those bound around it.
        case bound(slot: Int)
        case select(ExpressionNode, field: String)
        /// `has(operand.field)`.
        case has(ExpressionNode, field: String)
        case index(ExpressionNode, ExpressionNode)
        case list([ExpressionNode])
        case map([(key: ExpressionNode, value: ExpressionNode)])
        case not(ExpressionNode)
        case negate(ExpressionNode)
        /// `&&` or `||` over two operands and more.
        case logic(isAnd: Bool, [ExpressionNode])
        case conditional(ExpressionNode, then: ExpressionNode, else: ExpressionNode)
        case binary(ExpressionOperator, ExpressionNode, ExpressionNode)
        case macro(ExpressionMacro, range: ExpressionNode, slot: Int, body: [ExpressionNode])
        case call(ExpressionFunction, [ExpressionNode])
        /// A call of something this subset lacks: an error when evaluated, as CEL has it for unbound functions.
        case unknownCall(name: String, [ExpressionNode])
    }

    var kind: Kind
    /// Byte offset of the node in the source, for messages.
    var offset: Int
    /// Nodes on the longest way down; bounds the recursion of evaluation.
    var depth: Int

    /// The nodes directly below this one.
    var children: [ExpressionNode] {
        switch kind {
        case .literal, .path, .bound: []
        case .select(let node, _), .has(let node, _), .not(let node), .negate(let node): [node]
        case .index(let left, let right), .binary(_, let left, let right): [left, right]
        case .list(let nodes), .logic(_, let nodes), .call(_, let nodes), .unknownCall(_, let nodes): nodes
        case .map(let entries): entries.flatMap { [$0.key, $0.value] }
        case .conditional(let condition, let then, let otherwise): [condition, then, otherwise]
        case .macro(_, let range, _, let body): [range] + body
        }
    }
}

enum ExpressionOperator: String, Sendable {
    case equal = "=="
    case notEqual = "!="
    case less = "<"
    case lessOrEqual = "<="
    case greater = ">"
    case greaterOrEqual = ">="
    case `in`
    case add = "+"
    case subtract = "-"
    case multiply = "*"
    case divide = "/"
    case remainder = "%"
}

/// The macros that run a body for every element of a list or every key of a map.
enum ExpressionMacro: String, CaseIterable, Sendable {
    case all, exists
    case existsOne = "exists_one"
    case filter, map
}

enum ExpressionFunction: String, CaseIterable, Sendable {
    case size, int, double, string, bool, dyn, startsWith, endsWith, contains, matches

    /// How many values it takes, a receiver included.
    var operandCount: Int {
        switch self {
        case .size, .int, .double, .string, .bool, .dyn: 1
        case .startsWith, .endsWith, .contains, .matches: 2
        }
    }

    /// Whether `f(x)` is how it is called.
    var isGlobal: Bool {
        switch self {
        case .startsWith, .endsWith, .contains: false
        default: true
        }
    }

    /// Whether `x.f()` is how it is called.
    var isMethod: Bool {
        switch self {
        case .size, .startsWith, .endsWith, .contains, .matches: true
        default: false
        }
    }
}
