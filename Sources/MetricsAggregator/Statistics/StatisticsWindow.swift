/// A span that statistics look back over, cut into slots by event time.
///
/// A window is its newest slots, so it begins at a slot's boundary: 1 h is 55 to 60 minutes.
enum StatisticsWindow: Int, CaseIterable {
    case hour, day, week

    var name: String {
        switch self {
        case .hour: "1h"
        case .day: "24h"
        case .week: "7d"
        }
    }

    var slotMicroseconds: Int64 {
        switch self {
        case .hour: 300 * 1_000_000
        case .day: 3600 * 1_000_000
        case .week: 21_600 * 1_000_000
        }
    }

    var slotCount: Int {
        switch self {
        case .hour: 12
        case .day: 24
        case .week: 28
        }
    }

    /// The slot of a moment.
    func slot(at microseconds: Int64) -> Int64 {
        let (quotient, remainder) = microseconds.quotientAndRemainder(dividingBy: slotMicroseconds)
        return remainder < 0 ? quotient - 1 : quotient
    }
}

/// The slots of one window that hold something; as many as the window has, the newest.
struct SlotRing: Hashable {
    struct Slot: Hashable {
        var index: Int64
        /// Of a workflow's runs; steps use the first and error codes the second alone.
        var completed: UInt32 = 0
        var failed: UInt32 = 0
        var cancelled: UInt32 = 0
        var durations = SparseHistogram()
        /// Since the last commit.
        var isChanged = false
    }

    /// Ascending by index.
    private(set) var slots: [Slot] = []

    var newest: Int64? { slots.last?.index }

    /// Changes the slot unless it is older than all that the ring holds when full.
    /// - Returns: the slot that had to go.
    mutating func change(_ index: Int64, countMax: Int, _ change: (inout Slot) -> Void) -> Int64? {
        var place = slots.count
        while place > 0, slots[place - 1].index > index { place -= 1 }
        if place > 0, slots[place - 1].index == index {
            change(&slots[place - 1])
            slots[place - 1].isChanged = true
            return nil
        }
        if slots.count >= countMax, place == 0 { return nil }
        var slot = Slot(index: index)
        change(&slot)
        slot.isChanged = true
        slots.insert(slot, at: place)
        return slots.count > countMax ? slots.removeFirst().index : nil
    }

    mutating func load(_ slot: Slot) {
        let place = slots.firstIndex { $0.index > slot.index } ?? slots.count
        slots.insert(slot, at: place)
    }

    /// Those that changed since the last time.
    mutating func takeChanged() -> [Slot] {
        var changed: [Slot] = []
        for place in slots.indices where slots[place].isChanged {
            slots[place].isChanged = false
            changed.append(slots[place])
        }
        return changed
    }
}

extension SlotRing.Slot {
    var stored: [UInt8] {
        var writer = StoredWriter()
        for count in [completed, failed, cancelled] { writer.unsigned(UInt64(count)) }
        durations.write(to: &writer)
        return writer.bytes
    }

    init(index: Int64, stored bytes: [UInt8]) throws(StoredFault) {
        self.index = index
        var reader = StoredReader(bytes)
        completed = UInt32(truncatingIfNeeded: try reader.unsigned())
        failed = UInt32(truncatingIfNeeded: try reader.unsigned())
        cancelled = UInt32(truncatingIfNeeded: try reader.unsigned())
        durations = try SparseHistogram(&reader)
    }
}
