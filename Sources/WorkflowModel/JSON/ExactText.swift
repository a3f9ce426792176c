/// A text as its UTF-8 bytes: two texts are the same only if they are spelt the same.
///
/// Swift's `String` equates canonically equivalent texts (`é` and `e` + accent); JSON does not (RFC 8259 §8.3), and a
/// set of equivalent spellings would share one hash value.
struct ExactText: Hashable {
    let text: String

    init(_ text: String) { self.text = text }

    static func == (left: ExactText, right: ExactText) -> Bool { equal(left.text, right.text) }

    func hash(into hasher: inout Hasher) {
        var copy = text
        copy.withUTF8 { unsafe hasher.combine(bytes: UnsafeRawBufferPointer($0)) }
        hasher.combine(UInt8(0xFF))
    }

    static func equal(_ left: String, _ right: String) -> Bool {
        guard left.utf8.count == right.utf8.count else { return false }
        var (left, right) = (left, right)
        return left.withUTF8 { left in
            right.withUTF8 { right in
                for position in 0..<left.count where unsafe left[position] != right[position] { return false }
                return true
            }
        }
    }
}
