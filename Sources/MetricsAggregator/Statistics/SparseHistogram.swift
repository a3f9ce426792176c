/// Durations in the buckets of a two-digit HDR histogram, only those that hold something.
///
/// A dense one takes 35 KB; a slot of statistics rarely fills fifty buckets. Reading merges slots into a dense one.
struct SparseHistogram: Hashable {
    /// Seven days; longer durations count as that.
    static let microsecondsMax: UInt64 = 604_800_000_000
    /// The bits that two decimal digits take: buckets are exact below 2^8 and have 2^7 steps in each octave above.
    private static let significantBits = 8

    struct Bucket: Hashable {
        /// The lowest value of the bucket in microseconds; eight significant bits are exact in a `Float`.
        var lowest: Float
        var count: UInt32
    }

    /// Ascending.
    private(set) var buckets: [Bucket] = []

    init() {}

    /// The lowest value that shares a bucket with this one.
    static func lowestEquivalent(_ microseconds: UInt64) -> UInt64 {
        let value = min(microseconds, microsecondsMax)
        let shift = max(0, UInt64.bitWidth - value.leadingZeroBitCount - significantBits)
        return (value >> shift) << shift
    }

    mutating func record(_ microseconds: UInt64) {
        let lowest = Float(Self.lowestEquivalent(microseconds))
        var (low, high) = (0, buckets.count)
        while low < high {
            let middle = (low + high) / 2
            if buckets[middle].lowest < lowest { low = middle + 1 } else { high = middle }
        }
        if low < buckets.count, buckets[low].lowest == lowest {
            buckets[low].count &+= 1
        } else {
            buckets.insert(Bucket(lowest: lowest, count: 1), at: low)
        }
    }
}

extension SparseHistogram {
    func write(to writer: inout StoredWriter) {
        var last: UInt64 = 0
        writer.list(buckets) { writer, bucket in
            writer.unsigned(UInt64(bucket.lowest) - last)
            writer.unsigned(UInt64(bucket.count))
            last = UInt64(bucket.lowest)
        }
    }

    init(_ reader: inout StoredReader) throws(StoredFault) {
        var last: UInt64 = 0
        buckets = try reader.list { (reader: inout StoredReader) throws(StoredFault) in
            let (distance, count) = (try reader.unsigned(), try reader.unsigned())
            guard distance <= Self.microsecondsMax, last + distance <= Self.microsecondsMax else { throw StoredFault() }
            last += distance
            return Bucket(lowest: Float(last), count: UInt32(truncatingIfNeeded: count))
        }
    }
}
