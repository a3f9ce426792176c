import Testing
import WorkflowModel

@testable import ApprovalNotifier

@Suite("The outbox")
struct OutboxTests {
    private let schedule = RetrySchedule(delays: [.seconds(5), .seconds(300)])
    private let start = Events.start

    private func owed(_ approval: String, _ channel: String = "a", _ stage: Delivery.Stage = .asked(0))
        -> PendingDelivery
    {
        PendingDelivery(Delivery(approvalID: approval, channel: channel, stage: stage), now: start)
    }

    private func outbox(_ owed: [PendingDelivery], concurrency: Int = 2) -> Outbox {
        var outbox = Outbox(channels: ["a", "b"], laneConcurrencyMax: concurrency)
        for pending in owed { outbox.add(pending) }
        outbox.release(owed.map(\.id))
        return outbox
    }

    private func started(_ outbox: inout Outbox, at moment: Timestamp) -> [String] {
        var started: [String] = []
        while case .start(let pending) = outbox.next(now: moment) {
            started.append("\(pending.delivery.approvalID)/\(pending.channel)/\(pending.attempts)")
        }
        return started
    }

    @Test("begins nothing that is held")
    func held() {
        var outbox = Outbox(channels: ["a"], laneConcurrencyMax: 2)
        outbox.add(owed("x"))
        #expect(outbox.next(now: start) == .wait(until: nil))
        outbox.release([owed("x").id])
        #expect(started(&outbox, at: start) == ["x/a/1"])
    }

    @Test("begins so many attempts a channel, whatever the other channels do")
    func lanes() {
        var outbox = outbox(["1", "2", "3"].map { owed($0) } + [owed("1", "b")])
        #expect(started(&outbox, at: start).sorted() == ["1/a/1", "1/b/1", "2/a/1"])
        _ = outbox.ended(owed("1").id, .delivered, now: start, schedule: schedule, chance: 0)
        // Its acknowledgement is not durable yet.
        #expect(started(&outbox, at: start) == [])
        outbox.forget(owed("1").id)
        #expect(started(&outbox, at: start) == ["3/a/1"])
    }

    @Test("tries again by the schedule of a clock that is told, and gives up after it")
    func retries() {
        var outbox = outbox([owed("x")])
        var now = start
        for (attempt, wait) in [(1, 5), (2, 300)] {
            #expect(started(&outbox, at: now) == ["x/a/\(attempt)"])
            let ending = outbox.ended(owed("x").id, .failed("no"), now: now, schedule: schedule, chance: 0)
            guard case .again(let pending) = ending else {
                Issue.record("\(ending)")
                return
            }
            #expect(pending.dueAt == now + .seconds(wait) && pending.lastError == "no")
            // What the failure came to is not durable yet, and may not overtake what the next attempt writes.
            #expect(outbox.next(now: pending.dueAt) == .wait(until: nil))
            outbox.release([pending.id])
            #expect(outbox.next(now: now) == .wait(until: pending.dueAt))
            now = pending.dueAt
        }
        #expect(started(&outbox, at: now) == ["x/a/3"])
        guard case .dead = outbox.ended(owed("x").id, .failed("no"), now: now, schedule: schedule, chance: 0) else {
            Issue.record("a fourth attempt")
            return
        }
        outbox.forget(owed("x").id)
        #expect(outbox.count == 0)
    }

    @Test("gives up at once what is refused")
    func refused() {
        var outbox = outbox([owed("x")])
        _ = outbox.next(now: start)
        guard case .dead = outbox.ended(owed("x").id, .refused("no"), now: start, schedule: schedule, chance: 0) else {
            Issue.record("tried again")
            return
        }
    }

    @Test("holds a whole channel back when its receiver asks for time")
    func pause() {
        var outbox = outbox(["1", "2", "3"].map { owed($0) } + [owed("1", "b")], concurrency: 1)
        #expect(started(&outbox, at: start) == ["1/a/1", "1/b/1"])
        _ = outbox.ended(
            owed("1").id, .failed("429", retryAfter: .seconds(60)), now: start, schedule: schedule, chance: 0)
        _ = outbox.ended(owed("1", "b").id, .delivered, now: start, schedule: schedule, chance: 0)
        #expect(outbox.next(now: start) == .wait(until: start + .seconds(60)))
        #expect(started(&outbox, at: start + .seconds(60)) == ["2/a/1"])
    }

    @Test("drops what is owed of a settled approval, and knows who may have been told")
    func drop() {
        var outbox = outbox([owed("x"), owed("x", "b"), owed("y")], concurrency: 1)
        #expect(started(&outbox, at: start) == ["x/a/1", "x/b/1"])
        _ = outbox.ended(owed("x", "b").id, .failed("no"), now: start, schedule: schedule, chance: 0)
        let dropped = outbox.drop("x")
        #expect(dropped.told == ["a", "b"] && dropped.ids.count == 2)
        // The one under way ends for itself, and nothing is tried again.
        #expect(outbox.ended(owed("x").id, .failed("no"), now: start, schedule: schedule, chance: 0) == .dropped)
        #expect(started(&outbox, at: start + .seconds(1000)) == ["y/a/1"])
        #expect(outbox.count == 1)
        #expect(outbox.drop("z").ids == [])
    }

    @Test("sends the end of an approval behind the attempt that is under way")
    func order() {
        var outbox = outbox([owed("x")])
        _ = outbox.next(now: start)
        _ = outbox.drop("x")
        let end = owed("x", "a", .settled)
        outbox.add(end)
        outbox.release([end.id])
        #expect(outbox.next(now: start) == .wait(until: nil))
        _ = outbox.ended(owed("x").id, .delivered, now: start, schedule: schedule, chance: 0)
        #expect(started(&outbox, at: start) == ["x/a/1"])
    }

    @Test("gives out what was owed to a channel that is disabled")
    func clear() {
        var outbox = outbox([owed("1"), owed("2"), owed("3")], concurrency: 1)
        _ = outbox.next(now: start)
        #expect(Set(outbox.clear("a").map(\.delivery.approvalID)) == ["2", "3"])
        #expect(outbox.next(now: start + .seconds(9)) == .wait(until: nil))
    }

    @Test("keeps the same ID for the same approval, channel and stage, and another for any other")
    func identity() {
        let ids = [owed("x"), owed("x", "b"), owed("y"), owed("x", "a", .asked(1)), owed("x", "a", .settled)].map(\.id)
        #expect(Set(ids).count == 5 && ids[0] == owed("x").id && ids.allSatisfy { $0.hasPrefix("msg_") })
    }

    @Test("the gate holds until what stood on the topic has been read")
    func gate() {
        var gate = CatchUpGate()
        gate.hold(["x"])
        #expect(gate.needsMeasure && gate.read(10) == [])
        #expect(gate.measured(lag: 5) == [] && !gate.needsMeasure)
        gate.hold(["y"])
        #expect(gate.read(4) == [] && gate.measured(lag: 3) == [])
        #expect(gate.read(1) == ["x"])
        // Offsets that are no events never come: no lag is the end all the same.
        #expect(gate.measured(lag: 0) == ["y"] && !gate.isHolding)
    }
}
