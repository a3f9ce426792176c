import FoundationEssentials
import Glibc
import WorkflowModel

/// Shows an execution's events as they come: a live bar on a terminal, a line each in a pipe, or the bytes themselves.
struct ExecutionView {
    enum Style { case bar, lines, json }

    private let style: Style
    private let descriptor: Int32
    private var bar = ProgressBar()
    private var waitedFor: [String] = []
    /// Of the last event that was shown.
    var sequence = 0
    /// The type of the final event, once it came.
    private(set) var finalType: String?
    /// Nothing goes on until somebody decides.
    private(set) var isWaiting = false

    /// - Parameters:
    ///   - json: print the events themselves, whatever standard output is.
    ///   - outputIsTaken: standard output carries the run's output, so progress goes to standard error.
    init(json: Bool, outputIsTaken: Bool = false) {
        descriptor = outputIsTaken ? STDERR_FILENO : STDOUT_FILENO
        style = json ? .json : Self.canDraw(on: descriptor) ? .bar : .lines
    }

    /// A terminal that moves its cursor.
    private static func canDraw(on descriptor: Int32) -> Bool {
        guard Platform.isTerminal(descriptor) else { return false }
        let terminal = ProcessInfo.processInfo.environment["TERM"] ?? ""
        return !terminal.isEmpty && terminal != "dumb"
    }

    /// Frames that are no events (`stream_*`) are told on standard error.
    mutating func take(_ bytes: [UInt8]) throws {
        let event = try JSONValue(parsing: bytes, limits: .written)
        let type = event["type"]?.stringValue ?? ""
        guard let sequence = event["sequence"]?.intValue else { return notice(event.encodedText) }
        self.sequence = Int(sequence)
        waitedFor = []
        let isFinal = event["final"]?.boolValue == true
        if isFinal { finalType = type }
        // The request of a release is followed by the completion, that of a gate by nothing.
        switch type {
        case "approval_requested": isWaiting = event["data"]?["kind"]?.stringValue == "gate"
        case "execution_completed": isWaiting = !isFinal
        case "approval_granted", "approval_rejected", "approval_expired": isWaiting = false
        default: break
        }
        switch style {
        case .json: try show(bytes + [0x0A])
        case .lines: try show(Array((VisibleText.escaped(EventText.line(event)) + "\n").utf8))
        case .bar: try show(Array(bar.take(event, columns: Platform.columns(of: descriptor)).utf8))
        }
    }

    private func show(_ bytes: [UInt8]) throws {
        if descriptor == STDOUT_FILENO { return try Output.data(bytes) }
        // Beside the output, progress is worth no failure.
        try? Descriptor.write(bytes, to: descriptor, named: "standard error")
    }

    /// A message beside the events; a bar makes room for it.
    func notice(_ text: String) {
        if style == .bar { try? show(Array(ProgressBar.eraseLine.utf8)) }
        Output.notice("stepstream: \(text)")
    }

    /// Says once what is in the way of further events.
    mutating func waits(for causes: [String]) {
        guard causes != waitedFor else { return }
        waitedFor = causes
        if causes.isEmpty { return }
        notice("waiting for events; the server says: \(causes.map(VisibleText.escaped).joined(separator: "; "))")
    }
}
