import WorkflowModel

/// The members of an event's `data`, found without building a JSON value of it.
///
/// Skims any JSON object, whatever the order of its members and its white space; what it does not need it only skips,
/// so it accepts more than JSON. Nothing it reads can make it trap.
struct EventFields {
    private let bytes: [UInt8]
    private var members: [(name: Range<Int>, value: Range<Int>)] = []

    /// nil when there is no object `data` in the bytes.
    init?(_ bytes: [UInt8]) {
        self.bytes = bytes
        var skimmer = JSONSkimmer(bytes: bytes)
        var data: Int?
        guard skimmer.members({ name, value in
            if bytes[name].elementsEqual("data".utf8) { data = value.lowerBound }
            return data == nil
        }) else { return nil }
        guard let data else { return nil }
        skimmer.offset = data
        var found: [(name: Range<Int>, value: Range<Int>)] = []
        found.reserveCapacity(12)
        guard skimmer.members({ name, value in
            found.append((name, value))
            return true
        }) else { return nil }
        members = found
    }

    /// The text of a string; nil for anything else.
    func string(_ name: String) -> String? {
        guard let value = value(of: name), value.count >= 2, bytes[value.lowerBound] == UInt8(ascii: "\"") else {
            return nil
        }
        let content = bytes[value.lowerBound + 1..<value.upperBound - 1]
        if content.contains(UInt8(ascii: "\\")) {
            return (try? JSONValue(parsing: Array(bytes[value])))?.stringValue
        }
        return String(validating: content, as: UTF8.self)
    }

    /// Whether the member is there and not null.
    func holds(_ name: String) -> Bool {
        value(of: name).map { !bytes[$0].elementsEqual("null".utf8) } ?? false
    }

    func time(_ name: String) -> Timestamp? { string(name).flatMap { Timestamp($0) } }

    /// A number of milliseconds, none negative, as whole microseconds; nil for anything else.
    func microseconds(_ name: String) -> UInt64? {
        guard let value = value(of: name), !value.isEmpty else { return nil }
        var whole: UInt64 = 0
        var decimals = -1
        for byte in bytes[value] {
            switch byte {
            case UInt8(ascii: "0")...UInt8(ascii: "9") where whole < 1 << 50 && decimals < 3:
                whole = whole * 10 + UInt64(byte - UInt8(ascii: "0"))
                if decimals >= 0 { decimals += 1 }
            case UInt8(ascii: ".") where decimals < 0: decimals = 0
            default: return rounded(value)
            }
        }
        for _ in max(decimals, 0)..<3 { whole *= 10 }
        return whole
    }

    /// Exponents, and more decimals than the contract has.
    private func rounded(_ value: Range<Int>) -> UInt64? {
        guard let number = Double(String(decoding: bytes[value], as: UTF8.self)) else { return nil }
        return UInt64(exactly: (number * 1000).rounded()).flatMap { $0 < 1 << 53 ? $0 : nil }
    }

    func int(_ name: String) -> Int? {
        value(of: name).flatMap { Int(String(decoding: bytes[$0], as: UTF8.self)) }
    }

    private func value(of name: String) -> Range<Int>? {
        let length = name.utf8.count
        return members.first { $0.name.count == length && bytes[$0.name].elementsEqual(name.utf8) }?.value
    }
}

/// Walks over JSON without understanding more than where values end.
private struct JSONSkimmer {
    let bytes: [UInt8]
    var offset = 0

    init(bytes: [UInt8]) { self.bytes = bytes }

    /// Gives the members of the object that begins here until `take` says false; false when it is no object.
    mutating func members(_ take: (_ name: Range<Int>, _ value: Range<Int>) -> Bool) -> Bool {
        skipSpace()
        guard next() == UInt8(ascii: "{") else { return false }
        skipSpace()
        if peek == UInt8(ascii: "}") { return true }
        while true {
            skipSpace()
            guard peek == UInt8(ascii: "\""), let name = string() else { return false }
            skipSpace()
            guard next() == UInt8(ascii: ":") else { return false }
            skipSpace()
            guard let value = value() else { return false }
            guard take(name.lowerBound + 1..<name.upperBound - 1, value) else { return true }
            skipSpace()
            switch next() {
            case UInt8(ascii: ","): continue
            case UInt8(ascii: "}"): return true
            default: return false
            }
        }
    }

    private var peek: UInt8? { offset < bytes.count ? bytes[offset] : nil }

    private mutating func next() -> UInt8? {
        defer { offset += 1 }
        return peek
    }

    private mutating func skipSpace() {
        while let byte = peek, byte == 0x20 || (0x09...0x0D).contains(byte) { offset += 1 }
    }

    /// With its quotes.
    private mutating func string() -> Range<Int>? {
        let start = offset
        offset += 1
        while offset < bytes.count {
            switch bytes[offset] {
            case UInt8(ascii: "\""):
                offset += 1
                return start..<offset
            case UInt8(ascii: "\\"): offset += 2
            default: offset += 1
            }
        }
        return nil
    }

    private mutating func value() -> Range<Int>? {
        let start = offset
        switch peek {
        case UInt8(ascii: "\""): return string()
        case UInt8(ascii: "{"), UInt8(ascii: "["):
            var depth = 0
            while let byte = peek {
                switch byte {
                case UInt8(ascii: "\""): guard string() != nil else { return nil }
                case UInt8(ascii: "{"), UInt8(ascii: "["):
                    depth += 1
                    offset += 1
                case UInt8(ascii: "}"), UInt8(ascii: "]"):
                    depth -= 1
                    offset += 1
                    if depth == 0 { return start..<offset }
                default: offset += 1
                }
            }
            return nil
        default:
            while let byte = peek, byte != UInt8(ascii: ","), byte != UInt8(ascii: "}"), byte > 0x20 { offset += 1 }
            return offset > start ? start..<offset : nil
        }
    }
}
