import EventBus
import Glibc
import NIOConcurrencyHelpers

/// A thread of its own for calls that block, in the order they were submitted; the cooperative pool never waits for a disk.
///
/// It ends, after what was submitted, when it is stopped or nobody holds it any more.
final class BlockingThread: Sendable {
    private let queue = JobQueue()

    init() throws(BusError) {
        let box = Unmanaged.passRetained(queue)
        var thread = pthread_t()
        let code = pthread_create(
            &thread, nil,
            { argument in
                guard let argument else { return nil }
                Unmanaged<JobQueue>.fromOpaque(argument).takeRetainedValue().runAll()
                return nil
            }, box.toOpaque())
        guard code == 0 else {
            box.release()
            throw Posix.error("cannot start a thread", code: code)
        }
        pthread_detach(thread)
    }

    /// Runs `work` on the thread and gives its result; throws `closed` after `stop`.
    func run<Value: Sendable>(
        _ work: @escaping @Sendable () throws(BusError) -> Value
    ) async throws(BusError) -> Value {
        let result = await withCheckedContinuation { (continuation: CheckedContinuation<Result<Value, BusError>, Never>) in
            let accepted = queue.append {
                do throws(BusError) { continuation.resume(returning: .success(try work())) } catch {
                    continuation.resume(returning: .failure(error))
                }
            }
            if !accepted { continuation.resume(returning: .failure(BusError(.closed, "closed"))) }
        }
        return try result.get()
    }

    /// Runs `job` after what was submitted before; false, and the job is dropped, after `stop`.
    @discardableResult
    func submit(_ job: @escaping @Sendable () -> Void) -> Bool { queue.append(job) }

    func stop() { queue.stop() }

    deinit { queue.stop() }
}

// SAFETY: `jobs` and `isStopped` are only touched while `lock` is held.
private final class JobQueue: @unchecked Sendable {
    /// True when there is something to do. Its length is bounded by the callers: each awaits its own job, and
    /// background jobs re-submit themselves one at a time.
    private let lock = ConditionLock(value: false)
    private var jobs: [@Sendable () -> Void] = []
    private var isStopped = false

    func append(_ job: @escaping @Sendable () -> Void) -> Bool {
        lock.lock()
        guard !isStopped else {
            lock.unlock()
            return false
        }
        jobs.append(job)
        lock.unlock(withValue: true)
        return true
    }

    func stop() {
        lock.lock()
        isStopped = true
        lock.unlock(withValue: true)
    }

    func runAll() {
        while true {
            lock.lock(whenValue: true)
            let taken = jobs
            let isLast = isStopped
            jobs = []
            lock.unlock(withValue: isLast)
            for job in taken { job() }
            if isLast { return }
        }
    }
}
