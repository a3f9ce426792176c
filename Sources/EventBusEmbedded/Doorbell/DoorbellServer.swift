import EventBus
import Glibc
import Synchronization

/// The publisher's end of the doorbell: a Unix socket that tells connected readers of each commit by sending one byte.
///
/// Sending never blocks. A reader whose buffer is full already has a byte waiting and will look at the topic anyway.
final class DoorbellServer: Sendable {
    /// Further readers are refused; they look at the topic every 250 ms instead.
    static let readersMax = 256
    /// Pause after a connection could not be accepted, mostly for lack of descriptors. The connection stays pending, so
    /// without a pause `poll` would report it again at once.
    private static let restMilliseconds: Int32 = 250

    private let directory: String
    private let name: String
    private let listener: Int32
    private let wakePipe: WakePipe
    private let thread: BlockingThread
    private let state = Mutex(State())

    private struct State {
        var readers: Set<Int32> = []
        var isStopped = false
    }

    /// The caller holds the topic's lock, so an existing socket file belongs to a publisher that died, and is replaced.
    init(directory: String, name: String) throws(BusError) {
        self.directory = directory
        self.name = name
        wakePipe = try WakePipe()
        thread = try BlockingThread()
        _ = unlink("\(directory)/\(name)")
        let descriptor = try DoorbellAddress.makeSocket()
        listener = descriptor
        var refused: BusError?
        do throws(BusError) {
            let status = try DoorbellAddress.with(directory: directory, name: name) { bind(descriptor, $0, $1) }
            if status != 0 || listen(descriptor, 64) != 0 {
                refused = Posix.error("cannot listen on \(directory)/\(name)")
            }
        } catch { refused = error }
        if let refused {
            _ = Glibc.close(descriptor)
            throw refused
        }
        // The thread keeps `self` alive until `stop`, which the publisher calls when it closes.
        thread.submit { self.accept() }
    }

    func ring() {
        var byte: UInt8 = 1
        state.withLock { state in
            // Errors are ignored: a full buffer wakes its reader anyway, and the accepting thread notices readers that
            // have gone.
            for reader in state.readers { _ = send(reader, &byte, 1, Int32(MSG_DONTWAIT) | Int32(MSG_NOSIGNAL)) }
        }
    }

    /// Removes the socket file at once, while the caller still holds the topic's lock: later it could be that of the
    /// next publisher.
    func stop() {
        _ = unlink("\(directory)/\(name)")
        state.withLock { $0.isStopped = true }
        wakePipe.wake()
        thread.stop()
    }

    private func accept() {
        var isResting = false
        while true {
            let (readers, isStopped) = state.withLock { ($0.readers, $0.isStopped) }
            if isStopped { break }
            // poll(2) passes over negative descriptors.
            var polled = [pollfd(fd: isResting ? -1 : listener, events: Int16(POLLIN), revents: 0)]
            polled.append(pollfd(fd: wakePipe.readEnd, events: Int16(POLLIN), revents: 0))
            polled += readers.map { pollfd(fd: $0, events: Int16(POLLIN), revents: 0) }
            let count = poll(&polled, nfds_t(polled.count), isResting ? Self.restMilliseconds : -1)
            guard count >= 0 || errno == EINTR else { break }
            // The pause also ends when a reader has gone, which frees a descriptor.
            isResting = false
            if polled[1].revents != 0 { wakePipe.drain() }
            for entry in polled[2...] where entry.revents != 0 { hear(entry.fd) }
            if polled[0].revents != 0 { isResting = !admit() }
        }
        let readers = state.withLock { state in
            defer { state.readers = [] }
            return state.readers
        }
        for reader in readers { _ = close(reader) }
        _ = close(listener)
    }

    /// False when no connection could be accepted.
    private func admit() -> Bool {
        let descriptor = Glibc.accept(listener, nil, nil)
        guard descriptor >= 0 else { return errno == EINTR || errno == ECONNABORTED }
        Posix.setNonBlocking(descriptor)
        let isAdmitted = state.withLock { state in
            guard state.readers.count < Self.readersMax else { return false }
            state.readers.insert(descriptor)
            return true
        }
        guard isAdmitted else {
            _ = close(descriptor)
            return true
        }
        // The reader may have missed a commit between its connect and now.
        var byte: UInt8 = 1
        _ = send(descriptor, &byte, 1, Int32(MSG_DONTWAIT) | Int32(MSG_NOSIGNAL))
        return true
    }

    /// Readers send nothing. The end of the stream, or an error, means that a reader has gone.
    private func hear(_ reader: Int32) {
        var bytes = [UInt8](repeating: 0, count: 64)
        let count = recv(reader, &bytes, bytes.count, Int32(MSG_DONTWAIT))
        guard count == 0 || (count < 0 && errno != EAGAIN && errno != EINTR) else { return }
        _ = state.withLock { $0.readers.remove(reader) }
        _ = close(reader)
    }
}
