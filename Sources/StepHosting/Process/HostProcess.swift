import Glibc
import StepABI
import Synchronization
import WorkflowEngine

/// Who a step host process reports to; called on the reactor's thread, must not block.
protocol HostOwner: Sendable {
    func receive(_ report: HostReport, from host: HostProcess)
}

/// A running step host: its descriptors and its state machine.
///
/// Frames to the host are written by whatever thread has them; everything that arrives, and closing the descriptors,
/// is the reactor's.
final class HostProcess: Sendable {
    /// Unwritten bytes to a host that does not read; above it the host is at fault.
    private static let unsentBytesMax = 2 * Int(STEP_WIRE_FRAME_BYTES_MAX)
    /// After a look at what the process uses, so many times its length pass before the next one.
    private static let inspectionPauses: Int64 = 10

    struct Descriptors: Sendable {
        var process: pid_t
        /// Readable when the process has ended.
        var pidfd: Int32
        var channel: Int32
        var out: Int32
        var err: Int32
        /// Removed when the process is gone.
        var folder: HostFolder
        /// The user that only this host has, if it has one.
        var user: HostUsers.Lease?
    }

    private struct Shared {
        var machine: HostStateMachine
        var unsent: [UInt8] = []
        var isChannelOpen = true
        var isCollected = false
        /// Where stdout and stderr stood when the call began.
        var marks = (out: 0, err: 0)
        var isInspected = false
        /// When the next look at what the process uses may begin.
        var inspectableAt: MonotonicNanoseconds = .min
    }

    private struct Inbound {
        var frames = WireFrameBuffer()
        var out: OutputTail
        var err: OutputTail
    }

    let id: UInt64
    let descriptors: Descriptors
    private let owner: any HostOwner
    private let reactor: Reactor
    private let shared: Mutex<Shared>
    /// Of the reactor's thread; locked because the tails are read when a call begins.
    private let inbound: Mutex<Inbound>

    init(
        id: UInt64, descriptors: Descriptors, settings: HostStateMachine.Settings, tailBytesMax: Int,
        reactor: Reactor, owner: any HostOwner
    ) {
        self.id = id
        self.descriptors = descriptors
        self.owner = owner
        self.reactor = reactor
        shared = Mutex(Shared(machine: HostStateMachine(settings: settings, now: MonotonicTime.now)))
        inbound = Mutex(
            Inbound(out: OutputTail(bytesMax: tailBytesMax), err: OutputTail(bytesMax: tailBytesMax)))
    }

    // MARK: From the pool, on any thread

    /// Hands the call over; false when the host is on its way out.
    func begin(_ id: UInt64, _ call: StepCall, heartbeatTimeout: Duration?) -> Bool {
        let timeout = call.timeout.nanoseconds
        let frame = WireEncoder.call(id, call, deadline: MonotonicTime.wall + timeout)
        let marks = inbound.withLock { ($0.out.bytesTotal, $0.err.bytesTotal) }
        let wakeAt: MonotonicNanoseconds? = shared.withLock { shared in
            let isTaken = shared.machine.begin(
                id, timeout: timeout, heartbeatTimeout: heartbeatTimeout?.nanoseconds, now: MonotonicTime.now)
            guard isTaken else { return nil }
            shared.marks = marks
            send(frame, &shared)
            return shared.machine.wakeAt
        }
        guard let wakeAt else { return false }
        reactor.wake(at: wakeAt)
        return true
    }

    func cancel(_ call: UInt64, reason: CancelReason) { perform { $0.cancel(call, reason: reason, now: $1) } }

    /// Answers a request of the call, which may be over by now.
    func reply(_ call: UInt64, token: UInt64, status: Int, value: [UInt8]) {
        let frame = WireEncoder.reply(call: call, token: token, status: status, value: value)
        shared.withLock { send(frame, &$0) }
    }

    /// Closes the process when it has no call, and tells its call to stop otherwise.
    func retire() { perform { $0.retire(now: $1) } }

    /// Begins a look at what the process uses; nil when one is under way, or when the process is gone.
    func beginInspection() -> Inspection? {
        shared.withLock { shared in
            let now = MonotonicTime.now
            guard !shared.isInspected, !shared.isCollected, now >= shared.inspectableAt else { return nil }
            shared.isInspected = true
            return Inspection(call: shared.machine.activeCall, began: now)
        }
    }

    /// - Parameter excess: what the process uses more of than it may, which ends it; nil when it keeps its limits.
    func end(_ inspection: Inspection, excess: String?) {
        shared.withLock { shared in
            let now = MonotonicTime.now
            shared.isInspected = false
            // A process can make the look long, by many files and mappings; it takes a tenth of the time at most.
            shared.inspectableAt = now + Self.inspectionPauses * (now - inspection.began)
        }
        if let excess { perform { machine, _ in machine.exceeded(excess, during: inspection.call) } }
    }

    /// A look at what the process uses, which reads files and can take a while.
    struct Inspection {
        /// The call that the process had when the look began.
        fileprivate var call: UInt64?
        fileprivate var began: MonotonicNanoseconds
    }

    var wakeAt: MonotonicNanoseconds { shared.withLock { $0.machine.wakeAt } }

    /// Resident bytes of the process; 0 when they cannot be read.
    var residentBytes: Int { ProcessRecords.residentBytes(of: descriptors.process) }

    // MARK: From the reactor

    func timerFired() {
        perform { $0.timerFired(now: $1) { ProcessRecords.processorNanoseconds(of: descriptors.process) } }
    }

    /// The channel has bytes, or is at its end.
    func channelReadable(_ scratch: UnsafeMutableRawBufferPointer) {
        let count = retrying { read(descriptors.channel, scratch.baseAddress, scratch.count) }
        if count > 0 {
            take(UnsafeRawBufferPointer(rebasing: scratch[..<count]))
        } else if count == 0 || (errno != EAGAIN && errno != EWOULDBLOCK) {
            reactor.forget(descriptors.channel)
            perform { $0.channelClosed(now: $1) }
        }
    }

    func channelWritable() {
        shared.withLock { shared in
            let unsent = shared.unsent
            shared.unsent = []
            send(unsent, &shared)
            if shared.unsent.isEmpty { reactor.watchChannel(of: self, forWriting: false) }
        }
    }

    func outputReadable(_ descriptor: Int32, _ scratch: UnsafeMutableRawBufferPointer) {
        if drainOnce(descriptor, scratch) == 0 { reactor.forget(descriptor) }
    }

    /// The process has ended: takes what it left behind, collects it and everything of its group.
    func exited(_ scratch: UnsafeMutableRawBufferPointer) {
        guard shared.withLock({ !$0.isCollected }) else { return }
        // A completion sent right before the end counts, so the channel comes first.
        var left = Self.unsentBytesMax
        while left > 0 {
            let count = retrying { read(descriptors.channel, scratch.baseAddress, scratch.count) }
            guard count > 0 else { break }
            take(UnsafeRawBufferPointer(rebasing: scratch[..<count]))
            left -= count
        }
        drainOutput(scratch)
        var status = ExitStatus(signal: 0, code: 0)
        let collected = shared.withLock { shared in
            // Before it is collected the number cannot be anybody else's.
            kill(-descriptors.process, SIGKILL)
            guard step_collect(descriptors.process, &status.signal, &status.code) != 0 else { return false }
            reactor.remove(self)
            shared.isCollected = true
            shared.isChannelOpen = false
            shared.unsent = []
            for descriptor in [descriptors.channel, descriptors.out, descriptors.err, descriptors.pidfd] {
                close(descriptor)
            }
            return true
        }
        guard collected else { return }
        descriptors.folder.remove()
        descriptors.user?.end()
        perform { $0.exited(status, now: $1) }
    }

    // MARK: Parts

    private func take(_ chunk: UnsafeRawBufferPointer) {
        inbound.withLock { $0.frames.append(chunk) }
        while true {
            do throws(WireError) {
                let frame = try inbound.withLock { inbound throws(WireError) in try inbound.frames.next() }
                guard let frame else { return }
                let message = try WireMessage(frame)
                perform { $0.received(message, now: $1) }
            } catch {
                perform { machine, _ in machine.violated(error.message) }
                return
            }
        }
    }

    /// Takes what stands in the outputs; bounded, for a process of the group may still be writing.
    private func drainOutput(_ scratch: UnsafeMutableRawBufferPointer) {
        for descriptor in [descriptors.out, descriptors.err] {
            for _ in 0..<64 where drainOnce(descriptor, scratch) <= 0 { break }
        }
    }

    private func drainOnce(_ descriptor: Int32, _ scratch: UnsafeMutableRawBufferPointer) -> Int {
        let count = retrying { read(descriptor, scratch.baseAddress, scratch.count) }
        guard count > 0 else { return count }
        let chunk = UnsafeRawBufferPointer(rebasing: scratch[..<count])
        inbound.withLock { inbound in
            if descriptor == descriptors.err { inbound.err.append(chunk) } else { inbound.out.append(chunk) }
        }
        return count
    }

    /// Lets the machine decide and does what it says; reports go out after the lock is given back.
    private func perform(_ decide: (inout HostStateMachine, MonotonicNanoseconds) -> [HostStateMachine.Action]) {
        let now = MonotonicTime.now
        let (reports, wakeAt, marks) = shared.withLock { shared in
            var reports: [HostReport] = []
            for action in decide(&shared.machine, now) {
                switch action {
                case .send(let frame): send(frame, &shared)
                case .kill:
                    if !shared.isCollected { kill(-descriptors.process, SIGKILL) }
                case .report(let report): reports.append(report)
                }
            }
            return (reports, shared.machine.wakeAt, shared.marks)
        }
        if wakeAt != .max { reactor.wake(at: wakeAt) }
        for report in reports { owner.receive(withDiagnostics(report, since: marks), from: self) }
    }

    private func withDiagnostics(_ report: HostReport, since marks: (out: Int, err: Int)) -> HostReport {
        switch report {
        case .finished(var end):
            // What went well needs no explanation.
            if case .completed(let completion) = end.result, completion.status == 0 { return report }
            // What the step wrote before it failed may not have been told of yet.
            withUnsafeTemporaryAllocation(byteCount: 4 << 10, alignment: 16) { drainOutput($0) }
            end.diagnostics = diagnostics(since: marks)
            return .finished(end)
        case .died(let death, call: var end?):
            end.diagnostics = diagnostics(since: marks)
            return .died(death, call: end)
        default: return report
        }
    }

    /// What the process wrote since it began, or since the marks.
    func diagnostics(since marks: (out: Int, err: Int) = (0, 0)) -> String? {
        let (out, err) = inbound.withLock { ($0.out.text(since: marks.out), $0.err.text(since: marks.err)) }
        if out.isEmpty { return err.isEmpty ? nil : err }
        return err.isEmpty ? "stdout:\n" + out : err + "\nstdout:\n" + out
    }

    /// Writes what fits now and keeps the rest for the reactor. A host that is gone is told of by its pidfd.
    private func send(_ frame: [UInt8], _ shared: inout Shared) {
        guard shared.isChannelOpen, !frame.isEmpty else { return }
        guard shared.unsent.isEmpty else {
            shared.unsent += frame
            if shared.unsent.count > Self.unsentBytesMax {
                shared.unsent = []
                _ = shared.machine.violated("the step host does not read its channel")
                kill(-descriptors.process, SIGKILL)
            }
            return
        }
        let written = frame.withUnsafeBytes { bytes in
            retrying { Glibc.send(descriptors.channel, bytes.baseAddress, bytes.count, Int32(MSG_NOSIGNAL)) }
        }
        if written == frame.count { return }
        if written < 0 && errno != EAGAIN && errno != EWOULDBLOCK { return }
        shared.unsent = Array(frame[max(0, written)...])
        reactor.watchChannel(of: self, forWriting: true)
    }
}

/// Repeats a call that a signal interrupted.
func retrying(_ call: () -> Int) -> Int {
    while true {
        let result = call()
        if result >= 0 || errno != EINTR { return result }
    }
}
