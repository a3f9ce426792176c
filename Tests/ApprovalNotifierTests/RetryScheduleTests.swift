import Testing
import WorkflowModel

@testable import ApprovalNotifier

@Suite("Retries")
struct RetryScheduleTests {
    @Test("follow the schedule of Standard Webhooks and end after it")
    func standard() {
        let delays = (1...10).map {
            RetrySchedule.standard.delay(afterAttempts: $0, retryAfter: nil, chance: 0)?.components.seconds
        }
        #expect(delays == [5, 300, 1800, 7200, 18_000, 36_000, 50_400, 72_000, 86_400, nil])
    }

    @Test("are spread by chance, never earlier than the schedule")
    func jitter() {
        let schedule = RetrySchedule(delays: [.seconds(10)])
        #expect(schedule.delay(afterAttempts: 1, retryAfter: nil, chance: 0) == .seconds(10))
        #expect(schedule.delay(afterAttempts: 1, retryAfter: nil, chance: 0.5) == .seconds(11))
    }

    @Test("wait as long as the receiver asks, up to an hour, and no shorter than the schedule")
    func retryAfter() {
        let schedule = RetrySchedule(delays: [.seconds(10)])
        #expect(schedule.delay(afterAttempts: 1, retryAfter: .seconds(30), chance: 0) == .seconds(30))
        #expect(schedule.delay(afterAttempts: 1, retryAfter: .seconds(1), chance: 0) == .seconds(10))
        #expect(schedule.delay(afterAttempts: 1, retryAfter: .seconds(1 << 40), chance: 0) == .seconds(3600))
        #expect(schedule.delay(afterAttempts: 2, retryAfter: .seconds(30), chance: 0) == nil)
    }

    @Test(
        "read Retry-After as seconds or as a date",
        arguments: [
            ("0", 0), ("120", 120), ("99999999999999999999", 1 << 32), ("Mon, 05 Jan 2026 10:01:00 GMT", 60),
            ("Mon, 05 Jan 2026 09:00:00 GMT", 0), ("Monday, 05-Jan-26 10:01:00 GMT", 60),
            ("Mon Jan  5 10:01:00 2026", 60), ("Tue Jan 15 10:00:00 2026", 864_000),
            ("Sunday, 06-Nov-94 08:49:37 GMT", 0), ("Monday, 05-Jan-2026 10:01:00 GMT", nil),
            ("Mon Jan  5 10:01:00 GMT 2026", nil), ("", nil), ("-1", nil), ("1.5", nil), ("soon", nil),
            ("Mon, 32 Jan 2026 10:01:00 GMT", nil),
        ] as [(String, Int64?)])
    func header(_ text: String, _ seconds: Int64?) {
        // 2026-01-05T10:00:00Z
        #expect(RetryAfter.duration(text, now: Events.start) == seconds.map { .seconds($0) })
    }

    @Test("mail has dates with English names")
    func mail() {
        #expect(InternetDate.mail(Events.start) == "Mon, 05 Jan 2026 10:00:00 +0000")
        #expect(InternetDate.mail(Timestamp(microseconds: 0)) == "Thu, 01 Jan 1970 00:00:00 +0000")
    }
}
