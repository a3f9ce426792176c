package import WorkflowModel

/// What a running step tells along the way; best effort, never part of the outcome.
package struct StepActivity: Hashable, Sendable {
    package enum Kind: Hashable, Sendable {
        /// `fraction` 0…1.
        case progress(fraction: Double, note: String)
        /// `fields`: the step's JSON as it gave it, unchecked; empty when it gave none.
        case log(level: LogLevel, message: String, fields: [UInt8])

        /// The bytes of its texts.
        var byteCount: Int {
            switch self {
            case .progress(_, let note): note.utf8.count
            case .log(_, let message, let fields): message.utf8.count + fields.count
            }
        }
    }

    package enum LogLevel: Int32, Sendable { case debug = 0, info, warning, error }

    package var execution: ExecutionID
    package var workflow: String
    package var path: String
    package var attempt: Int
    package var kind: Kind

    package init(execution: ExecutionID, workflow: String, path: String, attempt: Int, kind: Kind) {
        self.execution = execution
        self.workflow = workflow
        self.path = path
        self.attempt = attempt
        self.kind = kind
    }
}
