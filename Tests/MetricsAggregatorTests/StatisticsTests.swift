import Histogram
import Testing
import WorkflowModel

@testable import MetricsAggregator

@Suite("statistics")
struct StatisticsTests {
    private static let now = GeneratedRuns.epoch

    @Test("the sparse buckets are those of the two-digit HDR histogram")
    func buckets() {
        var random = SplitMix(state: 3)
        let dense = SparseHistogram.dense
        for _ in 0..<20_000 {
            let shift = UInt64.random(in: 0..<40, using: &random)
            let value = UInt64.random(in: 0...SparseHistogram.microsecondsMax, using: &random) >> shift
            #expect(SparseHistogram.lowestEquivalent(value) == dense.lowestEquivalentForValue(value), "\(value)")
        }
        #expect(SparseHistogram.lowestEquivalent(.max) <= SparseHistogram.microsecondsMax)
    }

    @Test("percentiles over a window are within one percent of the sample's")
    func percentiles() throws {
        var random = SplitMix(state: 5)
        var statistics = Statistics(limits: AggregatorLimits())
        var sample: [UInt64] = []
        for number in 0..<5000 {
            let factor = UInt64.random(in: 1...50, using: &random)
            let duration = UInt64.random(in: 100...1_000_000, using: &random) * factor
            sample.append(duration)
            let time = Self.now + .seconds(-(number % 3000))
            statistics.runEnded("flow", .completed, at: time)
            statistics.runCompleted("flow", in: duration, at: time)
        }
        sample.sort()
        let window = try #require(statistics.report(at: Self.now).arrayValue?.first)
        let flow = try #require(window["workflows"]?.arrayValue?.first)
        #expect(window["window"] == "1h" && flow["finished"] == 5000 && flow["success_rate"] == 1)
        for (name, rank) in [("p50", 2500), ("p95", 4750), ("p99", 4950)] {
            let exact = Double(sample[rank - 1]) / 1000
            let shown = try #require(flow["duration_ms"]?[name]?.doubleValue)
            #expect(abs(shown - exact) <= exact * 0.01, "\(name): \(shown), not \(exact)")
        }
    }

    @Test("a run counts in the windows it lies in, by event time")
    func windows() throws {
        var statistics = Statistics(limits: AggregatorLimits())
        for hours in [0, 2, 30, 200] {
            let time = Self.now + .seconds(-hours * 3600)
            statistics.runEnded("flow", hours == 2 ? .failed : hours == 30 ? .cancelled : .completed, at: time)
            statistics.stepFinished("flow", "step", in: 1000, at: time)
            statistics.failed("timeout", at: time)
        }
        let windows = try #require(statistics.report(at: Self.now).arrayValue)
        let runs = windows.map { $0["workflows"]?.arrayValue?.first }
        #expect(runs.map { $0?["finished"] } == [1, 2, 3])
        #expect(runs.map { $0?["success_rate"] } == [1, 0.5, 0.5])
        #expect(windows.map { $0["error_codes"]?.arrayValue?.first?["count"] } == [1, 2, 3])
        #expect(windows.map { $0["slowest_steps"]?.arrayValue?.first?["finished"] } == [1, 2, 3])
        #expect(windows.map { $0["slowest_steps"]?.arrayValue?.first?["step"] } == ["step", "step", "step"])
        // Later, nothing is left of it.
        let later = try #require(statistics.report(at: Self.now + .seconds(30 * 86_400)).arrayValue)
        #expect(later.allSatisfy { $0["workflows"]?.arrayValue?.isEmpty == true })
    }

    @Test("ten slowest steps and ten most frequent codes are listed, in that order")
    func listed() throws {
        var statistics = Statistics(limits: AggregatorLimits())
        for number in 1...30 {
            statistics.stepFinished("flow", "step\(number)", in: UInt64(number) * 100_000, at: Self.now)
            for _ in 0..<number { statistics.failed("code\(number)", at: Self.now) }
        }
        let window = try #require(statistics.report(at: Self.now).arrayValue?.first)
        #expect(
            window["slowest_steps"]?.arrayValue?.map { $0["step"]?.stringValue ?? "" }
                == (0..<10).map { "step\(30 - $0)" })
        #expect(
            window["error_codes"]?.arrayValue?.map { $0["code"]?.stringValue ?? "" }
                == (0..<10).map { "code\(30 - $0)" })
    }

    @Test("memory is bounded: slots by the windows, series by the limit, and old series make room")
    func bounded() {
        var statistics = Statistics(limits: AggregatorLimits(statisticsSeriesMax: 3))
        for hour in 0..<2000 {
            statistics.runEnded("flow", .completed, at: Self.now + .seconds(hour * 3600))
        }
        let rings = statistics.series.values.flatMap(\.rings)
        #expect(rings.map(\.slots.count) == [12, 24, 28])
        let stored = Set(statistics.takeChanges().filter { $0.value != nil }.map(\.key))
        #expect(stored.count == 64)
        for number in 0..<5 { statistics.failed("old\(number)", at: Self.now) }
        for number in 0..<5 { statistics.failed("new\(number)", at: Self.now + .seconds(60 * 86_400)) }
        let codes = statistics.series.keys.filter { $0.kind == .code }.map(\.name).sorted()
        #expect(codes == ["new0", "new1", "new2", "other"])
    }
}
