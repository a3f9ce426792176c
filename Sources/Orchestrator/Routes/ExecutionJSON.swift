import WorkflowEngine
import WorkflowModel

/// How executions are written in answers.
enum ExecutionJSON {
    /// - Parameter stuck: why the execution cannot be taken up.
    static func summary(_ summary: ExecutionSummary, stuck: String?) -> JSONValue {
        [
            "execution_id": .string(summary.execution.description), "workflow": .string(summary.workflow),
            "revision": .int(Int64(summary.revision)), "status": .string(summary.status.rawValue),
            "started_at": time(summary.startedAt), "ended_at": time(summary.endedAt), "stuck": text(stuck),
        ]
    }

    static func report(_ report: ExecutionReport, stuck: String?) -> JSONValue {
        var members = JSONObject([
            ("execution_id", .string(report.execution.description)), ("workflow", .string(report.workflow)),
            ("revision", .int(Int64(report.revision))), ("status", .string(report.status.rawValue)),
            ("progress", .int(Int64(report.progress))), ("cancel_requested", .bool(report.isCancelRequested)),
            ("risk_score", .double(report.riskScore)), ("started_at", time(report.startedAt)),
            ("ended_at", time(report.endedAt)), ("inputs", report.inputs), ("output", report.output ?? nil),
            ("error", error(report)), ("steps", .array(report.steps.map(step))),
            (
                "approvals",
                .array(report.approvals.map { ApprovalJSON.approval($0, execution: report.execution) })
            ),
            ("started_by", text(report.startedBy)), ("stuck", text(stuck)),
        ])
        members["stream"] = .string("/api/v1/workflows/stream/\(report.execution)")
        members["plugins"] = .object(
            JSONObject(report.pins.sorted { $0.key < $1.key }.map { ($0.key, .string($0.value)) }))
        return .object(members)
    }

    private static func error(_ report: ExecutionReport) -> JSONValue {
        guard let code = report.errorCode else { return nil }
        return [
            "code": .string(code), "message": text(report.errorMessage), "failed_step": text(report.failedStep),
        ]
    }

    private static func step(_ step: ExecutionReport.Step) -> JSONValue {
        [
            "step_number": .int(Int64(step.number)), "step_name": .string(step.name),
            "function": .string(step.function), "status": .string(step.status.rawValue),
            "input": step.input ?? nil, "output": step.output ?? nil, "skip_reason": text(step.skipReason),
            "next_attempt_at": time(step.nextAttemptAt), "attempts": .array(step.attempts.map(attempt)),
        ]
    }

    private static func attempt(_ attempt: ExecutionReport.Attempt) -> JSONValue {
        [
            "attempt": .int(Int64(attempt.attempt)), "status": .string(attempt.status.rawValue),
            "started_at": time(attempt.startedAt), "ended_at": time(attempt.endedAt),
            "execution_time_ms": number(attempt.executionMilliseconds),
            "queued_ms": number(attempt.queuedMilliseconds), "error_code": text(attempt.errorCode),
            "error_message": text(attempt.errorMessage), "diagnostics": text(attempt.diagnostics),
        ]
    }

    private static func time(_ value: Timestamp?) -> JSONValue { value.map { .string($0.description) } ?? .null }
    private static func text(_ value: String?) -> JSONValue { value.map { .string($0) } ?? .null }
    private static func number(_ value: Double?) -> JSONValue { value.map { .double($0) } ?? .null }
}
