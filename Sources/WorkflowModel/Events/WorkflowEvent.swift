/// One lifecycle event of an execution, as contract v1 has it.
///
/// `encoded` gives the bytes that are journaled once and then published unchanged on the bus, WebSocket and SSE.
package struct WorkflowEvent: Hashable, Sendable {
    package var executionID: ExecutionID
    package var workflow: String
    /// 1, 2, 3 … within the execution.
    package var sequence: Int
    package var time: Timestamp
    /// Percent of the steps that are finished, 0…100; never falls within an execution.
    package var progress: Int
    /// Stands on the last event of the execution and only there.
    package var isFinal: Bool
    package var data: EventData

    package init(
        executionID: ExecutionID, workflow: String, sequence: Int, time: Timestamp, progress: Int, isFinal: Bool,
        data: EventData
    ) {
        self.executionID = executionID
        self.workflow = workflow
        self.sequence = sequence
        self.time = time
        self.progress = progress
        self.isFinal = isFinal
        self.data = data
    }

    package var type: EventType { data.type }

    /// The seed's arithmetic, in doubles: 29 of 100 is 28.
    package static func progress(finished: Int, total: Int) -> Int {
        total == 0 ? 100 : Int(Double(finished) / Double(total) * 100)
    }
}
