import Histogram
import WorkflowModel

/// `GET /api/v1/statistics`.
extension Statistics {
    /// Slowest steps, and most frequent error codes, that a window lists.
    static let listedMax = 10

    func report(at now: Timestamp) -> JSONValue {
        .array(StatisticsWindow.allCases.map { report($0, at: now) })
    }

    private func report(_ window: StatisticsWindow, at now: Timestamp) -> JSONValue {
        let newest = window.slot(at: now.microseconds)
        let slots = (newest - Int64(window.slotCount) + 1)...newest
        var workflows: [(name: String, value: JSONValue)] = []
        var steps: [(name: String, p95: UInt64, value: JSONValue)] = []
        var codes: [(name: String, count: Int)] = []
        for (key, series) in series {
            let sum = Sum(series.rings[window.rawValue].slots.filter { slots.contains($0.index) })
            guard sum.count > 0 else { continue }
            switch key.kind {
            case .workflow: workflows.append((key.name, .object(Self.workflow(key.name, sum))))
            case .step: steps.append((key.name, sum.percentile(95), .object(Self.step(key.name, sum))))
            case .code: codes.append((key.name, sum.failed))
            }
        }
        workflows.sort { $0.name < $1.name }
        steps.sort { ($1.p95, $0.name) < ($0.p95, $1.name) }
        codes.sort { ($1.count, $0.name) < ($0.count, $1.name) }
        return [
            "window": .string(window.name),
            "from": .string(Timestamp(microseconds: slots.lowerBound * window.slotMicroseconds).description),
            "workflows": .array(workflows.map(\.value)),
            "slowest_steps": .array(steps.prefix(Self.listedMax).map(\.value)),
            "error_codes": .array(
                codes.prefix(Self.listedMax).map { ["code": .string($0.name), "count": .int(Int64($0.count))] }),
        ]
    }

    private static func workflow(_ name: String, _ sum: Sum) -> JSONObject {
        let decided = sum.completed + sum.failed
        return JSONObject([
            ("workflow", .string(name)), ("finished", .int(Int64(decided + sum.cancelled))),
            ("completed", .int(Int64(sum.completed))), ("failed", .int(Int64(sum.failed))),
            ("cancelled", .int(Int64(sum.cancelled))),
            ("success_rate", decided == 0 ? .null : .double(Double(sum.completed) / Double(decided))),
            ("duration_ms", sum.durations),
        ])
    }

    private static func step(_ name: String, _ sum: Sum) -> JSONObject {
        let parts = name.split(separator: "/", maxSplits: 1).map { JSONValue.string(String($0)) }
        return JSONObject([
            // Beyond the limit of series both are `other`.
            ("workflow", parts.first ?? .null), ("step", parts.last ?? .null), ("finished", .int(Int64(sum.completed))),
            ("duration_ms", sum.durations),
        ])
    }

    /// Slots together.
    private struct Sum {
        var completed = 0
        var failed = 0
        var cancelled = 0
        private var histogram: Histogram<UInt32>?

        init(_ slots: [SlotRing.Slot]) {
            for slot in slots {
                completed += Int(slot.completed)
                failed += Int(slot.failed)
                cancelled += Int(slot.cancelled)
                for bucket in slot.durations.buckets {
                    if histogram == nil { histogram = SparseHistogram.dense }
                    histogram?.record(UInt64(bucket.lowest), count: bucket.count)
                }
            }
        }

        var count: Int { completed + failed + cancelled }

        func percentile(_ percent: Double) -> UInt64 { histogram?.valueAtPercentile(percent) ?? 0 }

        /// Of completed runs, and of steps however they ended; null when there is none.
        var durations: JSONValue {
            guard histogram != nil else { return .null }
            func milliseconds(_ percent: Double) -> JSONValue { .double(Double(percentile(percent)) / 1000) }
            return ["p50": milliseconds(50), "p95": milliseconds(95), "p99": milliseconds(99)]
        }
    }
}

extension SparseHistogram {
    /// An empty one, to merge into.
    static var dense: Histogram<UInt32> {
        Histogram(highestTrackableValue: microsecondsMax, numberOfSignificantValueDigits: .two)
    }
}
