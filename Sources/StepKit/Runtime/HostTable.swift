internal import FoundationEssentials
internal import StepABI

/// The host's functions, with Swift types.
struct HostTable: @unchecked Sendable {
    // SAFETY: the host promises the table for the life of the process and its functions for any thread (R6).
    private let table: UnsafePointer<step_host>

    /// Nil when the host's table is older than anything this SDK can use.
    init?(_ table: UnsafePointer<step_host>?) {
        guard let table, table.pointee.abi_major == UInt16(STEP_ABI_MAJOR),
            Int(table.pointee.size) >= MemoryLayout<step_host>.size
        else { return nil }
        self.table = table
    }

    func complete(_ call: step_call_id, status: Int32, payload: Data) {
        payload.withStepBytes { table.pointee.complete(table.pointee.ctx, call, status, $0) }
    }

    func heartbeat(_ call: step_call_id, _ details: Data) {
        details.withStepBytes { table.pointee.heartbeat(table.pointee.ctx, call, $0) }
    }

    func progress(_ call: step_call_id, _ fraction: Double, note: String) {
        note.withStepBytes { table.pointee.progress(table.pointee.ctx, call, fraction, $0) }
    }

    func risk(_ call: step_call_id, _ score: Double) {
        table.pointee.risk(table.pointee.ctx, call, score)
    }

    func log(_ call: step_call_id, level: Int32, message: String, fields: String) {
        message.withStepBytes { message in
            fields.withStepBytes { fields in
                table.pointee.log(table.pointee.ctx, call, level, message, fields)
            }
        }
    }

    func request(_ call: step_call_id, kind: UInt32, key: String, token: UInt64) -> Int32 {
        key.withStepBytes { key in
            table.pointee.request(table.pointee.ctx, call, kind, key, step_bytes(ptr: nil, len: 0), token)
        }
    }
}
