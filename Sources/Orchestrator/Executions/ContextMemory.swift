import WorkflowModel

/// How much memory an execution's inputs and outputs take, roughly and rather too much.
///
/// Exact figures are not to be had; what counts is that a budget of shares bounds the process, whatever the JSON is.
enum ContextMemory {
    /// Of a byte of recorded outputs: as values, and as text for the next step's host.
    static let bytesPerRecordedByte = 4
    private static let valueBytes = 32
    private static let arrayBytes = 32
    private static let memberBytes = 48
    /// Longer strings stand in a block of their own.
    private static let inlineStringBytesMax = 15

    /// What inputs take while their execution runs or is queued.
    /// - Parameter encodedByteCount: their length as JSON; two copies are on their way to the journal and to a host.
    static func ofInputs(_ inputs: JSONValue, encodedByteCount: Int) -> Int {
        bytes(of: inputs) + 2 * encodedByteCount
    }

    private static func bytes(of value: JSONValue) -> Int {
        switch value {
        case .null, .bool, .int, .double: valueBytes
        case .string(let text): valueBytes + bytes(of: text)
        case .array(let values): values.reduce(valueBytes + arrayBytes) { $0 + bytes(of: $1) }
        case .object(let members):
            members.reduce(valueBytes + 2 * arrayBytes) { $0 + memberBytes + bytes(of: $1.key) + bytes(of: $1.value) }
        }
    }

    private static func bytes(of text: String) -> Int {
        let count = text.utf8.count
        return count > inlineStringBytesMax ? count + arrayBytes : 0
    }
}
