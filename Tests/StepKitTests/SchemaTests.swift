import FoundationEssentials
import StepKit
import Testing

/// The automatic JSON Schema, as `describe` shows it.
@Suite struct SchemaTests {
    struct Item: Codable { var sku: String; var qty: Int }
    struct Order: Codable { var customer: String; var items: [Item]; var coupon: String? }
    enum Level: String, Codable, CaseIterable { case low, high }
    enum Rank: Int, Codable, CaseIterable { case first = 1, second = 2 }
    struct Many: Codable {
        var flag: Bool
        var ratio: Double
        var small: UInt8
        var at: Date
        var id: UUID
        var blob: Data
        var link: URL
        var level: Level
        var rank: Rank?
        var counts: [String: Int]
        var nested: [String: [Item]]
        var tags: Set<String>
        var holes: [Int?]
        var any: StepValue
    }
    struct Node: Codable { var children: [Node] }
    enum Shape: Codable { case circle(radius: Double), square(side: Double) }
    struct Percentage: Codable, StepSchemaProviding {
        var value: Double
        static var stepSchema: StepValue { ["type": "number", "minimum": 1, "maximum": 100] }
        init(from decoder: any Decoder) throws {
            value = try decoder.singleValueContainer().decode(Double.self)
            guard value >= 1 else { throw StepFailure(.final, code: "x", message: "below 1") }
        }
        func encode(to encoder: any Encoder) throws {
            var container = encoder.singleValueContainer()
            try container.encode(value)
        }
    }
    struct Sale: Codable { var discount: Percentage; var name: String }
    struct Wrapper: Codable, RawRepresentable { var rawValue: String }

    private func function<T: Codable & Sendable>(_ type: T.Type) throws -> StepValue {
        let step = Step("echo") { (value: T, _) in value }
        let plugin = Plugin(name: "p", version: "1", steps: [step])
        return try #require(try StepValue(json: plugin.description)["functions"]?[0])
    }

    private func schema<T: Codable & Sendable>(_ type: T.Type) throws -> StepValue? { try function(type)["input"] }

    @Test("the schema of the guide's example is the guide's, in the order of declaration")
    func guideExample() throws {
        let step = Step("price") { (order: Order, _) in order.items.count }
        let plugin = Plugin(name: "pricing", version: "1.0.0", steps: [step])
        #expect(
            plugin.description == """
                {"name":"pricing","version":"1.0.0","sdk":"stepkit-swift/1.0.0","functions":[{"name":"price",\
                "input":{"type":"object","properties":{"customer":{"type":"string"},"items":{"type":"array","items":\
                {"type":"object","properties":{"sku":{"type":"string"},"qty":{"type":"integer"}},\
                "required":["sku","qty"]}},"coupon":{"type":"string"}},"required":["customer","items"]},\
                "output":{"type":"integer"}}]}
                """)
    }

    @Test("scalars, formats, enums, dictionaries, sets and optionals have their schema")
    func manyTypes() throws {
        let schema = try #require(try schema(Many.self))
        let expected: [String: StepValue] = [
            "flag": ["type": "boolean"],
            "ratio": ["type": "number"],
            "small": ["type": "integer"],
            "at": ["type": "string", "format": "date-time"],
            "id": ["type": "string", "format": "uuid"],
            "blob": ["type": "string", "contentEncoding": "base64"],
            "link": ["type": "string", "format": "uri"],
            "level": ["enum": ["low", "high"]],
            "rank": ["enum": [1, 2]],
            "counts": ["type": "object", "additionalProperties": ["type": "integer"]],
            "nested": [
                "type": "object",
                "additionalProperties": [
                    "type": "array",
                    "items": [
                        "type": "object", "required": ["sku", "qty"],
                        "properties": ["sku": ["type": "string"], "qty": ["type": "integer"]],
                    ],
                ],
            ],
            "tags": ["type": "array", "items": ["type": "string"], "uniqueItems": true],
            "holes": ["type": "array", "items": ["anyOf": [["type": "integer"], ["type": "null"]]]],
            "any": true,
        ]
        for (name, value) in expected { #expect(schema["properties"]?[name] == value, "\(name)") }
        #expect(schema["properties"]?.objectValue?.count == expected.count)
        #expect(schema["required"]?.arrayValue?.contains("rank") == false)
    }

    @Test("a type that states its schema is used inside others")
    func providedSchema() throws {
        let schema = try #require(try schema(Sale.self))
        #expect(schema["properties"]?["discount"] == ["type": "number", "minimum": 1, "maximum": 100])
        #expect(schema["properties"]?["name"] == ["type": "string"])
    }

    @Test("a wrapper of one value has the schema of that value")
    func rawRepresentableStruct() throws {
        #expect(try schema(Wrapper.self) == ["type": "string"])
    }

    @Test("what cannot be read is reported with its path, not guessed")
    func unsupported() throws {
        let node = try function(Node.self)
        #expect(node["input"] == nil)
        #expect(node["schema_problem"]?.stringValue?.contains("Node contains itself") == true)
        let shape = try function(Shape.self)
        #expect(shape["input"] == nil)
        #expect(shape["schema_problem"]?.stringValue?.contains("give") == true)
    }

    @Test("an enum with associated values is never described as an object")
    func associatedValues() throws {
        struct Drawing: Codable { var title: String; var shape: Shape }
        let drawing = try function(Drawing.self)
        #expect(drawing["schema_problem"]?.stringValue?.contains("shape") == true)
    }

    @Test("a schema given by hand replaces the automatic one")
    func override() throws {
        let step = Step("x", input: ["type": "object"], output: false) { (value: Node, _) in value }
        let description = try StepValue(json: Plugin(name: "p", version: "1", steps: [step]).description)
        #expect(description["functions"]?[0]?["input"] == ["type": "object"])
        #expect(description["functions"]?[0]?["output"] == false)
        #expect(description["functions"]?[0]?["schema_problem"] == nil)
    }

    @Test("a promise of heartbeats is described in milliseconds")
    func heartbeatTimeout() throws {
        let steps = [
            Step("x", heartbeatTimeout: .seconds(2)) { (value: Int, _) in value },
            Step(raw: "y", heartbeatTimeout: .milliseconds(1500)) { input, _ in input },
            Step("z") { (value: Int, _) in value },
        ]
        let description = try StepValue(json: Plugin(name: "p", version: "1", steps: steps).description)
        let described = (0..<3).map { description["functions"]?[$0]?["heartbeat_timeout_ms"] }
        #expect(described == [2000, 1500, nil])
    }
}
