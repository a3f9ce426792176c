/// The last bytes a process wrote to one of its outputs, in a ring of fixed size.
struct OutputTail {
    private let bytesMax: Int
    private var ring: [UInt8] = []
    private var end = 0
    /// Everything ever written, kept or not.
    private(set) var bytesTotal = 0

    init(bytesMax: Int) { self.bytesMax = bytesMax }

    mutating func append(_ chunk: UnsafeRawBufferPointer) {
        bytesTotal += chunk.count
        for byte in chunk.suffix(bytesMax) {
            if ring.count < bytesMax {
                ring.append(byte)
            } else {
                ring[end] = byte
                end = end + 1 == bytesMax ? 0 : end + 1
            }
        }
    }

    /// The text written since `mark` (a value of `bytesTotal`), as far as it is kept; a mark says what was cut.
    func text(since mark: Int) -> String {
        let wanted = min(bytesTotal - mark, ring.count)
        guard wanted > 0 else { return "" }
        let ordered = ring[end...] + ring[..<end]
        let text = String(decoding: ordered.suffix(wanted), as: UTF8.self)
        return bytesTotal - mark > wanted ? "[… \(bytesTotal - mark - wanted) bytes before]\n" + text : text
    }
}
