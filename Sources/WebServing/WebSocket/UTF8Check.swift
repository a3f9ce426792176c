/// Whether bytes that come in pieces are UTF-8 (RFC 3629 §4), known with the piece whose bytes cannot be.
struct UTF8Check {
    /// What the next byte has to be within while a character is open.
    private var next: ClosedRange<UInt8> = 0x80...0xBF
    /// Bytes that the open character lacks.
    private var missing = 0

    /// Whether the bytes so far end with a whole character.
    var isWhole: Bool { missing == 0 }

    /// - Returns: false for bytes that no UTF-8 has there; nothing may be read after them.
    mutating func read(_ bytes: UnsafeRawBufferPointer) -> Bool {
        var rest = bytes[...]
        while missing > 0, let byte = rest.first {
            guard go(on: byte) else { return false }
            rest = rest.dropFirst()
        }
        // The standard library checks all but the last character, which may be open.
        var end = rest.endIndex
        while end > rest.startIndex, rest.endIndex - end < 4 {
            end -= 1
            if rest[end] < 0x80 || rest[end] >= 0xC0 { break }
        }
        guard String(validating: rest[..<end], as: UTF8.self) != nil else { return false }
        return rest[end...].allSatisfy { go(on: $0) }
    }

    private mutating func go(on byte: UInt8) -> Bool {
        if missing == 0 { return byte < 0x80 || open(byte) }
        guard next.contains(byte) else { return false }
        next = 0x80...0xBF
        missing -= 1
        return true
    }

    /// The table of RFC 3629 §4: the lead byte says how many follow and bounds the first of them, which leaves out
    /// longer forms than needed, surrogates, and what is beyond U+10FFFF.
    private mutating func open(_ lead: UInt8) -> Bool {
        next =
            switch lead {
            case 0xE0: 0xA0...0xBF
            case 0xED: 0x80...0x9F
            case 0xF0: 0x90...0xBF
            case 0xF4: 0x80...0x8F
            default: 0x80...0xBF
            }
        switch lead {
        case 0xC2...0xDF: missing = 1
        case 0xE0...0xEF: missing = 2
        case 0xF0...0xF4: missing = 3
        default: return false
        }
        return true
    }
}
