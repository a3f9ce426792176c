import WorkflowModel

/// Bounds an operation in time, whatever it waits for.
enum Deadline {
    struct Passed: Error {}

    /// - Throws: `Passed` when it took longer; the operation has then been cancelled and has ended.
    static func run<Value: Sendable>(
        within limit: Duration, _ operation: @escaping @Sendable () async throws -> Value
    ) async throws -> Value {
        try await withThrowingTaskGroup(of: Value.self) { group in
            group.addTask { try await operation() }
            group.addTask {
                try await Task.sleep(for: limit)
                throw Passed()
            }
            defer { group.cancelAll() }
            guard let value = try await group.next() else { throw Passed() }
            return value
        }
    }
}

extension Duration {
    /// Saturates beyond 292 years.
    var nanoseconds: Int64 {
        let (product, overflow) = microseconds.multipliedReportingOverflow(by: 1000)
        return overflow ? .max : product
    }
}
