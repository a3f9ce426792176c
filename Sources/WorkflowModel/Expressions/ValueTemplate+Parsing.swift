extension ValueTemplate {
    private static let opening = Array("${{".utf8)

    /// Reads one string of a template.
    /// - Throws: `ExpressionError` with the byte offset in `text`.
    init(parsing text: String) throws(ExpressionError) {
        var found: [(expression: Expression, offset: Int)] = []
        try self.init(parsing: text, expressions: &found)
    }

    /// Reads one string of a template and adds its expressions, each with the byte offset in `text`.
    init(parsing text: String, expressions: inout [(expression: Expression, offset: Int)]) throws(ExpressionError) {
        var parts: [TextPart] = []
        var piece: [UInt8] = []
        let bytes = Array(text.utf8)
        guard bytes.contains(UInt8(ascii: "$")) else {
            self = .literal(.string(text))
            return
        }
        var offset = 0
        while offset < bytes.count {
            // `$${{` first: it contains the other.
            if bytes[offset] == UInt8(ascii: "$"), bytes[(offset + 1)...].starts(with: Self.opening) {
                piece += Self.opening
                offset += 1 + Self.opening.count
            } else if bytes[offset...].starts(with: Self.opening) {
                if !piece.isEmpty { parts.append(.text(String(decoding: piece, as: UTF8.self))) }
                piece = []
                let start = offset + Self.opening.count
                let end = try Self.closing(bytes, start, openedAt: offset)
                let found = try Self.expression(bytes[start..<end])
                expressions.append(found)
                parts.append(.expression(found.expression))
                offset = end + 2
            } else {
                piece.append(bytes[offset])
                offset += 1
            }
        }
        if parts.isEmpty {
            self = .literal(.string(String(decoding: piece, as: UTF8.self)))
        } else if parts.count == 1, piece.isEmpty, case .expression(let expression) = parts[0] {
            self = .expression(expression)
        } else {
            if !piece.isEmpty { parts.append(.text(String(decoding: piece, as: UTF8.self))) }
            self = .text(parts)
        }
    }

    /// Finds the `}}` that ends an expression: not one in a string of it, nor the end of a map in a map.
    private static func closing(_ bytes: [UInt8], _ start: Int, openedAt: Int) throws(ExpressionError) -> Int {
        var lexer = ExpressionLexer(bytes: bytes, from: start)
        var braces = 0
        while true {
            switch try lexer.next() {
            case .symbol("{"): braces += 1
            case .symbol("}") where braces > 0: braces -= 1
            case .symbol("}") where lexer.peek() == UInt8(ascii: "}"): return lexer.tokenStart
            case .symbol("}"): throw lexer.fault("'}' without '{'; an expression ends with }}", at: lexer.tokenStart)
            case .end:
                throw lexer.fault("'${{' without '}}'; a literal '${{' is written '$${{'", at: openedAt)
            default: break
            }
        }
    }

    private static func expression(
        _ bytes: ArraySlice<UInt8>
    ) throws(ExpressionError) -> (expression: Expression, offset: Int) {
        let blanks: Set<UInt8> = [0x20, 0x09, 0x0A, 0x0D]
        let first = bytes.firstIndex { !blanks.contains($0) } ?? bytes.endIndex
        let last = bytes.lastIndex { !blanks.contains($0) } ?? first
        guard first < bytes.endIndex else {
            throw ExpressionError(.syntax, message: "empty expression", offset: bytes.startIndex)
        }
        do throws(ExpressionError) {
            return (try Expression(parsing: String(decoding: bytes[first...last], as: UTF8.self)), first)
        } catch {
            throw ExpressionError(error.code, message: error.message, offset: error.offset.map { $0 + first })
        }
    }
}
