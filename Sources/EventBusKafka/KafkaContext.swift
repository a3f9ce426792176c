import EventBus
import Logging
import Synchronization

/// Something of a bus that is open: closing the bus ends its waits, and statistics are asked of it.
protocol KafkaMember: AnyObject, Sendable {
    func busClosed()
    var standing: MemberStatistics { get }
}

/// How the brokers answered when they were asked last for a topic or a subscription's beginning: all that is known of
/// them before the library's first report of its connections.
enum Contact: Sendable {
    case unused, asking
    /// With the number of brokers of the cluster.
    case answered(brokers: Int)
    case failed(BusError)
}

/// What a bus's publisher, subscriptions and history share.
final class KafkaContext: Sendable {
    let configuration: KafkaBusConfiguration
    let logger: Logger
    let poller: EventPoller
    let metrics = KafkaMetrics()
    private let members = Mutex(Members())
    /// Topics and reasons of records that are not ours, so that each is said once, whoever of the bus reads them.
    private let warned = Mutex<Set<String>>([])
    private let lastContact = Mutex(Contact.unused)
    private let saidFeatures = Mutex(BrokerFeatures())

    private struct Member {
        weak var value: (any KafkaMember)?
    }

    private struct Members {
        var all: [UInt64: Member] = [:]
        var serial: UInt64 = 0
        var isClosed = false
    }

    init(configuration: KafkaBusConfiguration, logger: Logger) throws(BusError) {
        self.configuration = configuration
        self.logger = logger
        poller = try EventPoller()
    }

    /// - Returns: what `leave` takes. - Throws: `closed` when the bus is.
    func join(_ member: any KafkaMember) throws(BusError) -> UInt64 {
        let serial = members.withLock { members -> UInt64? in
            guard !members.isClosed else { return nil }
            members.serial += 1
            members.all[members.serial] = Member(value: member)
            return members.serial
        }
        guard let serial else { throw BusError(.closed, "the bus is closed") }
        return serial
    }

    func leave(_ serial: UInt64) { members.withLock { _ = $0.all.removeValue(forKey: serial) } }

    var open: [any KafkaMember] { members.withLock { $0.all.sorted { $0.key < $1.key }.compactMap(\.value.value) } }

    /// Whether nobody has been told of such records on the topic yet.
    func isFirst(_ reason: RecordDecoder.NotOurs, on topic: String) -> Bool {
        warned.withLock { $0.insert("\(topic) \(reason.rawValue)").inserted }
    }

    /// A look for a topic begins.
    func asking() { lastContact.withLock { if case .unused = $0 { $0 = .asking } } }

    func contacted(_ contact: Contact) { lastContact.withLock { $0 = contact } }

    var contact: Contact { lastContact.withLock { $0 } }

    /// Says once what the broker's request versions take from the library.
    func say(_ features: BrokerFeatures) {
        let isNews = saidFeatures.withLock { said in
            defer { said = features }
            return said != features
        }
        guard isNews else { return }
        let version = "\(BrokerFeatures.libraryVersionText)"
        if !features.off.isEmpty {
            logger.notice(
                "the broker's request versions switch off features of librdkafka",
                metadata: ["features": "\(features.off.joined(separator: ", "))", "version": "\(version)"])
        }
        if features.isUncompressed(by: BrokerFeatures.libraryVersion) {
            logger.warning(
                "events go uncompressed: librdkafka before 2.11 compresses only where the broker offers Produce 0",
                metadata: ["version": "\(version)"])
        }
    }

    var isClosed: Bool { members.withLock { $0.isClosed } }

    func close() {
        let open = members.withLock { members in
            members.isClosed = true
            return members.all.values.compactMap(\.value)
        }
        for member in open { member.busClosed() }
        poller.stop()
    }
}
