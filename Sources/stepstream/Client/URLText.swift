/// Text of a user's in a URL (RFC 3986 §2.3): what is not unreserved is percent-encoded.
enum URLText {
    /// One segment of a path: `pass/execute#` names a workflow, not another route.
    static func segment(_ text: String) -> String { encoded(text) }

    /// `?a=1&b=2`; empty without parameters that have a value.
    static func query(_ parameters: [(name: String, value: String?)]) -> String {
        let given = parameters.compactMap { name, value in value.map { "\(name)=\(encoded($0))" } }
        return given.isEmpty ? "" : "?" + given.joined(separator: "&")
    }

    private static func encoded(_ text: String) -> String {
        let digits = Array("0123456789ABCDEF")
        var encoded = ""
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: "~"):
                encoded.unicodeScalars.append(Unicode.Scalar(byte))
            // A segment of dots alone would be taken for a step up.
            case UInt8(ascii: ".") where text.contains(where: { $0 != "." }): encoded.append(".")
            default:
                encoded.append("%")
                encoded.append(digits[Int(byte >> 4)])
                encoded.append(digits[Int(byte & 15)])
            }
        }
        return encoded
    }
}
