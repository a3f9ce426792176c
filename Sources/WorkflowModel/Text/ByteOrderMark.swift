/// The mark U+FEFF that editors on other systems put before UTF-8. It says nothing and is no part of the text.
package enum ByteOrderMark {
    private static let bytes: [UInt8] = [0xEF, 0xBB, 0xBF]

    /// How many bytes it takes at the beginning of a text.
    static func length(in text: [UInt8]) -> Int { text.starts(with: bytes) ? bytes.count : 0 }

    /// The text behind it.
    package static func skipped(_ text: [UInt8]) -> [UInt8] {
        let length = length(in: text)
        return length == 0 ? text : Array(text.dropFirst(length))
    }
}
