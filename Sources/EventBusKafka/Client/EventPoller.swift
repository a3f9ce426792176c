import CRdKafka
import EventBus
import Glibc
import Synchronization

/// One thread that sleeps in `poll` until an eventfd of a watched queue is written, then calls its handler.
///
/// Handlers are short: they serve a client's own queue or wake a task.
final class EventPoller: Sendable {
    /// One watched descriptor; it belongs to the watch and is closed with it.
    final class Watch: Sendable {
        let descriptor: Int32
        fileprivate let handler: Mutex<(@Sendable () -> Void)?>
        private let core: Core

        fileprivate init(descriptor: Int32, core: Core, handler: @escaping @Sendable () -> Void) {
            self.descriptor = descriptor
            self.core = core
            self.handler = Mutex(handler)
        }

        /// No handler runs any more when this returns; not to be called from the handler.
        func cancel() {
            let wasActive = handler.withLock { handler in
                defer { handler = nil }
                return handler != nil
            }
            if wasActive { core.remove(self) }
        }

        fileprivate func fire() {
            var count: UInt64 = 0
            _ = read(descriptor, &count, MemoryLayout<UInt64>.size)
            handler.withLock { $0?() }
        }

        deinit { _ = close(descriptor) }
    }

    private let core: Core

    init() throws(BusError) {
        core = try Core()
        let box = Unmanaged.passRetained(core)
        var thread = pthread_t()
        let code = pthread_create(
            &thread, nil,
            { argument in
                guard let argument else { return nil }
                Unmanaged<Core>.fromOpaque(argument).takeRetainedValue().run()
                return nil
            }, box.toOpaque())
        guard code == 0 else {
            box.release()
            throw BusError(.inputOutput, "cannot start a thread: \(String(cString: strerror(code)))")
        }
        pthread_detach(thread)
    }

    /// A fresh eventfd, watched.
    func watch(_ handler: @escaping @Sendable () -> Void) throws(BusError) -> Watch {
        let watch = Watch(descriptor: try EventPoller.eventDescriptor(), core: core, handler: handler)
        core.add(watch)
        return watch
    }

    /// Ends the thread; watches stay valid and are served no more.
    func stop() { core.stop() }

    deinit { core.stop() }

    fileprivate static func eventDescriptor() throws(BusError) -> Int32 {
        let descriptor = crdkafka_eventfd()
        guard descriptor >= 0 else {
            throw BusError(.inputOutput, "cannot create an eventfd: \(String(cString: strerror(errno)))")
        }
        return descriptor
    }

    fileprivate final class Core: Sendable {
        private struct State {
            /// The thread keeps a copy while it polls: no descriptor is closed, and its number used again, under it.
            var watches: [Watch] = []
            var isStopped = false
        }
        private let state = Mutex(State())
        private let wakeDescriptor: Int32

        init() throws(BusError) { wakeDescriptor = try EventPoller.eventDescriptor() }

        deinit { _ = close(wakeDescriptor) }

        func add(_ watch: Watch) {
            state.withLock { $0.watches.append(watch) }
            wake()
        }

        func remove(_ watch: Watch) {
            // Released outside the lock.
            let removed = state.withLock { state -> Watch? in
                guard let index = state.watches.firstIndex(where: { $0 === watch }) else { return nil }
                return state.watches.remove(at: index)
            }
            if removed != nil { wake() }
        }

        func stop() {
            state.withLock { $0.isStopped = true }
            wake()
        }

        func run() {
            while true {
                let (watches, isStopped) = state.withLock { ($0.watches, $0.isStopped) }
                if isStopped { return }
                var descriptors = [pollfd(fd: wakeDescriptor, events: Int16(POLLIN), revents: 0)]
                descriptors += watches.map { pollfd(fd: $0.descriptor, events: Int16(POLLIN), revents: 0) }
                // The set changes only with a wake-up.
                while descriptors[0].revents == 0 {
                    guard poll(&descriptors, nfds_t(descriptors.count), -1) >= 0 || errno == EINTR else { return }
                    for (watch, descriptor) in zip(watches, descriptors.dropFirst()) where descriptor.revents != 0 {
                        watch.fire()
                    }
                }
                var count: UInt64 = 0
                _ = read(wakeDescriptor, &count, MemoryLayout<UInt64>.size)
            }
        }

        private func wake() {
            var one: UInt64 = 1
            _ = write(wakeDescriptor, &one, MemoryLayout<UInt64>.size)
        }
    }
}
