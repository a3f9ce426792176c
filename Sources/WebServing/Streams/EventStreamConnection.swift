import NIOCore
import Synchronization

/// The sending side of a server-sent-events answer: a bounded queue that any thread fills and the answer's task
/// empties.
final class EventStreamConnection: StreamConnection {
    private struct State {
        var queue: [StreamMessage] = []
        var needsHeartbeat = false
        /// Queued or handed to the writer, not yet taken by the kernel.
        var pendingByteCount = 0
        var hasRefused = false
        var isCaughtUp = false
        var isClosing = false
        var isOpen = true
        var waiter: CheckedContinuation<Void, Never>?
    }

    private let state = Mutex(State())
    private let pendingBytesMax: Int

    init(pendingBytesMax: Int) { self.pendingBytesMax = pendingBytesMax }

    func send(_ messages: [StreamMessage]) -> StreamSendResult {
        let byteCount = messages.reduce(0) { $0 + $1.frame.readableBytes }
        let (result, waiter) = state.withLock { state -> (StreamSendResult, CheckedContinuation<Void, Never>?) in
            guard state.isOpen, !state.isClosing else { return (.closed, nil) }
            guard state.pendingByteCount + byteCount <= pendingBytesMax || state.pendingByteCount == 0 else {
                state.hasRefused = true
                return (.full, nil)
            }
            state.pendingByteCount += byteCount
            state.queue += messages
            return (.sent, state.waiter.take())
        }
        waiter?.resume()
        return result
    }

    func close(_ code: StreamCloseCode, reason: String) { wake { $0.isClosing = true } }

    func caughtUp() { wake { $0.isCaughtUp = true } }

    /// Whether the session closes the stream before it has sent anything; waits until that is known.
    ///
    /// It is taken for a stream that goes on if the client leaves or a heartbeat is due before.
    func isOver() async -> Bool {
        while true {
            let isKnown = state.withLock { state -> Bool? in
                if !state.queue.isEmpty || state.isCaughtUp || state.needsHeartbeat || !state.isOpen { return false }
                return state.isClosing ? true : nil
            }
            if let isKnown { return isKnown }
            await wait { $0.isCaughtUp }
        }
    }

    /// Has a comment sent when nothing else waits, so that proxies keep the connection and a dead peer is noticed.
    func heartbeat() { wake { $0.needsHeartbeat = true } }

    func markClosed() { wake { $0.isOpen = false } }

    private func wake(_ change: (inout State) -> Void) {
        let waiter = state.withLock { state in
            change(&state)
            return state.waiter.take()
        }
        waiter?.resume()
    }

    // MARK: the answer's side

    /// What to write next and how much of the limit it takes; waits for it. nil at the end of the stream.
    func next() async -> (bytes: ByteBuffer, pendingByteCount: Int)? {
        while true {
            let step = state.withLock { state -> Step in
                if !state.isOpen { return .end }
                if !state.queue.isEmpty {
                    let messages = state.queue
                    state.queue.removeAll()
                    state.needsHeartbeat = false
                    return .write(messages)
                }
                if state.isClosing { return .end }
                if state.needsHeartbeat {
                    state.needsHeartbeat = false
                    return .heartbeat
                }
                return .wait
            }
            switch step {
            case .end: return nil
            case .heartbeat: return (ByteBuffer(string: ": keep-alive\n\n"), 0)
            case .write(let messages): return Self.render(messages)
            case .wait: await wait { _ in false }
            }
        }
    }

    private enum Step {
        case end, heartbeat, wait
        case write([StreamMessage])
    }

    /// - Returns: whether the session has to hear that there is room.
    func written(byteCount: Int) -> Bool {
        state.withLock { state in
            state.pendingByteCount -= byteCount
            guard state.hasRefused, state.isOpen, !state.isClosing, state.pendingByteCount <= pendingBytesMax / 2
            else { return false }
            state.hasRefused = false
            return true
        }
    }

    /// Returns when something changes, or at once when there is something to do already.
    /// - Parameter isDue: what else there is to do, beside what every waiter looks at.
    private func wait(unless isDue: (borrowing State) -> Bool) async {
        await withCheckedContinuation { (continuation: CheckedContinuation<Void, Never>) in
            let isDue = state.withLock { state in
                if !state.isOpen || state.isClosing || !state.queue.isEmpty || state.needsHeartbeat { return true }
                if isDue(state) { return true }
                state.waiter = continuation
                return false
            }
            if isDue { continuation.resume() }
        }
    }

    private static func render(_ messages: [StreamMessage]) -> (bytes: ByteBuffer, pendingByteCount: Int) {
        let byteCount = messages.reduce(0) { $0 + $1.frame.readableBytes }
        var buffer = ByteBufferAllocator().buffer(capacity: byteCount + 64 * messages.count)
        for message in messages { message.writeServerSentEvent(to: &buffer) }
        return (buffer, byteCount)
    }
}
