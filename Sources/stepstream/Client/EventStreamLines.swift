/// Reads a server-sent events stream by lines (HTML Living Standard, "Interpreting an event stream").
///
/// Our events are single lines, so each `data:` line is one whole event.
struct EventStreamLines {
    enum Line {
        case event([UInt8])
        /// A sign of life.
        case comment
    }

    private var line: [UInt8] = []
    private static let prefix = Array("data:".utf8)

    /// The lines that the bytes complete, those that say something.
    mutating func take(_ bytes: some Sequence<UInt8>) -> [Line] {
        var lines: [Line] = []
        for byte in bytes {
            guard byte == 0x0A else {
                line.append(byte)
                continue
            }
            if line.last == 0x0D { line.removeLast() }
            if line.starts(with: Self.prefix) {
                let data = line.dropFirst(Self.prefix.count)
                lines.append(.event(Array(data.first == 0x20 ? data.dropFirst() : data)))
            } else if line.first == UInt8(ascii: ":") { lines.append(.comment) }
            line.removeAll(keepingCapacity: true)
        }
        return lines
    }
}
