import Testing

@testable import StepHosting

@Suite("token buckets")
struct TokenBucketTests {
    @Test("so many at once, then one for each interval, and never more than at once")
    func takes() {
        var bucket = TokenBucket(burst: 3, interval: 10)
        func taken(at now: Int64) -> Int { (0..<10).filter { _ in bucket.take(now) }.count }
        #expect([taken(at: 5), taken(at: 14), taken(at: 15), taken(at: 34), taken(at: 35), taken(at: 1_000)]
            == [3, 0, 1, 1, 1, 3])
    }

    @Test("what the log leaves out is told with the next line")
    func log() {
        var limiter = LogRateLimiter()
        #expect((0..<25).map { _ in limiter.admit(0) } == Array(repeating: 0, count: 20) + Array(repeating: nil, count: 5))
        #expect(limiter.admit(1_000_000_000) == 5)
        #expect(limiter.admit(2_000_000_000) == 0)
    }
}
