import EventBus
import Logging
import Synchronization
import Testing
import WebServing
import WorkflowModel

@testable import ApprovalNotifier

@Suite("A session of the notifier")
struct SessionTests {
    private static let quiet = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

    /// The notifier as a process would have it, with fakes at its edges; a failed session is followed by the next.
    private struct Bench {
        let topic = TopicFake()
        let store: StoreFake
        let senders: [String: SenderFake]
        let dead = DeadFake()
        let parts: NotifierSession.Parts

        init(
            _ names: [String] = ["a", "b"], store: StoreFake = StoreFake(), approvers: [String: Set<String>] = [:],
            delays: [Duration] = [.zero, .zero, .zero],
            answer: @escaping @Sendable (OutgoingMessage) -> DeliveryOutcome = { _ in .delivered }
        ) throws {
            self.store = store
            senders = Dictionary(uniqueKeysWithValues: names.map { ($0, SenderFake(answer)) })
            let url = try #require(ReceiverURL("http://receiver.example/"))
            let channels = names.map { name in
                NotifierConfiguration.Channel(name: name, kind: .slack(url), approvers: approvers[name] ?? [])
            }
            let dead = dead
            parts = NotifierSession.Parts(
                configuration: NotifierConfiguration(channels: channels, schedule: RetrySchedule(delays: delays)),
                senders: senders, subscriber: topic, store: store,
                deadLetters: DeadLetterPublisher { () throws(BusError) in dead }, logger: SessionTests.quiet,
                now: { Events.start })
        }

        func run(_ body: (@Sendable () -> NotifierSession?) async throws -> Void) async throws {
            let current = Current()
            let parts = parts
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask {
                    while !Task.isCancelled {
                        let session = NotifierSession(parts)
                        current.session.withLock { $0 = session }
                        try? await session.run()
                    }
                }
                defer { group.cancelAll() }
                try await body { current.session.withLock { $0 } }
            }
        }

        /// Nothing is owed, and everything on the topic has been taken, both at one moment.
        func isQuiet() -> Bool {
            let count = Int64(topic.count)
            return store.state.withLock { state in
                state.positions[0] ?? 0 == count && !state.entries.keys.contains { $0.hasPrefix(StoreKeys.pending) }
            }
        }

        func stages(_ channel: String, _ approval: String) -> [String] {
            let all = [Delivery.Stage.asked(0), .asked(1), .asked(2), .settled]
            let names = Dictionary(
                uniqueKeysWithValues: all.map {
                    (Delivery(approvalID: approval, channel: channel, stage: $0).id, $0.description)
                })
            return (senders[channel]?.ids ?? []).compactMap { names[$0] }
        }
    }

    @Test("tells every channel of each stage once, and who was told of the end")
    func once() async throws {
        let bench = try Bench(approvers: ["b": ["boss"]])
        var one = Events(1)
        var two = Events(2)
        bench.topic.append([one.other(), one.requested(), two.requested(["ann", "boss"]), one.reminder(1)])
        try await bench.run { _ in
            try await eventually("all are told") { bench.isQuiet() }
            #expect(bench.stages("a", one.approvalID) == ["0", "1"] && bench.stages("b", one.approvalID) == [])
            #expect(bench.stages("a", two.approvalID) == ["0"] && bench.stages("b", two.approvalID) == ["0"])
            bench.topic.append([one.granted()])
            try await eventually("the end is told") { bench.isQuiet() }
            #expect(bench.stages("a", one.approvalID) == ["0", "1", "settled"])
            #expect(bench.stages("b", one.approvalID) == [] && bench.stages("b", two.approvalID) == ["0"])
        }
        #expect(bench.store.keys(StoreKeys.told).count == 2 && bench.store.keys(StoreKeys.messages).isEmpty)
    }

    @Test("announces nothing that was decided while it was away")
    func outage() async throws {
        let bench = try Bench()
        var events: [EncodedEvent] = []
        for number in 0..<20 {
            var approval = Events(number)
            events += [approval.requested(), approval.reminder(1), approval.other(), approval.granted()]
        }
        bench.topic.append(events.sorted { $0.sequence < $1.sequence })
        // The end of the topic comes late: requests are read long before their decisions.
        bench.topic.hold(at: 30)
        try await bench.run { _ in
            try await eventually("the first part is read") { bench.store.keys(StoreKeys.pending).count >= 40 }
            bench.topic.letThrough()
            try await eventually("all is read") { bench.isQuiet() }
        }
        #expect(bench.senders.values.flatMap(\.ids).isEmpty)
        #expect(bench.store.keys(StoreKeys.settled).count == 20 && bench.store.keys(StoreKeys.approvals).isEmpty)
    }

    @Test("announces nothing of an earlier life that was decided before this one")
    func earlierLife() async throws {
        let bench = try Bench()
        var approvals = (0..<5).map { Events($0) }
        bench.topic.append(approvals.indices.map { approvals[$0].requested() } + [approvals[0].other()])
        // The last event is there and does not come, so nothing is sent.
        bench.topic.hold(at: 5)
        try await bench.run { _ in
            try await eventually("all are owed") { bench.store.keys(StoreKeys.pending).count == 10 }
        }
        bench.topic.hold(at: 0)
        bench.topic.append(approvals.indices.map { approvals[$0].granted() })
        try await bench.run { session in
            try await eventually("a new life begins") { session()?.state.withLock { $0.isSubscribed } == true }
            session()?.wake()
            bench.topic.letThrough()
            try await eventually("all is read") { bench.isQuiet() }
        }
        #expect(bench.senders.values.flatMap(\.ids).isEmpty)
    }

    /// What a crash at any commit may not change: at least once, the same ID and bytes, nothing of what is settled.
    @Test("keeps its promises over a crash at every commit, before it and after it", arguments: [false, true])
    func crashes(isDone: Bool) async throws {
        var number = 0
        var hasFailed = true
        while hasFailed {
            number += 1
            try #require(number < 200, "the commits do not end")
            let store = StoreFake(failingAt: number, isDone: isDone)
            let failures = Mutex<Set<String>>([])
            let bench = try Bench(store: store) { message in
                // The first attempt of each fails, so that retries are among what a crash may hit.
                failures.withLock { $0.insert(message.id).inserted } ? .failed("at first") : .delivered
            }
            var approvals = (0..<3).map { Events($0) }
            bench.topic.append(approvals.indices.map { approvals[$0].requested() } + [approvals[0].reminder(1)])
            try await bench.run { _ in
                try await eventually("all are told (crash \(number))") { bench.isQuiet() }
                for approval in approvals {
                    for channel in ["a", "b"] {
                        let wanted: Set = approval.approvalID == approvals[0].approvalID ? ["0", "1"] : ["0"]
                        #expect(Set(bench.stages(channel, approval.approvalID)) == wanted, "crash \(number)")
                    }
                }
                let before = bench.senders.mapValues { $0.ids.count }
                bench.topic.append([approvals[0].granted(), approvals[1].granted()])
                try await eventually("the end is told (crash \(number))") { bench.isQuiet() }
                for (channel, sender) in bench.senders {
                    let late = Set(sender.ids.dropFirst(before[channel] ?? 0))
                    let wanted = Set(
                        approvals.prefix(2).map {
                            Delivery(approvalID: $0.approvalID, channel: channel, stage: .settled).id
                        })
                    #expect(late == wanted, "crash \(number): something else than the end was told")
                }
            }
            for sender in bench.senders.values {
                let bodies = Dictionary(grouping: sender.received.withLock { $0 }, by: \.id).mapValues {
                    Set($0.map(\.body))
                }
                #expect(bodies.values.allSatisfy { $0.count == 1 }, "an attempt sent other bytes than the last")
                // Two attempts each, and one more where a crash took an outcome.
                #expect(sender.ids.count <= 2 * bodies.count + bench.parts.configuration.channelConcurrencyMax)
            }
            hasFailed = store.state.withLock { $0.hasFailed }
        }
        #expect(number > 10, "only \(number) commits")
    }

    @Test("gives up after the last attempt: a dead letter without links, kept and sent again on demand")
    func deadLetter() async throws {
        let works = Mutex(false)
        let bench = try Bench(["a"], delays: [.zero]) { _ in works.withLock { $0 } ? .delivered : .failed("no") }
        var approval = Events(1)
        bench.topic.append([approval.requested()])
        let id = Delivery(approvalID: approval.approvalID, channel: "a", stage: .asked(0)).id
        try await bench.run { session in
            try await eventually("given up and published") {
                bench.dead.records.withLock { $0.count } == 1 && bench.isQuiet()
            }
            #expect(bench.senders["a"]?.ids == [id, id])
            let record = try #require(bench.dead.records.withLock { $0.first })
            let letter = try JSONValue(parsing: record.bytes)
            #expect(record.executionID == approval.execution && record.type == "dead_letter")
            #expect(letter["data"]?["reason"] == "no" && letter["data"]?["attempts"] == 2)
            #expect(letter["data"]?["message"]?["data"]?["links"] == nil)
            #expect(letter["data"]?["message"]?["data"]?["reason"] != nil)
            works.withLock { $0 = true }
            try await eventually("sent again") { try await session()?.resend(id) == .resent }
            try await eventually("delivered") { bench.store.keys(StoreKeys.told).count == 1 }
            #expect(try await session()?.resend(id) == .unknown)
        }
        #expect(bench.senders["a"]?.ids == [id, id, id] && bench.store.keys(StoreKeys.dead).isEmpty)
    }

    @Test("is tried again, given up and sent again for those recipients alone that do not have it")
    func partly() async throws {
        let works = Mutex(false)
        let bench = try Bench(["a"]) { message in
            if works.withLock({ $0 }) { return .delivered }
            let left = message.recipients == nil ? ["bob", "cat"] : ["cat"]
            return .partly(left: left, isFinal: message.recipients != nil, reason: "no \(left)")
        }
        var approval = Events(1)
        bench.topic.append([approval.requested()])
        let id = Delivery(approvalID: approval.approvalID, channel: "a", stage: .asked(0)).id
        try await bench.run { session in
            try await eventually("published") { bench.dead.records.withLock { $0.count } == 1 && bench.isQuiet() }
            let letter = try JSONValue(parsing: try #require(bench.dead.records.withLock { $0.first }).bytes)
            #expect(letter["data"]?["recipients"] == ["cat"] && letter["data"]?["reason"] == #"no ["cat"]"#)
            #expect(bench.store.keys(StoreKeys.told).count == 1, "some were told")
            works.withLock { $0 = true }
            try await eventually("sent again") { try await session()?.resend(id) == .resent }
            try await eventually("delivered") { bench.store.keys(StoreKeys.dead).isEmpty && bench.isQuiet() }
            bench.topic.append([approval.granted()])
            try await eventually("the end is told") { bench.stages("a", approval.approvalID).last == "settled" }
        }
        let received = try #require(bench.senders["a"]).received.withLock { $0 }
        #expect(received.map(\.recipients) == [nil, ["bob", "cat"], ["cat"], nil])
        #expect(Set(received.prefix(3).map(\.body)).count == 1)
        #expect(bench.dead.records.withLock { $0.count } == 1)
    }

    @Test("does not ask again for what is settled")
    func settledLetter() async throws {
        let bench = try Bench(["a"]) { _ in .refused("no") }
        var approval = Events(1)
        bench.topic.append([approval.requested(), approval.granted()])
        var other = Events(2)
        bench.topic.append([other.requested()])
        let id = Delivery(approvalID: other.approvalID, channel: "a", stage: .asked(0)).id
        try await bench.run { session in
            try await eventually("given up") {
                bench.store.keys(StoreKeys.dead) == [StoreKeys.dead(id)] && bench.isQuiet()
            }
            bench.topic.append([other.granted()])
            try await eventually("settled") { bench.isQuiet() }
            try await eventually("its record is out") { try await session()?.resend(id) == .settled }
        }
    }

    @Test("sends nothing to a channel whose receiver has gone, over restarts, until it is enabled")
    func gone() async throws {
        let works = Mutex(false)
        let bench = try Bench(["a"]) { _ in works.withLock { $0 } ? .delivered : .gone("410") }
        var approvals = (0..<3).map { Events($0) }
        bench.topic.append([approvals[0].requested()])
        try await bench.run { session in
            try await eventually("disabled") { bench.store.keys(StoreKeys.channels) == [StoreKeys.channel("a")] }
            bench.topic.append([approvals[1].requested()])
            try await eventually("given up") { bench.store.keys(StoreKeys.dead).count == 2 }
            #expect(bench.senders["a"]?.ids.count == 1)
            #expect(session()?.health.isHealthy == false && session()?.health.isReady == true)
        }
        try await bench.run { session in
            bench.topic.append([approvals[2].requested()])
            try await eventually("given up after a restart") { bench.store.keys(StoreKeys.dead).count == 3 }
            #expect(bench.senders["a"]?.ids.count == 1)
            works.withLock { $0 = true }
            #expect(try await session()?.enable("a") == true)
            #expect(try await session()?.enable("z") == false)
            let id = Delivery(approvalID: approvals[2].approvalID, channel: "a", stage: .asked(0)).id
            try await eventually("sent again") { try await session()?.resend(id) == .resent }
            try await eventually("delivered") { bench.senders["a"]?.ids.last == id }
        }
    }

    @Test("skips an event that cannot be read and goes on")
    func unreadable() async throws {
        let bench = try Bench(["a"])
        var (bad, good) = (Events(1), Events(2))
        var broken = bad.requested()
        broken.bytes = Array("{\"data\":{}}".utf8)
        bench.topic.append([broken, good.requested()])
        try await bench.run { _ in try await eventually("told") { bench.isQuiet() } }
        #expect(bench.stages("a", good.approvalID) == ["0"])
    }

    @Test("makes for each approver a link that is the same for the same stage and good until the deadline")
    func links() throws {
        var approval = Events(1)
        let deadline = Events.start + .seconds(60)
        let event = approval.requested(["ann", "stewards"], deadline: deadline)
        let notice = try #require(try ApprovalNotice(event))
        let key = ApprovalLinks(key: Array(repeating: 7, count: 32))
        let links = DecisionLinks(links: key, publicURL: "https://flows.example", groups: ["stewards"])
        let made = links.links(for: notice, facts: JSONObject([]), to: notice.approvers)
        #expect(made.map(\.url) == links.links(for: notice, facts: JSONObject([]), to: notice.approvers).map(\.url))
        for link in made {
            let token = String(link.url.dropFirst("https://flows.example/approvals/".count))
            let claims = try key.claims(of: token, now: Events.start)
            #expect(claims.approver == link.approver && claims.approvalID == approval.approvalID)
            #expect(claims.expires == deadline)
        }
        let later = try #require(try ApprovalNotice(approval.reminder(1, ["ann"])))
        #expect(links.links(for: later, facts: JSONObject([]), to: ["ann"])[0].url != made[0].url)
        // A group's link would decide nothing where it matters who decides.
        for facts in [JSONObject([("four_eyes", true)]), JSONObject([("quorum", 2)])] {
            #expect(links.links(for: notice, facts: facts, to: notice.approvers).map(\.approver) == ["ann"])
        }
    }
}

/// The session that runs now.
private final class Current: Sendable {
    let session = Mutex<NotifierSession?>(nil)
}

/// Takes dead letters.
final class DeadFake: EventPublisher {
    let records = Mutex<[EncodedEvent]>([])
    var storesSourcePosition: Bool { false }
    func sourcePosition() async throws(BusError) -> SourcePosition? { nil }
    func publish(_ batch: [SourcedEvent]) async throws(BusError) { records.withLock { $0 += batch.map(\.event) } }
    func publishActivity(_ activity: EncodedActivity) {}
    func close() async {}
}
