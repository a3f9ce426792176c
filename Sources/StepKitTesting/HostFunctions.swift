internal import FoundationEssentials
internal import StepABI
internal import StepKit

/// The C table of ``TestHost``.
enum HostFunctions {
    nonisolated(unsafe) static let table: UnsafePointer<step_host> = {
        // SAFETY: written once here, never changed or freed.
        let table = UnsafeMutablePointer<step_host>.allocate(capacity: 1)
        table.initialize(
            to: step_host(
                size: UInt32(MemoryLayout<step_host>.size),
                abi_major: UInt16(STEP_ABI_MAJOR),
                abi_minor: UInt16(STEP_ABI_MINOR),
                ctx: nil,
                complete: { _, call, status, payload in
                    TestHost.shared.end(call, status: status, payload: payload.data)
                },
                heartbeat: { _, call, details in
                    let details = details.data
                    TestHost.shared.note(call) { $0.heartbeats.append(details) }
                },
                progress: { _, call, fraction, note in
                    let progress = StepRecord.Progress(fraction: fraction, note: note.string)
                    TestHost.shared.note(call) { $0.progress.append(progress) }
                },
                risk: { _, call, score in TestHost.shared.note(call) { $0.risks.append(score) } },
                log: { _, call, level, message, fields in
                    let log = StepRecord.Log(
                        level: StepContext.LogLevel(rawValue: level) ?? .info, message: message.string,
                        fields: fields.string)
                    TestHost.shared.note(call) { $0.logs.append(log) }
                },
                cancel_reason: { _, _ in UInt32(STEP_CANCEL_NONE) },
                request: { _, call, kind, key, _, token in
                    TestHost.shared.request(call, kind: kind, key: key.string, token: token)
                },
                extension: { _, _ in nil }))
        return UnsafePointer(table)
    }()
}
