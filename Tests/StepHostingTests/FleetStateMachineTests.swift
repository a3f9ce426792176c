import Testing

@testable import StepHosting

/// Who waits and who runs, without processes.
@Suite("the fleet's state machine") struct FleetStateMachineTests {
    private static func fleet(warm: Int = 0, perPlugin: Int = 2, all: Int = 3, queue: Int = 10) -> FleetStateMachine {
        FleetStateMachine(
            settings: FleetStateMachine.Settings(
                warmPerPlugin: warm, hostsPerPluginMax: perPlugin, hostsMax: all, queuedCallsMax: queue,
                callsPerHostMax: 3, idleTimeout: 100,
                crashes: CrashHistory.Settings(crashesMax: 3, window: 60, quarantine: 10, quarantineMax: 40),
                backoff: Backoff.Settings(pause: 10, pauseMax: 40)))
    }

    @Test("a call without a host starts one and gets it when it is ready")
    func startsAHost() {
        var fleet = Self.fleet()
        #expect(fleet.submit(1, hash: "a", now: 0) == [.spawn(1, hash: "a")])
        #expect(fleet.ready(1, now: 1) == [.assign(1, 1)])
        #expect(fleet.released(1, isWorn: false, now: 2) == [])
        #expect(fleet.submit(2, hash: "a", now: 3) == [.assign(2, 1)])
    }

    @Test("the host used last is used next")
    func lastInFirstOut() {
        var fleet = Self.fleet()
        _ = fleet.submit(1, hash: "a", now: 0)
        _ = fleet.submit(2, hash: "a", now: 0)
        _ = fleet.ready(1, now: 1)
        _ = fleet.ready(2, now: 1)
        _ = fleet.released(2, isWorn: false, now: 2)
        _ = fleet.released(1, isWorn: false, now: 3)
        #expect(fleet.submit(3, hash: "a", now: 4) == [.assign(3, 1)])
    }

    @Test("above the plugin's limit calls wait in order, and a withdrawn one is passed over")
    func queues() {
        var fleet = Self.fleet(perPlugin: 1)
        #expect(fleet.submit(1, hash: "a", now: 0) == [.spawn(1, hash: "a")])
        #expect(fleet.submit(2, hash: "a", now: 0) == [])
        #expect(fleet.submit(3, hash: "a", now: 0) == [])
        #expect(fleet.ready(1, now: 1) == [.assign(1, 1)])
        let withdrawn = [fleet.withdraw(2, hash: "a"), fleet.withdraw(2, hash: "a")]
        #expect(withdrawn == [true, false])
        #expect(fleet.released(1, isWorn: false, now: 2) == [.assign(3, 1)])
        #expect(fleet.queuedCount == 0)
    }

    @Test("more calls than should wait are told of, and wait")
    func longQueue() {
        var fleet = Self.fleet(perPlugin: 1, queue: 1)
        _ = fleet.submit(1, hash: "a", now: 0)
        #expect(fleet.fault == nil)
        #expect(fleet.submit(2, hash: "a", now: 0) == [])
        #expect(fleet.fault == "2 calls wait for a step host")
        #expect(fleet.ready(1, now: 1) == [.assign(1, 1)])
        #expect(fleet.fault == nil)
        #expect(fleet.released(1, isWorn: false, now: 2) == [.assign(2, 1)])
    }

    @Test("at the limit of all hosts an idle one of another plugin makes room")
    func makesRoom() {
        var fleet = Self.fleet(all: 1)
        _ = fleet.submit(1, hash: "a", now: 0)
        _ = fleet.ready(1, now: 1)
        _ = fleet.released(1, isWorn: false, now: 2)
        #expect(fleet.submit(2, hash: "b", now: 3) == [.retire(1)])
        #expect(fleet.lost(1, isCrash: false, loadFailure: nil, now: 4) == [.spawn(2, hash: "b")])
    }

    @Test("at the limit of all hosts a busy one of another plugin makes room after its call")
    func makesRoomLater() {
        var fleet = Self.fleet(all: 1)
        _ = fleet.submit(1, hash: "a", now: 0)
        _ = fleet.ready(1, now: 1)
        #expect(fleet.submit(2, hash: "b", now: 2) == [])
        #expect(fleet.released(1, isWorn: false, now: 3) == [.retire(1)])
        #expect(fleet.lost(1, isCrash: false, loadFailure: nil, now: 4) == [.spawn(2, hash: "b")])
    }

    @Test("current builds are kept warm and refilled, others are not")
    func warm() {
        var fleet = Self.fleet(warm: 1)
        #expect(fleet.setCurrent(["a"], now: 0) == [.spawn(1, hash: "a")])
        _ = fleet.ready(1, now: 1)
        #expect(fleet.lost(1, isCrash: true, loadFailure: nil, now: 2) == [.spawn(2, hash: "a")])
        _ = fleet.ready(2, now: 3)
        #expect(fleet.trim(now: 1000) == [])
        _ = fleet.setCurrent([], now: 1000)
        #expect(fleet.trim(now: 1001) == [.retire(2)])
    }

    @Test("a host is replaced after its number of calls")
    func recycles() {
        var fleet = Self.fleet()
        _ = fleet.submit(1, hash: "a", now: 0)
        _ = fleet.ready(1, now: 0)
        _ = fleet.released(1, isWorn: false, now: 0)
        _ = fleet.submit(2, hash: "a", now: 0)
        _ = fleet.released(1, isWorn: false, now: 0)
        _ = fleet.submit(3, hash: "a", now: 0)
        #expect(fleet.released(1, isWorn: false, now: 0) == [.retire(1)])
    }

    @Test("a crash loop is put into quarantine, twice as long the second time, and fails waiting calls")
    func quarantine() {
        var fleet = Self.fleet(perPlugin: 1)
        func crash(_ call: UInt64, _ host: UInt64, at now: Int64) -> [FleetStateMachine.Action] {
            _ = fleet.submit(call, hash: "a", now: now)
            _ = fleet.ready(host, now: now)
            return fleet.lost(host, isCrash: true, loadFailure: nil, now: now)
        }
        #expect(crash(1, 1, at: 0) == [])
        #expect(crash(2, 2, at: 1) == [])
        _ = fleet.submit(3, hash: "a", now: 2)
        _ = fleet.submit(4, hash: "a", now: 2)
        _ = fleet.ready(3, now: 2)
        #expect(
            fleet.lost(3, isCrash: true, loadFailure: nil, now: 2) == [.refuse(4, .quarantined(nanoseconds: 10))])
        #expect(fleet.submit(5, hash: "a", now: 3) == [.refuse(5, .quarantined(nanoseconds: 9))])
        #expect(fleet.submit(6, hash: "a", now: 12) == [.spawn(4, hash: "a")])
        _ = fleet.ready(4, now: 12)
        _ = fleet.lost(4, isCrash: true, loadFailure: nil, now: 12)
        #expect(fleet.submit(7, hash: "a", now: 13) == [.refuse(7, .quarantined(nanoseconds: 19))])
    }

    @Test("a build that does not load fails its waiting calls after three attempts, at once when trying is no use")
    func loadFailures() {
        var fleet = Self.fleet(perPlugin: 1)
        _ = fleet.submit(1, hash: "a", now: 0)
        #expect(fleet.lost(1, isCrash: false, loadFailure: ("x", false), now: 0) == [.spawn(2, hash: "a")])
        #expect(fleet.lost(2, isCrash: false, loadFailure: ("x", false), now: 0) == [.spawn(3, hash: "a")])
        #expect(fleet.lost(3, isCrash: false, loadFailure: ("x", false), now: 0) == [.refuse(1, .cannotLoad("x"))])
        _ = fleet.submit(2, hash: "b", now: 0)
        #expect(fleet.lost(4, isCrash: false, loadFailure: ("y", true), now: 0) == [.refuse(2, .cannotLoad("y"))])
    }

    @Test("hosts that the machine does not start are tried again after growing pauses, and calls wait for ever")
    func machineFaults() {
        var fleet = Self.fleet()
        var now: Int64 = 0
        #expect(fleet.submit(1, hash: "a", now: now) == [.spawn(1, hash: "a")])
        for (host, pause) in zip(UInt64(1)..., [10, 20, 40] + Array(repeating: Int64(40), count: 20)) {
            let actions = fleet.lost(
                host, isCrash: false, loadFailure: nil, machineFault: .start("no process"), now: now)
            #expect(actions == [.wake(at: now + pause)])
            #expect(fleet.fault == "no process")
            #expect(fleet.retry(now: now + pause - 1) == [])
            // A further call does not try during the pause either.
            #expect(fleet.submit(host + 100, hash: "a", now: now) == [])
            _ = fleet.withdraw(host + 100, hash: "a")
            now += pause
            #expect(fleet.retry(now: now) == [.spawn(host + 1, hash: "a")])
        }
        #expect(!fleet.isQuarantined("a", now) && fleet.queuedCount == 1)
        #expect(fleet.submit(2, hash: "a", now: now) == [], "one host tries for all")
        #expect(fleet.submit(3, hash: "b", now: now) == [], "one host tries for all builds")
        #expect(fleet.greeted(24, now: now) == [.spawn(25, hash: "a"), .spawn(26, hash: "b")])
        #expect(fleet.fault == nil)
        #expect(fleet.ready(24, now: now) == [.assign(1, 24)])
    }

    @Test("a plugin that is slow to open keeps nobody from trying whether the machine gives processes")
    func slowOpenIsNoTry() {
        var fleet = Self.fleet()
        #expect(fleet.submit(1, hash: "slow", now: 0) == [.spawn(1, hash: "slow")])
        #expect(fleet.greeted(1, now: 0) == [])
        _ = fleet.submit(2, hash: "a", now: 0)
        #expect(
            fleet.lost(2, isCrash: false, loadFailure: nil, machineFault: .start("x"), now: 1) == [.wake(at: 11)])
        #expect(fleet.retry(now: 11) == [.spawn(3, hash: "a")])
        #expect(fleet.greeted(3, now: 12) == [] && fleet.fault == nil)
    }

    @Test("hosts that fail together make one pause")
    func failTogether() {
        var fleet = Self.fleet()
        _ = fleet.submit(1, hash: "a", now: 0)
        _ = fleet.submit(2, hash: "a", now: 0)
        func lose(_ host: UInt64) -> [FleetStateMachine.Action] {
            fleet.lost(host, isCrash: false, loadFailure: nil, machineFault: .start("x"), now: 5)
        }
        #expect(lose(1) == [.wake(at: 15)])
        #expect(lose(2) == [])
    }

    @Test("a build that neither opens nor computes waits, the others go on")
    func stalls() {
        var fleet = Self.fleet()
        _ = fleet.submit(1, hash: "a", now: 0)
        #expect(
            fleet.lost(1, isCrash: false, loadFailure: nil, machineFault: .stall("waits"), now: 0) == [.wake(at: 10)])
        #expect(fleet.fault == "waits")
        #expect(fleet.submit(2, hash: "b", now: 1) == [.spawn(2, hash: "b")])
        #expect(fleet.ready(2, now: 2) == [.assign(2, 2)])
        #expect(fleet.retry(now: 10) == [.spawn(3, hash: "a")])
        #expect(fleet.ready(3, now: 11) == [.assign(1, 3)])
        #expect(fleet.fault == nil)
    }

    @Test("when nothing waits for a host any more, nothing is known to be wrong")
    func faultEnds() {
        var fleet = Self.fleet()
        _ = fleet.submit(1, hash: "a", now: 0)
        _ = fleet.lost(1, isCrash: false, loadFailure: nil, machineFault: .start("x"), now: 0)
        _ = fleet.withdraw(1, hash: "a")
        #expect(fleet.retry(now: 10) == [])
        #expect(fleet.fault == nil)
    }

    @Test("a call its host never got goes before the others")
    func undelivered() {
        var fleet = Self.fleet(perPlugin: 1)
        _ = fleet.submit(1, hash: "a", now: 0)
        _ = fleet.submit(2, hash: "a", now: 0)
        #expect(fleet.ready(1, now: 0) == [.assign(1, 1)])
        #expect(fleet.undelivered(1, by: 1, now: 0) == [])
        #expect(fleet.lost(1, isCrash: false, loadFailure: nil, now: 0) == [.spawn(2, hash: "a")])
        #expect(fleet.ready(2, now: 0) == [.assign(1, 2)])
    }

    @Test("stopping refuses what waits and retires every host")
    func stops() {
        var fleet = Self.fleet(perPlugin: 1)
        _ = fleet.submit(1, hash: "a", now: 0)
        _ = fleet.ready(1, now: 0)
        _ = fleet.submit(2, hash: "a", now: 0)
        #expect(fleet.stop() == [.refuse(2, .stopping), .retire(1)])
        #expect(fleet.submit(3, hash: "a", now: 0) == [.refuse(3, .stopping)])
        #expect(fleet.released(1, isWorn: false, now: 0) == [.retire(1)])
        #expect(fleet.lost(1, isCrash: false, loadFailure: nil, now: 0) == [])
        #expect(fleet.hostCount == 0)
    }
}
