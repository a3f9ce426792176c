/// A recursive-descent parser of the CEL grammar (cel-spec, langdef.md), less what JSON has no place for.
struct ExpressionParser {
    private var lexer: ExpressionLexer
    private var token: ExpressionLexer.Token
    /// Where `token` begins.
    private var offset: Int
    /// Names bound by the macros around the place being read, the innermost last.
    private var boundNames: [String] = []
    private var nesting = 0

    /// Names that CEL keeps for itself; allowed as fields, not as variables.
    static let reservedNames: Set = [
        "as", "break", "const", "continue", "else", "for", "function", "if", "import", "in", "let", "loop", "package",
        "namespace", "return", "var", "void", "while",
    ]

    init(_ source: String) throws(ExpressionError) {
        lexer = ExpressionLexer(bytes: Array(source.utf8))
        token = try lexer.next()
        offset = lexer.tokenStart
    }

    mutating func whole() throws(ExpressionError) -> ExpressionNode {
        guard token != .end else { throw fault("empty expression") }
        let node = try expression()
        guard token == .end else { throw fault("unexpected \(described(token))") }
        return node
    }

    // MARK: operators, loosest first

    private mutating func expression() throws(ExpressionError) -> ExpressionNode {
        nesting += 1
        defer { nesting -= 1 }
        guard nesting <= Expression.depthMax else { throw tooDeep() }
        let start = offset
        let condition = try logic(isAnd: false)
        guard try accept("?") else { return condition }
        let then = try logic(isAnd: false)
        try expect(":", "in a conditional 'condition ? a : b'")
        let otherwise = try expression()
        return try node(.conditional(condition, then: then, else: otherwise), start, condition, then, otherwise)
    }

    private mutating func logic(isAnd: Bool) throws(ExpressionError) -> ExpressionNode {
        let start = offset
        var operands = [isAnd ? try relation() : try logic(isAnd: true)]
        while try accept(isAnd ? "&&" : "||") {
            operands.append(isAnd ? try relation() : try logic(isAnd: true))
        }
        if operands.count == 1 { return operands[0] }
        return try node(.logic(isAnd: isAnd, operands), start, operands)
    }

    private mutating func relation() throws(ExpressionError) -> ExpressionNode {
        let start = offset
        var left = try sum()
        while let found = relationOperator() {
            try advance()
            let right = try sum()
            left = try node(.binary(found, left, right), start, left, right)
        }
        return left
    }

    private func relationOperator() -> ExpressionOperator? {
        switch token {
        case .identifier("in"): .in
        case .symbol(let text) where ["==", "!=", "<", "<=", ">", ">="].contains(text):
            ExpressionOperator(rawValue: text)
        default: nil
        }
    }

    private mutating func sum() throws(ExpressionError) -> ExpressionNode {
        let start = offset
        var left = try product()
        while case .symbol(let text) = token, text == "+" || text == "-" {
            try advance()
            let right = try product()
            left = try node(.binary(text == "+" ? .add : .subtract, left, right), start, left, right)
        }
        return left
    }

    private mutating func product() throws(ExpressionError) -> ExpressionNode {
        let start = offset
        var left = try unary()
        while case .symbol(let text) = token, ["*", "/", "%"].contains(text),
            let found = ExpressionOperator(rawValue: text)
        {
            try advance()
            let right = try unary()
            left = try node(.binary(found, left, right), start, left, right)
        }
        return left
    }

    private mutating func unary() throws(ExpressionError) -> ExpressionNode {
        let start = offset
        if try accept("!") {
            var isOdd = true
            while try accept("!") { isOdd.toggle() }
            let operand = try member()
            // Two of them still demand a boolean, so the even case is `!` twice.
            let once = try node(.not(operand), start, operand)
            return isOdd ? once : try node(.not(once), start, once)
        }
        guard try accept("-") else { return try member() }
        var isOdd = true
        while try accept("-") { isOdd.toggle() }
        // The sign belongs to the literal: the smallest integer has no positive counterpart.
        if isOdd, case .integer(let magnitude) = token {
            guard magnitude <= 1 << 63 else { throw fault("integer out of range") }
            try advance()
            let value = Int64(truncatingIfNeeded: 0 &- magnitude)
            return try suffixes(of: try node(.literal(.int(value)), start))
        }
        let operand = try member()
        let once = try node(.negate(operand), start, operand)
        return isOdd ? once : try node(.negate(once), start, once)
    }

    // MARK: member access

    private mutating func member() throws(ExpressionError) -> ExpressionNode {
        try suffixes(of: try primary())
    }

    private mutating func suffixes(of first: ExpressionNode) throws(ExpressionError) -> ExpressionNode {
        var base = first
        while true {
            if try accept(".") {
                base = try selection(of: base)
            } else if try accept("[") {
                let index = try expression()
                try expect("]", "after an index")
                if case .path(let root, let fields) = base.kind, case .literal(.string(let field)) = index.kind {
                    base = try path(root, fields + [field], base.offset)
                } else {
                    base = try node(.index(base, index), base.offset, base, index)
                }
            } else if token == .symbol("{"), case .path = base.kind {
                throw ExpressionError(
                    .unsupported, message: "message construction is not part of this subset", offset: offset)
            } else {
                return base
            }
        }
    }

    private mutating func selection(of base: ExpressionNode) throws(ExpressionError) -> ExpressionNode {
        let name: String
        let start = offset
        switch token {
        case .quotedField(let text):
            try advance()
            return try field(text, of: base)
        case .identifier(let text) where !["true", "false", "null", "in"].contains(text): name = text
        default: throw fault("expected a field's name after '.', found \(described(token))")
        }
        try advance()
        guard try accept("(") else { return try field(name, of: base) }
        if let macro = ExpressionMacro(rawValue: name == "existsOne" ? "exists_one" : name),
            let node = try self.macro(macro, over: base)
        {
            return node
        }
        let operands = [base] + (try list(until: ")"))
        guard let function = ExpressionFunction(rawValue: name), function.isMethod else {
            return try node(.unknownCall(name: name, operands), start, operands)
        }
        try checkCount(operands.count - 1, function.operandCount - 1, name, start)
        return try node(.call(function, operands), start, operands)
    }

    private func field(_ name: String, of base: ExpressionNode) throws(ExpressionError) -> ExpressionNode {
        if case .path(let root, let fields) = base.kind { return try path(root, fields + [name], base.offset) }
        return try node(.select(base, field: name), base.offset, base)
    }

    private func path(_ root: String, _ fields: [String], _ start: Int) throws(ExpressionError) -> ExpressionNode {
        guard fields.count <= Expression.depthMax else { throw tooDeep() }
        return try node(.path(root: root, fields: fields), start)
    }

    /// Reads `name, body)` of a macro; nil when the arguments have another form, which makes it an ordinary call.
    private mutating func macro(
        _ macro: ExpressionMacro, over range: ExpressionNode
    ) throws(ExpressionError) -> ExpressionNode? {
        guard case .identifier(let name) = token else { return nil }
        var ahead = lexer
        guard try ahead.next() == .symbol(",") else { return nil }
        guard !Self.reservedNames.contains(name), !["true", "false", "null"].contains(name) else {
            throw fault("'\(name)' is a reserved word and cannot name the element")
        }
        try advance()
        try advance()
        boundNames.append(name)
        defer { boundNames.removeLast() }
        var body = [try expression()]
        if macro == .map, try accept(",") { body.append(try expression()) }
        try expect(")", "after '\(macro.rawValue)(\(name), …'")
        return try node(
            .macro(macro, range: range, slot: boundNames.count - 1, body: body), range.offset, [range] + body)
    }

    // MARK: primaries

    private mutating func primary() throws(ExpressionError) -> ExpressionNode {
        let start = offset
        switch token {
        case .integer(let magnitude):
            guard let value = Int64(exactly: magnitude) else { throw fault("integer out of range") }
            try advance()
            return try node(.literal(.int(value)), start)
        case .double(let value):
            try advance()
            return try node(.literal(.double(value)), start)
        case .string(let value):
            try advance()
            return try node(.literal(.string(value)), start)
        case .symbol("("):
            try advance()
            let inner = try expression()
            try expect(")", "to close '('")
            // A parenthesis ends a path for the grammar only: (a).b and a.b are the same.
            return inner
        case .symbol("["):
            try advance()
            let elements = try list(until: "]")
            return try node(.list(elements), start, elements)
        case .symbol("{"):
            try advance()
            return try mapLiteral(start)
        case .symbol("."):
            try advance()
            guard case .identifier = token else { throw fault("expected a name after '.'") }
            return try named(start, isRooted: true)
        case .identifier: return try named(start, isRooted: false)
        default: throw fault("expected a value, found \(described(token))")
        }
    }

    private mutating func named(_ start: Int, isRooted: Bool) throws(ExpressionError) -> ExpressionNode {
        guard case .identifier(let name) = token else { throw fault("expected a name") }
        switch name {
        case "true", "false":
            try advance()
            return try node(.literal(.bool(name == "true")), start)
        case "null":
            try advance()
            return try node(.literal(.null), start)
        default: break
        }
        guard !Self.reservedNames.contains(name) else { throw fault("'\(name)' is a reserved word") }
        try advance()
        if try accept("(") { return try globalCall(name, start) }
        if !isRooted, let slot = boundNames.lastIndex(of: name) { return try node(.bound(slot: slot), start) }
        return try path(name, [], start)
    }

    private mutating func globalCall(_ name: String, _ start: Int) throws(ExpressionError) -> ExpressionNode {
        let operands = try list(until: ")")
        if name == "has" {
            guard operands.count == 1 else {
                throw ExpressionError(.syntax, message: "has() takes one field", offset: start)
            }
            switch operands[0].kind {
            case .path(let root, let fields) where !fields.isEmpty:
                let base = try path(root, Array(fields.dropLast()), operands[0].offset)
                return try node(.has(base, field: fields[fields.count - 1]), start, base)
            case .select(let base, let field): return try node(.has(base, field: field), start, base)
            default:
                throw ExpressionError(.syntax, message: "has() takes a field, such as has(inputs.rules)", offset: start)
            }
        }
        guard let function = ExpressionFunction(rawValue: name), function.isGlobal else {
            return try node(.unknownCall(name: name, operands), start, operands)
        }
        try checkCount(operands.count, function.operandCount, name, start)
        return try node(.call(function, operands), start, operands)
    }

    private mutating func mapLiteral(_ start: Int) throws(ExpressionError) -> ExpressionNode {
        var entries: [(key: ExpressionNode, value: ExpressionNode)] = []
        while token != .symbol("}") {
            let key = try expression()
            try expect(":", "after a map's key")
            entries.append((key, try expression()))
            guard try accept(",") else { break }
        }
        try expect("}", "after a map")
        return try node(.map(entries), start, entries.flatMap { [$0.key, $0.value] })
    }

    /// Reads expressions up to the closing symbol; a comma may follow the last one.
    private mutating func list(until close: String) throws(ExpressionError) -> [ExpressionNode] {
        var elements: [ExpressionNode] = []
        while token != .symbol(close) {
            elements.append(try expression())
            guard try accept(",") else { break }
        }
        try expect(close, "after a list")
        return elements
    }

    // MARK: helpers

    private mutating func advance() throws(ExpressionError) {
        token = try lexer.next()
        offset = lexer.tokenStart
    }

    private mutating func accept(_ symbol: String) throws(ExpressionError) -> Bool {
        guard token == .symbol(symbol) else { return false }
        try advance()
        return true
    }

    private mutating func expect(_ symbol: String, _ place: String) throws(ExpressionError) {
        guard try accept(symbol) else { throw fault("expected '\(symbol)' \(place), found \(described(token))") }
    }

    private func checkCount(_ given: Int, _ wanted: Int, _ name: String, _ start: Int) throws(ExpressionError) {
        guard given == wanted else {
            let noun = wanted == 1 ? "argument" : "arguments"
            throw ExpressionError(.syntax, message: "\(name)() takes \(wanted) \(noun), not \(given)", offset: start)
        }
    }

    private func node(
        _ kind: ExpressionNode.Kind, _ start: Int, _ children: [ExpressionNode]
    ) throws(ExpressionError) -> ExpressionNode {
        let depth = 1 + (children.map(\.depth).max() ?? 0)
        guard depth <= Expression.depthMax else { throw tooDeep() }
        return ExpressionNode(kind: kind, offset: start, depth: depth)
    }

    private func node(
        _ kind: ExpressionNode.Kind, _ start: Int, _ children: ExpressionNode...
    ) throws(ExpressionError) -> ExpressionNode {
        try node(kind, start, children)
    }

    private func tooDeep() -> ExpressionError {
        ExpressionError(.limit, message: "expression nested deeper than \(Expression.depthMax)", offset: offset)
    }

    private func fault(_ message: String) -> ExpressionError {
        ExpressionError(.syntax, message: message, offset: offset)
    }

    private func described(_ token: ExpressionLexer.Token) -> String {
        switch token {
        case .identifier(let name), .quotedField(let name): "'\(name)'"
        case .integer(let value): "\(value)"
        case .double(let value): "\(value)"
        case .string: "a string"
        case .symbol(let text): "'\(text)'"
        case .end: "the end"
        }
    }
}
