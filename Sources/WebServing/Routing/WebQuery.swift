import WorkflowModel

/// The query of a request target, percent-decoded; of equal names the first counts.
package struct WebQuery: Hashable, Sendable {
    private var values: [String: String] = [:]
    /// In the order they were sent, each as often.
    private var names: [String] = []

    /// Reads `a=1&b=2`.
    /// - Throws: 400 `invalid_encoding` for a part that is not UTF-8, percent-encoded: left out it would change what
    ///   was asked for.
    package init(_ query: some StringProtocol) throws(Problem) {
        for part in query.utf8.split(separator: UInt8(ascii: "&")) {
            let halves = part.split(separator: UInt8(ascii: "="), maxSplits: 1, omittingEmptySubsequences: false)
            guard let name = PercentEncoding.decoded(halves[0], plusIsSpace: true),
                let value = halves.count > 1 ? PercentEncoding.decoded(halves[1], plusIsSpace: true) : ""
            else {
                let part = String(decoding: part, as: UTF8.self)
                throw Problem(400, "invalid_encoding", "\"\(part)\" is not UTF-8, percent-encoded and without NUL")
            }
            names.append(name)
            if values[name] == nil { values[name] = value }
        }
    }

    /// - Throws: 400 `invalid_parameter` with every parameter that is not known or stands twice: a misspelt one would
    ///   ask for something else without a word.
    package func check(known: [String]) throws(Problem) {
        var seen: Set<String> = []
        var faults: [String] = []
        for name in names where !known.contains(name) || !seen.insert(name).inserted {
            let fault = known.contains(name) ? "\(name) is given twice" : "\"\(name)\" is not known"
            if !faults.contains(fault) { faults.append(fault) }
        }
        guard !faults.isEmpty else { return }
        let here = known.count == 1 ? "the parameter here is" : "the parameters here are"
        throw Problem(
            400, "invalid_parameter", "\(faults.joined(separator: "; ")); \(here) \(known.joined(separator: ", "))")
    }

    package subscript(name: String) -> String? { values[name] }

    /// The number that digits alone give, without a sign.
    package static func wholeNumber(_ text: String) -> Int? {
        text.utf8.allSatisfy { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) } ? Int(text) : nil
    }

    /// A whole number within `range`; `fallback` when the parameter is absent.
    /// - Throws: 400 `invalid_parameter`.
    package func int(_ name: String, default fallback: Int, in range: ClosedRange<Int>) throws(Problem) -> Int {
        guard let text = values[name] else { return fallback }
        guard let value = Self.wholeNumber(text), range.contains(value) else {
            throw .invalidParameter(
                name, "expected a whole number from \(range.lowerBound) to \(range.upperBound), not \"\(text)\"")
        }
        return value
    }

    /// A duration such as `30s`, `500ms` or `1m`, at most `longest`; nil when the parameter is absent.
    /// - Throws: 400 `invalid_parameter`.
    package func duration(_ name: String, atMost longest: Duration) throws(Problem) -> Duration? {
        guard let text = values[name] else { return nil }
        guard let value = Duration(parsing: text) else {
            throw .invalidParameter(name, "expected \(Duration.textForms), not \"\(text)\"")
        }
        guard value <= longest else {
            throw .invalidParameter(name, "\(text) exceeds the limit of \(longest.components.seconds)s")
        }
        return value
    }
}

/// Percent-encoding by RFC 3986 §2.1.
enum PercentEncoding {
    /// The decoded text; nil for a broken escape, a NUL or bytes that are not UTF-8.
    static func decoded(_ text: some Sequence<UInt8>, plusIsSpace: Bool = false) -> String? {
        var bytes: [UInt8] = []
        var iterator = text.makeIterator()
        while let byte = iterator.next() {
            switch byte {
            case UInt8(ascii: "%"):
                guard let high = iterator.next().flatMap(digit), let low = iterator.next().flatMap(digit) else {
                    return nil
                }
                bytes.append(high << 4 | low)
            case UInt8(ascii: "+") where plusIsSpace: bytes.append(UInt8(ascii: " "))
            default: bytes.append(byte)
            }
        }
        guard !bytes.contains(0) else { return nil }
        return String(validating: bytes, as: UTF8.self)
    }

    private static func digit(_ byte: UInt8) -> UInt8? {
        Character(Unicode.Scalar(byte)).hexDigitValue.map { UInt8($0) }
    }
}
