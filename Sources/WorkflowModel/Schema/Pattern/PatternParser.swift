/// Reads a pattern by the grammar of ECMA-262 §22.2.1 with the `u` flag; a backslash before any ASCII sign is also let
/// through as that sign, as many schemas in the wild have it.
struct PatternParser {
    /// Nesting of groups.
    static let depthMax = 64

    private let scalars: [Unicode.Scalar]
    private var position = 0
    private var depth = 0

    init(_ source: String) { scalars = Array(source.unicodeScalars) }

    /// Length of a pattern.
    static let scalarsMax = 8192

    mutating func pattern() throws(PatternError) -> PatternNode {
        guard scalars.count <= Self.scalarsMax else { throw fault("pattern longer than \(Self.scalarsMax) characters") }
        let node = try alternatives()
        guard position == scalars.count else { throw fault("unmatched ')'") }
        return node
    }

    private func fault(_ message: String) -> PatternError { PatternError(message: message, column: position + 1) }

    private func peek(_ ahead: Int = 0) -> Unicode.Scalar? {
        position + ahead < scalars.count ? scalars[position + ahead] : nil
    }

    private mutating func take(_ text: String) -> Bool {
        guard scalars[position...].starts(with: text.unicodeScalars) else { return false }
        position += text.unicodeScalars.count
        return true
    }

    private mutating func alternatives() throws(PatternError) -> PatternNode {
        var branches = [try sequence()]
        while take("|") { branches.append(try sequence()) }
        return branches.count == 1 ? branches[0] : .alternatives(branches)
    }

    private mutating func sequence() throws(PatternError) -> PatternNode {
        var nodes: [PatternNode] = []
        while let next = peek(), next != "|", next != ")" { nodes.append(try term()) }
        return nodes.count == 1 ? nodes[0] : nodes.isEmpty ? .empty : .sequence(nodes)
    }

    private mutating func term() throws(PatternError) -> PatternNode {
        if take("^") { return .textStart }
        if take("$") { return .textEnd }
        if take("\\b") { return .wordBoundary(isNegated: false) }
        if take("\\B") { return .wordBoundary(isNegated: true) }
        if take("(?=") { return .lookahead(try group(), isNegated: false) }
        if take("(?!") { return .lookahead(try group(), isNegated: true) }
        return try quantified(try atom())
    }

    private mutating func atom() throws(PatternError) -> PatternNode {
        guard let next = peek() else { throw fault("unexpected end") }
        switch next {
        case "(":
            if take("(?<=") || take("(?<!") { throw fault("look-behind is not supported") }
            if take("(?:") { return try group() }
            if take("(?<") {
                guard let end = scalars[position...].firstIndex(of: ">"), end > position else {
                    throw fault("a group's name must end with '>'")
                }
                position = end + 1
                return try group()
            }
            position += 1
            if peek() == "?" { throw fault("unknown kind of group") }
            return try group()
        case "[":
            position += 1
            return .set(try characterClass())
        case ".":
            position += 1
            return .set(CharacterSet.lineTerminators.negated)
        case "\\":
            position += 1
            switch try escape(inClass: false) {
            case .scalar(let value): return .scalar(value)
            case .set(let set): return .set(set)
            }
        case "*", "+", "?": throw fault("nothing to repeat")
        case "{", "}", "]": throw fault("'\(next)' must be escaped")
        default:
            position += 1
            return .scalar(next.value)
        }
    }

    /// The rest of a group, after its opening.
    private mutating func group() throws(PatternError) -> PatternNode {
        depth += 1
        guard depth <= Self.depthMax else { throw fault("groups nested deeper than \(Self.depthMax)") }
        let node = try alternatives()
        guard take(")") else { throw fault("missing ')'") }
        depth -= 1
        return node
    }

    private mutating func quantified(_ node: PatternNode) throws(PatternError) -> PatternNode {
        let bounds: (countMin: Int, countMax: Int?)
        if take("*") {
            bounds = (0, nil)
        } else if take("+") {
            bounds = (1, nil)
        } else if take("?") {
            bounds = (0, 1)
        } else if take("{") {
            let countMin = try number()
            if take("}") {
                bounds = (countMin, countMin)
            } else {
                guard take(",") else { throw fault("expected ',' or '}' in a quantifier") }
                bounds = (countMin, peek() == "}" ? nil : try number())
                guard take("}") else { throw fault("expected '}' after a quantifier") }
            }
            if let countMax = bounds.countMax, countMax < countMin { throw fault("quantifier's numbers out of order") }
        } else {
            return node
        }
        // Lazy and greedy match the same texts.
        _ = take("?")
        return .repeated(node, countMin: bounds.countMin, countMax: bounds.countMax)
    }

    private mutating func number() throws(PatternError) -> Int {
        var value: Int?
        while let digit = peek()?.value, (0x30...0x39).contains(digit) {
            value = min((value ?? 0) * 10 + Int(digit - 0x30), PatternProgram.instructionsMax + 1)
            position += 1
        }
        guard let value else { throw fault("expected a number") }
        return value
    }

    // MARK: Classes and escapes

    private enum Escape {
        case scalar(UInt32)
        case set(CharacterSet)
    }

    /// The rest of a class, after `[`.
    private mutating func characterClass() throws(PatternError) -> CharacterSet {
        let isNegated = take("^")
        var set = CharacterSet()
        while !take("]") {
            let first = try classAtom()
            guard peek() == "-", let after = peek(1), after != "]" else {
                switch first {
                case .scalar(let value): set.add(value...value)
                case .set(let other): set.formUnion(other)
                }
                continue
            }
            position += 1
            guard case .scalar(let low) = first, case .scalar(let high) = try classAtom(), low <= high else {
                throw fault("invalid range in a character class")
            }
            set.add(low...high)
        }
        set.normalize()
        set.isNegated = isNegated
        return set
    }

    private mutating func classAtom() throws(PatternError) -> Escape {
        guard let next = peek() else { throw fault("missing ']'") }
        position += 1
        return next == "\\" ? try escape(inClass: true) : .scalar(next.value)
    }

    /// What follows a backslash.
    private mutating func escape(inClass: Bool) throws(PatternError) -> Escape {
        guard let next = peek() else { throw fault("a pattern may not end with '\\'") }
        position += 1
        switch next {
        case "d": return .set(.digits)
        case "D": return .set(CharacterSet.digits.negated)
        case "w": return .set(.wordCharacters)
        case "W": return .set(CharacterSet.wordCharacters.negated)
        case "s": return .set(.whitespace)
        case "S": return .set(CharacterSet.whitespace.negated)
        case "p": return .set(try property(isNegated: false))
        case "P": return .set(try property(isNegated: true))
        case "t": return .scalar(0x09)
        case "n": return .scalar(0x0A)
        case "v": return .scalar(0x0B)
        case "f": return .scalar(0x0C)
        case "r": return .scalar(0x0D)
        case "b" where inClass: return .scalar(0x08)
        case "0":
            if let digit = peek()?.value, (0x30...0x39).contains(digit) { throw fault("octal escapes are not allowed") }
            return .scalar(0)
        case "1"..."9", "k": throw fault("back references are not supported")
        case "c":
            guard let letter = peek(), ("a"..."z").contains(letter) || ("A"..."Z").contains(letter) else {
                throw fault("expected a letter after '\\c'")
            }
            position += 1
            return .scalar(letter.value & 0x1F)
        case "x": return .scalar(try hexadecimal(digits: 2))
        case "u": return .scalar(try unicodeEscape())
        case "a"..."z", "A"..."Z":
            position -= 1
            throw fault("unknown escape '\\\(next)'")
        default:
            guard next.isASCII else { throw fault("unknown escape '\\\(next)'") }
            return .scalar(next.value)
        }
    }

    private mutating func property(isNegated: Bool) throws(PatternError) -> CharacterSet {
        guard take("{"), let end = scalars[position...].firstIndex(of: "}") else {
            throw fault("expected a property in braces")
        }
        var name = String.UnicodeScalarView()
        name.append(contentsOf: scalars[position..<end])
        guard let property = CharacterProperty(String(name), isNegated: isNegated) else {
            throw fault("unsupported property \"\(String(name))\"")
        }
        position = end + 1
        var set = CharacterSet()
        set.add(property)
        return set
    }

    private mutating func unicodeEscape() throws(PatternError) -> UInt32 {
        if take("{") {
            var value: UInt32?
            while let digit = hexDigit() {
                value = (value ?? 0) << 4 | digit
                guard value ?? 0 <= 0x10FFFF else { throw fault("code point out of range") }
            }
            guard let value, take("}") else { throw fault("expected hexadecimal digits in braces") }
            return value
        }
        let unit = try hexadecimal(digits: 4)
        guard (0xD800..<0xDC00).contains(unit), peek() == "\\", peek(1) == "u", peek(2) != "{" else { return unit }
        let start = position
        position += 2
        let low = try hexadecimal(digits: 4)
        guard (0xDC00..<0xE000).contains(low) else {
            position = start
            return unit
        }
        return 0x10000 + (unit - 0xD800) << 10 + (low - 0xDC00)
    }

    private mutating func hexadecimal(digits: Int) throws(PatternError) -> UInt32 {
        var value: UInt32 = 0
        for _ in 0..<digits {
            guard let digit = hexDigit() else { throw fault("expected \(digits) hexadecimal digits") }
            value = value << 4 | digit
        }
        return value
    }

    private mutating func hexDigit() -> UInt32? {
        guard let next = peek(), next.isASCII, let digit = Character(next).hexDigitValue else { return nil }
        position += 1
        return UInt32(digit)
    }
}
