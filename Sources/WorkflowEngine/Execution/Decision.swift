package import WorkflowModel

/// What an input leads to: what must be durable first, and what may happen then.
package struct Decision: Sendable {
    /// In version order; empty when the input changes nothing.
    package var records: [JournalRecord]
    /// To be carried out after the records are durable, in order.
    package var effects: [Effect]

    package init(records: [JournalRecord] = [], effects: [Effect] = []) {
        self.records = records
        self.effects = effects
    }
}

/// Something to do outside the engine; each can be derived again from state.
package enum Effect: Sendable {
    case run(StepCall)
    case cancel(path: String, attempt: Int)
    /// Call `wake` at this time.
    case wake(at: Timestamp)
    /// The final event is recorded: the execution can be forgotten.
    case end
}

/// What a start carries beside the definition.
package struct StartCommand: Sendable {
    package var execution: ExecutionID
    package var revision: Int
    package var inputs: JSONValue
    /// Plugin name → content hash (SHA-256, lower-case hex) for the life of the execution.
    package var pins: [String: String]
    package var traceparent: String?
    /// The caller's name.
    package var startedBy: String?

    package init(
        execution: ExecutionID, revision: Int, inputs: JSONValue, pins: [String: String], traceparent: String? = nil,
        startedBy: String? = nil
    ) {
        self.execution = execution
        self.revision = revision
        self.inputs = inputs
        self.pins = pins
        self.traceparent = traceparent
        self.startedBy = startedBy
    }
}
