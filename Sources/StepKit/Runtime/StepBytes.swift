package import FoundationEssentials
package import StepABI

extension step_bytes {
    /// A copy; the bytes are borrowed for the duration of the call only (R4).
    package var data: Data { ptr.map { Data(bytes: $0, count: Int(len)) } ?? Data() }

    /// A copy; what is not UTF-8 becomes the replacement character.
    package var string: String {
        ptr.map { String(decoding: UnsafeBufferPointer(start: $0, count: Int(len)), as: UTF8.self) } ?? ""
    }
}

extension Data {
    /// Lends the bytes for the duration of `body`.
    package func withStepBytes<R>(_ body: (step_bytes) throws -> R) rethrows -> R {
        try withUnsafeBytes {
            try body(step_bytes(ptr: $0.bindMemory(to: UInt8.self).baseAddress, len: UInt64($0.count)))
        }
    }
}

extension String {
    /// Lends the UTF-8 for the duration of `body`.
    package func withStepBytes<R>(_ body: (step_bytes) throws -> R) rethrows -> R {
        var copy = self
        return try copy.withUTF8 { try body(step_bytes(ptr: $0.baseAddress, len: UInt64($0.count))) }
    }
}
