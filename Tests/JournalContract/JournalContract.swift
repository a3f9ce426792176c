package import WorkflowEngine

/// One promise of the journal's port; every adapter keeps all of `JournalContract.all`.
package struct JournalContract: Sendable, CustomStringConvertible {
    /// A sentence.
    package var promise: String
    let check: @Sendable (JournalUnderTest) async throws -> Void

    init(_ promise: String, _ check: @escaping @Sendable (JournalUnderTest) async throws -> Void) {
        self.promise = promise
        self.check = check
    }

    package var description: String { promise }

    /// - Parameter journal: fresh, with nothing stored.
    /// - Throws: `BrokenPromise`, which says what was expected and what came.
    package func verify(_ journal: JournalUnderTest) async throws { try await check(journal) }

    package static let all: [JournalContract] =
        appending + ordering + leases + reading + definitions + listing + lifetime
}

/// How a test target makes the journal that the suite drives.
package struct JournalUnderTest: Sendable {
    /// The first call gives an empty journal, each later one the same data again, after the one before was closed.
    package var open: @Sendable () async throws -> any Journal
    /// The time that the journal reads idempotency keys by.
    package var clock: ManualClock
    /// Prints with every failure of a promise that draws lots.
    package var seed: UInt64

    package init(clock: ManualClock, seed: UInt64, open: @escaping @Sendable () async throws -> any Journal) {
        self.open = open
        self.clock = clock
        self.seed = seed
    }
}

/// What an adapter did not keep.
package struct BrokenPromise: Error, CustomStringConvertible {
    package var description: String
    package init(_ description: String) { self.description = description }
}

func expect(
    _ condition: Bool, _ message: @autoclosure () -> String, file: StaticString = #fileID, line: UInt = #line
) throws {
    if !condition { throw BrokenPromise("\(file):\(line): \(message())") }
}

func expectEqual<Value: Equatable>(
    _ actual: Value, _ expected: Value, _ what: String, file: StaticString = #fileID, line: UInt = #line
) throws {
    if actual != expected { throw BrokenPromise("\(file):\(line): \(what): expected \(expected), got \(actual)") }
}

func expectError<Value>(
    _ code: JournalError.Code, _ what: String, file: StaticString = #fileID, line: UInt = #line,
    _ body: () async throws(JournalError) -> Value
) async throws {
    let result: Result<Value, JournalError>
    do throws(JournalError) {
        result = .success(try await body())
    } catch {
        result = .failure(error)
    }
    try expect(result.code == code, "\(what): expected \(code.rawValue), got \(result)", file: file, line: line)
}
