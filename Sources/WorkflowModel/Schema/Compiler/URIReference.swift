/// A URI reference taken apart, as `$id` and `$ref` need it (RFC 3986 §5).
struct URIReference: Hashable, Sendable {
    var scheme: String?
    var authority: String?
    var path = ""
    var query: String?
    /// Still percent-encoded.
    var fragment: String?

    init() {}

    /// Splits as RFC 3986 appendix B does; every text is some reference.
    init(_ text: String) {
        var rest = Substring(text)
        if let mark = rest.firstIndex(of: "#") {
            fragment = String(rest[rest.index(after: mark)...])
            rest = rest[..<mark]
        }
        if let mark = rest.firstIndex(of: "?") {
            query = String(rest[rest.index(after: mark)...])
            rest = rest[..<mark]
        }
        if let mark = rest.firstIndex(where: { $0 == ":" || $0 == "/" }), rest[mark] == ":", mark > rest.startIndex {
            scheme = rest[..<mark].lowercased()
            rest = rest[rest.index(after: mark)...]
        }
        if rest.hasPrefix("//") {
            rest = rest.dropFirst(2)
            let end = rest.firstIndex(of: "/") ?? rest.endIndex
            authority = String(rest[..<end])
            rest = rest[end...]
        }
        path = String(rest)
    }

    /// The whole without its fragment, by which schemas are known.
    var withoutFragment: String {
        (scheme.map { "\($0):" } ?? "") + (authority.map { "//\($0)" } ?? "") + path + (query.map { "?\($0)" } ?? "")
    }

    /// The fragment with its percent-encoding undone; nil when that is broken or not UTF-8.
    var decodedFragment: String? {
        guard let fragment else { return "" }
        var bytes: [UInt8] = []
        var scanner = ASCIIScanner(Array(fragment.utf8)[...])
        while let byte = scanner.rest.popFirst() {
            guard byte == UInt8(ascii: "%") else {
                bytes.append(byte)
                continue
            }
            guard let high = scanner.take(where: ASCIIScanner.isHexDigit),
                let low = scanner.take(where: ASCIIScanner.isHexDigit),
                let octet = UInt8(String(decoding: [high, low], as: UTF8.self), radix: 16)
            else { return nil }
            bytes.append(octet)
        }
        return String(validating: bytes, as: UTF8.self)
    }

    /// `reference` seen from here (RFC 3986 §5.2.2).
    func resolving(_ reference: URIReference) -> URIReference {
        var target = reference
        if reference.scheme != nil { return target }
        target.scheme = scheme
        if reference.authority != nil { return target }
        target.authority = authority
        if reference.path.isEmpty {
            target.path = path
            if reference.query == nil { target.query = query }
        } else if reference.path.utf8.first == UInt8(ascii: "/") {
            target.path = Self.removingDotSegments(reference.path)
        } else {
            let directory = path.lastIndex(of: "/").map { path[...$0] } ?? (authority != nil ? "/" : "")
            target.path = Self.removingDotSegments(directory + reference.path)
        }
        return target
    }

    private static func removingDotSegments(_ path: String) -> String {
        let segments = path.split(separator: "/", omittingEmptySubsequences: false)
        var kept: [Substring] = []
        for (index, segment) in segments.enumerated() {
            let isLast = index == segments.count - 1
            switch segment {
            case ".": if isLast { kept.append("") }
            case "..":
                if kept.count > 1 || (kept.count == 1 && kept[0] != "") { kept.removeLast() }
                if isLast { kept.append("") }
            default: kept.append(segment)
            }
        }
        return kept.joined(separator: "/")
    }
}
