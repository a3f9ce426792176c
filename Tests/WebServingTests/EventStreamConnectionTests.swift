import Testing

@testable import WebServing

@Suite("a server-sent-events connection", .timeLimit(.minutes(1)))
struct EventStreamConnectionTests {
    /// Many times, because the two meet in the middle only now and then.
    @Test("that everything was sent is never missed by who waits for it")
    func caughtUp() async {
        for _ in 0..<20_000 {
            let connection = EventStreamConnection(pendingBytesMax: 100)
            async let isOver = connection.isOver()
            connection.caughtUp()
            #expect(await !isOver)
        }
    }

    @Test("only the session's close means that the stream is over")
    func over() async {
        let closed = EventStreamConnection(pendingBytesMax: 100)
        closed.close(.normal, reason: "")
        #expect(await closed.isOver())
        let gone = EventStreamConnection(pendingBytesMax: 100)
        gone.markClosed()
        #expect(await !gone.isOver())
        let late = EventStreamConnection(pendingBytesMax: 100)
        late.heartbeat()
        #expect(await !late.isOver())
    }
}
