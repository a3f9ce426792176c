/// The `traceparent` of a request (W3C Trace Context §3.2).
enum TraceParent {
    private static let byteCount = 55

    /// The header in the form of version 00; nil for what is none, which is treated as absent, as the recommendation
    /// says.
    static func read(_ header: String?) -> String? {
        guard let bytes = header.map({ Array($0.utf8) }), bytes.count >= byteCount else { return nil }
        let parts = bytes.prefix(byteCount).split(separator: UInt8(ascii: "-"), omittingEmptySubsequences: false)
        guard parts.map(\.count) == [2, 32, 16, 2], parts.allSatisfy({ $0.allSatisfy(isLowerHex) }),
            // Later versions may append fields, never change these.
            bytes.count == byteCount || !parts[0].allSatisfy({ $0 == UInt8(ascii: "0") })
                && bytes[byteCount] == UInt8(ascii: "-"),
            !parts[0].elementsEqual("ff".utf8), !isZero(parts[1]), !isZero(parts[2])
        else { return nil }
        return "00" + String(decoding: bytes[2..<byteCount], as: UTF8.self)
    }

    private static func isLowerHex(_ byte: UInt8) -> Bool {
        UInt8(ascii: "0")...UInt8(ascii: "9") ~= byte || UInt8(ascii: "a")...UInt8(ascii: "f") ~= byte
    }

    private static func isZero(_ part: some Sequence<UInt8>) -> Bool { part.allSatisfy { $0 == UInt8(ascii: "0") } }
}
