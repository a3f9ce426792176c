import Testing
import WorkflowModel

@Suite("pauses that double")
struct DoublingPauseTests {
    @Test("double up to the limit, and begin anew after a try that worked")
    func doubles() {
        var pause = DoublingPause(from: .milliseconds(100), to: .milliseconds(350))
        #expect((0..<4).map { _ in pause.next() } == [100, 200, 350, 350].map { .milliseconds($0) })
        pause.reset()
        #expect(pause.next() == .milliseconds(100) && pause.next() == .milliseconds(200))
    }
}
