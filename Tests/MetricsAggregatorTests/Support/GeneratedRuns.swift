import EventBus
import WorkflowModel

/// Executions of every outcome, drawn by chance, as the orchestrator would publish them.
struct GeneratedRuns {
    static let epoch = Timestamp(microseconds: 1_767_607_200_000_000)

    private var random: SplitMix

    init(seed: UInt64) { random = SplitMix(state: seed) }

    /// The events of one execution, in order.
    mutating func run() -> [EncodedEvent] {
        var events = EventList(
            execution: ExecutionID(at: Self.epoch + .seconds(Int.random(in: 0..<7000, using: &random)), using: &random),
            workflow: "flow-\(Int.random(in: 0..<3, using: &random))")
        events.time = events.execution.time
        events.add(
            .executionStarted(
                .init(deliverableType: "test", totalSteps: 3, startedAt: events.time, definitionRevision: 1)))
        for number in 1...Int.random(in: 1...3, using: &random) {
            let name = "step\(number)"
            if chance(0.1) {
                events.add(
                    .stepSkipped(.init(stepNumber: number, stepName: name, reason: "no", progress: 0)), after: drawn())
                continue
            }
            if chance(0.15) { gate(&events, number, name) }
            if step(&events, number, name) { continue }
            if chance(0.5) {
                events.add(
                    .executionFailed(.init(errorMessage: "step failed", failedStep: name, errorCode: "timeout")),
                    after: drawn(), isFinal: true)
            } else {
                events.add(
                    .executionCancelled(.init(reason: "enough", requestedBy: "local", progress: 0)), after: drawn(),
                    isFinal: true)
            }
            return events.events
        }
        if chance(0.1) {
            events.add(
                .executionFailed(.init(errorMessage: "no output", failedStep: nil, errorCode: "expression")),
                after: drawn(), isFinal: true)
        } else {
            end(&events)
        }
        return events.events
    }

    /// Whether the run goes on.
    private mutating func step(_ events: inout EventList, _ number: Int, _ name: String) -> Bool {
        let function = "plugin.function\(Int.random(in: 0..<3, using: &random))"
        for attempt in 1... {
            events.add(
                .stepStarted(.init(stepNumber: number, stepName: name, function: function, attempt: attempt)),
                after: drawn())
            let milliseconds = Double(Int.random(in: 0..<9_000_000, using: &random)) / 1000
            let queued = Double(Int.random(in: 0..<90_000, using: &random)) / 1000
            if chance(0.2) {
                events.add(
                    .stepRetrying(
                        .init(
                            stepNumber: number, stepName: name, attempt: attempt, errorCode: "crashed",
                            errorMessage: "a \"quoted\" {brace} \\ ]", executionTimeMilliseconds: milliseconds,
                            nextAttemptAt: events.time)), after: drawn())
                continue
            }
            if chance(0.85) {
                events.add(
                    .stepCompleted(
                        .init(
                            stepNumber: number, stepName: name, executionTimeMilliseconds: milliseconds, progress: 0,
                            attempt: attempt, queuedMilliseconds: queued)), after: drawn())
                return true
            }
            events.add(
                .stepFailed(
                    .init(
                        stepNumber: number, stepName: name, executionTimeMilliseconds: milliseconds,
                        errorMessage: "no", progress: 0, attempt: attempt, queuedMilliseconds: queued,
                        errorCode: "code\(Int.random(in: 0..<4, using: &random))")), after: drawn())
            return chance(0.3)
        }
        return true
    }

    private mutating func gate(_ events: inout EventList, _ number: Int, _ name: String) {
        approval(&events, "gate-\(number)", .gate, step: name)
        settle(&events, "gate-\(number)", isFinal: false)
    }

    private mutating func end(_ events: inout EventList) {
        let isHeld = chance(0.3)
        if isHeld { approval(&events, "release", .release, step: nil) }
        events.add(
            .executionCompleted(
                .init(riskScore: 0, requiresApproval: isHeld, totalSteps: 3, successfulSteps: 3)), after: drawn(),
            isFinal: !isHeld)
        // Some stay open.
        if isHeld, chance(0.8) { settle(&events, "release", isFinal: true) }
    }

    private mutating func approval(_ events: inout EventList, _ id: String, _ kind: ApprovalKind, step: String?) {
        events.add(
            .approvalRequested(
                .init(
                    approvalID: id, kind: kind, stepName: step, approvers: ["stewards"], quorum: 1, fourEyes: false,
                    deadlineAt: chance(0.5) ? events.time + .seconds(3600) : nil, riskScore: 0, reason: "why",
                    formSchema: chance(0.5) ? ["type": "object", "data": ["kind": "none"]] : nil)), after: drawn())
        for stage in 1...3 where chance(0.3) {
            events.add(
                .approvalEscalated(
                    .init(
                        approvalID: id, stage: stage, approvers: ["others"],
                        deadlineAt: events.time + .seconds(600 * stage))), after: drawn())
        }
    }

    private mutating func settle(_ events: inout EventList, _ id: String, isFinal: Bool) {
        let outcome = EventData.ApprovalOutcome(approvalID: id, decidedBy: "ann", comment: nil, policy: .quorum)
        let choices: [EventData] = [.approvalGranted(outcome), .approvalRejected(outcome), .approvalExpired(outcome)]
        events.add(choices[Int.random(in: 0..<3, using: &random)], after: drawn(), isFinal: isFinal)
    }

    private mutating func chance(_ probability: Double) -> Bool {
        Double.random(in: 0..<1, using: &random) < probability
    }
    private mutating func drawn() -> Duration { .microseconds(Int64.random(in: 0..<40_000_000, using: &random)) }
}

/// Events of one execution as they come to be.
struct EventList {
    let execution: ExecutionID
    let workflow: String
    var time = GeneratedRuns.epoch
    private(set) var events: [EncodedEvent] = []

    init(execution: ExecutionID, workflow: String) {
        self.execution = execution
        self.workflow = workflow
    }

    mutating func add(_ data: EventData, after: Duration = .zero, isFinal: Bool = false) {
        time = time + after
        events.append(
            EncodedEvent(
                WorkflowEvent(
                    executionID: execution, workflow: workflow, sequence: events.count + 1, time: time, progress: 0,
                    isFinal: isFinal, data: data)))
    }
}

/// SplitMix64 (Steele, Lea and Flood 2014).
struct SplitMix: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}

/// Topics made of executions: each in one partition, interleaved by chance.
struct GeneratedTopic {
    private(set) var events: [DeliveredEvent] = []
    private var offsets: [Int: Int64] = [:]

    init() {}

    /// One partition, the events in this order.
    init(of events: [EncodedEvent]) {
        for event in events { append(event, partition: 0) }
    }

    mutating func append(_ event: EncodedEvent, partition: Int) {
        events.append(DeliveredEvent(partition: partition, offset: offsets[partition, default: 0], event: event))
        offsets[partition, default: 0] += 1
    }

    /// As a journal publishes: each execution's events in order.
    static func clean(_ runs: [[EncodedEvent]], partitions: Int, using random: inout SplitMix) -> GeneratedTopic {
        var topic = GeneratedTopic()
        var left = runs.map { $0[...] }
        var open = Array(runs.indices)
        while let slot = open.indices.randomElement(using: &random) {
            let index = open[slot]
            if let event = left[index].popFirst() { topic.append(event, partition: index % partitions) }
            if left[index].isEmpty {
                open.swapAt(slot, open.count - 1)
                open.removeLast()
            }
        }
        return topic
    }

    /// The same events, some late, so that gaps are filled afterwards, and some again, as runs of earlier ones.
    func disturbed(using random: inout SplitMix) -> (topic: GeneratedTopic, copies: Int) {
        var order = events.enumerated().map { (key: Double($0.offset), delivered: $0.element) }
        for index in order.indices where Int.random(in: 0..<8, using: &random) == 0 {
            order[index].key += Double.random(in: 0..<60, using: &random)
        }
        order.sort { $0.key < $1.key }
        var topic = GeneratedTopic()
        var copies = 0
        for (place, entry) in order.enumerated() {
            topic.append(entry.delivered.event, partition: entry.delivered.partition)
            guard Int.random(in: 0..<20, using: &random) == 0 else { continue }
            for earlier in order[max(0, place - Int.random(in: 0..<30, using: &random))...place] {
                topic.append(earlier.delivered.event, partition: earlier.delivered.partition)
                copies += 1
            }
        }
        return (topic, copies)
    }
}
