import EventBus
import Testing
import WorkflowModel

@testable import MetricsAggregator

@Suite("counting")
struct CountingTests {
    private static let id = ExecutionID("019b8d5c-7a3b-7c4d-8e5f-0123456789ab")!
    private static let another = ExecutionID("019bb200-7a3b-7c4d-8e5f-0123456789ab")!
    private static let start = GeneratedRuns.epoch

    /// A run of two steps, the first with a retry: 9 events.
    private static func run(
        _ id: ExecutionID = Self.id, workflow: String = "flow", at time: Timestamp = Self.start
    ) -> [EncodedEvent] {
        var list = EventList(execution: id, workflow: workflow)
        list.time = time
        list.add(.executionStarted(.init(deliverableType: "d", totalSteps: 2, startedAt: time, definitionRevision: 1)))
        list.add(.stepStarted(.init(stepNumber: 1, stepName: "one", function: "p.one", attempt: 1)))
        list.add(
            .stepRetrying(
                .init(
                    stepNumber: 1, stepName: "one", attempt: 1, errorCode: "timeout", errorMessage: "",
                    executionTimeMilliseconds: 3, nextAttemptAt: time)))
        list.add(.stepStarted(.init(stepNumber: 1, stepName: "one", function: "p.one", attempt: 2)))
        list.add(
            .stepCompleted(
                .init(
                    stepNumber: 1, stepName: "one", executionTimeMilliseconds: 1.5, progress: 50, attempt: 2,
                    queuedMilliseconds: 0.25)))
        list.add(.stepStarted(.init(stepNumber: 2, stepName: "two", function: "p.two", attempt: 1)))
        list.add(
            .stepFailed(
                .init(
                    stepNumber: 2, stepName: "two", executionTimeMilliseconds: 20, errorMessage: "no", progress: 100,
                    attempt: 1, queuedMilliseconds: 0, errorCode: "invalid_input")), after: .seconds(2))
        list.add(
            .executionCompleted(.init(riskScore: 0, requiresApproval: true, totalSteps: 2, successfulSteps: 1)))
        list.add(
            .approvalGranted(.init(approvalID: "a", decidedBy: "ann", comment: nil, policy: .quorum)),
            after: .seconds(5), isFinal: true)
        return list.events
    }

    @Test("one run is counted as it was")
    func oneRun() throws {
        let figures = try counted(topic(Self.run())).figures
        let flow = try #require(figures.workflows["flow"])
        #expect(flow.started == 1 && flow.finished == [1, 0, 0] && flow.open == 0)
        #expect(flow.durations[0].sumMicroseconds == 2_000_000)
        #expect(figures.functions["p.one"]?.completed == 1 && figures.functions["p.one"]?.retries == 1)
        #expect(figures.functions["p.one"]?.durations.sumMicroseconds == 1500)
        #expect(figures.functions["p.two"]?.failed == 1 && figures.functions["p.two"]?.retries == 0)
        #expect(figures.totals.queue.sumMicroseconds == 250)
        #expect(figures.totals.types.reduce(0, +) == 9)
        #expect(figures.totals.types[EventType.stepStarted.place] == 3)
        #expect(figures.totals.upTo == Self.start + .seconds(7))
    }

    @Test("a gap shows while it is open and is gone when it is filled; a repeated run is not counted again")
    func gap() throws {
        let events = Self.run()
        let open = try counted(topic(Array(events[0..<3] + events[5..<7]))).figures
        #expect(open.totals.missingInside == 2 && open.totals.missingAtStart == 0)
        // Sequence 5, the end of the first step, has not come; 7, of a step whose start has, has.
        #expect(open.functions["p.one"]?.completed == 0 && open.functions["p.two"]?.failed == 1)
        let filled = try counted(topic(Array(events[0..<3] + events[5..<9] + events[2..<9]))).figures
        #expect(filled.totals.missingInside == 0 && filled.totals.duplicates == 5)
        #expect(filled.functions == (try counted(topic(events)).figures.functions))
        // The end alone is no end: the execution stays in memory for what is missing.
        let headless = try counted(topic(Array(events[4...]))).figures
        #expect(headless.totals.missingAtStart == 4 && headless.totals.missingInside == 0)
        #expect(headless.workflows["flow"]?.durations[0].counts.reduce(0, +) == 0)
    }

    @Test("a result whose start never came is counted as unknown when its execution is forgotten")
    func forgotten() throws {
        let lost = Self.run().filter { $0.sequence != 6 }
        let later = Self.run(Self.another, at: Self.start + .seconds(8 * 86_400))
        let (before, store) = try counted(topic(lost + later))
        #expect(before.totals.missingInside == 1 && before.functions["unknown"] == nil)
        var state = try store.load(AggregatorLimits())
        let records = store.entries.filter { $0.key.hasPrefix("x/") }
        try state.forget(records.map { ConsumerEntry(key: $0.key, value: $0.value) })
        #expect(state.figures.totals.missingInside == 0 && state.figures.totals.lost == 1)
        #expect(state.figures.functions["unknown"]?.failed == 1)
        let removed = state.takeChanges().changes.filter { $0.value == nil }.map(\.key).sorted()
        #expect(removed == ["a/\(Self.id)/a", "x/\(Self.id)"])
    }

    @Test("what comes again after its execution was forgotten is late, not new")
    func late() throws {
        let old = Self.run()
        let later = Self.run(Self.another, at: Self.start + .seconds(8 * 86_400))
        let figures = try counted(topic(old + later + old)).figures
        #expect(figures.totals.late == 9 && figures.totals.duplicates == 0)
        #expect(figures.workflows["flow"]?.started == 2)
    }

    @Test("what an open execution still misses is not late, however old it is")
    func openAndOld() throws {
        let old = Self.run()
        let later = Self.run(Self.another, at: Self.start + .seconds(8 * 86_400))
        let figures = try counted(topic(Array(old[..<3]) + later + old)).figures
        #expect(figures.totals.late == 0 && figures.totals.duplicates == 3)
        #expect(figures.workflows["flow"]?.finished == [2, 0, 0] && figures.workflows["flow"]?.open == 0)
    }

    @Test("an event from a clock that is wrong does not make others late")
    func wrongClock() throws {
        let far = Self.run(Self.another, at: Self.start + .seconds(900 * 86_400))
        var state = AggregatorState(limits: AggregatorLimits())
        for event in topic(far + Self.run()) { state.apply(event, ceiling: Self.start + .seconds(86_400)) }
        #expect(state.figures.totals.late == 0 && state.figures.workflows["flow"]?.started == 2)
    }

    @Test("what cannot be read is counted and skipped", arguments: MalformedEvents.all.map(\.0))
    func malformed(name: String) throws {
        let event = try #require(MalformedEvents.all.first { $0.0 == name }?.1)
        let figures = try counted(topic([event])).figures
        #expect(figures.totals.malformed == 1)
        #expect(figures.functions.isEmpty)
    }

    @Test("events after the final one, or a second final one, contradict the contract")
    func contradiction() throws {
        let run = Self.run()
        var after = run[8]
        after.sequence = 10
        var early = run[3]
        early.isFinal = true
        #expect(try counted(topic(run + [after])).figures.totals.malformed == 1)
        #expect(try counted(topic(Array(run[0..<3] + run[4..<9] + [early]))).figures.totals.malformed == 1)
    }

    @Test("an unknown type is counted as such and holds nothing up")
    func unknownType() throws {
        var run = Self.run()
        run[2].type = "step_dreaming"
        let figures = try counted(topic(run)).figures
        #expect(figures.totals.types.last == 1 && figures.totals.malformed == 0)
        #expect(figures.workflows["flow"]?.open == 0)
    }

    @Test("workflows, functions and codes beyond the limits share one label")
    func limits() throws {
        var random = SplitMix(state: 1)
        let runs = (0..<30).map { number in
            Self.run(ExecutionID(at: Self.start, using: &random), workflow: "flow-\(number)")
        }
        let limits = AggregatorLimits(workflowsMax: 10, functionsMax: 1, statisticsSeriesMax: 5)
        let figures = try counted(topic(runs.flatMap(\.self)), limits: limits).figures
        #expect(figures.workflows.count == 11 && figures.workflows["other"]?.started == 20)
        #expect(figures.functions.keys.sorted() == ["other", "p.one"])
        for kind in Statistics.Kind.allCases {
            #expect(figures.statistics.series.keys.filter { $0.kind == kind }.count <= 6)
        }
    }

    @Test("more gaps than a record may hold are refused")
    func gaps() throws {
        let events = (1...50).map { number in
            EncodedEvent(
                executionID: Self.id, workflow: "flow", sequence: number * 2, type: "approval_vote", time: Self.start,
                isFinal: false, bytes: [])
        }
        let figures = try counted(topic(events), limits: AggregatorLimits(rangesMax: 20)).figures
        #expect(figures.totals.malformed == 30 && figures.totals.missingInside == 19)
    }

    @Test(
        "milliseconds are read exactly, however they are written",
        arguments: [
            ("0", 0), ("12.4", 12_400), ("0.043", 43), ("30000.001", 30_000_001), ("1e3", 1_000_000), ("0.0571", 57),
            ("7.", 7000),
        ])
    func milliseconds(text: String, microseconds: UInt64) {
        let json = #" { "x":[{"data":{"t":9}},"}"], "data" : { "a":"\"}", "t" : \#(text) } }"#
        let fields = EventFields(Array(json.utf8))
        #expect(fields?.microseconds("t") == microseconds)
        #expect(fields?.string("a") == "\"}")
    }
}

/// Events that are not what their type promises, by what is wrong with them.
enum MalformedEvents {
    static var all: [(String, EncodedEvent)] {
        func event(_ type: String, _ bytes: String, sequence: Int = 1, isFinal: Bool = false) -> EncodedEvent {
            EncodedEvent(
                executionID: ExecutionID("019b8d5c-7a3b-7c4d-8e5f-0123456789ab")!, workflow: "flow", sequence: sequence,
                type: type, time: GeneratedRuns.epoch, isFinal: isFinal, bytes: Array(bytes.utf8))
        }
        let step = #"{"data":{"step_name":"s","execution_time_ms":1,"queued_ms":1,"error_code":"c"}}"#
        return [
            ("no JSON", event("step_started", "\u{1}\\\"")), ("empty", event("step_started", "")),
            ("cut off", event("step_started", #"{"data":{"step_name":"s","function":"f"#)),
            ("data is no object", event("step_started", #"{"data":[1]}"#)),
            ("no data", event("step_started", #"{"step_name":"s","function":"f"}"#)),
            ("number for a name", event("step_started", #"{"data":{"step_name":1,"function":"f"}}"#)),
            ("negative time", event("step_completed", step.replacing("_ms\":1", with: "_ms\":-1"))),
            ("huge time", event("step_completed", step.replacing("_ms\":1", with: "_ms\":1e300"))),
            ("text for a time", event("step_failed", step.replacing("_ms\":1", with: "_ms\":\"1\""))),
            ("failed without a code", event("step_failed", step.replacing("error_code", with: "code"))),
            ("unknown kind", event("approval_requested", #"{"data":{"approval_id":"a","kind":"other"}}"#)),
            ("sequence 0", event("approval_vote", "{}", sequence: 0)),
            ("sequence beyond all", event("approval_vote", "{}", sequence: .max)),
        ]
    }
}
