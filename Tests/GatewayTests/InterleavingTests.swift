import EventBus
import Synchronization
import Testing
import WebServing
import WorkflowModel

@testable import Gateway

/// A client whose connection has room for a given number of messages and says later that there is more.
private final class ClientFake: StreamConnection {
    struct State {
        var received: [Int] = []
        var others = 0
        var room = Int.max
        var isFull = false
        var closes: [StreamCloseCode] = []
    }

    let after: Int
    let state = Mutex(State())
    init(after: Int) { self.after = after }

    func send(_ messages: [StreamMessage]) -> StreamSendResult {
        state.withLock { state in
            guard state.closes.isEmpty else { return .closed }
            guard messages.count <= state.room else {
                state.isFull = true
                return .full
            }
            state.room -= messages.count
            for message in messages {
                if let sequence = message.sequence { state.received.append(sequence) } else { state.others += 1 }
            }
            return .sent
        }
    }

    func close(_ code: StreamCloseCode, reason: String) { state.withLock { $0.closes.append(code) } }
}

@Suite("any interleaving")
struct InterleavingTests {
    /// The argument is the seed; a failure names it.
    @Test(
        "of live, duplicate, replayed and history deliveries gives each client exactly 1…n", arguments: 0..<UInt64(400))
    func interleaving(seed: UInt64) async {
        var random = SeededGenerator(seed: seed)
        // A small budget, so that memory is given back in the middle of things in some of the runs.
        let budget = [4_000, 20_000, 1 << 20].randomElement(using: &random) ?? 1 << 20
        let hub = StreamHub(configuration: GatewayConfiguration(memoryBytesMax: budget, gapRetriesMax: 1_000_000))
        let count = Int.random(in: 1...40, using: &random)
        let isFresh = Bool.random(using: &random)
        let execution = Executions.id(seed, at: isFresh ? 3600 : 0)
        let events = Executions.run(execution, count: count, size: 100)
        // What was on the topic before the subscription comes from history only.
        var published = isFresh ? 0 : Int.random(in: 0...count, using: &random)
        var clients: [(client: ClientFake, session: any StreamSession)] = []
        var scans: [(start: Int, after: Int)] = []
        var pauses = 0
        var work = hub.work.makeAsyncIterator()
        var offset: Int64 = 0
        var markerCount: UInt64 = 0
        func deliver(_ event: EncodedEvent) {
            offset += 1
            hub.publish([DeliveredEvent(partition: 0, offset: offset, event: event)])
        }
        hub.subscribed(at: Executions.epoch)

        /// Takes the work there is: a scan for a made-up execution marks its end, so that nothing is waited for.
        func drainWork() async {
            markerCount += 1
            let marker = Executions.id(1 << 40 + markerCount, at: 0)
            let client = ClientFake(after: 0)
            let session = hub.attach(client, of: "owner", to: marker, after: 0, now: .now)
            while let item = await work.next() {
                switch item {
                case .scan(marker, _):
                    _ = hub.took(.init(events: [], hasMore: false, isWhole: true), of: marker, scanFrom: 0)
                    session.closed()
                    return
                case .scan(_, let after): scans.append((after, after))
                case .pause: pauses += 1
                }
            }
        }

        func step(_ choice: Int) async {
            switch choice {
            case 0..<4 where published < count:
                published += 1
                // Now and then the live delivery is late or lost, and history has to give it.
                if !Bool.random(using: &random) || published == count || Bool.random(using: &random) {
                    deliver(events[published - 1])
                }
            case 4 where published > 0: deliver(events[Int.random(in: 0..<published, using: &random)])
            case 5 where published > 0:
                let start = Int.random(in: 0..<published, using: &random)
                for event in events[start..<min(published, start + 5)] { deliver(event) }
            case 6 where clients.count < 5:
                let client = ClientFake(after: Int.random(in: 0...max(0, published), using: &random))
                if Bool.random(using: &random) {
                    client.state.withLock { $0.room = Int.random(in: 0...3, using: &random) }
                }
                clients.append((client, hub.attach(client, of: "owner", to: execution, after: client.after, now: .now)))
            case 7 where !scans.isEmpty:
                var scan = scans.removeFirst()
                let limit = Int.random(in: 1...8, using: &random)
                let rest = events[..<published].filter { $0.sequence > scan.after }
                let page = EventHistoryPage(
                    events: Array(rest.prefix(limit)), hasMore: rest.count > limit, isWhole: true)
                if let next = hub.took(page, of: execution, scanFrom: scan.start) {
                    scan.after = next
                    scans.append(scan)
                }
            case 8 where pauses > 0:
                pauses -= 1
                hub.pauseEnded(execution)
            case 9:
                for (client, session) in clients {
                    let wasFull = client.state.withLock { state in
                        defer { state.isFull = false }
                        state.room = Int.random(in: 150...200, using: &random)
                        return state.isFull
                    }
                    if wasFull { session.hasRoom() }
                }
            default: break
            }
            await drainWork()
        }

        for _ in 0..<Int.random(in: 20...150, using: &random) { await step(Int.random(in: 0...9, using: &random)) }
        if clients.isEmpty { await step(6) }
        while published < count { await step(0) }
        // Everything that is owed is delivered, in some order, until nothing is left to do.
        for _ in 0..<200 { for choice in [7, 8, 9] { await step(choice) } }
        for (client, _) in clients {
            let state = client.state.withLock { $0 }
            #expect(state.received == Array((client.after + 1)..<(count + 1)), "seed \(seed), after \(client.after)")
            #expect(state.others == 0, "seed \(seed)")
            #expect(state.closes == [.normal], "seed \(seed)")
        }
    }
}
