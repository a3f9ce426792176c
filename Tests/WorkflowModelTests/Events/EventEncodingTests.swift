import Testing
import WorkflowModel

@Suite("Event bytes")
struct EventEncodingTests {
    /// The order of DESIGN's event contract, written here once more on purpose: a checker does not use what it checks.
    static let envelope = ["id", "type", "execution_id", "workflow", "sequence", "time", "progress", "final", "data"]
    static let data: [String: [String]] = [
        "execution_started": ["deliverable_type", "total_steps", "started_at", "definition_revision"],
        "step_started": ["step_number", "step_name", "function", "attempt"],
        "step_completed": [
            "step_number", "step_name", "status", "execution_time_ms", "error_message", "progress", "attempt",
            "queued_ms",
        ],
        "step_failed": [
            "step_number", "step_name", "status", "execution_time_ms", "error_message", "progress", "attempt",
            "queued_ms", "error_code",
        ],
        "execution_completed": [
            "status", "risk_score", "requires_approval", "total_steps", "successful_steps", "progress",
        ],
        "execution_failed": ["error_message", "progress", "failed_step", "error_code"],
        "step_retrying": [
            "step_number", "step_name", "attempt", "error_code", "error_message", "execution_time_ms",
            "next_attempt_at",
        ],
        "step_skipped": ["step_number", "step_name", "reason", "progress"],
        "execution_cancelled": ["reason", "requested_by", "progress"],
        "approval_requested": [
            "approval_id", "kind", "step_name", "approvers", "quorum", "four_eyes", "deadline_at", "risk_score",
            "reason", "form_schema",
        ],
        "approval_vote": ["approval_id", "approver", "decision", "comment", "at"],
        "approval_reminder": ["approval_id", "stage", "approvers", "deadline_at"],
        "approval_escalated": ["approval_id", "stage", "approvers", "deadline_at"],
        "approval_granted": ["approval_id", "decided_by", "comment", "policy"],
        "approval_rejected": ["approval_id", "decided_by", "comment", "policy"],
        "approval_expired": ["approval_id", "decided_by", "comment", "policy"],
    ]

    static func golden(_ type: EventType) throws -> [UInt8] {
        try Repository.bytes("Tests/WorkflowModelTests/Golden/\(type.rawValue).json")
    }

    @Test("every type's event is its golden file, byte for byte", arguments: EventType.allCases)
    func golden(type: EventType) throws {
        let event = try #require(SampleEvents.sample(type))
        let golden = try Self.golden(type)
        #expect(event.encoded == golden, "\(String(decoding: event.encoded, as: UTF8.self))")
    }

    @Test("there is one golden file for each type and none besides")
    func goldenFiles() throws {
        let names = try Repository.names("Tests/WorkflowModelTests/Golden").filter { $0.hasSuffix(".json") }
        #expect(names == EventType.allCases.map { "\($0.rawValue).json" }.sorted())
    }

    @Test("golden files stay readable, one line each, with the contract's keys in order", arguments: EventType.allCases)
    func keys(type: EventType) throws {
        let bytes = try Self.golden(type)
        #expect(!bytes.contains(0x0A))
        let event = try JSONValue(parsing: bytes)
        #expect(event.objectValue?.keys == Self.envelope)
        #expect(event["data"]?.objectValue?.keys == Self.data[type.rawValue])
        #expect(event["type"] == .string(type.rawValue))
        #expect(event.encoded == bytes)
    }

    @Test("random events are read back with the values they were made of")
    func random() throws {
        for seed in 1...200 as ClosedRange<UInt64> {
            var random = SeededGenerator(seed: seed)
            let id = ExecutionID(at: Timestamp(microseconds: Int64(seed) * 1_000_000), using: &random)
            let text = String.random(using: &random)
            let milliseconds = Double(Int.random(in: 0..<10_000_000, using: &random)) / 1000
            let number = Int.random(in: 1...10_000, using: &random)
            let event = WorkflowEvent(
                executionID: id, workflow: text, sequence: number, time: id.time, progress: 50, isFinal: false,
                data: .stepFailed(
                    .init(
                        stepNumber: number, stepName: text, executionTimeMilliseconds: milliseconds,
                        errorMessage: text, progress: 50, attempt: number, queuedMilliseconds: milliseconds,
                        errorCode: text)))
            let value = try JSONValue(parsing: event.encoded)
            #expect(value["id"] == .string("\(id):\(number)"), "seed \(seed)")
            #expect(value["workflow"] == .string(text), "seed \(seed)")
            #expect(value["data"]?["execution_time_ms"] == .double(milliseconds), "seed \(seed)")
            #expect(value["data"]?["error_message"] == .string(text), "seed \(seed)")
            #expect(value.encoded == event.encoded, "seed \(seed)")
        }
    }

    @Test("the encoded event carries what readers need without parsing")
    func encodedEvent() throws {
        for event in SampleEvents.all {
            let encoded = EncodedEvent(event, traceparent: "00-x")
            let value = try JSONValue(parsing: encoded.bytes)
            #expect(value["id"] == .string(encoded.id))
            #expect(value["type"] == .string(encoded.type))
            #expect(value["sequence"] == .int(Int64(encoded.sequence)))
            #expect(value["time"] == .string(encoded.time.description))
            #expect(value["final"] == .bool(encoded.isFinal))
            #expect(value["workflow"] == .string(encoded.workflow))
            #expect(encoded.traceparent == "00-x")
        }
    }

    @Test(
        "progress is the seed's arithmetic in doubles",
        arguments: [
            (0, 3, 0), (1, 3, 33), (2, 3, 66), (3, 3, 100), (29, 100, 28), (57, 100, 56), (58, 100, 57), (0, 0, 100),
        ])
    func progress(_ finished: Int, _ total: Int, _ expected: Int) {
        #expect(WorkflowEvent.progress(finished: finished, total: total) == expected)
    }

    @Test("progress never falls and ends at 100, whatever the number of steps")
    func progressRises() {
        for total in [1, 2, 3, 7, 100, 999, 10_000] {
            let values = (0...total).map { WorkflowEvent.progress(finished: $0, total: total) }
            #expect(zip(values, values.dropFirst()).allSatisfy { $0 <= $1 })
            #expect(values.last == 100)
        }
    }
}
