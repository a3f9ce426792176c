import FoundationEssentials
import Testing
import WorkflowModel

@Suite("Execution identifiers")
struct ExecutionIDTests {
    @Test("a new identifier is a lower-case UUIDv7 with the given time, and reads back from text and bytes")
    func made() throws {
        for seed in 1...500 as ClosedRange<UInt64> {
            var random = SeededGenerator(seed: seed)
            let time = Timestamp(microseconds: Int64.random(in: 0..<(1 << 48) * 1000, using: &random))
            let id = ExecutionID(at: time, using: &random)
            let text = id.description
            let uuid = try #require(UUID(uuidString: text), "seed \(seed)")
            #expect(uuid.uuidString.lowercased() == text, "seed \(seed)")
            let bytes = withUnsafeBytes(of: uuid.uuid) { Array($0) }
            #expect(bytes == id.bytes, "seed \(seed)")
            #expect(bytes[6] >> 4 == 7 && bytes[8] >> 6 == 2, "seed \(seed)")
            #expect(id.time.microseconds == time.microseconds / 1000 * 1000, "seed \(seed)")
            #expect(ExecutionID(text) == id, "seed \(seed)")
            #expect(ExecutionID(bytes: id.bytes) == id, "seed \(seed)")
        }
    }

    @Test("identifiers, their texts and their bytes sort alike, by creation")
    func order() {
        var random = SeededGenerator(seed: 11)
        let ids = (0..<200).map { _ in
            ExecutionID(
                at: Timestamp(microseconds: Int64.random(in: 0..<2_000_000_000_000_000, using: &random)), using: &random
            )
        }
        let sorted = ids.sorted()
        #expect(sorted.map(\.description) == ids.map(\.description).sorted())
        #expect(sorted.map(\.bytes) == ids.map(\.bytes).sorted { $0.lexicographicallyPrecedes($1) })
        #expect(sorted.map(\.time) == ids.map(\.time).sorted())
    }

    @Test(
        "only the canonical form of a UUIDv7 is read",
        arguments: [
            "", "01970f00-7a3b-7c4d-8e5f-0123456789a", "01970f00-7a3b-7c4d-8e5f-0123456789abc",
            "01970F00-7a3b-7c4d-8e5f-0123456789ab", "01970f00-7a3b-4c4d-8e5f-0123456789ab",
            "01970f00-7a3b-7c4d-ce5f-0123456789ab", "01970f00-7a3b-7c4d-0e5f-0123456789ab",
            "01970f007-a3b-7c4d-8e5f-0123456789ab", "01970f00-7a3b-7c4d-8e5f-0123456789ag",
            "{1970f00-7a3b-7c4d-8e5f-0123456789ab}", "01970f00-7a3b-7c4d-8e5f_0123456789ab",
        ])
    func refused(_ text: String) { #expect(ExecutionID(text) == nil) }

    @Test("bytes of another length or version are refused")
    func refusedBytes() throws {
        let id = try #require(ExecutionID("01970f00-7a3b-7c4d-8e5f-0123456789ab"))
        #expect(ExecutionID(bytes: id.bytes) == id)
        #expect(ExecutionID(bytes: id.bytes.dropLast()) == nil)
        #expect(ExecutionID(bytes: id.bytes + [0]) == nil)
        var version4 = id.bytes
        version4[6] = 0x4C
        #expect(ExecutionID(bytes: version4) == nil)
    }

    @Test("a time before 1970 or beyond 48 bits of milliseconds still makes a UUIDv7")
    func extremes() {
        var random = SeededGenerator(seed: 3)
        for microseconds in [Int64.min, -1, .max] {
            let id = ExecutionID(at: Timestamp(microseconds: microseconds), using: &random)
            #expect(ExecutionID(id.description) == id)
            #expect(!id.time.description.isEmpty)
        }
    }
}
