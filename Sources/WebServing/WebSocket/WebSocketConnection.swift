import NIOCore
import Synchronization

/// The sending side of a WebSocket: a bounded queue that any thread fills and the event loop empties, one flush a turn.
final class WebSocketConnection: StreamConnection {
    private struct State {
        var queue: [ByteBuffer] = []
        /// Queued or written, not yet taken by the kernel.
        var pendingByteCount = 0
        var isDrainScheduled = false
        var hasRefused = false
        var close: (code: StreamCloseCode, reason: String)?
        var isOpen = true
    }

    /// What a turn of the event loop has to write.
    struct Drain {
        var frames: [ByteBuffer]
        var close: (code: StreamCloseCode, reason: String)?
    }

    private let state = Mutex(State())
    private let eventLoop: any EventLoop
    private let pendingBytesMax: Int
    private let drain: @Sendable () -> Void

    /// - Parameter drain: called on the event loop when there is something to write.
    init(eventLoop: any EventLoop, pendingBytesMax: Int, drain: @escaping @Sendable () -> Void) {
        self.eventLoop = eventLoop
        self.pendingBytesMax = pendingBytesMax
        self.drain = drain
    }

    func send(_ messages: [StreamMessage]) -> StreamSendResult {
        let byteCount = messages.reduce(0) { $0 + $1.frame.readableBytes }
        let (result, mustSchedule) = state.withLock { state -> (StreamSendResult, Bool) in
            guard state.isOpen, state.close == nil else { return (.closed, false) }
            guard state.pendingByteCount + byteCount <= pendingBytesMax || state.pendingByteCount == 0 else {
                state.hasRefused = true
                return (.full, false)
            }
            state.pendingByteCount += byteCount
            for message in messages { state.queue.append(message.frame) }
            return (.sent, Self.schedule(&state))
        }
        if mustSchedule { eventLoop.execute(drain) }
        return result
    }

    func close(_ code: StreamCloseCode, reason: String) {
        let mustSchedule = state.withLock { state in
            guard state.isOpen, state.close == nil else { return false }
            state.close = (code, reason)
            return Self.schedule(&state)
        }
        if mustSchedule { eventLoop.execute(drain) }
    }

    private static func schedule(_ state: inout State) -> Bool {
        if state.isDrainScheduled { return false }
        state.isDrainScheduled = true
        return true
    }

    // MARK: the event loop's side

    func takeQueued() -> Drain {
        state.withLock { state in
            state.isDrainScheduled = false
            let drain = Drain(frames: state.queue, close: state.close)
            state.queue.removeAll()
            return drain
        }
    }

    /// - Returns: whether the session has to hear that there is room.
    func written(byteCount: Int) -> Bool {
        state.withLock { state in
            state.pendingByteCount -= byteCount
            guard state.hasRefused, state.isOpen, state.close == nil, state.pendingByteCount <= pendingBytesMax / 2
            else { return false }
            state.hasRefused = false
            return true
        }
    }

    func markClosed() {
        state.withLock { state in
            state.isOpen = false
            state.queue = []
        }
    }
}
