package import EventBus
import Synchronization

/// One adapter, with an empty event topic of its own.
package protocol BusUnderTest: Sendable {
    /// Opens the publisher; the case closes it, and may then open it again.
    func publisher() async throws -> any EventPublisher
    var subscriber: any EventSubscriber { get }
    var history: any EventHistory { get }
    func consumerStore(named name: String) async throws -> any ConsumerStore
    /// As a consumer publishes them, and as whoever reads the topic of the publishing process sees them.
    var deadLetters: DeadLetterPublisher { get }
    func deadLetterSubscriber() throws -> any EventSubscriber
    /// Frees what the adapter holds; the suite calls it after the case.
    func close() async
}

/// What every bus promises, over the ports alone: any number of partitions, duplicates allowed, groups may rebalance.
///
/// A case throws `ContractViolation`, which names what was promised and what came.
package struct BusContract: Sendable, CustomStringConvertible {
    package let name: String
    let body: @Sendable (any BusUnderTest, UInt64) async throws -> Void

    package var description: String { name }

    init(_ name: String, _ body: @escaping @Sendable (any BusUnderTest, UInt64) async throws -> Void) {
        self.name = name
        self.body = body
    }

    /// All cases; an adapter that passes every one is a bus.
    package static let cases = publishing + subscriptions + groups + historyCases + consumerStores + deadLetterCases

    /// Runs the case on a fresh adapter; the seed decides every identifier and every interleaving it draws.
    package func run(seed: UInt64, on make: () async throws -> any BusUnderTest) async throws {
        let bus = try await make()
        let result: Result<Void, any Error>
        do {
            let body = body
            try await within("the whole case") { try await body(bus, seed) }
            result = .success(())
        } catch { result = .failure(error) }
        await bus.close()
        try result.get()
    }
}

package struct ContractViolation: Error, CustomStringConvertible {
    package var description: String
    init(_ description: String) { self.description = description }
}

func require(_ condition: Bool, _ message: @autoclosure () -> String) throws {
    if !condition { throw ContractViolation(message()) }
}

/// Gives up, with a name for what never came, instead of hanging the suite.
func within<Value: Sendable>(
    _ what: String, seconds: Int = 60, _ body: @escaping @Sendable () async throws -> Value
) async throws -> Value {
    try await withThrowingTaskGroup(of: Value.self) { group in
        group.addTask { try await body() }
        group.addTask {
            try await Task.sleep(for: .seconds(seconds))
            throw ContractViolation("\(what) did not come within \(seconds) s")
        }
        defer { group.cancelAll() }
        guard let value = try await group.next() else { throw ContractViolation("\(what) had no result") }
        return value
    }
}
