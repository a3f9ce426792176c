import EventBus
import Testing
import WorkflowModel

@testable import Orchestrator

@Suite("AsyncAPI document")
struct AsyncAPITests {
    @Test("the headers of a message are those that publishers write, in their order")
    func headers() throws {
        let id = try #require(ExecutionID("01970f00-7a3b-7c4d-8e5f-0123456789ab"))
        let event = EncodedEvent(
            executionID: id, workflow: "w", sequence: 1, type: EventType.stepStarted.rawValue, time: id.time,
            isFinal: false, bytes: [], traceparent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
        let written = CloudEventsHeaders.headers(for: event, cluster: "main")
        let schema = AsyncAPIDocument.headers(of: .stepStarted)
        #expect(schema["properties"]?.objectValue?.keys == written.map(\.name))
        #expect(
            schema["required"]?.arrayValue?.compactMap(\.stringValue)
                == written.map(\.name).filter { $0 != "traceparent" })
        let values = JSONValue.object(JSONObject(written.map { ($0.name, .string($0.value)) }))
        #expect(try JSONSchema(schema).violations(of: values) == [])
        #expect(try JSONSchema(AsyncAPIDocument.headers(of: .stepFailed)).violations(of: values).count == 1)
    }

    @Test("every type of event is a message of the topics and of the stream")
    func messages() {
        let channels = AsyncAPIDocument.json["channels"]
        let types = Set(EventType.allCases.map(\.rawValue))
        for channel in ["events", "deadLetter", "stream"] {
            #expect(types.isSubset(of: channels?[channel]?["messages"]?.objectValue?.keys ?? []), "\(channel)")
        }
        #expect(channels?["events"]?["address"] == .string(Topics.events))
        #expect(channels?["activity"]?["address"] == .string(Topics.activity))
        #expect(channels?["deadLetter"]?["address"] == .string(Topics.deadLetter))
    }
}
