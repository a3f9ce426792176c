import Glibc
import NIOPosix
import StepABI
import Synchronization

/// The one thread that listens to every step host: channels, outputs, ends and timers.
///
/// An epoll loop of its own rather than an event loop: a call is written by its caller's thread and its answer resumes
/// the caller straight from here, one wake-up less each way.
final class Reactor: Sendable {
    private enum Source: UInt64 { case channel = 0, out, err, process }

    private struct Hosts {
        var byID: [UInt64: HostProcess] = [:]
        var isStopped = false
    }

    private static let wakeupToken = UInt64.max
    private static let scratchBytes = 64 << 10

    private let poll: Int32
    private let wakeup: Int32
    private let hosts = Mutex(Hosts())
    private let nextWake = Atomic<MonotonicNanoseconds>(.max)
    private let thread = NIOThreadPool(numberOfThreads: 1)
    /// Called about every `tickNanoseconds` while there are hosts.
    private let tick = Mutex<Tick?>(nil)

    /// A closure held by a generic type as it is would gain a reabstraction thunk with every access; a struct does not.
    private struct Tick: Sendable {
        var call: @Sendable () -> Void
    }
    private let nextTick = Atomic<MonotonicNanoseconds>(.max)
    private static let tickNanoseconds: Int64 = 5_000_000_000

    init() throws(HostingError) {
        poll = step_poll_create()
        wakeup = step_wakeup_create()
        guard poll >= 0, wakeup >= 0, step_poll_add(poll, wakeup, UInt32(STEP_POLL_READ), Self.wakeupToken) == 0 else {
            throw HostingError(.resources, "no descriptors for the step hosts: \(String(cString: strerror(errno)))")
        }
    }

    func start(tick: @escaping @Sendable () -> Void) {
        self.tick.withLock { $0 = Tick(call: tick) }
        nextTick.store(MonotonicTime.now + Self.tickNanoseconds, ordering: .relaxed)
        thread.start()
        thread.submit { _ in self.loop() }
    }

    /// Ends the thread. Every host is gone by now.
    func stop() async {
        hosts.withLock { $0.isStopped = true }
        signal()
        do { try await thread.shutdownGracefully() } catch {
            // Only a second shutdown throws; the thread is gone either way.
        }
        close(poll)
        close(wakeup)
    }

    func add(_ host: HostProcess) {
        hosts.withLock { $0.byID[host.id] = host }
        let descriptors = host.descriptors
        let read = UInt32(STEP_POLL_READ)
        for (descriptor, source) in [
            (descriptors.channel, Source.channel), (descriptors.out, .out), (descriptors.err, .err),
            (descriptors.pidfd, .process),
        ] where step_poll_add(poll, descriptor, read, token(host, source)) != 0 {
            // Without its events the host is of no use; its end would go unnoticed.
            kill(-descriptors.process, SIGKILL)
        }
        wake(at: host.wakeAt)
    }

    func remove(_ host: HostProcess) {
        for descriptor in [
            host.descriptors.channel, host.descriptors.out, host.descriptors.err, host.descriptors.pidfd,
        ] { forget(descriptor) }
        hosts.withLock { _ = $0.byID.removeValue(forKey: host.id) }
    }

    func forget(_ descriptor: Int32) { _ = step_poll_remove(poll, descriptor) }

    func watchChannel(of host: HostProcess, forWriting: Bool) {
        let events = UInt32(STEP_POLL_READ) | (forWriting ? UInt32(STEP_POLL_WRITE) : 0)
        _ = step_poll_change(poll, host.descriptors.channel, events, token(host, .channel))
    }

    /// Makes sure the loop looks at the timers at `time`; costs a system call only when that is sooner than planned.
    func wake(at time: MonotonicNanoseconds) {
        var planned = nextWake.load(ordering: .relaxed)
        while time < planned {
            let (exchanged, original) = nextWake.compareExchange(
                expected: planned, desired: time, ordering: .sequentiallyConsistent)
            if exchanged { return signal() }
            planned = original
        }
    }

    private func signal() {
        var one: UInt64 = 1
        _ = write(wakeup, &one, MemoryLayout<UInt64>.size)
    }

    private func token(_ host: HostProcess, _ source: Source) -> UInt64 { host.id << 2 | source.rawValue }

    private func loop() {
        let scratch = UnsafeMutableRawBufferPointer.allocate(byteCount: Self.scratchBytes, alignment: 16)
        defer { scratch.deallocate() }
        var events = [step_poll_event](repeating: step_poll_event(), count: Int(STEP_POLL_EVENTS_MAX))
        while !hosts.withLock({ $0.isStopped }) {
            let count = step_poll_wait(poll, &events, timeoutMilliseconds())
            for event in events.prefix(max(0, Int(count))) { handle(event, scratch) }
            fireTimers()
        }
    }

    private func timeoutMilliseconds() -> Int32 {
        let hasHosts = hosts.withLock { !$0.byID.isEmpty }
        let tick = hasHosts ? nextTick.load(ordering: .relaxed) : .max
        let next = min(nextWake.load(ordering: .sequentiallyConsistent), tick)
        guard next != .max else { return -1 }
        // Rounded up: a timer looked at too early would spin.
        return Int32(clamping: max(0, (next - MonotonicTime.now + 999_999) / 1_000_000))
    }

    private func handle(_ event: step_poll_event, _ scratch: UnsafeMutableRawBufferPointer) {
        if event.token == Self.wakeupToken {
            var count: UInt64 = 0
            _ = read(wakeup, &count, MemoryLayout<UInt64>.size)
            return
        }
        // A host removed by an earlier event of this round has no events any more.
        guard let host = hosts.withLock({ $0.byID[event.token >> 2] }), let source = Source(rawValue: event.token & 3)
        else { return }
        switch source {
        case .channel:
            if event.events & UInt32(STEP_POLL_WRITE) != 0 { host.channelWritable() }
            if event.events & ~UInt32(STEP_POLL_WRITE) != 0 { host.channelReadable(scratch) }
        case .out: host.outputReadable(host.descriptors.out, scratch)
        case .err: host.outputReadable(host.descriptors.err, scratch)
        case .process: host.exited(scratch)
        }
    }

    private func fireTimers() {
        let now = MonotonicTime.now
        if now >= nextTick.load(ordering: .relaxed) {
            nextTick.store(now + Self.tickNanoseconds, ordering: .relaxed)
            tick.withLock { $0 }?.call()
        }
        guard now >= nextWake.load(ordering: .sequentiallyConsistent) else { return }
        nextWake.store(.max, ordering: .sequentiallyConsistent)
        // At most a few dozen hosts with one timer each: looking at all is cheaper than keeping an order.
        for host in hosts.withLock({ Array($0.byID.values) }) {
            host.timerFired()
            wake(at: host.wakeAt)
        }
    }
}
