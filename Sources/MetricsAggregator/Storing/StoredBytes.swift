/// Writes values of the consumer store: whole numbers as LEB128, texts and lists after their length.
struct StoredWriter {
    private(set) var bytes: [UInt8] = []

    mutating func unsigned(_ value: UInt64) {
        var rest = value
        while rest >= 0x80 {
            bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        bytes.append(UInt8(rest))
    }

    /// Zigzag: small numbers of either sign are short.
    mutating func signed(_ value: Int64) { unsigned(UInt64(bitPattern: (value << 1) ^ (value >> 63))) }

    mutating func count(_ value: Int) { unsigned(UInt64(value)) }

    mutating func text(_ value: String) {
        count(value.utf8.count)
        bytes.append(contentsOf: value.utf8)
    }

    mutating func list<Value>(_ values: some Collection<Value>, _ write: (inout StoredWriter, Value) -> Void) {
        count(values.count)
        for value in values { write(&self, value) }
    }

    mutating func optional<Value>(_ value: Value?, _ write: (inout StoredWriter, Value) -> Void) {
        count(value == nil ? 0 : 1)
        if let value { write(&self, value) }
    }
}

/// A value of the store that this release did not write.
struct StoredFault: Error {}

/// Reads what `StoredWriter` wrote; anything else is a fault, never a trap.
struct StoredReader {
    /// Elements of any one list.
    static let listCountMax = 1 << 20

    private let bytes: [UInt8]
    private var offset = 0

    init(_ bytes: [UInt8]) { self.bytes = bytes }

    var isAtEnd: Bool { offset == bytes.count }

    mutating func unsigned() throws(StoredFault) -> UInt64 {
        var value: UInt64 = 0
        for shift in stride(from: UInt64(0), to: 64, by: 7) {
            guard offset < bytes.count else { throw StoredFault() }
            let byte = bytes[offset]
            offset += 1
            value |= UInt64(byte & 0x7F) << shift
            if byte < 0x80 { return value }
        }
        throw StoredFault()
    }

    mutating func signed() throws(StoredFault) -> Int64 {
        let value = try unsigned()
        return Int64(bitPattern: value >> 1) ^ -Int64(bitPattern: value & 1)
    }

    mutating func count() throws(StoredFault) -> Int {
        guard let value = Int(exactly: try unsigned()) else { throw StoredFault() }
        return value
    }

    mutating func text() throws(StoredFault) -> String {
        let length = try count()
        guard length <= bytes.count - offset,
            let text = String(validating: bytes[offset..<offset + length], as: UTF8.self)
        else { throw StoredFault() }
        offset += length
        return text
    }

    mutating func list<Value>(
        _ read: (inout StoredReader) throws(StoredFault) -> Value
    ) throws(StoredFault) -> [Value] {
        let length = try count()
        guard length <= Self.listCountMax else { throw StoredFault() }
        var values: [Value] = []
        for _ in 0..<length { values.append(try read(&self)) }
        return values
    }

    mutating func optional<Value>(
        _ read: (inout StoredReader) throws(StoredFault) -> Value
    ) throws(StoredFault) -> Value? {
        try count() == 0 ? nil : try read(&self)
    }
}
