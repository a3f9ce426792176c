/// Reads JSON (RFC 8259) into a tree with positions; every repeated key is reported, the first syntax error ends it.
struct JSONSourceReader {
    private let scalars: [UInt8]
    private let limits: DefinitionLimits
    private var faults: FaultCollector
    private var offset = 0
    private var line = 1
    /// Where the present line begins, and how many continuation bytes of UTF-8 it has had since.
    private var lineStart = 0
    private var continuationBytes = 0
    private var depth = 0
    private var values = 0

    private struct Stop: Error { var code = DefinitionFault.Code.syntax, message: String, position: SourcePosition }

    /// - Parameter source: valid UTF-8 within `limits.bytesMax`.
    /// - Returns: nil after a fault that leaves no tree.
    static func read(_ source: [UInt8], _ limits: DefinitionLimits, _ faults: inout FaultCollector) -> SourceNode? {
        var reader = JSONSourceReader(source, limits, faults)
        defer { faults = reader.faults }
        do throws(Stop) {
            let node = try reader.value("")
            reader.skipWhitespace()
            guard reader.peek() == nil else { throw reader.stop("unexpected text after the definition") }
            return node
        } catch {
            reader.faults.add(error.code, "", error.position, error.message)
            return nil
        }
    }

    private init(_ source: [UInt8], _ limits: DefinitionLimits, _ faults: FaultCollector) {
        scalars = source
        self.limits = limits
        self.faults = faults
    }

    private var position: SourcePosition {
        SourcePosition(line: line, column: offset - lineStart - continuationBytes + 1)
    }

    private func stop(_ message: String) -> Stop { Stop(message: message, position: position) }

    private func peek() -> UInt8? { offset < scalars.count ? scalars[offset] : nil }

    private mutating func advance() {
        let byte = scalars[offset]
        offset += 1
        if byte == 0x0A {
            line += 1
            lineStart = offset
            continuationBytes = 0
        } else if byte & 0xC0 == 0x80 {
            continuationBytes += 1
        }
    }

    private mutating func skipWhitespace() {
        while let byte = peek(), [0x20, 0x09, 0x0A, 0x0D].contains(byte) { advance() }
    }

    private mutating func accept(_ sign: Unicode.Scalar) -> Bool {
        guard peek() == UInt8(ascii: sign) else { return false }
        advance()
        return true
    }

    private mutating func value(_ path: String) throws(Stop) -> SourceNode {
        skipWhitespace()
        let start = position
        values += 1
        guard values <= limits.valuesMax else {
            throw Stop(code: .tooLarge, message: "more than \(limits.valuesMax) values", position: start)
        }
        guard let byte = peek() else { throw stop("unexpected end of JSON") }
        switch byte {
        case UInt8(ascii: "{"), UInt8(ascii: "["):
            depth += 1
            guard depth <= limits.depthMax else {
                throw Stop(code: .tooDeep, message: "nested deeper than \(limits.depthMax)", position: start)
            }
            let content = byte == UInt8(ascii: "{") ? try object(path) : try array(path)
            depth -= 1
            return SourceNode(position: start, content: content)
        default:
            let text = try token(byte)
            do throws(JSONError) {
                return SourceNode(position: start, content: .scalar(try JSONValue(parsing: text)))
            } catch {
                throw Stop(message: "\(error.message) in JSON", position: start)
            }
        }
    }

    /// The bytes of a string, number or word; what they mean is `JSONValue`'s business.
    private mutating func token(_ first: UInt8) throws(Stop) -> [UInt8] {
        let start = offset
        if first == UInt8(ascii: "\"") {
            advance()
            while let byte = peek(), byte != UInt8(ascii: "\"") {
                guard byte >= 0x20 else { throw stop("a control character in a JSON string is written as an escape") }
                advance()
                if byte == UInt8(ascii: "\\"), peek() != nil { advance() }
            }
            guard peek() != nil else { throw stop("unterminated string in JSON") }
            advance()
        } else {
            let ends: [UInt8] = [0x20, 0x09, 0x0A, 0x0D] + Array(",]}:[{\"".utf8)
            while let byte = peek(), !ends.contains(byte) { advance() }
            guard offset > start else { throw stop("expected a JSON value") }
        }
        return Array(scalars[start..<offset])
    }

    private mutating func array(_ path: String) throws(Stop) -> SourceNode.Content {
        advance()
        var elements: [SourceNode] = []
        skipWhitespace()
        if accept("]") { return .array(elements) }
        while true {
            elements.append(try value("\(path)[\(elements.count)]"))
            skipWhitespace()
            if accept("]") { return .array(elements) }
            guard accept(",") else { throw stop("expected ',' or ']' in a JSON array") }
        }
    }

    private mutating func object(_ path: String) throws(Stop) -> SourceNode.Content {
        advance()
        var members: [SourceNode.Member] = []
        var seen: Set<ExactText> = []
        skipWhitespace()
        if accept("}") { return .object(members) }
        while true {
            skipWhitespace()
            guard peek() == UInt8(ascii: "\"") else { throw stop("expected a JSON member name in quotes") }
            let name = try value(path)
            guard case .scalar(.string(let key)) = name.content else { throw stop("expected a JSON member name") }
            skipWhitespace()
            guard accept(":") else { throw stop("expected ':' after a JSON member name") }
            let memberPath = path.appendingKey(key)
            let value = try value(memberPath)
            if seen.insert(ExactText(key)).inserted {
                members.append(.init(key: key, keyPosition: name.position, value: value))
            } else {
                faults.add(.duplicateKey, memberPath, name.position, "the key '\(key)' stands twice; remove one")
            }
            skipWhitespace()
            if accept("}") { return .object(members) }
            guard accept(",") else { throw stop("expected ',' or '}' in a JSON object") }
        }
    }
}

extension String {
    /// The path of a member: `steps[1].with` + `csv`; names that are not plain go in brackets and quotes.
    func appendingKey(_ key: String) -> String {
        let isPlain =
            !key.isEmpty
            && key.utf8.allSatisfy { ExpressionLexer.isNameStart($0) || ExpressionLexer.isDigit($0) || $0 == 0x2D }
        if !isPlain { return "\(self)[\(JSONValue.string(key).encodedText)]" }
        return isEmpty ? key : "\(self).\(key)"
    }
}
