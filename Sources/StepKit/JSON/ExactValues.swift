internal import FoundationEssentials
internal import Synchronization

/// Carries a ``StepValue`` past Foundation's coders, whose dictionaries take canonically equivalent names for one.
///
/// Only text with such names takes this way: the decoder finds a value again in the text by its coding path, the
/// encoder writes a mark in its place that is replaced afterwards.
enum ExactValues {
    static let key = CodingUserInfoKey(rawValue: "stepkit.exact-values")!

    // MARK: decoding

    /// The whole text as a value, for those that are decoded out of it.
    final class Source: Sendable {
        private let bytes: Data
        /// Read when the first value is asked for; most types have none.
        private let root = Mutex<StepValue?>(nil)

        init(_ bytes: Data) { self.bytes = bytes }

        /// nil where the text spells a name in another way than the path.
        func value(at path: [any CodingKey]) -> StepValue? {
            let read = root.withLock { root in
                if root == nil { root = try? StepValue(json: bytes) }
                return root
            }
            guard var value = read else { return nil }
            for key in path {
                let next = if case .array = value { key.intValue.flatMap { value[$0] } } else { value[key.stringValue] }
                guard let next else { return nil }
                value = next
            }
            return value
        }
    }

    /// Whether a text can have names that are equivalent and not equal: beyond ASCII, as they are or as escapes.
    static func canBeNeeded(by bytes: Data) -> Bool {
        bytes.withUnsafeBytes { bytes in
            var previous: UInt8 = 0
            for byte in bytes {
                if byte >= 0x80 || byte == UInt8(ascii: "u") && previous == UInt8(ascii: "\\") { return true }
                previous = byte
            }
            return false
        }
    }

    // MARK: encoding

    /// A value that the encoder would not keep.
    struct Needed: Error {}

    /// What `userInfo` holds while it is not known whether marks are needed.
    struct Watch: Sendable {}

    /// Values that a text has marks for.
    final class Marks: Sendable {
        private let prefix = "stepvalue-\(UInt64.random(in: .min ... .max))-\(UInt64.random(in: .min ... .max))-"
        private let values = Mutex<[StepValue]>([])

        func mark(_ value: StepValue) -> String {
            values.withLock { values in
                values.append(value)
                return "\(prefix)\(values.count - 1)"
            }
        }

        /// The text with every mark replaced by its value.
        func replaced(in text: Data) -> Data {
            values.withLock { values in
                var result = text
                for (index, value) in values.enumerated() {
                    guard let range = result.firstRange(of: Data("\"\(prefix)\(index)\"".utf8)) else { continue }
                    result.replaceSubrange(range, with: Data(value.json.utf8))
                }
                return result
            }
        }
    }

    /// Whether a dictionary of strings would lose a member.
    static func needsMark(_ members: StepObject) -> Bool {
        let keys = members.keys
        return keys.contains { !$0.utf8.allSatisfy { $0 < 0x80 } } && Set(keys).count < keys.count
    }
}
