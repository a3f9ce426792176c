import FoundationEssentials
import WorkflowEngine
import WorkflowModel

/// The machine's time of day.
struct SystemWallClock: WallClock {
    /// A date's double is exact to a quarter of a microsecond.
    var now: Timestamp { Timestamp(microseconds: Int64(Date.now.timeIntervalSince1970 * 1_000_000)) }
}
