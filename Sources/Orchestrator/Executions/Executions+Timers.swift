import Logging
import WorkflowEngine
import WorkflowModel

extension Executions {
    func setTimer(_ at: Timestamp, _ slot: ExecutionSlot) {
        slot.timer?.cancel()
        let execution = slot.execution
        let delay = max(at - clock.now, .zero)
        slot.timer = Task {
            do { try await Task.sleep(for: delay) } catch { return }
            if let slot = slots[execution] { post(.wake, to: slot) }
        }
    }

    /// Sets every timer again when the wall clock was set, and ends the process when the journal was moved away, until
    /// the task is cancelled. (A commit notices a moved journal, too, but a server without executions makes none.)
    ///
    /// Timers are due by the wall clock and slept for by the monotonic one, so that a clock that is set forward would
    /// let them oversleep.
    package func watch() async {
        while !isStopping {
            compareClocks()
            await checkJournal()
            do { try await Task.sleep(for: configuration.clockCheckInterval) } catch { return }
        }
    }

    package func checkJournal() async {
        do throws(JournalError) { try await journal.check() } catch { end(by: error) }
    }

    /// Sets every timer again if the wall clock was set since the last comparison.
    package func compareClocks() {
        let now = (wall: clock.now, monotonic: ContinuousClock.now)
        defer { clocksCompared = now }
        guard let last = clocksCompared else { return }
        let gained = (now.wall - last.wall) - (now.monotonic - last.monotonic)
        guard gained > configuration.clockDriftMax || gained < .zero - configuration.clockDriftMax else { return }
        logger.notice("the clock was set", metadata: ["by": "\(gained)"])
        for slot in slots.values {
            if let due = slot.machine.state.nextTimer { setTimer(due, slot) }
        }
    }
}
