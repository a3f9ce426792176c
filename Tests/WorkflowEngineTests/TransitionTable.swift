import WorkflowEngine
import WorkflowModel

/// One row of the table: in this state, this input gives these records, events and effects.
struct TransitionRow: Sendable, CustomStringConvertible {
    var name: String
    var steps: [StepRow]
    /// Leads to the state; each with its time in milliseconds after the start.
    var given: [(Int64, TransitionInput)]
    var input: (Int64, TransitionInput)
    var expected: [String]

    init(
        _ name: String, _ steps: [StepRow], given: [(Int64, TransitionInput)] = [(0, .start)],
        _ input: (Int64, TransitionInput), _ expected: [String]
    ) {
        self.name = name
        self.steps = steps
        self.given = given
        self.input = input
        self.expected = expected
    }

    var description: String { name }
}

extension TransitionRow {
    private static let a = StepRow(name: "a"), b = StepRow(name: "b")
    private static let patient = StepRow(name: "a", attemptsMax: 5)
    private static let startedA = "attemptStarted a#1 | step_started", startedB = "attemptStarted b#1 | step_started"
    private static let cancelled = "executionCancelled | execution_cancelled final"
    private static let failedByA = "executionFailed flaky by a | execution_failed final"
    private static let completed = "executionCompleted risk 0.0 | execution_completed final"

    static let starts = [
        TransitionRow(
            "fresh × start: the first step runs", [a, b], given: [], (0, .start),
            ["started | execution_started", startedA, "→ run a#1"]),
        TransitionRow(
            "fresh × start, all skipped: completed at once", [StepRow(name: "a", when: "inputs.n > 9")], given: [],
            (0, .start), ["started | execution_started", "stepSkipped a | step_skipped", completed, "→ end"]),
    ]

    static let completions = [
        TransitionRow(
            "running × completion: the next step runs", [a, b], (5, .completed("a")),
            ["attemptCompleted a#1 | step_completed", startedB, "→ run b#1"]),
        TransitionRow(
            "running × completion of the last step: completed", [a], (5, .completed("a")),
            ["attemptCompleted a#1 | step_completed", completed, "→ end"]),
        TransitionRow(
            "running × completion, `when` of the next false: skipped",
            [a, StepRow(name: "b", when: "steps.a.output.go")], (5, .completed("a", output: #"{"go":false}"#)),
            ["attemptCompleted a#1 | step_completed", "stepSkipped b | step_skipped", completed, "→ end"]),
        TransitionRow(
            "running × completion, `when` of the next is no boolean: its step fails unrun",
            [a, StepRow(name: "b", when: "inputs.n", attemptsMax: 3)], (5, .completed("a")),
            [
                "attemptCompleted a#1 | step_completed", startedB, "stepFailed b#1 expression_error | step_failed",
                "executionFailed expression_error by b | execution_failed final", "→ end",
            ]),
        TransitionRow(
            "running × completion, `with` of the next fails: its step fails unrun",
            [a, StepRow(name: "b", with: "${{ steps.a.output.none }}", attemptsMax: 3)], (5, .completed("a")),
            [
                "attemptCompleted a#1 | step_completed", startedB, "stepFailed b#1 invalid_input | step_failed",
                "executionFailed invalid_input by b | execution_failed final", "→ end",
            ]),
        TransitionRow("running × completion of another attempt: nothing", [a], (5, .completed("a", 2)), []),
        TransitionRow("running × completion of another step: nothing", [a, b], (5, .completed("b")), []),
        TransitionRow("running × completion of no step: nothing", [a], (5, .completed("z")), []),
        TransitionRow("running × wake: nothing", [a], (5, .wake), []),
        TransitionRow(
            "ended × completion: nothing", [a], given: [(0, .start), (5, .completed("a"))], (6, .completed("a")), []),
        TransitionRow("ended × wake: nothing", [a], given: [(0, .start), (5, .completed("a"))], (6, .wake), []),
        TransitionRow("ended × restart: nothing", [a], given: [(0, .start), (5, .completed("a"))], (6, .restart), []),
    ]

    static let failures = [
        TransitionRow(
            "running × failure with attempts left: waits", [patient], (5, .failed("a")),
            ["attemptRetrying a#1 flaky at 105 | step_retrying", "→ wake at 105"]),
        TransitionRow(
            "running × full jitter: a share of the wait", [StepRow(name: "a", attemptsMax: 2, jitter: .full)],
            (5, .failed("a", random: 0.25)), ["attemptRetrying a#1 flaky at 30 | step_retrying", "→ wake at 30"]),
        TransitionRow(
            "running × failure that asks for a wait: that wait", [patient],
            (5, .failed("a", retryAfter: .milliseconds(7))),
            ["attemptRetrying a#1 flaky at 12 | step_retrying", "→ wake at 12"]),
        TransitionRow(
            "running × failure that asks for a week: a day", [patient],
            (0, .failed("a", retryAfter: .seconds(604_800))),
            ["attemptRetrying a#1 flaky at 86400000 | step_retrying", "→ wake at 86400000"]),
        TransitionRow(
            "running × failure that asks for less than nothing: at once", [patient],
            (5, .failed("a", retryAfter: .seconds(-1))),
            ["attemptRetrying a#1 flaky at 5 | step_retrying", "attemptStarted a#2 | step_started", "→ run a#2"]),
        TransitionRow(
            "running × last failure: the run fails", [a, b], (5, .failed("a")),
            ["stepFailed a#1 flaky | step_failed", failedByA, "→ end"]),
        TransitionRow(
            "running × last failure, continue: the next step runs", [StepRow(name: "a", onFailure: .continue), b],
            (5, .failed("a")), ["stepFailed a#1 flaky | step_failed", startedB, "→ run b#1"]),
        TransitionRow(
            "running × last failure of the last step, continue: completed", [StepRow(name: "a", onFailure: .continue)],
            (5, .failed("a")), ["stepFailed a#1 flaky | step_failed", completed, "→ end"]),
        TransitionRow(
            "running × failure that is not retryable: final", [patient], (5, .failed("a", isRetryable: false)),
            ["stepFailed a#1 flaky | step_failed", failedByA, "→ end"]),
        TransitionRow(
            "running × failure with a code the policy ends at: final",
            [StepRow(name: "a", attemptsMax: 5, nonRetryable: ["flaky"])], (5, .failed("a")),
            ["stepFailed a#1 flaky | step_failed", failedByA, "→ end"]),
        TransitionRow(
            "running × output that is no JSON: as any failure", [patient], (5, .completed("a", output: "{")),
            ["attemptRetrying a#1 invalid_output at 105 | step_retrying", "→ wake at 105"]),
        TransitionRow(
            "running × host lost: again after a pause, uncounted", [a], (5, .failed("a", code: "host_lost")),
            ["attemptRetrying a#1 host_lost at 105 uncounted | step_retrying", "→ wake at 105"]),
    ]

    private static let retrying: [(Int64, TransitionInput)] = [(0, .start), (5, .failed("a"))]

    static let waits = [
        TransitionRow(
            "retrying × wake too early: waits on", [patient], given: retrying, (104, .wake), ["→ wake at 105"]),
        TransitionRow(
            "retrying × wake: the next attempt", [patient], given: retrying, (105, .wake),
            ["attemptStarted a#2 | step_started", "→ run a#2"]),
        TransitionRow("retrying × wake twice: nothing", [patient], given: retrying + [(105, .wake)], (106, .wake), []),
        TransitionRow(
            "retrying × late completion: nothing", [patient], given: retrying, (50, .completed("a")), []),
        TransitionRow("retrying × restart: waits on", [patient], given: retrying, (50, .restart), ["→ wake at 105"]),
        TransitionRow(
            "running × restart: the attempt in doubt is repeated", [a], (5, .restart),
            [
                "attemptRetrying a#1 interrupted at 5 uncounted | step_retrying", "attemptStarted a#2 | step_started",
                "→ run a#2",
            ]),
        TransitionRow(
            "waiting for a host × restart: goes on waiting, as the same attempt", [a], (5, .restarted(.none)),
            ["→ run a#1"]),
        TransitionRow(
            "ended unrecorded × restart: repeated", [a], (5, .restarted(.ended)),
            [
                "attemptRetrying a#1 interrupted at 5 uncounted | step_retrying", "attemptStarted a#2 | step_started",
                "→ run a#2",
            ]),
    ]

    private static let asked: [(Int64, TransitionInput)] = [(0, .start), (5, .cancel)]

    static let cancels = [
        TransitionRow(
            "running × cancel: recorded, the attempt is cancelled", [a], (5, .cancel),
            ["cancelRequested | –", "→ cancel a#1"]),
        TransitionRow(
            "retrying × cancel: cancelled", [patient], given: retrying, (50, .cancel),
            ["cancelRequested | –", cancelled, "→ end"]),
        TransitionRow(
            "ended × cancel: nothing", [a], given: [(0, .start), (5, .completed("a"))], (6, .cancel), []),
        TransitionRow("cancelling × cancel: nothing", [a], given: asked, (6, .cancel), []),
        TransitionRow("cancelling × wake: nothing", [a], given: asked, (6, .wake), []),
        TransitionRow(
            "cancelling × failure with attempts left: failed as cancelled", [patient, b], given: asked,
            (6, .failed("a")), ["stepFailed a#1 cancelled | step_failed", cancelled, "→ end"]),
        TransitionRow(
            "cancelling × host lost: failed as cancelled", [a], given: asked, (6, .failed("a", code: "host_lost")),
            ["stepFailed a#1 cancelled | step_failed", cancelled, "→ end"]),
        TransitionRow(
            "cancelling × completion: recorded as completed", [a, b], given: asked, (6, .completed("a")),
            ["attemptCompleted a#1 | step_completed", cancelled, "→ end"]),
        TransitionRow(
            "cancelling × restart: failed as cancelled", [patient], given: asked, (6, .restart),
            ["stepFailed a#1 cancelled | step_failed", cancelled, "→ end"]),
        TransitionRow(
            "cancelling × restart without a host: failed as cancelled", [patient], given: asked,
            (6, .restarted(.none)), ["stepFailed a#1 cancelled | step_failed", cancelled, "→ end"]),
    ]

    private static let held: [(Int64, TransitionInput)] = [(0, .start), (1, .hold)]

    static let holds = [
        TransitionRow(
            "held × completion: recorded, nothing starts", [a, b], given: held, (5, .completed("a")),
            ["attemptCompleted a#1 | step_completed"]),
        TransitionRow(
            "held × host lost: recorded, nothing starts", [a], given: held, (5, .failed("a", code: "host_lost")),
            ["attemptRetrying a#1 host_lost at 105 uncounted | step_retrying", "→ wake at 105"]),
        TransitionRow(
            "held × wake: nothing", [patient], given: held + [(5, .failed("a"))], (105, .wake), []),
        TransitionRow(
            "held × completion of the last step: completed", [a], given: held, (5, .completed("a")),
            ["attemptCompleted a#1 | step_completed", completed, "→ end"]),
        TransitionRow(
            "held × completion, the rest skipped: completed", [a, StepRow(name: "b", when: "false")], given: held,
            (5, .completed("a")),
            ["attemptCompleted a#1 | step_completed", "stepSkipped b | step_skipped", completed, "→ end"]),
        TransitionRow(
            "held × last failure: the run fails", [a, b], given: held, (5, .failed("a")),
            ["stepFailed a#1 flaky | step_failed", failedByA, "→ end"]),
        TransitionRow(
            "held × cancel, then completion: cancelled", [a, b], given: held + [(2, .cancel)], (5, .completed("a")),
            ["attemptCompleted a#1 | step_completed", cancelled, "→ end"]),
        TransitionRow(
            "held and completed × restart: the next step runs", [a, b], given: held + [(5, .completed("a"))],
            (9, .restart), [startedB, "→ run b#1"]),
        TransitionRow(
            "held and lost × restart: waits on", [a], given: held + [(5, .failed("a", code: "host_lost"))],
            (9, .restart), ["→ wake at 105"]),
    ]

    static let table = starts + completions + failures + waits + cancels + holds
}
