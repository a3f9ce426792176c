import Dispatch

/// Runs checks of definitions and inputs on a thread of their own, one at a time.
///
/// A check computes without a suspension point, for up to a second in a release build. On the threads that serve
/// requests, a few of them at once would stop every other request. The queue needs no bound of its own: each entry
/// belongs to a request, and the listener bounds those.
final class CheckQueue: Sendable {
    /// Has no thread while it is idle.
    private let queue = DispatchQueue(label: "stepstream.checks")

    func run<Answer: Sendable>(_ check: @escaping @Sendable () -> Answer) async -> Answer {
        await withCheckedContinuation { continuation in
            queue.async { continuation.resume(returning: check()) }
        }
    }
}
