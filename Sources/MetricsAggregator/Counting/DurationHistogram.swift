import WebServing

/// Durations in the fixed buckets that an exposition shows; the sum is in whole microseconds, so it is exact.
struct DurationHistogram: Hashable {
    /// Upper bounds in seconds.
    enum Scale {
        case run, step, approval

        var bounds: [Double] {
            switch self {
            case .run: Self.runBounds
            case .step: Self.stepBounds
            case .approval: Self.approvalBounds
            }
        }

        var microseconds: [UInt64] {
            switch self {
            case .run: Self.runMicroseconds
            case .step: Self.stepMicroseconds
            case .approval: Self.approvalMicroseconds
            }
        }

        private static let runBounds = [
            0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1800, 3600, 21_600,
            86_400, 604_800,
        ]
        private static let stepBounds = [
            0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60,
            300, 3600,
        ]
        private static let approvalBounds: [Double] = [
            1, 10, 60, 300, 900, 3600, 14_400, 28_800, 43_200, 86_400, 172_800, 604_800,
        ]
        private static let runMicroseconds = micro(runBounds)
        private static let stepMicroseconds = micro(stepBounds)
        private static let approvalMicroseconds = micro(approvalBounds)
        private static func micro(_ bounds: [Double]) -> [UInt64] { bounds.map { UInt64(($0 * 1e6).rounded()) } }
    }

    let scale: Scale
    /// Values up to each bound and above the one before; the last is above all bounds.
    private(set) var counts: [UInt64]
    private(set) var sumMicroseconds: UInt64 = 0

    init(_ scale: Scale) {
        self.scale = scale
        counts = Array(repeating: 0, count: scale.bounds.count + 1)
    }

    mutating func record(_ microseconds: UInt64) {
        let bounds = scale.microseconds
        counts[bounds.firstIndex { microseconds <= $0 } ?? bounds.count] += 1
        sumMicroseconds &+= microseconds
    }

    var value: MetricFamily.Value {
        .histogram(
            .init(bounds: scale.bounds, counts: counts, sum: Double(sumMicroseconds) / 1e6))
    }
}

extension DurationHistogram {
    func write(to writer: inout StoredWriter) {
        writer.list(counts) { $0.unsigned($1) }
        writer.unsigned(sumMicroseconds)
    }

    init(_ scale: Scale, _ reader: inout StoredReader) throws(StoredFault) {
        self.init(scale)
        let read = try reader.list { (reader: inout StoredReader) throws(StoredFault) in try reader.unsigned() }
        guard read.count == counts.count else { throw StoredFault() }
        counts = read
        sumMicroseconds = try reader.unsigned()
    }
}
