import Synchronization
import Testing
import WebServing
import WebTesting
import WorkflowModel

@Suite("memory for requests")
struct MemoryBudgetTests {
    @Test("shares end with the budget, and come back with their owners")
    func shares() throws {
        let budget = MemoryBudget(bytesMax: 100)
        var first = budget.share(of: 60)
        #expect(first != nil && budget.share(of: 50) == nil)
        let second = try #require(budget.share(of: 40))
        #expect(!second.grow(to: 41) && budget.takenBytes == 100)
        first = nil
        #expect(budget.takenBytes == 40 && second.grow(to: 90))
        second.set(10)
        #expect(budget.takenBytes == 10)
    }

    @Test("one share above the limit is given while nobody has another")
    func alone() throws {
        let budget = MemoryBudget(bytesMax: 100)
        do {
            let large = try #require(budget.share(of: 1000))
            #expect(budget.share(of: 1) == nil && large.grow(to: 2000))
        }
        let small = try #require(budget.share(of: 1))
        #expect(budget.share(of: 1000) == nil)
        #expect(small.grow(to: 1000))
        let forced = budget.forcedShare(of: 50)
        #expect(budget.takenBytes == 1050)
        forced.set(0)
        #expect(budget.takenBytes == 1000)
    }

    @Test("of those who ask at once for more than there is only one has it at a time")
    func aloneAtOnce() async {
        let budget = MemoryBudget(bytesMax: 100)
        let holders = Holders()
        await withTaskGroup(of: Void.self) { group in
            for _ in 0..<4 {
                group.addTask {
                    for _ in 0..<50_000 {
                        guard let share = budget.share(of: 1000) else { continue }
                        holders.most.max(holders.count.add(1, ordering: .relaxed).newValue, ordering: .relaxed)
                        holders.count.subtract(1, ordering: .relaxed)
                        withExtendedLifetime(share) {}
                    }
                }
            }
        }
        #expect(holders.most.load(ordering: .relaxed) == 1)
        #expect(budget.takenBytes == 0)
    }

    private final class Holders: Sendable {
        let count = Atomic(0)
        let most = Atomic(0)
    }

    @Test("a body takes its share as it comes, and what its values need before it is read")
    func bodies() async throws {
        let configuration = WebServerConfiguration(bodyMemoryBytesMax: 1 << 20)
        try await TestServer.run(configuration, providers: [Routes()]) { server in
            let slow = try await server.client()
            try await slow.send("POST", "/items", headers: [("content-length", "900000")])
            try await slow.write("\"" + String(repeating: "x", count: 899_998))
            let client = try await server.client()
            // The slow one's bytes are counted once they have come.
            let body = "\"\(String(repeating: "y", count: 200_000))\""
            var answer = try await client.request("POST", "/items", body: body)
            while answer.status == 201 {
                answer = try await client.request(
                    "POST", "/items", body: "\"\(String(repeating: "y", count: 200_000))\"")
            }
            #expect(answer.status == 429 && answer.header("retry-after") == "1")
            #expect(try JSONValue(parsing: answer.body)["code"] == "too_many_bytes")
            try await slow.write("\"")
            let whole = try await slow.reply()
            // Its values need more than there is, and nobody else has any.
            #expect(whole.status == 201)
            let again = try await server.client()
            #expect(try await again.request("POST", "/items", body: "[1,2,3]").status == 201)
        }
    }
}
