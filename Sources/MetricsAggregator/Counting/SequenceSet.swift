/// The sequences seen of one execution, as ranges: duplicates, gaps and their filling come in any order.
struct SequenceSet: Hashable {
    /// Ascending, none touching the next.
    private(set) var ranges: [ClosedRange<Int>] = []
    private(set) var count = 0

    init() {}

    /// 1 to `last`, without a gap.
    init(through last: Int) {
        ranges = [1...last]
        count = last
    }

    var lowest: Int { ranges.first?.lowerBound ?? 0 }
    var highest: Int { ranges.last?.upperBound ?? 0 }

    /// Sequences before the first that was seen.
    var missingAtStart: Int { max(0, lowest - 1) }
    /// Sequences between those that were seen.
    var missingInside: Int { ranges.isEmpty ? 0 : highest - lowest + 1 - count }
    var hasGap: Bool { ranges.count > 1 || lowest > 1 }

    func contains(_ sequence: Int) -> Bool {
        let index = position(of: sequence)
        return index < ranges.count && ranges[index].contains(sequence)
    }

    /// - Precondition: not contained yet.
    mutating func insert(_ sequence: Int) {
        count += 1
        let index = position(of: sequence)
        let touchesBefore = index > 0 && ranges[index - 1].upperBound == sequence - 1
        let touchesAfter = index < ranges.count && ranges[index].lowerBound == sequence + 1
        switch (touchesBefore, touchesAfter) {
        case (true, false): ranges[index - 1] = ranges[index - 1].lowerBound...sequence
        case (false, true): ranges[index] = sequence...ranges[index].upperBound
        case (true, true):
            ranges[index - 1] = ranges[index - 1].lowerBound...ranges[index].upperBound
            ranges.remove(at: index)
        case (false, false): ranges.insert(sequence...sequence, at: index)
        }
    }

    /// The first range that ends at or after `sequence`.
    private func position(of sequence: Int) -> Int {
        // Nearly every event comes last.
        guard let last = ranges.last, sequence <= last.upperBound else { return ranges.count }
        var low = 0
        var high = ranges.count - 1
        while low < high {
            let middle = (low + high) / 2
            if ranges[middle].upperBound < sequence { low = middle + 1 } else { high = middle }
        }
        return low
    }
}

extension SequenceSet {
    func write(to writer: inout StoredWriter) {
        var last = 0
        writer.list(ranges) { writer, range in
            writer.count(range.lowerBound - last)
            writer.count(range.upperBound - range.lowerBound)
            last = range.upperBound
        }
    }

    init(_ reader: inout StoredReader) throws(StoredFault) {
        var last = 0
        let read = try reader.list { (reader: inout StoredReader) throws(StoredFault) -> ClosedRange<Int> in
            let (distance, length) = (try reader.count(), try reader.count())
            guard distance > 0, distance <= Int(Int32.max), length <= Int(Int32.max) else { throw StoredFault() }
            let lower = last + distance
            last = lower + length
            return lower...last
        }
        ranges = read
        count = read.reduce(0) { $0 + $1.count }
    }
}
