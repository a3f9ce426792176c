/// A bounded queue from tasks to blocking threads: who finds it full waits for room, in order.
final class WorkQueue<Job: Sendable>: Sendable {
    private struct State {
        var jobs: [Job] = []
        /// Places given away: jobs in the queue and jobs announced by `reserve`.
        var taken = 0
        var waiting: [CheckedContinuation<Bool, Never>] = []
        var isClosed = false
        var isNudged = false
    }

    enum Taken {
        case jobs([Job])
        /// The deadline came, or somebody nudged.
        case nothing
        /// Closed, and nothing is left.
        case ended
    }

    private let monitor = Monitor(State())
    private let capacity: Int

    init(capacity: Int) { self.capacity = capacity }

    var isClosed: Bool { monitor.withLock { $0.isClosed } }

    /// Waits for a place; false when the queue is closed.
    func reserve() async -> Bool {
        let fast: Bool? = monitor.withLock { $0.isClosed ? false : Self.takePlace(&$0, capacity) ? true : nil }
        if let fast { return fast }
        return await withCheckedContinuation { continuation in
            let answer: Bool? = monitor.withLock { state in
                if state.isClosed { return false }
                if Self.takePlace(&state, capacity) { return true }
                state.waiting.append(continuation)
                return nil
            }
            if let answer { continuation.resume(returning: answer) }
        }
    }

    /// Puts a job into a place that `reserve` gave; false, and the job is not taken, when closed meanwhile.
    func put(_ job: Job) -> Bool {
        let isTaken = monitor.withLock { state in
            if !state.isClosed { state.jobs.append(job) }
            return !state.isClosed
        }
        if isTaken { monitor.signal() }
        return isTaken
    }

    /// Blocks until there is a job and takes those from the front that `fits` accepts, the first in any case.
    func take(until deadline: MonotonicTime? = nil, while fits: (Job) -> Bool) -> Taken {
        let taken: (Taken, [CheckedContinuation<Bool, Never>])? = monitor.wait(until: { _ in deadline }) { state in
            let wasNudged = state.isNudged
            state.isNudged = false
            guard let first = state.jobs.first else {
                return state.isClosed ? (.ended, []) : wasNudged ? (.nothing, []) : nil
            }
            _ = fits(first)
            let count = 1 + state.jobs.dropFirst().prefix(while: fits).count
            let jobs = Array(state.jobs.prefix(count))
            state.jobs.removeFirst(count)
            state.taken -= count
            let admitted = min(state.waiting.count, max(0, capacity - state.taken))
            let waiting = Array(state.waiting.prefix(admitted))
            state.waiting.removeFirst(admitted)
            state.taken += admitted
            return (.jobs(jobs), waiting)
        }
        guard let taken else { return .nothing }
        for continuation in taken.1 { continuation.resume(returning: true) }
        return taken.0
    }

    /// Lets the thread that takes come back with nothing, so that it sets its deadline anew.
    func nudge() {
        monitor.withLock { $0.isNudged = true }
        monitor.signal()
    }

    /// Refuses new jobs; those already in are still taken.
    func close() {
        let waiting = monitor.withLock { state in
            state.isClosed = true
            defer { state.waiting = [] }
            return state.waiting
        }
        monitor.signal()
        for continuation in waiting { continuation.resume(returning: false) }
    }

    private static func takePlace(_ state: inout State, _ capacity: Int) -> Bool {
        // Those who wait come first.
        guard state.taken < capacity, state.waiting.isEmpty else { return false }
        state.taken += 1
        return true
    }
}
