import WorkflowModel

/// Runs, steps and error codes over the last hour, day and week, by event time, in bounded memory.
struct Statistics: Hashable {
    enum Kind: Int, CaseIterable {
        /// Named by the workflow's label.
        case workflow
        /// Named `workflow/step`.
        case step
        /// Named by the code.
        case code
    }

    struct Key: Hashable {
        var kind: Kind
        var name: String
    }

    struct Series: Hashable {
        /// By `StatisticsWindow`.
        var rings = Array(repeating: SlotRing(), count: StatisticsWindow.allCases.count)
        var isChanged = false
    }

    private(set) var series: [Key: Series] = [:]
    private var counts = Array(repeating: 0, count: Kind.allCases.count)
    /// Entries of the store that are no longer wanted.
    private var dropped: [String] = []
    private let seriesMax: Int

    init(limits: AggregatorLimits) { seriesMax = limits.statisticsSeriesMax }

    mutating func runEnded(_ workflow: String, _ status: RunStatus, at time: Timestamp) {
        change(.workflow, workflow, at: time) { slot in
            switch status {
            case .completed: slot.completed += 1
            case .failed: slot.failed += 1
            case .cancelled: slot.cancelled += 1
            }
        }
    }

    mutating func runCompleted(_ workflow: String, in microseconds: UInt64, at time: Timestamp) {
        change(.workflow, workflow, at: time) { $0.durations.record(microseconds) }
    }

    mutating func stepFinished(_ workflow: String, _ step: String, in microseconds: UInt64, at time: Timestamp) {
        change(.step, "\(workflow)/\(step)", at: time) { slot in
            slot.completed += 1
            slot.durations.record(microseconds)
        }
    }

    mutating func failed(_ code: String, at time: Timestamp) { change(.code, code, at: time) { $0.failed += 1 } }

    private mutating func change(
        _ kind: Kind, _ name: String, at time: Timestamp, _ change: (inout SlotRing.Slot) -> Void
    ) {
        let key = key(kind, name, at: time)
        if series[key] == nil {
            series[key] = Series()
            counts[kind.rawValue] += 1
        }
        series[key]?.isChanged = true
        for window in StatisticsWindow.allCases {
            let gone = series[key]?.rings[window.rawValue].change(
                window.slot(at: time.microseconds), countMax: window.slotCount, change)
            if let gone { dropped.append(Self.storeKey(key, window, gone)) }
        }
    }

    /// The series of that name; beyond the limit first those without an event in the last week go.
    private mutating func key(_ kind: Kind, _ name: String, at time: Timestamp) -> Key {
        let key = Key(kind: kind, name: name)
        if series[key] != nil { return key }
        if counts[kind.rawValue] >= seriesMax { removeOld(kind, before: time) }
        let isAllowed = counts[kind.rawValue] < seriesMax && name.utf8.count <= 2 * AggregatorLimits.labelBytesMax
        return isAllowed ? key : Key(kind: kind, name: Figures.others)
    }

    private mutating func removeOld(_ kind: Kind, before time: Timestamp) {
        let week = StatisticsWindow.week
        let oldest = week.slot(at: time.microseconds) - Int64(week.slotCount)
        for (key, old) in series where key.kind == kind && (old.rings[week.rawValue].newest ?? .min) < oldest {
            for window in StatisticsWindow.allCases {
                dropped += old.rings[window.rawValue].slots.map { Self.storeKey(key, window, $0.index) }
            }
            series[key] = nil
            counts[kind.rawValue] -= 1
        }
    }
}

extension Statistics {
    static let storePrefix = "s/"

    private static func storeKey(_ key: Key, _ window: StatisticsWindow, _ slot: Int64) -> String {
        "\(storePrefix)\(key.kind.rawValue)/\(window.rawValue)/\(slot)/\(key.name)"
    }

    /// Keys with their new values, nil where the entry goes.
    mutating func takeChanges() -> [(key: String, value: [UInt8]?)] {
        var changes: [(key: String, value: [UInt8]?)] = dropped.map { ($0, nil) }
        dropped = []
        for key in series.filter({ $0.value.isChanged }).keys {
            series[key]?.isChanged = false
            for window in StatisticsWindow.allCases {
                for slot in series[key]?.rings[window.rawValue].takeChanged() ?? [] {
                    changes.append((Self.storeKey(key, window, slot.index), slot.stored))
                }
            }
        }
        return changes
    }

    mutating func load(_ name: Substring, _ bytes: [UInt8]) throws(StoredFault) {
        let parts = name.split(separator: "/", maxSplits: 3, omittingEmptySubsequences: false)
        guard parts.count == 4, let kind = Int(parts[0]).flatMap({ Kind(rawValue: $0) }),
            let window = Int(parts[1]).flatMap({ StatisticsWindow(rawValue: $0) }), let index = Int64(parts[2])
        else { throw StoredFault() }
        let key = Key(kind: kind, name: String(parts[3]))
        if series[key] == nil {
            series[key] = Series()
            counts[kind.rawValue] += 1
        }
        series[key]?.rings[window.rawValue].load(try SlotRing.Slot(index: index, stored: bytes))
    }
}
