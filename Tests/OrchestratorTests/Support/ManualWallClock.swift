import Synchronization
import WorkflowEngine
import WorkflowModel

/// A time of day that moves when it is told to.
final class ManualWallClock: WallClock {
    private let time: Mutex<Timestamp>

    init(_ time: Timestamp = Timestamp(microseconds: 1_767_607_200_000_000)) { self.time = Mutex(time) }

    var now: Timestamp { time.withLock { $0 } }
    func advance(by duration: Duration) { time.withLock { $0 = $0 + duration } }
}
