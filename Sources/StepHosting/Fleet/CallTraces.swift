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
    }

    private struct Shared {
        var file: Int32 = -1
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
            shared.file = file
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
            if shared.file >= 0 {
                // Closing alone is too little: a child between its fork and its exec holds the same description.
                _ = flock(shared.file, LOCK_UN)
                Glibc.close(shared.file)
            }
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
        let path = Array(call.path.utf8)
        guard path.count <= Self.pathBytesMax else { return }
        var bytes = [Self.code(.inHost), UInt8(path.count), 0, 0]
        withUnsafeBytes(of: UInt32(clamping: call.attempt).littleEndian) { bytes += $0 }
        bytes += call.execution.bytes
        bytes += path
        shared.withLock { shared in
            guard shared.file >= 0 else { return }
            let step = Step(execution: call.execution, path: call.path)
            let slot = shared.entries[step]?.slot ?? shared.free.popLast() ?? Self.takeInherited(&shared)
            guard let slot else { return }
            shared.entries[step] = Entry(attempt: call.attempt, slot: slot, trace: .inHost, isInherited: false)
            // Under the lock: the slot may be somebody else's as soon as the lock is given back.
            Self.write(bytes, to: slot, of: shared.file)
        }
    }

    /// The host is done with the call; its verdict is not durable yet.
    func ended(_ call: StepCall) {
        shared.withLock { shared in
            let step = Step(execution: call.execution, path: call.path)
            guard shared.entries[step]?.attempt == call.attempt, let slot = shared.entries[step]?.slot else { return }
            shared.entries[step]?.trace = .ended
            Self.write([Self.code(.ended)], to: slot, of: shared.file)
        }
    }

    /// The verdict is durable. The file may keep what it says: the attempt is in doubt no more.
    func recorded(_ call: StepCall) {
        shared.withLock { shared in
            let step = Step(execution: call.execution, path: call.path)
            guard let entry = shared.entries[step], entry.attempt == call.attempt else { return }
            shared.entries[step] = nil
            shared.free.append(entry.slot)
        }
    }

    // MARK: Parts

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
