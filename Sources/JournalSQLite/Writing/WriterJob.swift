import WorkflowEngine
import WorkflowModel

/// What a task hands to the writer's thread, with the task that waits for the answer.
enum WriterJob: Sendable {
    typealias Waiting<Value> = CheckedContinuation<Result<Value, JournalError>, Never>

    case append(
        [AppendRequest], JournalLease, CheckedContinuation<[Result<AppendReceipt, JournalError>], Never>)
    case acquireLease(shard: Int, Waiting<JournalLease>)
    case putDefinition(StoredDefinition.Draft, JournalLease, Waiting<StoredDefinition>)
    case deleteDefinition(name: String, JournalLease, Waiting<Bool>)

    var requestCount: Int {
        if case .append(let requests, _, _) = self { requests.count } else { 1 }
    }

    /// What it will put into the file, nearly.
    var byteCount: Int {
        switch self {
        case .append(let requests, _, _):
            requests.reduce(0) { sum, request in
                request.records.reduce(sum) { $0 + $1.payload.count + ($1.event?.bytes.count ?? 0) + 64 }
            }
        case .putDefinition(let draft, _, _): draft.source.count
        case .acquireLease, .deleteDefinition: 0
        }
    }

    func fail(_ error: JournalError) {
        switch self {
        case .append(let requests, _, let waiting):
            waiting.resume(returning: Array(repeating: .failure(error), count: requests.count))
        case .acquireLease(_, let waiting): waiting.resume(returning: .failure(error))
        case .putDefinition(_, _, let waiting): waiting.resume(returning: .failure(error))
        case .deleteDefinition(_, _, let waiting): waiting.resume(returning: .failure(error))
        }
    }
}
