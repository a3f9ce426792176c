import StepABI
import Testing
import WorkflowEngine

@testable import StepHosting

/// The life of a host as a table: what each input does in each state.
@Suite("the host's state machine") struct HostStateMachineTests {
    private static let settings = HostStateMachine.Settings(
        pluginPath: "/p.so", pluginConfiguration: [], helloTimeout: 10, openTimeout: 20, openWaitMax: 1_000, grace: 5,
        closedChannelTimeout: 3)

    enum Phase: CaseIterable { case greeting, opening, idle, busy, stopping, closing, dying, dead }
    enum Input: CaseIterable {
        case hello, badHello, ready, loadFailed, complete, stranger, cancel, retire, timer, exit
    }

    /// At time 0 the machine begins; every phase is reached by time 0, so that timers are known.
    private static func machine(in phase: Phase) -> HostStateMachine {
        var machine = HostStateMachine(settings: settings, now: 0)
        if phase == .greeting { return machine }
        _ = machine.received(hello(version: STEP_WIRE_VERSION), now: 0)
        _ = machine.received(confined, now: 0)
        if phase == .opening { return machine }
        _ = machine.received(.ready(describe: []), now: 0)
        switch phase {
        case .greeting, .opening, .idle: break
        case .busy: _ = machine.begin(7, timeout: 100, now: 0)
        case .stopping:
            _ = machine.begin(7, timeout: 100, now: 0)
            _ = machine.cancel(7, reason: .requested, now: 0)
        case .closing: _ = machine.retire(now: 0)
        case .dying: _ = machine.violated("test")
        case .dead: _ = machine.exited(ExitStatus(signal: 9, code: 0), now: 0)
        }
        return machine
    }

    private static let confined = WireMessage.confined(Confinement(measures: [], landlockABI: 0))

    private static func hello(version: UInt32) -> WireMessage {
        .hello(WireMessage.Hello(magic: STEP_WIRE_MAGIC, version: version, confinement: 0))
    }

    private static func apply(_ input: Input, to machine: inout HostStateMachine) -> [HostStateMachine.Action] {
        let completion = WireMessage.Completion(status: 0, nanoseconds: 1, risk: nil, payload: [])
        switch input {
        case .hello: return machine.received(hello(version: STEP_WIRE_VERSION), now: 1)
        case .badHello: return machine.received(hello(version: STEP_WIRE_VERSION + 1), now: 1)
        case .ready: return machine.received(.ready(describe: []), now: 1)
        case .loadFailed: return machine.received(.loadFailed(code: "c", message: "m"), now: 1)
        case .complete: return machine.received(.complete(call: 7, completion), now: 1)
        case .stranger: return machine.received(.complete(call: 8, completion), now: 1)
        case .cancel: return machine.cancel(7, reason: .requested, now: 1)
        case .retire: return machine.retire(now: 1)
        case .timer: return machine.timerFired(now: 1000) { 0 }
        case .exit: return machine.exited(ExitStatus(signal: 11, code: 0), now: 1)
        }
    }

    /// The phase after, and the actions: g(reeted), s(end), k(ill), r(eady), f(inished), l(ate), d(ied).
    private static let table: [Phase: [Input: String]] = [
        .greeting: [
            .hello: "opening g s", .badHello: "dying k", .ready: "dying k", .loadFailed: "dying k",
            .complete: "dying k", .stranger: "dying k", .cancel: "greeting", .retire: "dying k", .timer: "dying k", .exit: "dead d",
        ],
        .opening: [
            .hello: "dying k", .badHello: "dying k", .ready: "idle r", .loadFailed: "dying k", .complete: "dying k",
            .stranger: "dying k", .cancel: "opening", .retire: "dying k", .timer: "dying k", .exit: "dead d",
        ],
        .idle: [
            .hello: "dying k", .badHello: "dying k", .ready: "dying k", .loadFailed: "dying k", .complete: "idle l",
            .stranger: "idle l", .cancel: "idle", .retire: "closing s", .timer: "idle", .exit: "dead d",
        ],
        .busy: [
            .hello: "dying k", .badHello: "dying k", .ready: "dying k", .loadFailed: "dying k", .complete: "idle f",
            .stranger: "busy l", .cancel: "stopping s", .retire: "stopping s", .timer: "stopping s", .exit: "dead d",
        ],
        .stopping: [
            .hello: "dying k", .badHello: "dying k", .ready: "dying k", .loadFailed: "dying k", .complete: "idle f",
            .stranger: "stopping l", .cancel: "stopping", .retire: "stopping", .timer: "dying k", .exit: "dead d",
        ],
        .closing: [
            .hello: "dying k", .badHello: "dying k", .ready: "dying k", .loadFailed: "dying k", .complete: "closing l",
            .stranger: "closing l", .cancel: "closing", .retire: "closing", .timer: "dying k", .exit: "dead d",
        ],
        .dying: [
            .hello: "dying", .badHello: "dying", .ready: "dying", .loadFailed: "dying", .complete: "dying",
            .stranger: "dying", .cancel: "dying", .retire: "dying", .timer: "dying", .exit: "dead d",
        ],
        .dead: [
            .hello: "dead", .badHello: "dead", .ready: "dead", .loadFailed: "dead", .complete: "dead",
            .stranger: "dead", .cancel: "dead", .retire: "dead", .timer: "dead", .exit: "dead",
        ],
    ]

    private static func describe(_ machine: HostStateMachine, _ actions: [HostStateMachine.Action]) -> String {
        let phase: Phase =
            switch machine.state {
            case .greeting: .greeting
            case .opening: .opening
            case .idle: .idle
            case .busy(let call): call.cancelReason == nil ? .busy : .stopping
            case .closing: .closing
            case .dying: .dying
            case .dead: .dead
            }
        let marks = actions.map { action in
            switch action {
            case .send: "s"
            case .kill: "k"
            case .report(.greeted): "g"
            case .report(.ready): "r"
            case .report(.finished): "f"
            case .report(.counted): "l"
            case .report(.died): "d"
            case .report: "?"
            }
        }
        return ([("\(phase)")] + marks).joined(separator: " ")
    }

    @Test("every input in every state does what the table says", arguments: Phase.allCases)
    func transitions(from phase: Phase) throws {
        for input in Input.allCases {
            var machine = Self.machine(in: phase)
            let actions = Self.apply(input, to: &machine)
            let expected = try #require(Self.table[phase]?[input])
            #expect(Self.describe(machine, actions) == expected, "\(input) in \(phase)")
        }
    }

    private static func step(
        _ machine: inout HostStateMachine, _ body: (inout HostStateMachine) -> [HostStateMachine.Action]
    ) -> String {
        let actions = body(&machine)
        return describe(machine, actions)
    }

    private static func death(_ actions: [HostStateMachine.Action]) -> (HostDeath, CallEnd?)? {
        for case .report(.died(let death, let call)) in actions { return (death, call) }
        return nil
    }

    @Test("what a host does before HELLO is no plugin's doing")
    func beforeHello() throws {
        let inputs: [(inout HostStateMachine) -> Void] = [
            { _ = $0.timerFired(now: 10) { .max } },
            { _ = $0.received(Self.hello(version: STEP_WIRE_VERSION + 1), now: 1) },
            { _ = $0.received(.ready(describe: []), now: 1) },
            { _ = $0.violated("rubbish") },
            { _ = $0.channelClosed(now: 1); _ = $0.timerFired(now: 4) { 0 } },
            { _ in },
        ]
        for input in inputs {
            for status in [ExitStatus(signal: 11, code: 0), ExitStatus(signal: 0, code: 74)] {
                var machine = Self.machine(in: .greeting)
                input(&machine)
                let death = try #require(Self.death(machine.exited(status, now: 20))).0
                #expect(!death.isCrash && death.machineFault != nil, "\(death)")
            }
        }
    }

    @Test("a plugin is blamed for the processor time it takes to open, not for the time it waits")
    func opening() throws {
        var machine = Self.machine(in: .opening)
        #expect(machine.wakeAt == 20)
        #expect(Self.step(&machine) { $0.timerFired(now: 20) { 19 } } == "opening")
        #expect(Self.step(&machine) { $0.timerFired(now: 999) { 19 } } == "opening")
        var computing = machine
        #expect(Self.step(&computing) { $0.timerFired(now: 1_000) { 20 } } == "dying k")
        let blamed = try #require(Self.death(computing.exited(ExitStatus(signal: 9, code: 0), now: 1_001))).0
        #expect(blamed.isCrash && blamed.machineFault == nil)
        #expect(Self.step(&machine) { $0.timerFired(now: 1_000) { 19 } } == "dying k")
        let spared = try #require(Self.death(machine.exited(ExitStatus(signal: 9, code: 0), now: 1_001))).0
        #expect(!spared.isCrash && spared.machineFault == .stall("the plugin waits for something and does not open"))
    }

    @Test("a call over its deadline is told to stop, killed after the grace, and blamed for the deadline")
    func deadline() throws {
        var machine = Self.machine(in: .busy)
        #expect(machine.wakeAt == 100)
        #expect(Self.step(&machine) { $0.timerFired(now: 99) { 0 } } == "busy")
        #expect(Self.step(&machine) { $0.timerFired(now: 100) { 0 } } == "stopping s")
        #expect(machine.wakeAt == 105)
        #expect(machine.timerFired(now: 104) { 0 }.isEmpty)
        #expect(Self.step(&machine) { $0.timerFired(now: 105) { 0 } } == "dying k")
        let end = try #require(Self.death(machine.exited(ExitStatus(signal: 9, code: 0), now: 106)))
        #expect(end.0 == .killedAtDeadline)
        #expect(end.1?.call == 7)
    }

    @Test("a call that promised heartbeats is told to stop after its silence, and blamed for it")
    func silence() throws {
        var machine = Self.machine(in: .idle)
        let isTaken = machine.begin(7, timeout: 100, heartbeatTimeout: 30, now: 0)
        #expect(isTaken)
        #expect(machine.wakeAt == 30)
        _ = machine.received(.heartbeat(call: 7, details: [1]), now: 29)
        _ = machine.received(.heartbeat(call: 8, details: []), now: 50)
        #expect(machine.wakeAt == 59)
        #expect(Self.step(&machine) { $0.timerFired(now: 58) { 0 } } == "busy")
        let told = machine.timerFired(now: 59) { 0 }
        guard case .send(let frame)? = told.first, told.count == 1 else {
            Issue.record("the call was not told to stop")
            return
        }
        #expect(frame.suffix(4) == [UInt8(STEP_CANCEL_HEARTBEAT), 0, 0, 0])
        // A sign of life comes too late.
        _ = machine.received(.heartbeat(call: 7, details: [2]), now: 60)
        #expect(machine.wakeAt == 64)
        #expect(Self.step(&machine) { $0.timerFired(now: 64) { 0 } } == "dying k")
        let end = try #require(Self.death(machine.exited(ExitStatus(signal: 9, code: 0), now: 65)))
        #expect(end.0 == .killedWithoutHeartbeat)
        #expect(end.1?.cancelReason == .heartbeatLost)
    }

    @Test("a call that sends heartbeats still ends at its deadline")
    func deadlineWithHeartbeats() {
        var machine = Self.machine(in: .idle)
        let isTaken = machine.begin(7, timeout: 100, heartbeatTimeout: 30, now: 0)
        #expect(isTaken)
        for now in stride(from: Int64(20), through: 100, by: 20) {
            _ = machine.received(.heartbeat(call: 7, details: []), now: now)
        }
        #expect(machine.wakeAt == 100)
        _ = machine.timerFired(now: 100) { 0 }
        guard case .busy(let call) = machine.state else {
            Issue.record("the call is over")
            return
        }
        #expect(call.cancelReason == .deadline)
    }

    @Test("a secret is asked for by the call that runs, and not without end")
    func requests() {
        var machine = Self.machine(in: .busy)
        func status(_ actions: [HostStateMachine.Action]) -> UInt8? {
            // u32 length | u8 kind | u64 call | u64 token | i32 status | …
            if case .send(let frame)? = actions.first { frame[21] } else { nil }
        }
        func ask(_ call: UInt64, kind: Int = STEP_REQUEST_SECRET_GET) -> [HostStateMachine.Action] {
            machine.received(.request(call: call, kind: UInt32(kind), token: 1, key: "k"), now: 1)
        }
        #expect(status(ask(8)) == UInt8(STEP_REPLY_REFUSED))
        #expect(status(ask(7, kind: 9)) == UInt8(STEP_REPLY_UNKNOWN_KIND))
        for number in 1...10_000 {
            guard case .report(.secretRequested(7, 1, "k"))? = ask(7).first else {
                Issue.record("request \(number) was not asked on")
                return
            }
        }
        #expect(status(ask(7)) == UInt8(STEP_REPLY_REFUSED))
    }

    @Test("an answer within the grace is the call's end")
    func answerInGrace() {
        var machine = Self.machine(in: .busy)
        _ = machine.timerFired(now: 100) { 0 }
        let completion = WireMessage.Completion(status: 0, nanoseconds: 1, risk: nil, payload: [])
        #expect(Self.step(&machine) { $0.received(.complete(call: 7, completion), now: 101) } == "idle f")
        #expect(machine.wakeAt == .max)
    }

    @Test("a closed channel has a moment to become an exit, then the process is killed for it")
    func closedChannel() throws {
        var machine = Self.machine(in: .busy)
        _ = machine.channelClosed(now: 10)
        #expect(machine.wakeAt == 13)
        var other = machine
        #expect(try #require(Self.death(machine.exited(ExitStatus(signal: 11, code: 0), now: 11))).0 == .signal(11))
        _ = other.timerFired(now: 13) { 0 }
        let death = try #require(Self.death(other.exited(ExitStatus(signal: 9, code: 0), now: 14))).0
        #expect(death == .protocolViolation("the plugin closed the channel to the server"))
    }

    @Test("a host whose channel is closed takes no call")
    func noCallOnAClosedChannel() {
        var machine = Self.machine(in: .idle)
        _ = machine.channelClosed(now: 1)
        let isTaken = machine.begin(1, timeout: 10, now: 1)
        #expect(!isTaken)
    }

    @Test("exit with status 0 during a call is an early exit, during closing it is none")
    func exits() throws {
        var busy = Self.machine(in: .busy)
        #expect(try #require(Self.death(busy.exited(ExitStatus(signal: 0, code: 0), now: 1))).0 == .exited(0))
        var closing = Self.machine(in: .closing)
        #expect(try #require(Self.death(closing.exited(ExitStatus(signal: 0, code: 0), now: 1))).0 == .retired)
    }

    @Test("counters are reported as what was added, of any size, and falling ones are a violation")
    func counters() {
        var machine = Self.machine(in: .idle)
        func late(_ value: UInt64) -> Int {
            for case .report(.counted(let late, _)) in machine.received(
                .counters(lateCompletions: value, droppedLogs: 0), now: 1)
            { return late }
            return 0
        }
        #expect([late(2), late(2), late(5), late(.max), late(.max)] == [2, 0, 3, .max, 0])
        #expect(Self.step(&machine) { $0.received(.counters(lateCompletions: 1, droppedLogs: 0), now: 1) } == "dying k")
    }

    @Test("what a process uses is looked at while a call runs, and its deadline comes all the same")
    func inspections() throws {
        var settings = Self.settings
        settings.inspectionInterval = 30
        var machine = HostStateMachine(settings: settings, now: 0)
        _ = machine.received(.hello(.init(magic: STEP_WIRE_MAGIC, version: STEP_WIRE_VERSION, confinement: 0)), now: 0)
        _ = machine.received(Self.confined, now: 0)
        _ = machine.received(.ready(describe: []), now: 0)
        #expect(machine.wakeAt == .max)
        _ = machine.begin(7, timeout: 100, now: 0)
        for time: Int64 in [30, 60, 90] {
            #expect(machine.wakeAt == time)
            guard case .report(.inspect)? = machine.timerFired(now: time, processorTime: { 0 }).first else {
                Issue.record("no look at \(time)")
                return
            }
        }
        #expect(machine.wakeAt == 100)
        guard case .send? = machine.timerFired(now: 100, processorTime: { 0 }).first else {
            Issue.record("no cancel at the deadline")
            return
        }
        // Looks that began before the call, or during another one, say nothing of this one.
        #expect(Self.step(&machine) { $0.exceeded("much", during: nil) } == "stopping")
        #expect(Self.step(&machine) { $0.exceeded("much", during: 6) } == "stopping")
        #expect(Self.step(&machine) { $0.exceeded("much", during: 7) } == "dying k")
        let death = try #require(Self.death(machine.exited(ExitStatus(signal: 9, code: 0), now: 101))).0
        #expect(death == .killedBeyondLimit("much") && !death.isCrash)
    }

    @Test("what holds a host is what it said before any code of a plugin ran in it")
    func forgedConfinement() throws {
        var early = Self.machine(in: .greeting)
        _ = early.received(Self.hello(version: STEP_WIRE_VERSION), now: 0)
        #expect(Self.step(&early) { $0.received(.ready(describe: []), now: 1) } == "dying k")
        var twice = Self.machine(in: .opening)
        #expect(Self.step(&twice) { $0.received(Self.confined, now: 1) } == "dying k")
    }

    @Test("a host that ends before it says what holds it is no plugin's doing")
    func endsBeforeConfined() throws {
        var machine = Self.machine(in: .greeting)
        _ = machine.received(Self.hello(version: STEP_WIRE_VERSION), now: 0)
        let death = try #require(Self.death(machine.exited(ExitStatus(signal: 0, code: 75), now: 1))).0
        #expect(death.machineFault != nil && !death.isCrash)
        var blamed = Self.machine(in: .opening)
        let own = try #require(Self.death(blamed.exited(ExitStatus(signal: 0, code: 75), now: 1))).0
        #expect(own == .exited(75) && own.isCrash)
    }

    @Test("a host that floods the server with frames is ended, one that answers many calls is not")
    func floods() {
        var machine = Self.machine(in: .busy)
        for _ in 0..<HostStateMachine.framesMax - 3 {
            _ = machine.received(.slow(call: 7, what: 1), now: 1)
        }
        let completion = WireMessage.Completion(status: 0, nanoseconds: 1, risk: nil, payload: [])
        for _ in 0..<10_000 { _ = machine.received(.complete(call: 8, completion), now: 1) }
        #expect(Self.step(&machine) { $0.received(.heartbeat(call: 7, details: []), now: 1) } == "dying k")
    }

    @Test("a host for names gets the names, and neither kind of host takes the other's answer")
    func names() throws {
        var settings = Self.settings
        settings.purpose = .names(["a", "b"])
        func machine(_ settings: HostStateMachine.Settings) -> HostStateMachine {
            var machine = HostStateMachine(settings: settings, now: 0)
            _ = machine.received(
                .hello(.init(magic: STEP_WIRE_MAGIC, version: STEP_WIRE_VERSION, confinement: 0)), now: 0)
            return machine
        }
        var names = machine(settings)
        guard case .report(.named("x\ny"))? = names.received(.named("x\ny"), now: 1).first else {
            Issue.record("not reported")
            return
        }
        #expect(Self.step(&names) { $0.timerFired(now: 6) { 0 } } == "dying k")
        var plugin = machine(Self.settings)
        _ = plugin.received(Self.confined, now: 1)
        #expect(Self.step(&plugin) { $0.received(.named(""), now: 1) } == "dying k")
        var other = machine(settings)
        let ready = WireMessage.ready(describe: [])
        #expect(Self.step(&other) { $0.received(ready, now: 1) } == "dying k")
    }
}
