import Glibc
import Synchronization
import WorkflowEngine
import WorkflowModel

/// Which attempts hosts have, in a file that outlives the process: `DATA/run/calls`.
///
/// A restart has to tell an attempt that a host had when the server died, which may be why it died, from one that only
/// waited for a host. Two small writes a call into the page cache do: they survive the death of the process, and after
/// a power cut, where they may be lost, nothing is to be held against the attempt. (A memory map was rejected: a
/// truncated file or a full disk would end the server by SIGBUS. So was the journal: it costs a commit.)
final class CallTraces: Sendable {
    /// Attempts on record at a time; those beyond are not recorded.
    static let slotsMax = 4_096
    private static let slotBytes = 256
    private static let headerBytes = 24
    private static let pathBytesMax = slotBytes - headerBytes

    private struct Step: Hashable {
        var execution: ExecutionID
        var path: String
    }

    private struct Entry {
        var attempt: Int
        var slot: Int
        var trace: AttemptTrace
        /// Written by the process before this one.
        var isInherited: Bool
        /// A thread is writing the slot; it sees afterwards what has changed meanwhile.
        var isBeingWritten = false
        /// The verdict is durable; the slot is free once nobody writes it.
        var isSettled = false
    }

    /// Closed once nobody writes it any more: a write would otherwise go to whatever has the descriptor by then.
    private final class OpenFile: Sendable {
        let descriptor: Int32
        init(_ descriptor: Int32) { self.descriptor = descriptor }
        deinit { Glibc.close(descriptor) }
    }

    private struct Shared {
        var file: OpenFile?
        var entries: [Step: Entry] = [:]
        var free: [Int] = []
    }

    private let shared = Mutex(Shared())

    /// Opens the file and reads what the last process left. Does nothing when another process has it: a command that
    /// looks at the plugins of a running server.
    func open(dataDirectory: String) throws(HostingError) {
        let path = dataDirectory + "/run/calls"
        let file = Glibc.open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard file >= 0 else {
            throw HostingError(.dataDirectory, "\(path) cannot be opened: \(String(cString: strerror(errno)))")
        }
        guard flock(file, LOCK_EX | LOCK_NB) == 0 else {
            Glibc.close(file)
            return
        }
        // Reserved now, so that a full disk does not stop the writes later. Where that fails they are tried anyway.
        _ = posix_fallocate(file, 0, off_t(Self.slotsMax * Self.slotBytes))
        var bytes = [UInt8](repeating: 0, count: Self.slotsMax * Self.slotBytes)
        let count = bytes.withUnsafeMutableBytes { buffer in
            retrying { pread(file, buffer.baseAddress, buffer.count, 0) }
        }
        shared.withLock { shared in
            shared.file = OpenFile(file)
            for slot in (0..<Self.slotsMax).reversed() {
                let range = slot * Self.slotBytes..<(slot + 1) * Self.slotBytes
                guard range.upperBound <= count, let (step, entry) = Self.read(bytes[range], slot: slot) else {
                    shared.free.append(slot)
                    continue
                }
                // A settled attempt of the step may stand in another slot.
                guard let other = shared.entries[step] else {
                    shared.entries[step] = entry
                    continue
                }
                let isOlder = entry.attempt < other.attempt
                shared.entries[step] = isOlder ? other : entry
                shared.free.append(isOlder ? entry.slot : other.slot)
            }
        }
    }

    func close() {
        shared.withLock { shared in
            // Closing alone is too little: a child between its fork and its exec holds the same description.
            if let file = shared.file { _ = flock(file.descriptor, LOCK_UN) }
            shared = Shared()
        }
    }

    func trace(of execution: ExecutionID, path: String, attempt: Int) -> AttemptTrace {
        shared.withLock { shared in
            guard let entry = shared.entries[Step(execution: execution, path: path)], entry.attempt == attempt else {
                return .none
            }
            return entry.trace
        }
    }

    /// A host is about to get the call.
    func began(_ call: StepCall) {
        guard call.path.utf8.count <= Self.pathBytesMax else { return }
        let step = Step(execution: call.execution, path: call.path)
        let hasSlot = shared.withLock { shared in
            guard shared.file != nil else { return false }
            let before = shared.entries[step]
            let slot = before?.slot ?? shared.free.popLast() ?? Self.takeInherited(&shared)
            guard let slot else { return false }
            shared.entries[step] = Entry(
                attempt: call.attempt, slot: slot, trace: .inHost, isInherited: false,
                isBeingWritten: before?.isBeingWritten ?? false)
            return true
        }
        if hasSlot { write(step) }
    }

    /// The host is done with the call; its verdict is not durable yet.
    func ended(_ call: StepCall) {
        let step = Step(execution: call.execution, path: call.path)
        let isKnown = shared.withLock { shared in
            guard shared.entries[step]?.attempt == call.attempt else { return false }
            shared.entries[step]?.trace = .ended
            return true
        }
        if isKnown { write(step) }
    }

    /// The verdict is durable. The file may keep what it says: the attempt is in doubt no more.
    func recorded(_ call: StepCall) {
        shared.withLock { shared in
            let step = Step(execution: call.execution, path: call.path)
            guard let entry = shared.entries[step], entry.attempt == call.attempt else { return }
            shared.entries[step]?.isSettled = true
            Self.freeSettled(step, &shared)
        }
    }

    // MARK: Parts

    /// Writes the step's slot as its entry is, until it is as the entry is then. Not under the lock: a write waits for
    /// the file system's journal now and then, and every call of the server would wait with it.
    private func write(_ step: Step) {
        var written: (attempt: Int, trace: AttemptTrace)?
        while true {
            let next = shared.withLock { shared -> (entry: Entry, file: OpenFile)? in
                guard let entry = shared.entries[step] else { return nil }
                if written == nil {
                    // Another thread writes it, and will see what has changed.
                    if entry.isBeingWritten { return nil }
                } else {
                    shared.entries[step]?.isBeingWritten = false
                    if entry.isSettled {
                        Self.freeSettled(step, &shared)
                        return nil
                    }
                    if written?.attempt == entry.attempt, written?.trace == entry.trace { return nil }
                }
                guard let file = shared.file else { return nil }
                shared.entries[step]?.isBeingWritten = true
                return (entry, file)
            }
            guard let next else { return }
            Self.write(Self.bytes(of: step, next.entry), to: next.entry.slot, of: next.file.descriptor)
            written = (next.entry.attempt, next.entry.trace)
        }
    }

    private static func freeSettled(_ step: Step, _ shared: inout Shared) {
        guard let entry = shared.entries[step], entry.isSettled, !entry.isBeingWritten else { return }
        shared.entries[step] = nil
        shared.free.append(entry.slot)
    }

    private static func bytes(of step: Step, _ entry: Entry) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(slotBytes)
        bytes += [code(entry.trace), UInt8(step.path.utf8.count), 0, 0]
        withUnsafeBytes(of: UInt32(clamping: entry.attempt).littleEndian) { bytes += $0 }
        bytes += step.execution.bytes
        bytes += step.path.utf8
        return bytes
    }

    /// With every slot taken, those of the last process go first: most of them are long settled.
    private static func takeInherited(_ shared: inout Shared) -> Int? {
        guard let old = shared.entries.first(where: { $0.value.isInherited }) else { return nil }
        shared.entries[old.key] = nil
        return old.value.slot
    }

    private static func write(_ bytes: [UInt8], to slot: Int, of file: Int32) {
        // What cannot be written is not held against the attempt.
        _ = bytes.withUnsafeBytes { buffer in
            retrying { pwrite(file, buffer.baseAddress, buffer.count, off_t(slot * slotBytes)) }
        }
    }

    private static func code(_ trace: AttemptTrace) -> UInt8 {
        switch trace {
        case .none: 0
        case .inHost: 1
        case .ended: 2
        }
    }

    private static func read(_ slot: ArraySlice<UInt8>, slot number: Int) -> (Step, Entry)? {
        let start = slot.startIndex
        let trace: AttemptTrace
        switch slot[start] {
        case 1: trace = .inHost
        case 2: trace = .ended
        default: return nil
        }
        let length = Int(slot[start + 1])
        guard length <= pathBytesMax, let execution = ExecutionID(bytes: slot[start + 8..<start + headerBytes]) else {
            return nil
        }
        let attempt = slot[start + 4..<start + 8].reversed().reduce(0) { $0 << 8 | Int($1) }
        let path = String(decoding: slot[start + headerBytes..<start + headerBytes + length], as: UTF8.self)
        return (
            Step(execution: execution, path: path),
            Entry(attempt: attempt, slot: number, trace: trace, isInherited: true)
        )
    }
}
