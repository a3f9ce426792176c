import EventBus
import Glibc
import Synchronization

/// A reading process's end: keeps the hub's head up to date while the publisher is another process.
///
/// Attaches to the doorbell first, then reads the head, then waits; without a doorbell, and against a lost byte, it
/// looks every 250 ms. That is the embedded bus's only timer. While no subscription waits, since all have enough to do or
/// gather more, the doorbell is not answered: of a thousand commits a second each would cost a look.
final class TopicWatcher: Sendable {
    static let intervalMilliseconds: Int32 = 250

    private let paths: TopicPaths
    private let hub: TopicHub
    private let reader: TopicReader
    private let wakePipe: WakePipe
    private let thread: BlockingThread
    private let isStopped = Atomic(false)

    init(paths: TopicPaths, hub: TopicHub) throws(BusError) {
        self.paths = paths
        self.hub = hub
        reader = TopicReader(path: paths.database)
        wakePipe = try WakePipe()
        thread = try BlockingThread()
        thread.submit { self.watch() }
    }

    /// Has the watching end, without waiting for it.
    func stop() {
        isStopped.store(true, ordering: .releasing)
        wakePipe.wake()
        thread.stop()
    }

    /// Ends the watching; its file is closed on return.
    func finish() async {
        isStopped.store(true, ordering: .releasing)
        wakePipe.wake()
        await thread.finish()
    }

    private func watch() {
        var doorbell: Int32 = -1
        while !isStopped.load(ordering: .acquiring) {
            if doorbell < 0 { doorbell = connectToDoorbell() }
            look()
            // poll ignores a negative descriptor.
            var polled = [
                pollfd(fd: wakePipe.readEnd, events: Int16(POLLIN), revents: 0),
                pollfd(fd: hub.isAwaited(elseWaking: wakePipe) ? doorbell : -1, events: Int16(POLLIN), revents: 0),
            ]
            _ = poll(&polled, 2, Self.intervalMilliseconds)
            if polled[0].revents != 0 { wakePipe.drain() }
            if polled[1].revents != 0, !drain(doorbell) {
                _ = close(doorbell)
                doorbell = -1
                // The publisher has gone; its successor's socket is tried again after the interval.
                var stop = [polled[0]]
                look()
                _ = poll(&stop, 1, Self.intervalMilliseconds)
            }
        }
        if doorbell >= 0 { _ = close(doorbell) }
        try? reader.close()
    }

    private func look() {
        do throws(BusError) {
            if let head = try reader.head() { hub.advance(to: head.nextOffset) }
        } catch {
            // A file that is locked for a moment is looked at again after the interval.
            if error.code != .unavailable { hub.fail(error) }
        }
    }

    private func connectToDoorbell() -> Int32 {
        guard let descriptor = try? DoorbellAddress.makeSocket() else { return -1 }
        let status = try? DoorbellAddress.with(directory: paths.directory, name: paths.socketName) {
            connect(descriptor, $0, $1)
        }
        if status == 0 { return descriptor }
        _ = close(descriptor)
        return -1
    }

    /// False when the publisher has closed its end.
    private func drain(_ doorbell: Int32) -> Bool {
        var bytes = [UInt8](repeating: 0, count: 4096)
        while true {
            let count = recv(doorbell, &bytes, bytes.count, Int32(MSG_DONTWAIT))
            if count == 0 { return false }
            if count < 0 { return errno == EAGAIN || errno == EINTR }
        }
    }
}
