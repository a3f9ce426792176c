/// The identity of one execution: a UUID version 7 (RFC 9562 §5.7), written in lower case.
///
/// Its first 48 bits are the creation time in Unix milliseconds, so identifiers sort by creation.
package struct ExecutionID: Hashable, Comparable, Sendable, CustomStringConvertible {
    let high: UInt64
    let low: UInt64

    /// A new identifier for the given moment; `random` gives the 74 random bits.
    package init(at time: Timestamp, using random: inout some RandomNumberGenerator) {
        let milliseconds = UInt64(clamping: time.microseconds / 1000) & 0xFFFF_FFFF_FFFF
        high = milliseconds << 16 | 0x7000 | (random.next() & 0x0FFF)
        low = 0x8000_0000_0000_0000 | (random.next() & 0x3FFF_FFFF_FFFF_FFFF)
    }

    /// Reads the canonical form of 36 characters; nil for anything that is not a lower-case UUIDv7.
    package init?(_ text: some StringProtocol) {
        var digits: (UInt64, UInt64) = (0, 0)
        var count = 0
        var offset = 0
        for byte in text.utf8 {
            if offset == 8 || offset == 13 || offset == 18 || offset == 23 {
                guard byte == UInt8(ascii: "-") else { return nil }
            } else {
                let digit: UInt8
                switch byte {
                case UInt8(ascii: "0")...UInt8(ascii: "9"): digit = byte - UInt8(ascii: "0")
                case UInt8(ascii: "a")...UInt8(ascii: "f"): digit = byte - UInt8(ascii: "a") + 10
                default: return nil
                }
                if count < 16 {
                    digits.0 = digits.0 << 4 | UInt64(digit)
                } else {
                    digits.1 = digits.1 << 4 | UInt64(digit)
                }
                count += 1
            }
            offset += 1
            if offset > 36 { return nil }
        }
        guard offset == 36, (digits.0 >> 12) & 0xF == 7, digits.1 >> 62 == 0b10 else { return nil }
        (high, low) = digits
    }

    /// Reads the 16 bytes of `bytes`, most significant first; nil unless they are a UUIDv7.
    package init?(bytes: some Collection<UInt8>) {
        guard bytes.count == 16 else { return nil }
        var digits: (UInt64, UInt64) = (0, 0)
        for (index, byte) in bytes.enumerated() {
            if index < 8 { digits.0 = digits.0 << 8 | UInt64(byte) } else { digits.1 = digits.1 << 8 | UInt64(byte) }
        }
        guard (digits.0 >> 12) & 0xF == 7, digits.1 >> 62 == 0b10 else { return nil }
        (high, low) = digits
    }

    /// The 16 bytes, most significant first; they sort as the identifiers do.
    package var bytes: [UInt8] {
        unsafe [UInt8](unsafeUninitializedCapacity: 16) { buffer, count in
            for index in 0..<16 {
                let word = index < 8 ? high : low
                unsafe buffer[index] = UInt8(truncatingIfNeeded: word >> UInt64(56 - 8 * (index & 7)))
            }
            count = 16
        }
    }

    /// The creation time the identifier carries, to the millisecond.
    package var time: Timestamp { Timestamp(microseconds: Int64(high >> 16) * 1000) }

    package var description: String {
        unsafe String(unsafeUninitializedCapacity: Self.textBytes) { unsafe write(to: $0) }
    }

    /// The length of the canonical form.
    static let textBytes = 36

    /// Writes the canonical form to the start of `buffer`, which has room for `textBytes`; returns its length.
    func write(to buffer: UnsafeMutableBufferPointer<UInt8>) -> Int {
        var position = 0
        for nibble in 0..<32 {
            if nibble == 8 || nibble == 12 || nibble == 16 || nibble == 20 {
                unsafe buffer[position] = UInt8(ascii: "-")
                position += 1
            }
            let word = nibble < 16 ? high : low
            let value = UInt8(truncatingIfNeeded: word >> UInt64(60 - 4 * (nibble & 15))) & 0xF
            unsafe buffer[position] = JSONWriter.hexDigit(value)
            position += 1
        }
        return position
    }

    package static func < (left: ExecutionID, right: ExecutionID) -> Bool {
        (left.high, left.low) < (right.high, right.low)
    }
}
