import NIOPosix
import Synchronization

/// Hands on what running steps tell, in order, on a thread of the pool: masking secrets and parsing what plugins wrote
/// is no work for the reactor, which every call waits for.
///
/// At most `entriesMax` entries wait. What comes beyond is dropped; its sender counts it.
final class ActivityQueue: Sendable {
    private struct Shared {
        var work: [@Sendable () -> Void] = []
        var isDraining = false
    }

    static let entriesMax = 4_096

    private let threads: NIOThreadPool
    private let shared = Mutex(Shared())

    init(threads: NIOThreadPool) { self.threads = threads }

    /// False when the queue is full.
    func offer(_ work: @escaping @Sendable () -> Void) -> Bool { add(work, unless: { $0 >= Self.entriesMax }) }

    /// Runs the work after everything offered so far, however much waits.
    func afterwards(_ work: @escaping @Sendable () -> Void) { _ = add(work, unless: { _ in false }) }

    private func add(_ work: @escaping @Sendable () -> Void, unless isFull: (Int) -> Bool) -> Bool {
        let (isTaken, isFirst) = shared.withLock { shared in
            guard !isFull(shared.work.count) else { return (false, false) }
            shared.work.append(work)
            defer { shared.isDraining = true }
            return (true, !shared.isDraining)
        }
        if isFirst {
            // Once the pool has ended, at a shutdown, the work is done where it is.
            threads.submit { _ in self.drain() }
        }
        return isTaken
    }

    private func drain() {
        while true {
            let work = shared.withLock { shared in
                defer { shared.work = [] }
                if shared.work.isEmpty { shared.isDraining = false }
                return shared.work
            }
            if work.isEmpty { return }
            for item in work { item() }
        }
    }
}
