import NIOPosix
import Synchronization

/// Hands on what running steps tell, in order, on a thread of the pool: masking secrets and parsing what plugins wrote
/// is no work for the reactor, which every call waits for.
///
/// What waits is bounded by number and by bytes, over all calls and for each of them, so that a step that floods the
/// queue loses its own activity and nobody else's. What is beyond a bound is dropped; its sender counts it.
final class ActivityQueue: Sendable {
    /// What waits, of one call or of all.
    private struct Load {
        var entries = 0
        var bytes = 0

        func hasRoom(for byteCount: Int, entriesMax: Int, bytesMax: Int) -> Bool {
            entries < entriesMax && bytes + byteCount <= bytesMax
        }
    }

    private struct Shared {
        var work: [@Sendable () -> Void] = []
        var load = Load()
        var loadByCall: [UInt64: Load] = [:]
        var isDraining = false
    }

    static let entriesMax = 4_096
    static let bytesMax = 16 << 20
    /// Of what there is room for, one call has at most a quarter.
    static let callsAtLeast = 4

    private let threads: NIOThreadPool
    private let shared = Mutex(Shared())

    init(threads: NIOThreadPool) { self.threads = threads }

    /// False when there is no room.
    ///
    /// - Parameter byteCount: what the entry takes while it waits.
    func offer(of call: UInt64, byteCount: Int, _ work: @escaping @Sendable () -> Void) -> Bool {
        let (isTaken, isFirst) = shared.withLock { shared in
            var own = shared.loadByCall[call] ?? Load()
            guard shared.load.hasRoom(for: byteCount, entriesMax: Self.entriesMax, bytesMax: Self.bytesMax),
                own.hasRoom(
                    for: byteCount, entriesMax: Self.entriesMax / Self.callsAtLeast,
                    bytesMax: Self.bytesMax / Self.callsAtLeast)
            else { return (false, false) }
            shared.load.entries += 1
            shared.load.bytes += byteCount
            own.entries += 1
            own.bytes += byteCount
            shared.loadByCall[call] = own
            return (true, Self.append(work, &shared))
        }
        if isFirst { submit() }
        return isTaken
    }

    /// Runs the work after everything offered so far, however much waits.
    func afterwards(_ work: @escaping @Sendable () -> Void) {
        if shared.withLock({ Self.append(work, &$0) }) { submit() }
    }

    /// True when nobody works on the queue yet.
    private static func append(_ work: @escaping @Sendable () -> Void, _ shared: inout Shared) -> Bool {
        shared.work.append(work)
        defer { shared.isDraining = true }
        return !shared.isDraining
    }

    private func submit() {
        // Once the pool has ended, at a shutdown, the work is done where it is.
        threads.submit { _ in self.drain() }
    }

    private func drain() {
        while true {
            let work = shared.withLock { shared in
                defer { (shared.work, shared.load, shared.loadByCall) = ([], Load(), [:]) }
                if shared.work.isEmpty { shared.isDraining = false }
                return shared.work
            }
            if work.isEmpty { return }
            for item in work { item() }
        }
    }
}
