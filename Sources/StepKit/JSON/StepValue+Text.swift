extension StepValue {
    /// Compact JSON text, keys in ascending order. A number that is not finite, which JSON cannot say, becomes null.
    public var json: String {
        var writer = StepValueWriter()
        writer.write(self)
        return String(decoding: writer.bytes, as: UTF8.self)
    }

    /// Reads JSON text (RFC 8259). Of a repeated key the last value stays, as in other readers.
    ///
    /// - Throws: ``StepFailure`` with code `invalid_input`, final, naming the byte; also for nesting beyond 512 and for
    ///   integers beyond 64 bits.
    public init(json text: some Sequence<UInt8>) throws {
        let bytes = ContiguousArray(text)
        self = try bytes.withUnsafeBufferPointer { buffer in
            var reader = StepValueReader(buffer)
            return try reader.readDocument()
        }
    }

    public init(json text: String) throws { try self.init(json: text.utf8) }
}

/// Writes a ``StepValue`` as UTF-8.
struct StepValueWriter {
    var bytes: [UInt8] = []

    mutating func write(_ value: StepValue) {
        switch value {
        case .null: bytes.append(contentsOf: "null".utf8)
        case .bool(let value): bytes.append(contentsOf: (value ? "true" : "false").utf8)
        case .integer(let value): bytes.append(contentsOf: String(value).utf8)
        case .number(let value): writeNumber(value)
        case .string(let value): writeString(value)
        case .array(let elements):
            bytes.append(UInt8(ascii: "["))
            for (index, element) in elements.enumerated() {
                if index > 0 { bytes.append(UInt8(ascii: ",")) }
                write(element)
            }
            bytes.append(UInt8(ascii: "]"))
        case .object(let members):
            bytes.append(UInt8(ascii: "{"))
            for (index, member) in members.enumerated() {
                if index > 0 { bytes.append(UInt8(ascii: ",")) }
                writeString(member.key)
                bytes.append(UInt8(ascii: ":"))
                write(member.value)
            }
            bytes.append(UInt8(ascii: "}"))
        }
    }

    private mutating func writeNumber(_ value: Double) {
        // Whole numbers without ".0", as JSONEncoder writes them.
        if let whole = Int64(exactly: value), abs(value) < 1e15, !(value == 0 && value.sign == .minus) {
            bytes.append(contentsOf: String(whole).utf8)
        } else {
            bytes.append(contentsOf: (value.isFinite ? "\(value)" : "null").utf8)
        }
    }

    mutating func writeString(_ value: String) {
        bytes.append(UInt8(ascii: "\""))
        for byte in value.utf8 {
            switch byte {
            case UInt8(ascii: "\""), UInt8(ascii: "\\"):
                bytes.append(UInt8(ascii: "\\"))
                bytes.append(byte)
            case 0x0A: bytes.append(contentsOf: "\\n".utf8)
            case 0x0D: bytes.append(contentsOf: "\\r".utf8)
            case 0x09: bytes.append(contentsOf: "\\t".utf8)
            case 0..<0x20:
                let digits = Array("0123456789abcdef".utf8)
                bytes.append(contentsOf: "\\u00".utf8)
                bytes.append(digits[Int(byte >> 4)])
                bytes.append(digits[Int(byte & 15)])
            default: bytes.append(byte)
            }
        }
        bytes.append(UInt8(ascii: "\""))
    }
}
