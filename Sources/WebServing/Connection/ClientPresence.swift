import Synchronization

/// Whether the client of a connection is still there: what waits for its sake ends when it leaves.
///
/// A client that only closes its sending side counts as gone, since it cannot be told from one that is; it still gets
/// the answer, without the wait.
package final class ClientPresence: Sendable {
    /// The connection's, within the task that answers its requests.
    @TaskLocal static var current = ClientPresence()

    private struct State {
        var isGone = false
        var nextID = 0
        var actions: [Int: @Sendable () -> Void] = [:]
    }

    private let state = Mutex(State())

    package init() {}

    /// Calls every waiting action, once.
    package func leave() {
        let actions = state.withLock { state in
            state.isGone = true
            defer { state.actions = [:] }
            return state.actions.values.map { $0 }
        }
        for action in actions { action() }
    }

    /// Runs `body`, and `action` when the client leaves meanwhile or has left.
    func whenLeaving<Result>(
        _ action: @escaping @Sendable () -> Void, isolation: isolated (any Actor)? = #isolation,
        _ body: () async throws -> Result
    ) async rethrows -> Result {
        let id = state.withLock { state -> Int? in
            if state.isGone { return nil }
            state.nextID += 1
            state.actions[state.nextID] = action
            return state.nextID
        }
        guard let id else {
            action()
            return try await body()
        }
        defer { state.withLock { state in state.actions[id] = nil } }
        return try await body()
    }

    /// Runs `body`, and cancels it when the client leaves.
    package func cancelWhenLeaving<Value: Sendable, Failure: Error>(
        _ body: @escaping @Sendable () async throws(Failure) -> Value
    ) async throws(Failure) -> Value {
        let task = Task { () async -> Result<Value, Failure> in
            do throws(Failure) { return .success(try await body()) } catch { return .failure(error) }
        }
        let result = await whenLeaving({ task.cancel() }) {
            await withTaskCancellationHandler { await task.value } onCancel: { task.cancel() }
        }
        return try result.get()
    }
}
