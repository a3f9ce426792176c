import WorkflowModel

extension RecordBody {
    package var kind: RecordKind {
        switch self {
        case .started: .started
        case .attemptStarted: .attemptStarted
        case .attemptCompleted: .attemptCompleted
        case .attemptRetrying: .attemptRetrying
        case .stepFailed: .stepFailed
        case .stepSkipped: .stepSkipped
        case .cancelRequested: .cancelRequested
        case .executionCompleted: .executionCompleted
        case .executionFailed: .executionFailed
        case .executionCancelled: .executionCancelled
        case .approvalRequested: .approvalRequested
        case .approvalVoted: .approvalVoted
        case .approvalNotified: .approvalNotified
        case .approvalDecided: .approvalDecided
        }
    }

    /// The private bytes of the record: one JSON object with short, stable member names.
    package var encoded: [UInt8] {
        var fields = RecordFields()
        switch self {
        case .started(let body):
            fields.int("revision", body.revision)
            fields.int("at", Int(body.at.microseconds))
            fields.value("inputs", body.inputs)
            fields.value(
                "pins", .object(JSONObject(body.pins.sorted { $0.key < $1.key }.map { ($0.key, .string($0.value)) })))
            if let traceparent = body.traceparent { fields.string("traceparent", traceparent) }
            if let startedBy = body.startedBy { fields.string("by", startedBy) }
        case .attemptStarted(let body):
            fields.string("path", body.path)
            fields.int("attempt", body.attempt)
            fields.int("at", Int(body.at.microseconds))
            if let input = body.input { fields.value("input", input) }
        case .attemptCompleted(let body):
            fields.string("path", body.path)
            fields.int("attempt", body.attempt)
            fields.int("at", Int(body.at.microseconds))
            fields.double("ms", body.executionMilliseconds)
            fields.double("queued", body.queuedMilliseconds)
            if let risk = body.risk { fields.double("risk", risk) }
            fields.value("output", body.output)
        case .attemptRetrying(let body), .stepFailed(let body):
            fields.string("path", body.path)
            fields.int("attempt", body.attempt)
            fields.int("at", Int(body.at.microseconds))
            fields.double("ms", body.executionMilliseconds)
            fields.double("queued", body.queuedMilliseconds)
            fields.string("code", body.code)
            fields.string("message", body.message)
            if let diagnostics = body.diagnostics { fields.string("diagnostics", diagnostics) }
            if let next = body.nextAttemptAt { fields.int("next", Int(next.microseconds)) }
            if body.countsAs != .failure { fields.value("uncounted", true) }
            if body.countsAs == .nothing { fields.value("spared", true) }
            if let checkpoint = body.checkpoint { fields.value("checkpoint", checkpoint) }
        case .stepSkipped(let path, let reason):
            fields.string("path", path)
            fields.string("reason", reason)
        case .cancelRequested(let reason, let requestedBy):
            fields.string("reason", reason)
            fields.string("by", requestedBy)
        case .executionCompleted(let output, let risk):
            fields.double("risk", risk)
            fields.value("output", output)
        case .executionFailed(let code, let message, let failedStep):
            fields.string("code", code)
            fields.string("message", message)
            if let failedStep { fields.string("step", failedStep) }
        case .executionCancelled: break
        case .approvalRequested(let body): body.encode(to: &fields)
        case .approvalVoted(let body): body.encode(to: &fields)
        case .approvalNotified(let body): body.encode(to: &fields)
        case .approvalDecided(let body): body.encode(to: &fields)
        }
        return fields.bytes
    }

    /// Reads what `encoded` wrote; unknown members are ignored.
    /// - Throws: `RecordError` when the record is of a later version or damaged.
    package init(_ record: JournalRecord) throws(RecordError) {
        guard let kind = RecordKind(rawValue: record.kind) else {
            throw RecordError(
                "record \(record.version) is of the unknown kind \(record.kind); a newer version wrote it")
        }
        let fields: RecordReader
        do { fields = try RecordReader(record.payload) } catch {
            throw RecordError("record \(record.version) is damaged: \(error)")
        }
        do { self = try Self.read(kind, fields) } catch {
            throw RecordError("record \(record.version) (\(kind)) is damaged: \(error)")
        }
    }

    private static func read(_ kind: RecordKind, _ fields: RecordReader) throws(RecordError) -> RecordBody {
        switch kind {
        case .started:
            var pins: [String: String] = [:]
            for member in try fields.object("pins") { pins[member.key] = member.value.stringValue }
            return .started(
                Started(
                    revision: try fields.int("revision"), inputs: try fields.value("inputs"), pins: pins,
                    traceparent: fields.optionalString("traceparent"), startedBy: fields.optionalString("by"),
                    at: try fields.time("at")))
        case .attemptStarted:
            return .attemptStarted(
                AttemptStarted(
                    path: try fields.string("path"), attempt: try fields.int("attempt"),
                    input: fields.optional("input"), at: try fields.time("at")))
        case .attemptCompleted:
            return .attemptCompleted(
                AttemptCompleted(
                    path: try fields.string("path"), attempt: try fields.int("attempt"),
                    output: try fields.value("output"), risk: fields.optional("risk")?.doubleValue,
                    executionMilliseconds: try fields.double("ms"), queuedMilliseconds: try fields.double("queued"),
                    at: try fields.time("at")))
        case .attemptRetrying: return .attemptRetrying(try failure(fields))
        case .stepFailed: return .stepFailed(try failure(fields))
        case .stepSkipped: return .stepSkipped(path: try fields.string("path"), reason: try fields.string("reason"))
        case .cancelRequested:
            return .cancelRequested(reason: try fields.string("reason"), requestedBy: try fields.string("by"))
        case .executionCompleted:
            return .executionCompleted(output: try fields.value("output"), risk: try fields.double("risk"))
        case .executionFailed:
            return .executionFailed(
                code: try fields.string("code"), message: try fields.string("message"),
                failedStep: fields.optionalString("step"))
        case .executionCancelled: return .executionCancelled
        case .approvalRequested: return .approvalRequested(try ApprovalRequested(fields))
        case .approvalVoted: return .approvalVoted(try ApprovalVoted(fields))
        case .approvalNotified: return .approvalNotified(try ApprovalNotified(fields))
        case .approvalDecided: return .approvalDecided(try ApprovalDecided(fields))
        }
    }

    private static func failure(_ fields: RecordReader) throws(RecordError) -> AttemptFailed {
        let code = try fields.string("code")
        let countsAs: AttemptCount =
            if fields.optional("uncounted")?.boolValue != true {
                .failure
            } else if code == StepErrorCode.hostLost {
                .hostLost
            } else {
                fields.optional("spared")?.boolValue == true ? .nothing : .interruption
            }
        return AttemptFailed(
            path: try fields.string("path"), attempt: try fields.int("attempt"), code: code,
            message: try fields.string("message"), diagnostics: fields.optionalString("diagnostics"),
            executionMilliseconds: try fields.double("ms"), queuedMilliseconds: try fields.double("queued"),
            nextAttemptAt: fields.optionalTime("next"), countsAs: countsAs, checkpoint: fields.optional("checkpoint"),
            at: try fields.time("at"))
    }
}

/// A record that cannot be read.
package struct RecordError: Error, Hashable, Sendable, CustomStringConvertible {
    package var message: String
    init(_ message: String) { self.message = message }
    package var description: String { message }
}
