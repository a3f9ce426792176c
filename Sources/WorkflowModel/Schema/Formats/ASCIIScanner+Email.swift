extension ASCIIScanner {
    /// `Mailbox` of RFC 5321 §4.1.2, with its limits of §4.5.3.1: local part 64, domain 255, label 63 octets.
    mutating func email() -> Bool {
        let start = rest.startIndex
        guard rest.first == UInt8(ascii: "\"") ? quotedString() : dotString() else { return false }
        guard rest.startIndex - start <= 64, take("@"), rest.count <= 255 else { return false }
        return take("[") ? addressLiteral() : domain()
    }

    private mutating func dotString() -> Bool {
        repeat {
            let length = skip { Self.isLetter($0) || Self.isDigit($0) || Self.isOne(of: "!#$%&'*+-/=?^_`{|}~", $0) }
            if length == 0 { return false }
        } while take(".")
        return true
    }

    private mutating func quotedString() -> Bool {
        rest.removeFirst()
        while let byte = rest.popFirst() {
            if byte == UInt8(ascii: "\"") { return true }
            if byte == UInt8(ascii: "\\") {
                guard take(where: { (0x20...0x7E).contains($0) }) != nil else { return false }
            } else if !(0x20...0x7E).contains(byte) {
                return false
            }
        }
        return false
    }

    private mutating func domain() -> Bool {
        repeat {
            let start = rest.startIndex
            let label = rest
            let length = skip { Self.isLetter($0) || Self.isDigit($0) || $0 == UInt8(ascii: "-") }
            guard (1...63).contains(length), label[start] != UInt8(ascii: "-"),
                label[start + length - 1] != UInt8(ascii: "-")
            else { return false }
        } while take(".")
        return isAtEnd
    }

    /// What follows `[`: an IPv4 address or `IPv6:` and an IPv6 address, then `]`.
    private mutating func addressLiteral() -> Bool {
        guard rest.popLast() == UInt8(ascii: "]") else { return false }
        if Self.isIPv4(rest) { return true }
        let tag: [(Unicode.Scalar, Unicode.Scalar)] = [("I", "i"), ("P", "p"), ("V", "v"), ("6", "6"), (":", ":")]
        for (upper, lower) in tag {
            guard take(upper) || take(lower) else { return false }
        }
        return Self.isIPv6(rest)
    }
}
