/// The last bytes a process wrote to one of its outputs.
///
/// Holds up to twice what it keeps, so that forgetting the oldest is one move now and then.
struct OutputTail {
    private let bytesMax: Int
    private var bytes: [UInt8] = []
    /// Everything ever written, kept or not.
    private(set) var bytesTotal = 0

    init(bytesMax: Int) { self.bytesMax = bytesMax }

    mutating func append(_ chunk: UnsafeRawBufferPointer) {
        bytesTotal += chunk.count
        bytes.append(contentsOf: UnsafeRawBufferPointer(rebasing: chunk.suffix(bytesMax)))
        if bytes.count > 2 * bytesMax { bytes.removeFirst(bytes.count - bytesMax) }
    }

    /// The text written since `mark` (a value of `bytesTotal`), as far as it is kept; a mark says what was cut.
    func text(since mark: Int) -> String {
        let written = bytesTotal - mark
        let kept = min(written, bytes.count, bytesMax)
        guard kept > 0 else { return "" }
        let text = String(decoding: bytes.suffix(kept), as: UTF8.self)
        return written > kept ? "[… \(written - kept) bytes before]\n" + text : text
    }

    /// The end of a text, as many bytes of it as there may be, with a mark for the rest.
    static func capped(_ text: String, bytesMax: Int) -> String {
        let excess = text.utf8.count - bytesMax
        guard excess > 0 else { return text }
        return "[… \(excess) bytes before]\n" + String(decoding: text.utf8.suffix(bytesMax), as: UTF8.self)
    }
}
