/// One member of an event: the single description from which schemas are made.
struct EventField: Sendable {
    var name: String
    var schema: JSONValue
    var text: String

    init(_ name: String, _ schema: JSONValue, _ text: String) {
        self.name = name
        self.schema = schema
        self.text = text
    }

    /// The schema with the description in it.
    var described: JSONValue {
        guard case .object(var members) = schema else { return schema }
        members["description"] = .string(text)
        return .object(members)
    }

    /// What stands before `data`.
    static func envelope(of type: EventType) -> [EventField] {
        [
            EventField(
                "id", ["type": "string", "pattern": .string("^\(identifierPattern):[1-9][0-9]*$")],
                "execution_id:sequence, the same for every copy of the event"),
            EventField("type", ["const": .string(type.rawValue)], "the event's type"),
            EventField(
                "execution_id", ["type": "string", "pattern": .string("^\(identifierPattern)$")],
                "UUID version 7 in lower case; the Kafka record's key"),
            EventField("workflow", ["type": "string", "minLength": 1], "the definition's name"),
            EventField("sequence", ["type": "integer", "minimum": 1], "1, 2, 3 … within the execution, no hole"),
            EventField("time", time, "RFC 3339 in UTC with six decimals; never falls within an execution"),
            EventField("progress", percent, "percent of the steps that are finished; never falls"),
            EventField("final", final(of: type), "true on the last event of the execution and only there"),
        ]
    }

    private static let identifierPattern = "[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"
    private static let timePattern: JSONValue = "^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\\.[0-9]{6}Z$"
    private static let time: JSONValue = [
        "type": "string", "format": "date-time", "pattern": timePattern,
    ]
    private static let timeOrNull: JSONValue = [
        "type": ["string", "null"], "format": "date-time", "pattern": timePattern,
    ]
    private static let percent: JSONValue = ["type": "integer", "minimum": 0, "maximum": 100]
    private static let text: JSONValue = ["type": "string"]
    private static let name: JSONValue = ["type": "string", "minLength": 1]
    private static let milliseconds: JSONValue = ["type": "number", "minimum": 0]
    private static let fromOne: JSONValue = ["type": "integer", "minimum": 1]
    private static let fromZero: JSONValue = ["type": "integer", "minimum": 0]

    private static func final(of type: EventType) -> JSONValue {
        switch type {
        case .executionFailed, .executionCancelled: ["const": true]
        // That of a release approval ends the stream, that of a gate does not.
        case .executionCompleted, .approvalGranted, .approvalRejected, .approvalExpired: ["type": "boolean"]
        case .executionStarted, .stepStarted, .stepCompleted, .stepFailed, .stepRetrying, .stepSkipped,
            .approvalRequested, .approvalVote, .approvalReminder, .approvalEscalated:
            ["const": false]
        }
    }

    // The members of `data`, by the names several types share.
    private static let stepNumber = EventField("step_number", fromOne, "from 1, in the order of the definition")
    private static let stepName = EventField("step_name", name, "the step's name in the definition")
    private static let attempt = EventField("attempt", fromOne, "from 1")
    private static let executionTime = EventField(
        "execution_time_ms", milliseconds, "the host's time of this attempt, at most three decimals")
    private static let queued = EventField(
        "queued_ms", milliseconds, "the attempt's wait for a host, at most three decimals")
    private static let errorMessage = EventField("error_message", text, "for people; may come from the plugin")
    private static let errorCode = EventField("error_code", name, "for programs")
    private static let progress = EventField("progress", percent, "percent of the steps that are finished")
    private static func status(_ value: JSONValue) -> EventField {
        EventField("status", ["const": value], "how it ended")
    }

    private static let approvalID = EventField("approval_id", name, "the same in all events of one approval")
    private static let approvers = EventField(
        "approvers", ["type": "array", "items": name, "minItems": 1], "names and groups that may decide from now on")
    private static let deadlineAt = EventField(
        "deadline_at", timeOrNull, "when it expires; null when it does not")
    private static let comment = EventField(
        "comment", ["type": ["string", "null"]], "of the vote; null when there is none")
    private static func choice<Choice: RawRepresentable & CaseIterable>(_: Choice.Type) -> JSONValue
    where Choice.RawValue == String {
        ["type": "string", "enum": .array(Choice.allCases.map { .string($0.rawValue) })]
    }

    /// The members of `data`, in the contract's order.
    static func data(of type: EventType) -> [EventField] {
        switch type {
        case .executionStarted:
            [
                EventField("deliverable_type", text, "what the workflow delivers"),
                EventField("total_steps", fromZero, "entries of steps in the definition, fixed at the start"),
                EventField("started_at", time, "when the execution was started"),
                EventField("definition_revision", fromOne, "the definition's revision this execution keeps"),
            ]
        case .stepStarted:
            [stepNumber, stepName, EventField("function", name, "plugin.function"), attempt]
        case .stepCompleted:
            [
                stepNumber, stepName, status("completed"), executionTime,
                EventField("error_message", ["type": "null"], "always null"), progress, attempt, queued,
            ]
        case .stepFailed:
            [
                stepNumber, stepName, status("failed"), executionTime, errorMessage, progress, attempt, queued,
                errorCode,
            ]
        case .executionCompleted:
            [
                status("completed"),
                EventField("risk_score", ["type": "number", "minimum": 0, "maximum": 100], "0 when none was reported"),
                EventField("requires_approval", ["type": "boolean"], "whether a release approval follows"),
                EventField("total_steps", fromZero, "as at the start"),
                EventField("successful_steps", fromZero, "completed steps only"),
                EventField("progress", ["const": 100], "always 100"),
            ]
        case .executionFailed:
            [
                errorMessage, EventField("progress", ["const": 0], "always 0"),
                EventField("failed_step", ["type": ["string", "null"]], "null when no step failed the run"),
                errorCode,
            ]
        case .stepRetrying:
            [
                stepNumber, stepName, attempt, errorCode, errorMessage, executionTime,
                EventField("next_attempt_at", time, "the earliest moment of the next attempt"),
            ]
        case .stepSkipped:
            [stepNumber, stepName, EventField("reason", text, "why, for people"), progress]
        case .executionCancelled:
            [
                EventField("reason", text, "as the request gave it"),
                EventField("requested_by", text, "who asked"), progress,
            ]
        case .approvalRequested:
            [
                approvalID,
                EventField("kind", choice(ApprovalKind.self), "what is held: a run's result, or a run at a step"),
                EventField("step_name", ["type": ["string", "null"]], "null for a release"), approvers,
                EventField("quorum", fromOne, "how many of them have to approve"),
                EventField("four_eyes", ["type": "boolean"], "whether who started the execution may not decide"),
                deadlineAt,
                EventField("risk_score", ["type": "number", "minimum": 0, "maximum": 100], "as known by then"),
                EventField("reason", text, "what asks for the decision, for people"),
                EventField("form_schema", ["type": ["object", "null"]], "JSON Schema of the form an approval brings"),
            ]
        case .approvalVote:
            [
                approvalID, EventField("approver", name, "who voted"),
                EventField("decision", choice(ApprovalDecision.self), "for what"), comment,
                EventField("at", time, "when the vote was recorded"),
            ]
        case .approvalReminder, .approvalEscalated:
            [
                approvalID,
                EventField("stage", fromOne, "1, 2, 3 … over the reminders and escalations of one approval"),
                approvers, deadlineAt,
            ]
        case .approvalGranted, .approvalRejected, .approvalExpired:
            [
                approvalID,
                EventField("decided_by", ["type": ["string", "null"]], "whose vote settled it; null when no vote did"),
                comment, EventField("policy", choice(ApprovalPolicy.self), "by what rule it was settled"),
            ]
        }
    }
}
