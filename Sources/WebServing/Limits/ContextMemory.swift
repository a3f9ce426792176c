package import WorkflowModel

/// Estimates the memory that an execution's inputs and outputs take while it runs; rather too much than too little.
///
/// The estimate need not be exact. It has to grow with the real memory for every kind of JSON, so that a budget of such
/// shares bounds the process.
package enum ContextMemory {
    /// A byte of recorded outputs is held as a value, and as text for the next step's host.
    package static let bytesPerRecordedByte = 4
    private static let valueBytes = 32
    private static let arrayBytes = 32
    private static let memberBytes = 48
    /// Swift keeps longer strings in memory of their own.
    private static let inlineStringBytesMax = 15

    /// What inputs take while their execution runs or is queued.
    /// - Parameter encodedByteCount: their length as JSON. Two such copies exist at a time, one on its way to the
    ///   journal and one to a step host.
    package static func ofInputs(_ inputs: JSONValue, encodedByteCount: Int) -> Int {
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
