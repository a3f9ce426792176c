@testable import Orchestrator
import Simulation
import Testing
import WorkflowEngine

@Suite("stopping executions", .timeLimit(.minutes(1)))
struct StopTests {
    @Test("the stop ends with the last commit, not with its grace")
    func endsWithLastCommit() async throws {
        // No step runs, so that nothing but the commit's end can end the stop.
        let office = try await Office("{name: gate, steps: [{name: g, approval: {approvers: [all]}}]}")
        office.journal.holdCommits()
        async let started = office.start()
        while office.journal.heldCommitCount == 0 { await Task.yield() }
        let stop = Task { await office.executions.stop(grace: .seconds(3600)) }
        while await !office.executions.isStopping { await Task.yield() }
        office.journal.releaseCommits()
        await stop.value
        _ = try await started
    }

    @Test("a commit that waits for the disk when the grace ends is left to the next start, and is no journal's refusal")
    func waitingCommit() async throws {
        let office = try await Office("{name: hold, steps: [{name: h, function: test.hold}]}") {
            $0.appendPause = .milliseconds(300)
        }
        _ = try await office.start()
        var calls = office.steps.held.makeAsyncIterator()
        _ = await calls.next()
        office.journal.inject(.refuse(JournalError(.diskFull, "full")))
        office.steps.releaseAll()
        while office.journal.pendingFaultCount > 0 { await Task.yield() }
        await office.executions.stop(grace: .zero)
        await office.journal.close()
        while await office.executions.openCount > 0 { await Task.yield() }
        #expect(office.fatal.errors.isEmpty)
    }

    @Test("a server without executions ends when its journal was moved away, and takes no more")
    func movedJournal() async throws {
        let office = try await Office("{name: hold, steps: [{name: h, function: test.hold}]}")
        await office.executions.checkJournal()
        #expect(office.fatal.errors.isEmpty)
        office.journal.failChecks(JournalError(.moved, "gone"))
        await office.executions.checkJournal()
        await office.executions.checkJournal()
        #expect(office.fatal.errors.map(\.code) == [.moved])
        await #expect(throws: OrchestratorError.self) { _ = try await office.start() }
    }
}
