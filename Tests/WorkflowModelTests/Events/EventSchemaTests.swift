import Testing
import WorkflowModel

@Suite("Event schemas")
struct EventSchemaTests {
    /// Values that a member's schema may or may not accept; each differs in type or range.
    private static let strangers: [JSONValue] = [nil, true, false, -1, 1.5, 1e9, "", "x", [], [:]]

    @Test("every golden event fits its type's schema, the schema of all events, and no other type's")
    func goldens() throws {
        let all = try JSONSchema(EventSchemas.all)
        for type in EventType.allCases {
            let event = try JSONValue(parsing: try EventEncodingTests.golden(type))
            for other in EventType.allCases {
                let schema = try JSONSchema(EventSchemas.schema(for: other))
                #expect(schema.violations(of: event).isEmpty == (other == type), "\(type) by \(other)")
            }
            #expect(all.violations(of: event) == [], "\(type)")
        }
    }

    @Test("an event without one of its members fits no longer", arguments: EventType.allCases)
    func missingMembers(type: EventType) throws {
        let event = try JSONValue(parsing: try EventEncodingTests.golden(type))
        let schema = try JSONSchema(EventSchemas.schema(for: type))
        let all = try JSONSchema(EventSchemas.all)
        for key in EventEncodingTests.envelope {
            let mutated = event.setting([key], to: nil)
            #expect(schema.violations(of: mutated).contains { $0.keyword == "required" }, "\(key)")
            #expect(!all.violations(of: mutated).isEmpty, "\(key)")
        }
        for key in EventEncodingTests.data[type.rawValue] ?? [] {
            let mutated = event.setting(["data", key], to: nil)
            let found = schema.violations(of: mutated)
            #expect(found.contains { $0.path == "/data" && $0.keyword == "required" }, "\(key)")
            #expect(!all.violations(of: mutated).isEmpty, "\(key)")
        }
    }

    @Test("an event with a value of another kind fits no longer", arguments: EventType.allCases)
    func strangeValues(type: EventType) throws {
        let event = try JSONValue(parsing: try EventEncodingTests.golden(type))
        let schema = try JSONSchema(EventSchemas.schema(for: type))
        let paths = EventEncodingTests.envelope.map { [$0] }
            + (EventEncodingTests.data[type.rawValue] ?? []).map { ["data", $0] }
        for path in paths {
            let refused = Self.strangers.filter { !schema.violations(of: event.setting(path, to: $0)).isEmpty }
            // Numbers, texts and booleans accept at most the strangers of their own kind.
            #expect(refused.count >= Self.strangers.count - 3, "\(path): only \(refused) are refused")
        }
    }

    @Test("a completed execution is final unless an approval is still to come")
    func approvalKeepsOpen() throws {
        let event = try JSONValue(parsing: try EventEncodingTests.golden(.executionCompleted))
        let schema = try JSONSchema(EventSchemas.schema(for: .executionCompleted))
        #expect(!schema.violations(of: event.setting(["final"], to: true)).isEmpty)
        let approved = event.setting(["data", "requires_approval"], to: false)
        #expect(!schema.violations(of: approved).isEmpty)
        #expect(schema.violations(of: approved.setting(["final"], to: true)) == [])
    }

    @Test("unknown members are accepted, as changes within v1 are additive")
    func additions() throws {
        for type in EventType.allCases {
            let event = try JSONValue(parsing: try EventEncodingTests.golden(type))
            let extended = event.setting(["later"], to: 1).setting(["data", "later"], to: [])
            #expect(try JSONSchema(EventSchemas.schema(for: type)).violations(of: extended) == [])
        }
    }

    @Test("the schemas list the contract's members in its order")
    func order() {
        for type in EventType.allCases {
            let schema = EventSchemas.schema(for: type)
            #expect(schema["properties"]?.objectValue?.keys == EventEncodingTests.envelope)
            let data = schema["properties"]?["data"]
            #expect(data?["properties"]?.objectValue?.keys == EventEncodingTests.data[type.rawValue])
            #expect(data?["required"]?.arrayValue?.compactMap(\.stringValue) == EventEncodingTests.data[type.rawValue])
        }
    }
}

extension JSONValue {
    /// The value with another member at a path of objects; nil removes it.
    func setting(_ path: some Collection<String>, to value: JSONValue?) -> JSONValue {
        guard let key = path.first, case .object(var members) = self else { return self }
        members[key] = path.count == 1 ? value : members[key]?.setting(path.dropFirst(), to: value)
        return .object(members)
    }
}
