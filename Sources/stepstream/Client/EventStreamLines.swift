/// Picks the `data:` lines out of a server-sent events stream (HTML Living Standard, "Interpreting an event stream").
///
/// Our events are single lines, so each `data:` line is one whole event.
struct EventStreamLines {
    private var line: [UInt8] = []
    private static let prefix = Array("data:".utf8)

    /// The events that the bytes complete.
    mutating func take(_ bytes: some Sequence<UInt8>) -> [[UInt8]] {
        var events: [[UInt8]] = []
        for byte in bytes {
            guard byte == 0x0A else {
                line.append(byte)
                continue
            }
            if line.last == 0x0D { line.removeLast() }
            if line.starts(with: Self.prefix) {
                let data = line.dropFirst(Self.prefix.count)
                events.append(Array(data.first == 0x20 ? data.dropFirst() : data))
            }
            line.removeAll(keepingCapacity: true)
        }
        return events
    }
}
