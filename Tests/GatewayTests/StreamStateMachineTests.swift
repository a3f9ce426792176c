import EventBus
import Testing
import WebServing
import WorkflowModel

@testable import Gateway

@Suite("the decisions of a stream")
struct StreamStateMachineTests {
    /// One line of the transition table.
    struct Row: CustomTestStringConvertible, Sendable {
        var testDescription: String
        /// Sequences in the log, in the order they came.
        var held: [Int] = []
        var final: Int?
        var after = 0
        var completeAfter: Int?
        var unservableFrom: Int?
        var isTruncated = false
        var expected: String

        init(
            _ description: String, held: [Int] = [], final: Int? = nil, after: Int = 0, completeAfter: Int? = nil,
            unservableFrom: Int? = nil, isTruncated: Bool = false, _ expected: String
        ) {
            testDescription = description
            self.held = held
            self.final = final
            self.after = after
            self.completeAfter = completeAfter
            self.unservableFrom = unservableFrom
            self.isTruncated = isTruncated
            self.expected = expected
        }
    }

    static let table = [
        Row("nothing is known: ask history", "fetch 0"),
        Row("nothing is known after a position: ask from one before", after: 5, "fetch 4"),
        Row("nothing there and history says so: wait", completeAfter: 0, "wait"),
        Row("from the start", held: [1, 2, 3], completeAfter: 0, "send 1…3"),
        Row("from a position", held: [1, 2, 3], after: 2, completeAfter: 0, "send 3…3"),
        Row("duplicates count once", held: [1, 2, 1, 2, 3, 2], "send 1…3"),
        Row("up to a gap", held: [1, 2, 5], "send 1…2"),
        Row("at a gap: ask history", held: [1, 2, 5], after: 2, completeAfter: 0, "fetch 2"),
        Row("a late event closed the gap", held: [1, 2, 5, 4, 3], after: 2, "send 3…5"),
        Row("the log begins later", held: [4, 5], completeAfter: 3, "fetch 0"),
        Row("at the head of a log that is complete", held: [4, 5], after: 5, completeAfter: 3, "wait"),
        Row("at the head of a log that is not", held: [4, 5], after: 5, "fetch 4"),
        Row("ahead of the log, as after another gateway", held: [1, 2], after: 7, completeAfter: 0, "wait"),
        Row("history cannot fill the gap", held: [1, 2, 5], after: 2, unservableFrom: 2, "missing 3…4"),
        Row("history has nothing at all", after: 3, unservableFrom: 0, isTruncated: true, "missing 4…?"),
        Row("a gap beyond what history was asked for", held: [1, 2], after: 5, unservableFrom: 5, "wait"),
        Row("everything was sent", held: [1, 2, 3], final: 3, after: 3, "end"),
        Row("a position beyond the end", held: [1, 2, 3], final: 3, after: 9, "end"),
        Row("the final event itself", held: [1, 2, 3], final: 3, after: 2, "send 3…3"),
        Row("final seen, gap before it", held: [1, 3], final: 3, after: 1, completeAfter: 0, "fetch 1"),
    ]

    @Test("each state leads where the table says", arguments: table)
    func transition(row: Row) {
        var log = ExecutionLog(isComplete: false)
        let execution = Executions.id()
        for sequence in row.held { log.insert(Executions.event(execution, sequence, of: row.final ?? 0)) }
        if let after = row.completeAfter { log.markComplete(after: after) }
        if let from = row.unservableFrom { log.markUnservable(after: from, isTruncated: row.isTruncated) }
        #expect(describe(StreamStateMachine(after: row.after).next(in: log)) == row.expected)
    }

    @Test("a refused client waits until there is room, an ended one for good")
    func blocked() {
        var log = ExecutionLog(isComplete: true)
        log.insert(Executions.event(Executions.id(), 1, of: 1))
        var machine = StreamStateMachine(after: 0)
        machine.didRefuse()
        #expect(describe(machine.next(in: log)) == "wait")
        machine.hasRoom()
        #expect(describe(machine.next(in: log)) == "send 1…1")
        machine.didSend(through: 1)
        #expect(describe(machine.next(in: log)) == "end")
        machine.didEnd()
        #expect(describe(machine.next(in: log)) == "wait")
    }

    @Test("a truncated history is announced once")
    func announcedOnce() {
        var log = ExecutionLog(isComplete: false)
        log.markUnservable(after: 0, isTruncated: true)
        var machine = StreamStateMachine(after: 0)
        #expect(describe(machine.next(in: log)) == "missing 1…?")
        machine.didAnnounceMissing(to: nil)
        #expect(describe(machine.next(in: log)) == "wait")
    }

    @Test("a run is cut at the limit, but never below one event")
    func runLimit() {
        var log = ExecutionLog(isComplete: true)
        let events = Executions.run(Executions.id(), count: 10, size: 20_000)
        for event in events { log.insert(event) }
        #expect(describe(StreamStateMachine(after: 0).next(in: log)) == "send 1…3")
        #expect(log.run(after: 0, bytesMax: 1).count == 1)
    }

    @Test("giving memory back keeps what is known and asks history for the rest")
    func evicted() {
        var log = ExecutionLog(isComplete: true)
        for event in Executions.run(Executions.id(), count: 4).dropLast() { log.insert(event) }
        log.evict()
        #expect(log.byteCount == 0)
        #expect(describe(StreamStateMachine(after: 1).next(in: log)) == "fetch 1")
        #expect(describe(StreamStateMachine(after: 3).next(in: log)) == "wait")
        log.insert(Executions.event(Executions.id(), 4, of: 4))
        #expect(describe(StreamStateMachine(after: 3).next(in: log)) == "send 4…4")
    }

    private func describe(_ action: StreamStateMachine.Action) -> String {
        switch action {
        case .send(let messages, let through): "send \(messages.first?.sequence ?? -1)…\(through)"
        case .fetch(let after): "fetch \(after)"
        case .announceMissing(let from, let to): "missing \(from)…\(to.map(String.init) ?? "?")"
        case .end: "end"
        case .wait: "wait"
        }
    }
}
