import WorkflowEngine
import WorkflowModel

/// What can be said of a request without looking at the journal.
enum RequestCheck {
    static func check(_ request: AppendRequest) throws(JournalError) {
        for (index, record) in request.records.enumerated() {
            guard record.version == request.expectedVersion + 1 + index else {
                throw JournalError(
                    .versionConflict,
                    "record \(index + 1) of \(request.execution) has version \(record.version) after \(request.expectedVersion)"
                )
            }
            // Events are numbered densely too, so `version` bounds `sequence`; the reading by execution relies on it.
            guard record.event.map({ $0.sequence >= 1 && $0.sequence <= record.version }) ?? true else {
                throw JournalError(
                    .versionConflict, "an event's sequence is above its record's version \(record.version)")
            }
        }
    }
}
