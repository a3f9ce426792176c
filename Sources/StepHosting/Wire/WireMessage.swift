import StepABI
import WorkflowEngine

/// A frame from the step host, unpacked.
enum WireMessage {
    case hello(Hello)
    /// Sent before any code of the plugin runs.
    case confined(Confinement)
    case ready(describe: [UInt8])
    case loadFailed(code: String, message: String)
    case complete(call: UInt64, Completion)
    case refused(call: UInt64, status: Int32)
    case heartbeat(call: UInt64, details: [UInt8])
    case progress(call: UInt64, fraction: Double, note: String)
    case log(call: UInt64, level: Int32, message: String, fields: [UInt8])
    case request(call: UInt64, kind: UInt32, token: UInt64, key: String)
    /// Both since the process began.
    case counters(lateCompletions: UInt64, droppedLogs: UInt64)
    case slow(call: UInt64, what: UInt8)
    /// The names of a NAMES frame, one a line.
    case named(String)

    /// Whether it ends a call.
    var isAnswer: Bool {
        switch self {
        case .complete, .refused: true
        case .hello, .confined, .ready, .loadFailed, .heartbeat, .progress, .log, .request, .counters, .slow, .named:
            false
        }
    }

    struct Hello: Hashable {
        var magic: UInt32
        var version: UInt32
        var confinement: UInt32
    }

    struct Completion: Hashable {
        var status: Int32
        var nanoseconds: UInt64
        /// Nil when the step reported none.
        var risk: Double?
        var payload: [UInt8]
    }

    init(_ frame: WireFrame) throws(WireError) {
        var fields = WireCursor(frame.payload)
        let call = frame.call
        switch Int(frame.kind) {
        case STEP_WIRE_HELLO:
            let magic = try fields.u32()
            let version = try fields.u32()
            _ = try (fields.u16(), fields.u16(), fields.u32())
            self = .hello(Hello(magic: magic, version: version, confinement: try fields.u32()))
        case STEP_WIRE_READY:
            let describe = Array(try fields.blob(max: Int(STEP_WIRE_DESCRIBE_BYTES_MAX)))
            _ = try (fields.u16(), fields.u16())
            self = .ready(describe: describe)
        case STEP_WIRE_CONFINED:
            let measures = try fields.u32()
            self = .confined(Confinement(measures: measures, landlockABI: try fields.u32()))
        case STEP_WIRE_LOAD_FAILED:
            let code = try fields.text(max: Int(STEP_WIRE_PROBLEM_BYTES_MAX))
            self = .loadFailed(code: code, message: try fields.text(max: Int(STEP_WIRE_PROBLEM_BYTES_MAX)))
        case STEP_WIRE_COMPLETE:
            let status = try fields.i32()
            let nanoseconds = try fields.u64()
            let risk = try fields.f64()
            self = .complete(
                call: call,
                Completion(
                    status: status, nanoseconds: nanoseconds, risk: risk.isNaN ? nil : risk,
                    payload: Array(try fields.blob(max: Int(STEP_WIRE_FRAME_BYTES_MAX)))))
        case STEP_WIRE_REFUSED: self = .refused(call: call, status: try fields.i32())
        case STEP_WIRE_HEARTBEAT:
            self = .heartbeat(call: call, details: Array(try fields.blob(max: Int(STEP_WIRE_DETAILS_BYTES_MAX))))
        case STEP_WIRE_PROGRESS:
            let fraction = try fields.f64()
            self = .progress(call: call, fraction: fraction, note: try fields.text(max: Int(STEP_WIRE_NOTE_BYTES_MAX)))
        case STEP_WIRE_LOG:
            let level = try fields.i32()
            let message = try fields.text(max: Int(STEP_WIRE_LOG_MESSAGE_BYTES_MAX))
            let members = try fields.blob(max: Int(STEP_WIRE_LOG_FIELDS_BYTES_MAX))
            self = .log(call: call, level: level, message: message, fields: Array(members))
        case STEP_WIRE_REQUEST:
            let kind = try fields.u32()
            let token = try fields.u64()
            let key = try fields.text(max: Int(STEP_WIRE_NOTE_BYTES_MAX))
            self = .request(call: call, kind: kind, token: token, key: key)
        case STEP_WIRE_COUNTERS:
            let late = try fields.u64()
            self = .counters(lateCompletions: late, droppedLogs: try fields.u64())
        case STEP_WIRE_SLOW: self = .slow(call: call, what: try fields.u8())
        case STEP_WIRE_NAMED:
            let bytesMax = Int(STEP_WIRE_NAMES_MAX) * (Int(STEP_WIRE_NAME_BYTES_MAX) + 1)
            self = .named(try fields.text(max: bytesMax))
        default: throw WireError(message: "a frame of unknown kind \(frame.kind)")
        }
    }
}
