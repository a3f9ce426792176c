import BusContract
import EventBus
import EventBusEmbedded
import Testing

@Suite("the embedded bus keeps the bus contract")
struct ContractTests {
    static var seed: UInt64 { UInt64.random(in: .min ... .max) }

    @Test("in one process", arguments: BusContract.cases)
    func inOneProcess(_ contract: BusContract) async throws {
        try await run(contract) { try EmbeddedUnderTest(shared: true) }
    }

    @Test("between a publisher and consumers that share only files", arguments: BusContract.cases)
    func overFiles(_ contract: BusContract) async throws {
        try await run(contract) { try EmbeddedUnderTest(shared: false) }
    }

    @Test("with hardly anything in memory", arguments: BusContract.cases)
    func withoutMemory(_ contract: BusContract) async throws {
        try await run(contract) {
            try EmbeddedUnderTest(shared: true, configuration: EmbeddedBusConfiguration(recentBytesMax: 2000))
        }
    }

    private func run(_ contract: BusContract, on make: () async throws -> any BusUnderTest) async throws {
        let seed = Self.seed
        do { try await contract.run(seed: seed, on: make) } catch {
            Issue.record("\(contract.name): \(error) (seed \(seed))")
        }
    }
}
