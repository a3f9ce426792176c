import Glibc
import Synchronization

/// A thread of our own for calls that block; the cooperative pool must never run them.
final class BlockingThread: Sendable {
    private struct State {
        var hasEnded = false
        var waiting: [CheckedContinuation<Void, Never>] = []
    }

    private let state = Mutex(State())

    /// Starts the thread, or gives nil when the system has none left.
    ///
    /// - Parameter name: at most 15 bytes, as `top -H` shows it.
    static func start(_ name: String, _ body: @escaping @Sendable () -> Void) -> BlockingThread? {
        let thread = BlockingThread()
        let start = Unmanaged.passRetained(Start {
            setName(name)
            body()
            thread.end()
        })
        var handle = pthread_t()
        let code = pthread_create(&handle, nil, { context in
            guard let context else { return nil }
            Unmanaged<Start>.fromOpaque(context).takeRetainedValue().body()
            return nil
        }, start.toOpaque())
        guard code == 0 else {
            start.release()
            return nil
        }
        pthread_detach(handle)
        return thread
    }

    /// Returns when the thread's body has.
    func ended() async {
        await withCheckedContinuation { continuation in
            let hasEnded = state.withLock { state in
                if !state.hasEnded { state.waiting.append(continuation) }
                return state.hasEnded
            }
            if hasEnded { continuation.resume() }
        }
    }

    private func end() {
        let waiting = state.withLock { state in
            state.hasEnded = true
            defer { state.waiting = [] }
            return state.waiting
        }
        for continuation in waiting { continuation.resume() }
    }

    /// `pthread_setname_np` needs _GNU_SOURCE; the kernel takes the name here too.
    private static func setName(_ name: String) {
        let file = open("/proc/thread-self/comm", O_WRONLY | O_CLOEXEC)
        guard file >= 0 else { return }
        let text = Array(name.utf8)
        _ = write(file, text, text.count)
        close(file)
    }

    /// Carries the body through the C call.
    private final class Start: Sendable {
        let body: @Sendable () -> Void
        init(_ body: @escaping @Sendable () -> Void) { self.body = body }
    }
}
