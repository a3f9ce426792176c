import WebServing
import WorkflowModel

/// The figures as an exposition shows them.
///
/// The list stands in the guide "Metrics" and in alert rules: a name, once released, stays.
extension Figures {
    var families: [MetricFamily] { executionFamilies + stepFamilies + approvalFamilies + eventFamilies }

    private var executionFamilies: [MetricFamily] {
        var started = MetricFamily("stepstream_executions_started_total", .counter, help: "Executions started.")
        var finished = MetricFamily(
            "stepstream_executions_finished_total", .counter, help: "Executions with an outcome, by status.")
        var open = MetricFamily(
            "stepstream_executions_open", .gauge, help: "Executions whose final event has not come.")
        var durations = MetricFamily(
            "stepstream_execution_duration_seconds", .histogram, help: "Time from execution_started to the outcome.")
        var skipped = MetricFamily("stepstream_steps_skipped_total", .counter, help: "Steps skipped.")
        for (workflow, figures) in workflows {
            started.add(.count(figures.started), ("workflow", workflow))
            open.add(.number(Double(figures.open)), ("workflow", workflow))
            skipped.add(.count(figures.skippedSteps), ("workflow", workflow))
            for status in RunStatus.allCases {
                let count = figures.finished[status.place]
                finished.add(.count(count), ("workflow", workflow), ("status", status.rawValue))
                // A status that never was has no histogram: that would be a score of series.
                if count > 0 {
                    durations.add(
                        figures.durations[status.place].value, ("workflow", workflow), ("status", status.rawValue))
                }
            }
        }
        return [started, finished, open, durations, skipped]
    }

    private var stepFamilies: [MetricFamily] {
        var finished = MetricFamily(
            "stepstream_steps_finished_total", .counter, help: "Steps that completed or finally failed, by function.")
        var retries = MetricFamily(
            "stepstream_step_retries_total", .counter, help: "Attempts that failed and were to be repeated.")
        var durations = MetricFamily(
            "stepstream_step_duration_seconds", .histogram, help: "Time of the attempt that ended a step, in its host.")
        for (function, figures) in functions {
            finished.add(.count(figures.completed), ("function", function), ("result", "completed"))
            finished.add(.count(figures.failed), ("function", function), ("result", "failed"))
            retries.add(.count(figures.retries), ("function", function))
            durations.add(figures.durations.value, ("function", function))
        }
        var queue = MetricFamily(
            "stepstream_step_queue_seconds", .histogram,
            help: "Time that the attempt which ended a step waited for a host.")
        queue.add(totals.queue.value)
        return [finished, retries, durations, queue]
    }

    private var approvalFamilies: [MetricFamily] {
        var requested = MetricFamily(
            "stepstream_approvals_requested_total", .counter, help: "Approvals requested.")
        var decided = MetricFamily(
            "stepstream_approvals_decided_total", .counter, help: "Approvals settled, by outcome.")
        var pending = MetricFamily(
            "stepstream_approvals_pending", .gauge, help: "Approvals requested and not settled.")
        for (workflow, figures) in workflows {
            for kind in ApprovalKind.allCases {
                let approvals = figures.approvals[kind.place]
                guard approvals.requested > 0 else { continue }
                let labels = (("workflow", workflow), ("kind", kind.rawValue))
                requested.add(.count(approvals.requested), labels.0, labels.1)
                pending.add(.number(Double(approvals.pending)), labels.0, labels.1)
                for status in ApprovalStatus.allCases {
                    decided.add(
                        .count(approvals.decided[status.place]), labels.0, labels.1, ("outcome", status.rawValue))
                }
            }
        }
        var wait = MetricFamily(
            "stepstream_approval_wait_seconds", .histogram, help: "Time from an approval's request to its settlement.")
        for kind in ApprovalKind.allCases { wait.add(totals.approvalWait[kind.place].value, ("kind", kind.rawValue)) }
        return [
            requested, decided, pending, wait,
            Self.moment(
                "stepstream_approvals_oldest_pending_timestamp_seconds", approvals.oldestRequest,
                help: "When the oldest pending approval was requested; 0 when none is pending."),
            Self.moment(
                "stepstream_approvals_next_deadline_timestamp_seconds", approvals.nextDeadline,
                help: "The earliest deadline of a pending approval; 0 when none has one."),
        ]
    }

    private var eventFamilies: [MetricFamily] {
        var events = MetricFamily(
            "stepstream_events_total", .counter, help: "Events counted, each once, by type.")
        for (type, count) in zip(EventType.allCases.map(\.rawValue) + ["unknown"], totals.types) {
            events.add(.count(count), ("type", type))
        }
        var missing = MetricFamily(
            "stepstream_events_missing", .gauge,
            help: "Sequences not seen: at an execution's start, usually taken by retention, or inside, which is a gap.")
        missing.add(.number(Double(totals.missingAtStart)), ("place", "start"))
        missing.add(.number(Double(totals.missingInside)), ("place", "inside"))
        var duplicate = MetricFamily(
            "stepstream_events_duplicate_total", .counter, help: "Events that came again and were not counted again.")
        duplicate.add(.count(totals.duplicates))
        var malformed = MetricFamily(
            "stepstream_events_malformed_total", .counter,
            help: "Events that cannot be read or that the contract rules out.")
        malformed.add(.count(totals.malformed))
        var late = MetricFamily(
            "stepstream_events_late_total", .counter,
            help: "Events of executions that were forgotten by age; not counted otherwise.")
        late.add(.count(totals.late))
        var lost = MetricFamily(
            "stepstream_events_lost_total", .counter,
            help: "Sequences that were still missing when their execution was forgotten by age.")
        lost.add(.count(totals.lost))
        return [
            events, missing, duplicate, malformed, late, lost,
            Self.moment(
                "stepstream_metrics_up_to_timestamp_seconds", totals.upTo,
                help: "Event time of the newest counted event; 0 when none."),
        ]
    }

    private static func moment(_ name: String, _ time: Timestamp?, help: String) -> MetricFamily {
        var family = MetricFamily(name, .gauge, help: help)
        family.add(.number(time.map { Double($0.microseconds) / 1e6 } ?? 0))
        return family
    }
}
