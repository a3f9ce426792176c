import Glibc
import WorkflowModel

/// Shows an execution's events as they come: a live bar on a terminal, a line each in a pipe, or the bytes themselves.
struct ExecutionView {
    enum Style { case bar, lines, json }

    private let style: Style
    private var bar = ProgressBar()
    /// The type of the final event, once it came.
    private(set) var finalType: String?
    /// Nothing goes on until somebody decides.
    private(set) var isWaiting = false

    /// - Parameter json: print the events themselves, whatever standard output is.
    init(json: Bool) {
        style = json ? .json : (Platform.isTerminal(STDOUT_FILENO) ? .bar : .lines)
    }

    /// Frames that are no events (`stream_*`) are told on standard error.
    mutating func take(_ bytes: [UInt8]) throws {
        let event = try JSONValue(parsing: bytes)
        let type = event["type"]?.stringValue ?? ""
        guard event["sequence"] != nil else {
            Platform.printError("stepstream: \(event.encodedText)")
            return
        }
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
        case .json: Platform.printLine(String(decoding: bytes, as: UTF8.self))
        case .lines: Platform.printLine(EventText.line(event))
        case .bar: Platform.write(Array(bar.take(event).utf8), to: STDOUT_FILENO)
        }
    }
}
