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
        let monotonic = ContinuousClock()
        var last = (wall: clock.now, monotonic: monotonic.now)
        while !isStopping {
            do { try await Task.sleep(for: configuration.clockCheckInterval) } catch { return }
            let now = (wall: clock.now, monotonic: monotonic.now)
            let gained = (now.wall - last.wall) - (now.monotonic - last.monotonic)
            last = now
            guard gained > configuration.clockDriftMax || gained < .zero - configuration.clockDriftMax else { continue }
            logger.notice("the clock was set", metadata: ["by": "\(gained)"])
            for slot in slots.values {
                if let due = slot.machine.state.nextTimer { setTimer(due, slot) }
            }
        }
    }
}
