import EventBus
import Glibc

/// A thread of its own for calls that block, in the order they were submitted.
///
/// The cooperative pool never waits for a disk. The thread ends, after what was submitted, when it is stopped or
/// nobody holds it any more.
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
        typealias Waiting = CheckedContinuation<Result<Value, BusError>, Never>
        let result = await withCheckedContinuation { (continuation: Waiting) in
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

    /// Stops, and returns when what was submitted before has run: what it had open is closed then.
    func finish() async {
        try? await run {}
        stop()
    }

    deinit { queue.stop() }
}

// SAFETY: the variables are only touched while `mutex` is held; it and the condition live as long as this object.
private final class JobQueue: @unchecked Sendable {
    private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
    private let changed = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
    /// Its length is bounded by the callers: each awaits its own job, and background jobs re-submit themselves one at
    /// a time.
    private var jobs: [@Sendable () -> Void] = []
    private var isStopped = false
    /// A wake-up is a system call, and a futile one when the thread is busy.
    private var isWaiting = false

    init() {
        pthread_mutex_init(mutex, nil)
        pthread_cond_init(changed, nil)
    }

    deinit {
        pthread_cond_destroy(changed)
        pthread_mutex_destroy(mutex)
        changed.deallocate()
        mutex.deallocate()
    }

    func append(_ job: @escaping @Sendable () -> Void) -> Bool {
        locked {
            guard !isStopped else { return false }
            jobs.append(job)
            return true
        }
    }

    func stop() { locked { isStopped = true } }

    func runAll() {
        var isLast = false
        while !isLast {
            pthread_mutex_lock(mutex)
            while jobs.isEmpty, !isStopped {
                isWaiting = true
                pthread_cond_wait(changed, mutex)
            }
            isWaiting = false
            let taken = jobs
            isLast = isStopped
            jobs = []
            pthread_mutex_unlock(mutex)
            for job in taken { job() }
        }
    }

    private func locked<Value>(_ body: () -> Value) -> Value {
        pthread_mutex_lock(mutex)
        let value = body()
        let wakes = isWaiting
        isWaiting = false
        pthread_mutex_unlock(mutex)
        if wakes { pthread_cond_signal(changed) }
        return value
    }
}
