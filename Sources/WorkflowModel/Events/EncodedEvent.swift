/// An event as its published bytes, with what a reader needs without parsing them.
package struct EncodedEvent: Hashable, Sendable {
    package var executionID: ExecutionID
    package var workflow: String
    package var sequence: Int
    /// The `type` field; a string, since a later version may add types that this one only passes on.
    package var type: String
    package var time: Timestamp
    package var isFinal: Bool
    /// One JSON object, UTF-8: exactly what every subscriber receives.
    package var bytes: [UInt8]
    /// W3C trace context of the start, carried as a bus header only.
    package var traceparent: String?

    package init(
        executionID: ExecutionID, workflow: String, sequence: Int, type: String, time: Timestamp, isFinal: Bool,
        bytes: [UInt8], traceparent: String? = nil
    ) {
        self.executionID = executionID
        self.workflow = workflow
        self.sequence = sequence
        self.type = type
        self.time = time
        self.isFinal = isFinal
        self.bytes = bytes
        self.traceparent = traceparent
    }

    package init(_ event: WorkflowEvent, traceparent: String? = nil) {
        self.init(
            executionID: event.executionID, workflow: event.workflow, sequence: event.sequence,
            type: event.type.rawValue, time: event.time, isFinal: event.isFinal, bytes: event.encoded,
            traceparent: traceparent)
    }

    package var id: String { "\(executionID):\(sequence)" }
}
