/// The scalars one position of a pattern accepts: ranges and properties, possibly negated.
struct CharacterSet: Hashable, Sendable {
    private(set) var ranges: [ClosedRange<UInt32>] = []
    private(set) var properties: [CharacterProperty] = []
    var isNegated = false

    init(_ ranges: [ClosedRange<UInt32>] = []) { self.ranges = ranges }

    mutating func add(_ range: ClosedRange<UInt32>) { ranges.append(range) }
    mutating func add(_ property: CharacterProperty) { properties.append(property) }
    mutating func formUnion(_ other: CharacterSet) {
        ranges += other.isNegated ? other.complement : other.ranges
        properties += other.properties
    }

    /// Sorts and joins the ranges, on which `contains` relies.
    mutating func normalize() {
        var joined: [ClosedRange<UInt32>] = []
        for range in ranges.sorted(by: { $0.lowerBound < $1.lowerBound }) {
            if let last = joined.last, range.lowerBound <= last.upperBound + 1 {
                joined[joined.count - 1] = last.lowerBound...max(last.upperBound, range.upperBound)
            } else {
                joined.append(range)
            }
        }
        ranges = joined
        var seen: Set<CharacterProperty> = []
        properties.removeAll { !seen.insert($0).inserted }
    }

    /// What `contains` may cost: each property is looked up by itself.
    var stepsMax: Int { 1 + properties.count }

    func contains(_ scalar: UInt32) -> Bool {
        (isInRange(scalar) || properties.contains { $0.contains(scalar) }) != isNegated
    }

    private func isInRange(_ scalar: UInt32) -> Bool {
        var low = 0
        var high = ranges.count
        while low < high {
            let middle = (low + high) / 2
            if ranges[middle].upperBound < scalar { low = middle + 1 } else { high = middle }
        }
        return low < ranges.count && ranges[low].contains(scalar)
    }

    /// The scalars outside `ranges`; only shorthand sets, which have no properties, are complemented this way.
    private var complement: [ClosedRange<UInt32>] {
        var gaps: [ClosedRange<UInt32>] = []
        var next: UInt32 = 0
        for range in ranges.sorted(by: { $0.lowerBound < $1.lowerBound }) {
            if range.lowerBound > next { gaps.append(next...range.lowerBound - 1) }
            next = max(next, range.upperBound + 1)
        }
        if next <= Self.scalarMax { gaps.append(next...Self.scalarMax) }
        return gaps
    }

    private static let scalarMax: UInt32 = 0x10FFFF

    /// `\d` (ECMA-262 §22.2.2.9): ASCII digits only.
    static let digits = CharacterSet([0x30...0x39])
    /// `\w` without the `i` flag: ASCII letters, digits and `_`.
    static let wordCharacters = CharacterSet([0x30...0x39, 0x41...0x5A, 0x5F...0x5F, 0x61...0x7A])
    /// `\s`: WhiteSpace and LineTerminator of ECMA-262 §12.2 and §12.3.
    static let whitespace = CharacterSet([
        0x09...0x0D, 0x20...0x20, 0xA0...0xA0, 0x1680...0x1680, 0x2000...0x200A, 0x2028...0x2029, 0x202F...0x202F,
        0x205F...0x205F, 0x3000...0x3000, 0xFEFF...0xFEFF,
    ])
    /// What `.` does not match.
    static let lineTerminators = CharacterSet([0x0A...0x0A, 0x0D...0x0D, 0x2028...0x2029])

    var negated: CharacterSet {
        var copy = self
        copy.isNegated.toggle()
        return copy
    }
}

/// A property of `\p{…}`.
struct CharacterProperty: Hashable, Sendable {
    private enum Kind: Hashable, Sendable {
        case categories(Set<Unicode.GeneralCategory>)
        case any, ascii, assigned, alphabetic, lowercase, uppercase, whitespace, emoji
    }

    private let kind: Kind
    private let isNegated: Bool

    /// Reads the text between the braces: a general category by its short or long name, with or without
    /// `General_Category=`, or one of the binary properties listed in the guide; nil for anything else.
    init?(_ name: String, isNegated: Bool) {
        var value = Substring(name)
        for prefix in ["General_Category=", "gc="] where value.utf8.starts(with: prefix.utf8) {
            value = value.dropFirst(prefix.count)
        }
        if let categories = Self.categories[String(value)] {
            kind = .categories(categories)
        } else if value.utf8.count == name.utf8.count, let binary = Self.binary[name] {
            kind = binary
        } else {
            return nil
        }
        self.isNegated = isNegated
    }

    func contains(_ value: UInt32) -> Bool {
        guard let scalar = Unicode.Scalar(value) else { return false }
        let properties = scalar.properties
        let isMember =
            switch kind {
            case .categories(let categories): categories.contains(properties.generalCategory)
            case .any: true
            case .ascii: value < 0x80
            case .assigned: properties.generalCategory != .unassigned
            case .alphabetic: properties.isAlphabetic
            case .lowercase: properties.isLowercase
            case .uppercase: properties.isUppercase
            case .whitespace: properties.isWhitespace
            case .emoji: properties.isEmoji
            }
        return isMember != isNegated
    }

    private static let binary: [String: Kind] = [
        "Any": .any, "ASCII": .ascii, "Assigned": .assigned, "Alphabetic": .alphabetic, "Alpha": .alphabetic,
        "Lowercase": .lowercase, "Lower": .lowercase, "Uppercase": .uppercase, "Upper": .uppercase,
        "White_Space": .whitespace, "space": .whitespace, "Emoji": .emoji,
    ]

    /// Names of Unicode's PropertyValueAliases for General_Category.
    private static let categories: [String: Set<Unicode.GeneralCategory>] = {
        let single: [(String, String, Unicode.GeneralCategory)] = [
            ("Lu", "Uppercase_Letter", .uppercaseLetter), ("Ll", "Lowercase_Letter", .lowercaseLetter),
            ("Lt", "Titlecase_Letter", .titlecaseLetter), ("Lm", "Modifier_Letter", .modifierLetter),
            ("Lo", "Other_Letter", .otherLetter), ("Mn", "Nonspacing_Mark", .nonspacingMark),
            ("Mc", "Spacing_Mark", .spacingMark), ("Me", "Enclosing_Mark", .enclosingMark),
            ("Nd", "Decimal_Number", .decimalNumber), ("Nl", "Letter_Number", .letterNumber),
            ("No", "Other_Number", .otherNumber), ("Pc", "Connector_Punctuation", .connectorPunctuation),
            ("Pd", "Dash_Punctuation", .dashPunctuation), ("Ps", "Open_Punctuation", .openPunctuation),
            ("Pe", "Close_Punctuation", .closePunctuation), ("Pi", "Initial_Punctuation", .initialPunctuation),
            ("Pf", "Final_Punctuation", .finalPunctuation), ("Po", "Other_Punctuation", .otherPunctuation),
            ("Sm", "Math_Symbol", .mathSymbol), ("Sc", "Currency_Symbol", .currencySymbol),
            ("Sk", "Modifier_Symbol", .modifierSymbol), ("So", "Other_Symbol", .otherSymbol),
            ("Zs", "Space_Separator", .spaceSeparator), ("Zl", "Line_Separator", .lineSeparator),
            ("Zp", "Paragraph_Separator", .paragraphSeparator), ("Cc", "Control", .control),
            ("Cf", "Format", .format), ("Cs", "Surrogate", .surrogate), ("Co", "Private_Use", .privateUse),
            ("Cn", "Unassigned", .unassigned),
        ]
        let groups = [
            "L": "Letter", "M": "Mark", "N": "Number", "P": "Punctuation", "S": "Symbol", "Z": "Separator",
            "C": "Other",
        ]
        var names: [String: Set<Unicode.GeneralCategory>] = [
            "LC": [.uppercaseLetter, .lowercaseLetter, .titlecaseLetter],
            "Cased_Letter": [.uppercaseLetter, .lowercaseLetter, .titlecaseLetter],
            "digit": [.decimalNumber], "punct": [], "cntrl": [.control],
        ]
        for (short, long, category) in single {
            names[short] = [category]
            names[long] = [category]
            let initial = String(short.prefix(1))
            names[initial, default: []].insert(category)
            if let group = groups[initial] { names[group, default: []].insert(category) }
        }
        names["punct"] = names["P"]
        names["Combining_Mark"] = names["M"]
        return names
    }()
}
