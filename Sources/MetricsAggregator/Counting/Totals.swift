import WorkflowModel

/// What is counted without a workflow or a function.
struct Totals: Hashable {
    /// The store's format; another release's is refused, not misread.
    private static let format: UInt64 = 1

    /// By `EventType`; the last counts types that this release does not know.
    var types: [UInt64] = Array(repeating: 0, count: EventType.allCases.count + 1)
    var duplicates: UInt64 = 0
    var malformed: UInt64 = 0
    var late: UInt64 = 0
    /// Sequences still missing when their execution was forgotten.
    var lost: UInt64 = 0
    /// Sequences before the first that was seen, of executions that are remembered.
    var missingAtStart: Int64 = 0
    /// Sequences between those that were seen.
    var missingInside: Int64 = 0
    var queue = DurationHistogram(.step)
    /// By `ApprovalKind`.
    var approvalWait = Array(repeating: DurationHistogram(.approval), count: ApprovalKind.allCases.count)
    /// Event time of the newest counted event.
    var upTo: Timestamp?

    init() {}

    /// Where a type is counted, and the type if it is known.
    static func place(of type: String) -> (place: Int, type: EventType?) {
        places[type] ?? (places.count, nil)
    }

    private static let places = Dictionary(
        uniqueKeysWithValues: EventType.allCases.enumerated().map { place, type in
            (type.rawValue, (place: place, type: EventType?.some(type)))
        })
}

extension Totals {
    var stored: [UInt8] {
        var writer = StoredWriter()
        writer.unsigned(Self.format)
        // By name, so that a later release may know more.
        writer.list(zip(EventType.allCases.map(\.rawValue) + [""], types).map { $0 }) { writer, entry in
            writer.text(entry.0)
            writer.unsigned(entry.1)
        }
        for count in [duplicates, malformed, late, lost] { writer.unsigned(count) }
        writer.signed(missingAtStart)
        writer.signed(missingInside)
        queue.write(to: &writer)
        for wait in approvalWait { wait.write(to: &writer) }
        writer.optional(upTo) { $0.signed($1.microseconds) }
        return writer.bytes
    }

    init(stored bytes: [UInt8]) throws(StoredFault) {
        var reader = StoredReader(bytes)
        guard try reader.unsigned() == Self.format else { throw StoredFault() }
        for _ in 0..<(try reader.count()) {
            let type = try reader.text()
            types[Self.place(of: type).place] += try reader.unsigned()
        }
        (duplicates, malformed) = (try reader.unsigned(), try reader.unsigned())
        (late, lost) = (try reader.unsigned(), try reader.unsigned())
        (missingAtStart, missingInside) = (try reader.signed(), try reader.signed())
        queue = try DurationHistogram(.step, &reader)
        for kind in approvalWait.indices { approvalWait[kind] = try DurationHistogram(.approval, &reader) }
        upTo = try reader.optional { (reader: inout StoredReader) throws(StoredFault) in
            Timestamp(microseconds: try reader.signed())
        }
    }
}
