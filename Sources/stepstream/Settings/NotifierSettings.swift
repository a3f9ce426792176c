import ApprovalNotifier
import WorkflowModel
import Yams

/// The settings under `notifier`: the channels that approvers are told by.
struct NotifierSettings: Sendable {
    private static let keys: Set = ["channels", "retry_schedule"]
    private static let retriesMax = 50

    private(set) var configuration = NotifierConfiguration()
    /// As `--print-config` shows the channels: files in place of secrets.
    private var channels: [JSONValue] = []

    init() {}

    /// - Parameter settings: with its approvals and callers, which links are made by.
    init(_ source: SettingsSource, settings: Settings, _ faults: inout [String]) {
        let source = source.grouped("notifier", keys: Self.keys, &faults)
        if let links = settings.approvals.links, let url = settings.approvals.publicURL {
            configuration.links = DecisionLinks(links: links, publicURL: url, groups: settings.callers.groups)
        }
        if let list = source.list([], "retry_schedule", separator: ",", &faults) {
            let delays = list.values.map { Duration(parsing: $0) }
            if delays.contains(nil) || delays.count > Self.retriesMax {
                faults.append(
                    "notifier.retry_schedule is a list of up to \(Self.retriesMax) durations, such as [5s, 5m, 30m]")
            }
            configuration.schedule = RetrySchedule(delays: delays.compactMap { $0 })
        }
        guard let node = source.node("channels") else { return }
        guard let list = node.sequence else {
            faults.append("notifier.channels in \(source.path) is not a list of name, type and what the type needs")
            return
        }
        for (index, node) in list.enumerated() {
            var reader = ChannelSettings(node, place: "notifier.channels[\(index)] in \(source.path)")
            if let channel = reader.channel() {
                if configuration.channels.contains(where: { $0.name == channel.name }) {
                    reader.faults.append("\(reader.place): there is a channel \(channel.name) already")
                }
                configuration.channels.append(channel)
            }
            faults += reader.faults
            channels.append(reader.json)
        }
        if list.count > NotifierConfiguration.channelsMax {
            faults.append(
                "notifier.channels has \(list.count) channels; the limit is \(NotifierConfiguration.channelsMax), and "
                    + "one channel can reach several people, by its receiver or by the addresses of `to`")
        }
    }

    var json: JSONValue {
        [
            "channels": .array(channels),
            "retry_schedule_ms": .array(configuration.schedule.delays.map { .double($0.milliseconds) }),
            "links": .bool(configuration.links != nil),
        ]
    }
}
