import EventBus
import Testing

@testable import EventBusKafka

@Suite("How a Kafka bus says it stands")
struct StandingTests {
    private func report(_ brokers: (name: Int, state: String)...) throws -> ClientStatistics {
        let entries = brokers.enumerated().map {
            #""\#($0.offset)": {"nodeid": \#($0.element.name), "state": "\#($0.element.state)"}"#
        }
        let json = #"{"brokers": {\#(entries.joined(separator: ","))}}"#
        let read = json.utf8CString.withUnsafeBufferPointer {
            ClientStatistics(json: UnsafeBufferPointer(rebasing: $0.dropLast()))
        }
        return try #require(read)
    }

    private func standing(_ members: [MemberStatistics], _ contact: Contact) -> KafkaStatistics {
        KafkaStatistics(members, contact: contact)
    }

    @Test("is not all right before a broker has answered, and one that has answered counts before the first report")
    func first() {
        let member = MemberStatistics()
        #expect(standing([member], .unused).fault != nil)
        #expect(standing([], .asking).fault != nil)
        let answered = standing([member], .answered(brokers: 3))
        #expect(answered.fault == nil && answered.brokersUp == 1 && answered.brokersKnown == 3)
        #expect(standing([member], .failed(BusError(.unavailable, "away"))).fault?.contains("away") == true)
        #expect(standing([], .unused).fault == nil, "nobody uses the bus")
    }

    @Test("goes by the library's reports once there are some")
    func reported() throws {
        let down = MemberStatistics(client: try report((1, "DOWN"), (-1, "DOWN")))
        #expect(standing([down], .answered(brokers: 1)).fault != nil)
        let up = MemberStatistics(client: try report((1, "UP"), (2, "INIT")))
        let both = standing([down, up, MemberStatistics()], .failed(BusError(.unavailable, "away")))
        #expect(both.fault == nil && both.brokersUp == 1 && both.brokersKnown == 2)
    }

    @Test("counts the connection by an address of kafka.bootstrap, which an idle client stays with")
    func bootstrap() throws {
        let idle = try report((1, "INIT"), (-1, "UP"))
        #expect(idle.brokersUp == 1 && idle.brokersKnown == 1)
        let busy = try report((1, "UP"), (-1, "UP"))
        #expect(busy.brokersUp == 1)
    }
}
