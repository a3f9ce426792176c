import Dispatch
import NIOPosix
import Synchronization
import Testing

@testable import StepHosting

@Suite("activity on its way")
struct ActivityQueueTests {
    /// A queue whose work waits until the returned closure is called.
    private static func held() -> (queue: ActivityQueue, threads: NIOThreadPool, go: @Sendable () -> Void) {
        let threads = NIOThreadPool(numberOfThreads: 1)
        let gate = DispatchSemaphore(value: 0)
        threads.start()
        threads.submit { _ in gate.wait() }
        return (ActivityQueue(threads: threads), threads, { gate.signal() })
    }

    @Test("a call has a quarter of the entries and of the bytes, and takes nothing from the others")
    func shares() async throws {
        let (queue, threads, go) = Self.held()
        let entries = ActivityQueue.entriesMax / ActivityQueue.callsAtLeast
        let taken = (0..<entries + 10).filter { _ in queue.offer(of: 1, byteCount: 1) {} }.count
        #expect(taken == entries)
        #expect(queue.offer(of: 2, byteCount: ActivityQueue.bytesMax / ActivityQueue.callsAtLeast) {})
        #expect(!queue.offer(of: 2, byteCount: 1) {})
        #expect(queue.offer(of: 3, byteCount: 1) {})
        go()
        await withCheckedContinuation { continuation in queue.afterwards { continuation.resume() } }
        #expect(queue.offer(of: 1, byteCount: 1) {})
        try await threads.shutdownGracefully()
    }

    @Test("what comes afterwards waits for everything offered before, in order")
    func order() async throws {
        let (queue, threads, go) = Self.held()
        let done = Mutex<[Int]>([])
        for number in 0..<100 { #expect(queue.offer(of: 1, byteCount: 1) { done.withLock { $0.append(number) } }) }
        go()
        await withCheckedContinuation { continuation in queue.afterwards { continuation.resume() } }
        #expect(done.withLock { $0 } == Array(0..<100))
        try await threads.shutdownGracefully()
    }
}
