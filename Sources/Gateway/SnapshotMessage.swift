import WebServing
import WorkflowModel

/// The frame that says what of an execution cannot be served.
///
/// `{"type":"stream_snapshot","execution_id":…,"missing_from":3,"missing_to":5,"detail":…}`; `missing_to` is null when
/// it is unknown whether events are missing at all. It has no `sequence`, and the stream goes on after it.
enum SnapshotMessage {
    static let type = "stream_snapshot"

    static func make(_ execution: ExecutionID, missingFrom from: Int, to: Int?) -> StreamMessage {
        var writer = JSONWriter()
        writer.raw("{\"type\":")
        writer.string(type)
        writer.raw(",\"execution_id\":")
        writer.string(execution.description)
        writer.raw(",\"missing_from\":")
        writer.int(from)
        writer.raw(",\"missing_to\":")
        if let to { writer.int(to) } else { writer.raw("null") }
        writer.raw(",\"detail\":")
        writer.string(
            to == nil
                ? "events may be missing here: the topic's history could not be read to its end, or the execution is "
                    + "older than what the topic keeps"
                : "the topic no longer holds these events")
        writer.raw("}")
        return StreamMessage(sequence: nil, type: type, bytes: writer.bytes)
    }
}
