import BusContract
import EventBus
import EventBusEmbedded
import Foundation
import GRDB
import Logging
import WorkflowModel

/// A data directory that is removed with its owner.
final class DataDirectory: Sendable {
    let path: String

    /// - Parameter depth: extra directory levels of 60 characters each.
    init(depth: Int = 0) throws {
        let root = FileManager.default.temporaryDirectory.appendingPathComponent("stepstream-\(UUID().uuidString)")
        var url = root
        for _ in 0..<depth { url.appendPathComponent(String(repeating: "d", count: 60)) }
        try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
        self.root = root.path
        path = url.path
    }

    private let root: String
    var topic: String { path + "/topics/stepstream.events.v1.sqlite" }
    var topicLock: String { path + "/topics/stepstream.events.v1.lock" }
    var socket: String { path + "/topics/stepstream.events.v1.sock" }

    deinit { try? FileManager.default.removeItem(atPath: root) }

    /// A file of the directory as another program opens it: it waits for the bus's moment of writing.
    static func outsider(_ path: String) throws -> DatabaseQueue {
        var configuration = Configuration()
        configuration.busyMode = .timeout(20)
        return try DatabaseQueue(path: path, configuration: configuration)
    }

    func bus(_ configuration: EmbeddedBusConfiguration = EmbeddedBusConfiguration()) throws -> EmbeddedBus {
        try EmbeddedBus(dataDirectory: path, configuration: configuration, logger: Logger(label: "test"))
    }
}

/// One bus of one process, or two that know each other only through the files.
struct EmbeddedUnderTest: BusUnderTest {
    let directory: DataDirectory
    let publishing: EmbeddedBus
    let consuming: EmbeddedBus

    init(shared: Bool, configuration: EmbeddedBusConfiguration = EmbeddedBusConfiguration()) throws {
        directory = try DataDirectory()
        publishing = try directory.bus(configuration)
        consuming = shared ? publishing : try directory.bus(configuration)
    }

    func publisher() async throws -> any EventPublisher { try await publishing.publisher() }
    var subscriber: any EventSubscriber { consuming.subscriber }
    var history: any EventHistory { consuming.history }
    var deadLetters: DeadLetterPublisher { consuming.deadLetters }
    func deadLetterSubscriber() throws -> any EventSubscriber { try publishing.deadLetterSubscriber() }
    func consumerStore(named name: String) async throws -> any ConsumerStore {
        try await consuming.consumerStore(named: name)
    }
    func close() async {
        await publishing.close()
        await consuming.close()
    }
}

/// Events of executions 0, 1, 2 …, one position each.
struct Events {
    private(set) var all: [SourcedEvent] = []
    private(set) var executions: [ExecutionID] = []
    private var random = SystemRandomNumberGenerator()

    mutating func add(execution index: Int, count: Int, size: Int = 40) -> [SourcedEvent] {
        while executions.count <= index {
            // Rising creation times, so that identifiers rise too.
            let base = Int64(Date().timeIntervalSince1970 * 1_000_000) - 60_000_000
            executions.append(
                ExecutionID(at: Timestamp(microseconds: base + Int64(executions.count) * 1000), using: &random))
        }
        let execution = executions[index]
        let before = all.filter { $0.event.executionID == execution }.count
        let added = (1...count).map { step in
            SourcedEvent(
                position: SourcePosition(rawValue: Int64(all.count + step)),
                event: EncodedEvent(
                    executionID: execution, workflow: "w", sequence: before + step, type: "step_started",
                    time: Timestamp(microseconds: 1_767_607_200_000_000), isFinal: false,
                    bytes: Array(String(repeating: "x", count: size).utf8)))
        }
        all += added
        return added
    }
}

/// The error a call throws; nil when it throws none.
func error(of body: () async throws -> Void) async -> BusError? {
    do { try await body() } catch { return error as? BusError }
    return nil
}

/// A Python program: a reader nobody here wrote, and a process of its own that can be killed.
final class Python: Sendable {
    private let process: Process
    private let output: FileHandle
    private let input: FileHandle

    init(_ script: String, _ arguments: String...) throws {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = ["python3", "-c", script] + arguments
        let (output, input) = (Pipe(), Pipe())
        process.standardOutput = output
        process.standardInput = input
        try process.run()
        self.process = process
        self.output = output.fileHandleForReading
        self.input = input.fileHandleForWriting
    }

    var pid: Int32 { process.processIdentifier }

    /// The next line of output without its end; empty at the end of output.
    func line() async -> String {
        await withCheckedContinuation { continuation in
            DispatchQueue.global().async { [output] in
                var bytes: [UInt8] = []
                while let byte = try? output.read(upToCount: 1)?.first, byte != UInt8(ascii: "\n") {
                    bytes.append(byte)
                }
                continuation.resume(returning: String(decoding: bytes, as: UTF8.self))
            }
        }
    }

    func send(_ line: String) throws { try input.write(contentsOf: Data((line + "\n").utf8)) }

    /// SIGKILL, and waits until it is gone.
    func kill() {
        Foundation.kill(pid, SIGKILL)
        process.waitUntilExit()
    }

    deinit {
        if process.isRunning { kill() }
    }
}
