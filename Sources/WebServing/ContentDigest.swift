import Crypto
package import WorkflowModel

/// Content hashes for telling one request body from another.
package enum ContentDigest {
    /// The 32 bytes of SHA-256 (FIPS 180-4).
    package static func sha256(_ bytes: [UInt8]) -> [UInt8] { Array(SHA256.hash(data: bytes)) }

    /// The SHA-256 of a value, whatever its spelling: equal values have equal hashes, with members in any order,
    /// numbers in any form and any white space.
    ///
    /// - Returns: the hash, and how many bytes the value takes as JSON.
    package static func sha256(of value: JSONValue) -> (hash: [UInt8], byteCount: Int) {
        var digest = ValueDigest()
        digest.add(value)
        return digest.finish()
    }
}

/// Hashes a value's JSON with members by name and each number in one form, a piece at a time: inputs may be large.
private struct ValueDigest {
    private static let pieceBytes = 64 << 10

    private var hash = SHA256()
    private var writer = JSONWriter()
    private var byteCount = 0

    mutating func add(_ value: JSONValue) {
        switch value {
        // As equality has it: 1.0 is 1.
        case .double(let number):
            if let whole = Int64(exactly: number) { writer.int(whole) } else { writer.double(number) }
        case .array(let values):
            writer.raw("[")
            for (index, value) in values.enumerated() {
                if index > 0 { writer.raw(",") }
                add(value)
            }
            writer.raw("]")
        case .object(let members):
            writer.raw("{")
            // By bytes: names that are only canonically equivalent are different ones.
            let sorted = members.sorted { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) }
            for (index, member) in sorted.enumerated() {
                if index > 0 { writer.raw(",") }
                writer.string(member.key)
                writer.raw(":")
                add(member.value)
            }
            writer.raw("}")
        case .null, .bool, .int, .string: writer.value(value)
        }
        if writer.bytes.count >= Self.pieceBytes { take() }
    }

    private mutating func take() {
        hash.update(data: writer.bytes)
        byteCount += writer.bytes.count
        writer = JSONWriter(reserving: Self.pieceBytes)
    }

    mutating func finish() -> (hash: [UInt8], byteCount: Int) {
        take()
        return (Array(hash.finalize()), byteCount)
    }
}
