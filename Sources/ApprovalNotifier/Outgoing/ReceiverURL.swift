/// The address of a receiver, `http` or `https`, taken apart by one strict reading.
///
/// The text that is connected to and the text that is checked are the same: what could be read in two ways (a user, an
/// escape in the name, a backslash, a number in place of an address) is refused.
package struct ReceiverURL: Hashable, Sendable {
    package let isSecure: Bool
    /// In lower case; an IPv6 address without brackets.
    package let host: String
    package let port: Int
    /// Path and query, at least `/`.
    package let target: String

    /// nil for anything that is not such an address.
    package init?(_ text: String) {
        guard text.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F && $0 != UInt8(ascii: "\\") && $0 != UInt8(ascii: "#") })
        else { return nil }
        let lowered = text.lowercased()
        isSecure = lowered.hasPrefix("https://")
        guard isSecure || lowered.hasPrefix("http://") else { return nil }
        let rest = text.dropFirst(isSecure ? 8 : 7)
        let end = rest.firstIndex { $0 == "/" || $0 == "?" } ?? rest.endIndex
        let target = String(rest[end...])
        self.target = target.hasPrefix("/") ? target : "/" + target
        var authority = rest[..<end]
        guard !authority.contains("@"), !authority.contains("%") else { return nil }
        var port: Substring?
        if authority.hasPrefix("[") {
            guard let close = authority.firstIndex(of: "]") else { return nil }
            let after = authority[authority.index(after: close)...]
            guard after.isEmpty || after.hasPrefix(":") else { return nil }
            port = after.isEmpty ? nil : after.dropFirst()
            authority = authority[authority.index(after: authority.startIndex)..<close]
            guard authority.contains(":"), authority.allSatisfy({ $0.isHexDigit || $0 == ":" || $0 == "." }) else {
                return nil
            }
        } else {
            let parts = authority.split(separator: ":", omittingEmptySubsequences: false)
            guard parts.count <= 2 else { return nil }
            authority = parts[0]
            port = parts.count == 2 ? parts[1] : nil
            guard Self.isName(authority) else { return nil }
        }
        host = authority.lowercased()
        if let port {
            guard let number = Int(port), (1...65_535).contains(number) else { return nil }
            self.port = number
        } else { self.port = isSecure ? 443 : 80 }
    }

    package var text: String { "\(isSecure ? "https" : "http")://\(authority)\(target)" }
    /// Without path and query, which may hold a secret.
    package var origin: String { "\(isSecure ? "https" : "http")://\(authority)" }

    private var authority: String {
        let name = host.contains(":") ? "[\(host)]" : host
        return port == (isSecure ? 443 : 80) ? name : "\(name):\(port)"
    }

    /// A DNS name, or four decimal numbers; not `0x7f.1`, which resolvers take for an address.
    private static func isName(_ text: Substring) -> Bool {
        let labels = text.split(separator: ".", omittingEmptySubsequences: false)
        let areLegal = labels.allSatisfy { label in
            (1...63).contains(label.utf8.count)
                && label.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "-" || $0 == "_") }
        }
        guard areLegal, text.utf8.count <= 253, let last = labels.last else { return false }
        guard last.first?.isNumber == true else { return true }
        return labels.count == 4 && labels.allSatisfy { label in
            label.allSatisfy(\.isNumber) && UInt8(label).map { String($0) == label } == true
        }
    }
}
