import EventBus
import WorkflowModel

/// What is remembered of one execution: which sequences were seen, and what later events need of earlier ones.
///
/// Events may come in any order; whatever is counted from two of them is counted when the second has come.
struct ExecutionRecord: Hashable {
    struct Step: Hashable {
        var name: String
        /// The label; nil until `step_started` has come.
        var function: String?
        /// What came before the function was known.
        var results: [StepResult] = []
        var retries: UInt64 = 0
        var isFinished = false
    }

    struct Outcome: Hashable {
        var status: RunStatus
        var time: Timestamp
    }

    enum Admission {
        case new
        case duplicate
        /// The contract rules it out.
        case contradiction
    }

    var partition: Int
    /// The label.
    var workflow: String
    var seen = SequenceSet()
    /// The sequence of the final event.
    var final: Int?
    /// Of the latest event, by its time.
    var lastTime = Timestamp(microseconds: .min)
    var startedAt: Timestamp?
    var outcome: Outcome?
    var steps: [Step] = []
    /// Those that have an entry in the book of approvals.
    var approvals: [String] = []
    /// Since the last commit.
    var isChanged = false

    init(partition: Int, workflow: String) {
        self.partition = partition
        self.workflow = workflow
    }

    /// Everything up to the final event was seen.
    var isWhole: Bool { final != nil && final == seen.count && !seen.hasGap }

    mutating func admit(_ event: EncodedEvent, rangesMax: Int) -> Admission {
        if seen.contains(event.sequence) { return .duplicate }
        if event.isFinal ? final != nil || event.sequence < seen.highest : event.sequence > final ?? .max {
            return .contradiction
        }
        // Only an event that touches no range makes one more; close enough for a limit.
        if seen.ranges.count >= rangesMax { return .contradiction }
        seen.insert(event.sequence)
        if event.isFinal { final = event.sequence }
        lastTime = max(lastTime, event.time)
        return .new
    }

    mutating func count(
        _ detail: EventDetail, of event: EncodedEvent, _ figures: inout Figures, _ book: inout ApprovalBook
    ) {
        switch detail {
        case .executionStarted:
            guard startedAt == nil else { return }
            startedAt = event.time
            figures.count(workflow) { $0.started += 1 }
            countDuration(&figures)
        case .executionEnded(let status, let code):
            guard outcome == nil else { return }
            outcome = Outcome(status: status, time: event.time)
            figures.count(workflow) { $0.finished[status.place] += 1 }
            figures.statistics.runEnded(workflow, status, at: event.time)
            if let code { figures.statistics.failed(code, at: event.time) }
            countDuration(&figures)
        case .stepStarted(let name, let function):
            let place = place(of: name)
            if steps[place].function == nil { steps[place].function = figures.function(function) }
            settle(place, &figures)
        case .stepFinished(let name, let result):
            figures.totals.queue.record(result.queuedMicroseconds)
            figures.statistics.stepFinished(workflow, name, in: result.durationMicroseconds, at: event.time)
            if let code = result.code { figures.statistics.failed(code, at: event.time) }
            let place = place(of: name)
            steps[place].results.append(result)
            steps[place].isFinished = true
            settle(place, &figures)
        case .stepRetrying(let name, let code):
            figures.statistics.failed(code, at: event.time)
            let place = place(of: name)
            steps[place].retries += 1
            settle(place, &figures)
        case .stepSkipped: figures.count(workflow) { $0.skippedSteps += 1 }
        case .approvalRequested(let id, let kind, let deadline):
            book.requested(
                key(id, event), ApprovalBook.Request(kind: kind, time: event.time), deadline: deadline,
                workflow: workflow, &figures)
            keep(id, event, book)
        case .approvalNotice(let id, let stage, let deadline):
            book.noticed(key(id, event), stage: stage, deadline: deadline, workflow: workflow)
            keep(id, event, book)
        case .approvalSettled(let id, let status):
            book.settled(
                key(id, event), ApprovalBook.Settlement(status: status, time: event.time), workflow: workflow, &figures)
            keep(id, event, book)
        case .other: break
        }
    }

    /// Nothing earlier can come any more: lets go of what only it would have needed.
    mutating func dropFinishedSteps() { steps.removeAll { $0.isFinished } }

    /// Nothing can come any more: what waited for its other half is counted without it.
    mutating func close(_ execution: ExecutionID, _ figures: inout Figures, _ book: inout ApprovalBook) {
        for place in steps.indices where steps[place].function == nil {
            steps[place].function = figures.function(Figures.unknownFunction)
            settle(place, &figures)
        }
        steps = []
        for id in approvals { book.forget(ApprovalBook.Key(execution: execution, approval: id), &figures) }
        approvals = []
    }

    private func countDuration(_ figures: inout Figures) {
        guard let startedAt, let outcome else { return }
        let duration = UInt64(max(0, (outcome.time - startedAt).microseconds))
        figures.count(workflow) { $0.durations[outcome.status.place].record(duration) }
        if outcome.status == .completed {
            figures.statistics.runCompleted(workflow, in: duration, at: outcome.time)
        }
    }

    /// Counts what a step did as soon as its function is known.
    private mutating func settle(_ place: Int, _ figures: inout Figures) {
        guard let function = steps[place].function else { return }
        for result in steps[place].results { figures.functions[function, default: FunctionFigures()].finished(result) }
        steps[place].results = []
        if steps[place].retries > 0 {
            figures.functions[function, default: FunctionFigures()].retried(steps[place].retries)
            steps[place].retries = 0
        }
    }

    private mutating func place(of name: String) -> Int {
        if let place = steps.lastIndex(where: { $0.name == name }) { return place }
        steps.append(Step(name: name))
        return steps.count - 1
    }

    private func key(_ id: String, _ event: EncodedEvent) -> ApprovalBook.Key {
        ApprovalBook.Key(execution: event.executionID, approval: id)
    }

    private mutating func keep(_ id: String, _ event: EncodedEvent, _ book: ApprovalBook) {
        approvals.removeAll { $0 == id }
        if book.entries[key(id, event)] != nil { approvals.append(id) }
    }
}
