import Synchronization

/// Runs changes one after the other, each whole, in the order they were asked for.
final class SerialChanges: Sendable {
    private let last = Mutex<Task<Void, Never>?>(nil)

    func run<Value: Sendable>(_ change: @escaping @Sendable () async throws -> Value) async throws -> Value {
        let task = last.withLock { last in
            let previous = last
            let task = Task { () async throws -> Value in
                await previous?.value
                return try await change()
            }
            last = Task { _ = await task.result }
            return task
        }
        return try await task.value
    }
}
