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

    /// Sets every timer again when the wall clock was set, until the task is cancelled.
    ///
    /// Timers are due by the wall clock and slept for by the monotonic one, so that a clock that is set forward would
    /// let them oversleep.
    package func watchClock() async {
        while !isStopping {
            compareClocks()
            do { try await Task.sleep(for: configuration.clockCheckInterval) } catch { return }
        }
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
