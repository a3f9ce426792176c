import Testing

@testable import Gateway

@Suite("a queue in which everybody has a turn")
struct FairQueueTests {
    private func drain(
        _ queue: inout FairQueue<String, Int>, where mayHave: (String) -> Bool = { _ in true }
    ) -> [Int] {
        var taken: [Int] = []
        while let (_, element) = queue.popFirst(where: mayHave) { taken.append(element) }
        return taken
    }

    @Test("turns go round, and one owner's elements keep their order")
    func turns() {
        var queue = FairQueue<String, Int>()
        for element in 1...4 { queue.append(element, for: "flood") }
        queue.append(10, for: "other")
        queue.append(20, for: "third")
        queue.append(11, for: "other")
        #expect(drain(&queue) == [1, 10, 20, 2, 11, 3, 4])
    }

    @Test("an owner that may have no more is passed over, and has its turn when it may")
    func passedOver() throws {
        var queue = FairQueue<String, Int>()
        for element in 1...2 { queue.append(element, for: "flood") }
        queue.append(10, for: "other")
        #expect(drain(&queue) { $0 != "flood" } == [10])
        let first = try #require(queue.popFirst { _ in true })
        #expect(first.owner == "flood" && first.element == 1)
        #expect(drain(&queue) == [2])
        #expect(queue.popFirst { _ in true } == nil)
    }

    @Test("an owner that had nothing left comes last again")
    func again() {
        var queue = FairQueue<String, Int>()
        queue.append(1, for: "flood")
        #expect(drain(&queue) == [1])
        queue.append(10, for: "other")
        queue.append(2, for: "flood")
        #expect(drain(&queue) == [10, 2])
    }
}
