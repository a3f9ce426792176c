import EventBus
import Logging
import Orchestrator
import Testing
import WorkflowModel

@testable import ApprovalNotifier
@testable import WebServing

@Suite("Routes of the notifier")
struct RoutesTests {
    @Test("are those that the OpenAPI document has of it, and no other; none is open to everybody")
    func documented() throws {
        let notifier = ApprovalNotifier(
            configuration: NotifierConfiguration(), subscriber: TopicFake(), store: nil,
            deadLetters: DeadLetterPublisher { () throws(BusError) in DeadFake() },
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }, now: { Events.start })
        var router = WebRouter()
        notifier.addRoutes(to: &router)
        var served: Set<String> = []
        for (path, endpoint) in router.tree.endpoints {
            for (method, handling) in endpoint.handlers {
                served.insert("\(method.rawValue) \(path)")
                #expect(handling.access != .everybody, "\(path)")
            }
        }
        var documented: Set<String> = []
        for (path, item) in try #require(OpenAPIDocument.json["paths"]?.objectValue)
        where path.hasPrefix("/api/v1/notifier/") {
            for method in try #require(item.objectValue).keys where method != "parameters" {
                documented.insert("\(method.uppercased()) \(path)")
            }
        }
        #expect(served == documented && served.count == 4)
    }
}
