package import WorkflowModel

/// Checks one execution's public events against the contract, from their bytes alone.
package struct TranscriptChecker {
    package struct Fault: Error { package var message: String }

    private let definition: WorkflowDefinition
    private let events: [EncodedEvent]

    package init(definition: WorkflowDefinition, events: [EncodedEvent]) {
        self.definition = definition
        self.events = events
    }

    private static let outcomes: Set = ["execution_completed", "execution_failed", "execution_cancelled"]

    /// The type of the outcome event; empty when there is none.
    package var outcome: String { events.last { Self.outcomes.contains($0.type) }?.type ?? "" }

    package func check() throws(Fault) {
        try checkFrame()
        try checkSteps()
        try ApprovalChecker(definition: definition).check(events)
    }

    package var approvalOutcomes: [String] { events.map(\.type).filter(ApprovalChecker.outcomes.contains) }

    private func checkFrame() throws(Fault) {
        guard events.first?.type == "execution_started" else { throw Fault(message: "does not begin with a start") }
        guard events.filter({ Self.outcomes.contains($0.type) }).count == 1 else {
            throw Fault(message: "has \(events.filter { Self.outcomes.contains($0.type) }.count) outcomes")
        }
        var progress: Int64 = 0
        var time = ""
        for (index, event) in events.enumerated() {
            let json = try parsed(event)
            guard event.sequence == index + 1, json["sequence"]?.intValue == Int64(index + 1) else {
                throw Fault(message: "event \(index + 1) has sequence \(event.sequence)")
            }
            guard event.isFinal == (index == events.count - 1), json["final"]?.boolValue == event.isFinal else {
                throw Fault(message: "final stands on event \(index + 1) of \(events.count)")
            }
            let next = json["progress"]?.intValue ?? -1
            guard next >= progress else { throw Fault(message: "progress falls from \(progress) to \(next)") }
            guard let at = json["time"]?.stringValue, at >= time else { throw Fault(message: "time falls") }
            (progress, time) = (next, at)
        }
    }

    /// Steps come in order, every attempt begins and ends, progress counts what is finished.
    private func checkSteps() throws(Fault) {
        var running: (name: String, attempt: Int64)?
        var retrying: String?
        var lastAttempt: [String: Int64] = [:]
        var counted: [String: Int] = [:]
        var finished: [String] = []
        var failed: String?
        for event in events {
            let data = try parsed(event)["data"] ?? .null
            let name = data["step_name"]?.stringValue ?? ""
            let attempt = data["attempt"]?.intValue ?? 0
            if event.type.hasPrefix("step_"), finished.contains(name) {
                throw Fault(message: "\(event.type) of \(name) after its end")
            }
            if let failed, event.type.hasPrefix("step_") {
                throw Fault(message: "\(event.type) after \(failed) failed the run")
            }
            switch event.type {
            case "step_started":
                guard running == nil, retrying == nil || retrying == name, attempt == (lastAttempt[name] ?? 0) + 1,
                    name == definition.steps[finished.count].name
                else { throw Fault(message: "attempt \(attempt) of \(name) starts out of order") }
                (running, retrying, lastAttempt[name]) = ((name, attempt), nil, attempt)
            case "step_completed", "step_failed", "step_retrying":
                guard let current = running, current.name == name, current.attempt == attempt else {
                    throw Fault(message: "\(event.type) of \(name) without its start")
                }
                running = nil
                let code = data["error_code"]?.stringValue
                if event.type == "step_retrying" {
                    retrying = name
                    if code != "interrupted", code != "host_lost" { counted[name, default: 0] += 1 }
                } else {
                    finished.append(name)
                    try checkProgress(data, finished.count)
                    let policy = definition.steps[finished.count - 1]
                    guard counted[name, default: 0] < policy.retry.attemptsMax else {
                        throw Fault(message: "\(name) had \(counted[name, default: 0] + 1) attempts")
                    }
                    if event.type == "step_failed", policy.onFailure == .fail, code != "cancelled" { failed = name }
                }
            case "step_skipped":
                finished.append(name)
                try checkProgress(data, finished.count)
            case "execution_completed":
                guard finished.count == definition.steps.count else {
                    throw Fault(message: "completed with \(finished.count) of \(definition.steps.count) steps finished")
                }
            default: break
            }
        }
        if running != nil { throw Fault(message: "ends while a step runs") }
    }

    private func checkProgress(_ data: JSONValue, _ finished: Int) throws(Fault) {
        let expected = Int64(Double(finished) / Double(definition.steps.count) * 100)
        guard data["progress"]?.intValue == expected else {
            throw Fault(
                message: "progress \(data["progress"]?.intValue ?? -1) after \(finished) steps, not \(expected)")
        }
    }

    private func parsed(_ event: EncodedEvent) throws(Fault) -> JSONValue {
        do { return try JSONValue(parsing: event.bytes) } catch {
            throw Fault(message: "event \(event.sequence) is not JSON: \(error)")
        }
    }
}
