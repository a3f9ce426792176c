extension ASCIIScanner {
    /// `URI` of RFC 3986 appendix A: with a scheme, never a relative reference.
    mutating func uri() -> Bool {
        guard take(where: Self.isLetter) != nil else { return false }
        _ = skip { Self.isLetter($0) || Self.isDigit($0) || Self.isOne(of: "+-.", $0) }
        guard take(":") else { return false }
        if rest.starts(with: "//".utf8) {
            rest.removeFirst(2)
            let end = rest.firstIndex { Self.isOne(of: "/?#", $0) } ?? rest.endIndex
            var authority = ASCIIScanner(rest[..<end])
            guard authority.authority() else { return false }
            rest = rest[end...]
        }
        guard pathCharacters("/:@") else { return false }
        if take("?"), !pathCharacters("/?:@") { return false }
        if take("#"), !pathCharacters("/?:@") { return false }
        return isAtEnd
    }

    private mutating func authority() -> Bool {
        if let mark = rest.lastIndex(of: UInt8(ascii: "@")) {
            var user = ASCIIScanner(rest[..<mark])
            guard user.pathCharacters(":"), user.isAtEnd else { return false }
            rest = rest[(mark + 1)...]
        }
        if take("[") {
            guard let end = rest.firstIndex(of: UInt8(ascii: "]")) else { return false }
            let literal = rest[..<end]
            rest = rest[(end + 1)...]
            guard Self.isIPv6(literal) || Self.isIPvFuture(literal) else { return false }
        } else {
            guard pathCharacters("") else { return false }
        }
        if take(":") { _ = skip(while: Self.isDigit) }
        return isAtEnd
    }

    /// Takes unreserved characters, sub-delimiters, percent-encoded octets and `extra`; false for a broken octet.
    private mutating func pathCharacters(_ extra: StaticString) -> Bool {
        while let byte = rest.first {
            if byte == UInt8(ascii: "%") {
                rest.removeFirst()
                guard take(where: Self.isHexDigit) != nil, take(where: Self.isHexDigit) != nil else { return false }
            } else if Self.isUnreserved(byte) || Self.isOne(of: extra, byte) {
                rest.removeFirst()
            } else {
                return true
            }
        }
        return true
    }

    /// `unreserved` or `sub-delims`.
    private static func isUnreserved(_ byte: UInt8) -> Bool {
        isLetter(byte) || isDigit(byte) || isOne(of: "-._~!$&'()*+,;=", byte)
    }

    private static func isIPvFuture(_ text: ArraySlice<UInt8>) -> Bool {
        var scanner = ASCIIScanner(text)
        guard scanner.take("v") || scanner.take("V"), scanner.skip(while: isHexDigit) > 0, scanner.take(".") else {
            return false
        }
        return scanner.skip { isUnreserved($0) || $0 == UInt8(ascii: ":") } > 0 && scanner.isAtEnd
    }

    /// `IPv6address` of RFC 3986: eight groups, one run of them as `::`, the last two perhaps as an IPv4 address.
    static func isIPv6(_ text: ArraySlice<UInt8>) -> Bool {
        var scanner = ASCIIScanner(text)
        var groups = 0
        var isCompressed = false
        if scanner.rest.starts(with: "::".utf8) {
            scanner.rest.removeFirst(2)
            isCompressed = true
        }
        while !scanner.isAtEnd {
            if groups >= 8 { return false }
            if isIPv4(scanner.rest) {
                groups += 2
                scanner.rest = scanner.rest[scanner.rest.endIndex...]
                break
            }
            guard (1...4).contains(scanner.skip(while: isHexDigit)) else { return false }
            groups += 1
            if scanner.isAtEnd { break }
            guard scanner.take(":") else { return false }
            if scanner.take(":") {
                if isCompressed { return false }
                isCompressed = true
            } else if scanner.isAtEnd {
                return false
            }
        }
        return isCompressed ? groups <= 7 : groups == 8
    }

    /// Four numbers up to 255 without leading zeros.
    static func isIPv4(_ text: ArraySlice<UInt8>) -> Bool {
        let parts = text.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        return parts.count == 4
            && parts.allSatisfy { part in
                (1...3).contains(part.count) && part.allSatisfy(isDigit)
                    && (part.count == 1 || part.first != UInt8(ascii: "0"))
                    && part.reduce(0) { $0 * 10 + Int($1 - UInt8(ascii: "0")) } <= 255
            }
    }
}
