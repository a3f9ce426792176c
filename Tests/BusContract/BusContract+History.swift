import EventBus
import WorkflowModel

extension BusContract {
    static let historyCases: [BusContract] = [
        BusContract("history pages with after, limit and hasMore") { bus, seed in
            var work = Workload(seed: seed)
            let publisher = try await bus.publisher()
            try await publisher.publish(work.add(executions: 5, length: 23), size: 16)
            for execution in work.executions {
                var events: [EncodedEvent] = []
                var pages = 0
                while true {
                    let page = try await bus.history.events(
                        of: execution, after: events.last?.sequence ?? 0, limit: 10)
                    try require(page.isWhole, "page \(pages) of a kept execution is not whole")
                    try require(page.events.count <= 10, "\(page.events.count) events came where 10 were asked for")
                    events += page.events
                    pages += 1
                    if !page.hasMore { break }
                    try require(!page.events.isEmpty, "an empty page says there is more")
                }
                try require(events == work.events(of: execution), "history differs from what was published")
                try require(pages == 3, "23 events came in \(pages) pages of 10")
                let tail = try await bus.history.events(of: execution, after: 20, limit: 10)
                try require(tail.events.map(\.sequence) == [21, 22, 23] && !tail.hasMore, "the tail is wrong")
                let none = try await bus.history.events(of: execution, after: 23, limit: 10)
                try require(none.events.isEmpty && !none.hasMore && none.isWhole, "there is something after the end")
            }
            await publisher.close()
        },
        BusContract("an unknown execution has an empty, whole history") { bus, seed in
            var work = Workload(seed: seed)
            let publisher = try await bus.publisher()
            try await publisher.publish(work.add(executions: 2, length: 3))
            let page = try await bus.history.events(of: work.newExecution(), after: 0, limit: 10)
            try require(page.events.isEmpty && !page.hasMore && page.isWhole, "an unknown execution has a history")
            await publisher.close()
        },
        BusContract("history that was asked for too early is there when it is asked for again") { bus, seed in
            var work = Workload(seed: seed)
            let publisher = try await bus.publisher()
            let events = work.add(executions: 1, length: 3)
            let execution = work.executions[0]
            let early = try await bus.history.events(of: execution, after: 0, limit: 10)
            try require(early.events.isEmpty, "an event is there before it is published")
            try await publisher.publish(events)
            // Who subscribed in between counts on it: the events come to nobody else's notice.
            let late = try await bus.history.events(of: execution, after: 0, limit: 10)
            try require(late.events == work.events(of: execution), "history holds on to what it found before")
            await publisher.close()
        },
        BusContract("whoever attaches first and then asks for history has no gap") { bus, seed in
            var work = Workload(seed: seed)
            let publisher = try await bus.publisher()
            let events = work.add(executions: 30, length: 40)
            let progress = AsyncStream.makeStream(of: Int.self)
            let publishing = Task {
                for start in stride(from: 0, to: events.count, by: 8) {
                    try await publisher.publish(Array(events[start..<start + 8]))
                    progress.continuation.yield(start + 8)
                }
                progress.continuation.finish()
            }
            var next = 100
            for await published in progress.stream where published >= next {
                next += 400
                let subscription = try await bus.subscriber.subscribe(SubscriptionOptions(start: .end))
                for execution in work.executions.prefix(6) {
                    let page = try await bus.history.events(of: execution, after: 0, limit: 100)
                    try require(page.isWhole && !page.hasMore, "the history of a kept execution is not whole")
                    let sequences = page.events.map(\.sequence)
                    try require(sequences == Array(1..<sequences.count + 1), "history has \(sequences)")
                }
                // What history had not is still to come from the subscription.
                let execution = work.executions[0]
                let page = try await bus.history.events(of: execution, after: 0, limit: 100)
                var last = page.events.last?.sequence ?? 0
                while last < 40 {
                    let live = try await subscription.next(limit: 50).map(\.event)
                    for event in live where event.executionID == execution {
                        try require(event.sequence <= last + 1, "after \(last) came \(event.sequence): a gap")
                        last = max(last, event.sequence)
                    }
                }
                await subscription.close()
            }
            try await publishing.value
            await publisher.close()
        },
    ]
}
