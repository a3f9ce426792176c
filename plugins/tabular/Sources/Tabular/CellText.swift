/// A cell's text, equal to another only if it has the same code points.
///
/// Swift's `String` equates canonically equivalent texts, so that `é` and `e` with an accent, or the letter Å and the
/// ångström sign, would count as one value.
struct CellText: Hashable, Sendable {
    let text: String

    init(_ text: String) { self.text = text }

    static func == (left: CellText, right: CellText) -> Bool {
        left.text.utf8.count == right.text.utf8.count && left.text.utf8.elementsEqual(right.text.utf8)
    }

    func hash(into hasher: inout Hasher) {
        var copy = text
        copy.withUTF8 { hasher.combine(bytes: UnsafeRawBufferPointer($0)) }
    }
}
