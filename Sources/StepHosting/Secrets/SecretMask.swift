import WorkflowEngine
import WorkflowModel

/// Hides secret values in what a step says for people to read: errors, their diagnostics, progress and log lines.
///
/// Output and checkpoints are data and stay as they are. A value that the step has changed (encoded, cut) is not found.
struct SecretMask: Sendable {
    private static let mark = Array("***".utf8)

    /// Longest first, for one may be a part of another.
    private let patterns: [[UInt8]]

    init(_ values: some Sequence<String>) {
        var patterns: Set<[UInt8]> = []
        for value in values where !value.isEmpty {
            patterns.insert(Array(value.utf8))
            // As it stands within JSON.
            patterns.insert(Array(JSONValue.string(value).encoded.dropFirst().dropLast()))
        }
        self.patterns = patterns.sorted { $0.count > $1.count }
    }

    func hide(in bytes: [UInt8]) -> [UInt8] {
        patterns.reduce(bytes) { $0.replacing($1, with: Self.mark) }
    }

    func hide(in text: String) -> String { String(decoding: hide(in: Array(text.utf8)), as: UTF8.self) }

    func hide(in outcome: StepOutcome) -> StepOutcome {
        guard case .failed(var error) = outcome.result else { return outcome }
        error.code = hide(in: error.code)
        error.message = hide(in: error.message)
        error.diagnostics = error.diagnostics.map(hide(in:))
        var hidden = outcome
        hidden.result = .failed(error)
        return hidden
    }

    func hide(in kind: StepActivity.Kind) -> StepActivity.Kind {
        switch kind {
        case .progress(let fraction, let note): .progress(fraction: fraction, note: hide(in: note))
        case .log(let level, let message, let fields):
            .log(level: level, message: hide(in: message), fields: hide(in: fields))
        }
    }
}
