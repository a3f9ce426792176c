import ArgumentParser
import WorkflowModel

struct Bench: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Measure this machine's floors and what stepstream adds to them.",
        discussion: """
            Starts servers of its own on loopback, with temporary data directories, and stops them. Needs the `bench` \
            plugin. Figures of a debug build mean nothing.
            """)

    enum Part: String, CaseIterable, ExpressibleByArgument {
        case floors, latency, throughput, call, event, stream, metrics, memory, recovery
        /// Of a Kafka bus.
        case publish, drain, away

        static let ofMachine: [Part] = [
            .floors, .latency, .throughput, .call, .event, .stream, .metrics, .memory, .recovery,
        ]
        static let ofKafka: [Part] = [.floors, .publish, .drain, .away]
    }

    @Argument(help: "What to measure. Default: all that the bus allows.") var parts: [Part] = []
    @Option(name: .long, help: "embedded, or kafka to measure publishing to a broker.") var bus = Settings.Bus.embedded
    @Option(name: .long, help: "The broker, HOST:PORT, for --bus kafka.") var kafkaBootstrap: String?
    @Option(name: .long, help: "Directory of plugins. Default: plugins beside the executable.") var plugins: String?
    @Option(name: .long, help: "How long the throughput runs, in seconds.") var seconds = 60
    @Option(name: .long, help: "How long the server idles before its memory is read, in seconds.") var idleSeconds = 60
    @Flag(name: .long, help: "Print the figures as JSON.") var json = false

    /// A day, in seconds: longer is a mistake.
    private static let secondsMax = 86_400

    func validate() throws {
        guard (1...Self.secondsMax).contains(seconds) else {
            throw ValidationError("--seconds is from 1 to \(Self.secondsMax)")
        }
        guard (0...Self.secondsMax).contains(idleSeconds) else {
            throw ValidationError("--idle-seconds is from 0 to \(Self.secondsMax)")
        }
    }

    mutating func run() async throws {
        var report = BenchReport()
        let plugins = plugins ?? Settings.defaultPluginDirectory
        let chosen = parts.isEmpty ? (bus == .kafka ? Part.ofKafka : Part.ofMachine) : parts
        let kafka = try kafkaBench(chosen)
        for part in chosen {
            Output.notice("measuring \(part.rawValue) …")
            switch part {
            case .floors: try Floors.measure(&report)
            case .latency: try RunBench(plugins: plugins).latency(&report)
            case .throughput: try RunBench(plugins: plugins).throughput(seconds: seconds, &report)
            case .call: try await StepCallBench(plugins: plugins).measure(&report)
            case .event: try await EventCostBench().measure(&report)
            case .stream: try StreamBench(plugins: plugins).measure(&report)
            case .metrics: try await MetricsBench(plugins: plugins).measure(&report)
            case .memory: try MemoryBench(plugins: plugins).measure(idleSeconds: idleSeconds, &report)
            case .recovery: try RecoveryBench(plugins: plugins).measure(&report)
            case .publish: try await kafka?.publish(&report)
            case .drain: try await kafka?.drain(&report)
            case .away: try await kafka?.away(&report)
            }
        }
        try Output.data(Array((json ? report.json.encodedText : report.text).utf8) + [0x0A])
    }

    /// There when a part needs it.
    private func kafkaBench(_ parts: [Part]) throws -> KafkaBench? {
        guard parts.contains(where: { [.publish, .drain, .away].contains($0) }) else { return nil }
        guard let kafkaBootstrap else {
            throw CommandError(.usage, "publishing is measured with a broker; give --kafka-bootstrap HOST:PORT")
        }
        return KafkaBench(bootstrap: kafkaBootstrap)
    }
}

extension Settings.Bus: ExpressibleByArgument {}

/// Figures in the order they were taken.
struct BenchReport {
    private(set) var figures: [(name: String, value: Double, unit: String, target: String)] = []

    /// - Parameter target: what DESIGN §10 asks for; empty for a floor or a figure without one.
    mutating func add(_ name: String, _ value: Double, _ unit: String, target: String = "") {
        figures.append((name, value, unit, target))
    }

    mutating func add(_ name: String, _ sample: Sample, _ unit: String, p50: String = "", p99: String = "") {
        add(name + " p50", sample.percentile(50), unit, target: p50)
        add(name + " p99", sample.percentile(99), unit, target: p99)
    }

    var text: String {
        figures.map { figure in
            let name = figure.name + String(repeating: " ", count: max(1, 52 - figure.name.count))
            let value = JSONValue.double((figure.value * 100).rounded() / 100).encodedText
            let padded = String(repeating: " ", count: max(0, 10 - value.count)) + value
            return name + padded + " " + figure.unit + (figure.target.isEmpty ? "" : "   (target \(figure.target))")
        }.joined(separator: "\n")
    }

    var json: JSONValue {
        .array(
            figures.map { figure in
                [
                    "name": .string(figure.name), "value": .double(figure.value), "unit": .string(figure.unit),
                    "target": .string(figure.target),
                ]
            })
    }
}

/// Measured values of one kind.
struct Sample {
    private var values: [Double] = []

    mutating func add(_ value: Double) { values.append(value) }
    mutating func add(_ other: Sample) { values += other.values }
    var count: Int { values.count }

    /// The value below which `percent` of the sample lies (nearest rank); 0 for an empty sample.
    func percentile(_ percent: Double) -> Double {
        guard !values.isEmpty else { return 0 }
        let sorted = values.sorted()
        let rank = Int((percent / 100 * Double(sorted.count)).rounded(.up))
        return sorted[min(max(rank, 1), sorted.count) - 1]
    }
}
