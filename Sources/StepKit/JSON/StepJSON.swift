package import FoundationEssentials

/// The one way Swift values become JSON and back in this SDK: dates in ISO 8601, data in base 64, keys in order.
package enum StepJSON {
    // Made once: their settings never change, and making them costs more than a small decode.
    private static let decoder: JSONDecoder = {
        let decoder = JSONDecoder()
        decoder.dateDecodingStrategy = .iso8601
        return decoder
    }()
    private static let encoder: JSONEncoder = {
        let encoder = JSONEncoder()
        encoder.dateEncodingStrategy = .iso8601
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return encoder
    }()

    /// - Throws: ``StepFailure`` with code `invalid_input`, final, whose message names the path.
    package static func decode<T: Decodable>(_ type: T.Type, from bytes: Data) throws -> T {
        if type == StepValue.self, let value = try StepValue(json: bytes) as? T { return value }
        do {
            return try decoder.decode(type, from: bytes)
        } catch {
            throw StepFailure(.final, code: "invalid_input", message: explain(error))
        }
    }

    /// - Throws: ``StepFailure`` with code `invalid_output`, final.
    package static func encode(_ value: some Encodable) throws -> Data {
        if let value = value as? StepValue { return Data(value.json.utf8) }
        do {
            return try encoder.encode(value)
        } catch {
            throw StepFailure(.final, code: "invalid_output", message: explain(error))
        }
    }

    /// `items[2].qty: expected Int, found a string`, in place of Foundation's dump.
    package static func explain(_ error: any Error) -> String {
        switch error {
        case DecodingError.keyNotFound(let key, let context):
            "\(path(context.codingPath + [key])): missing"
        case DecodingError.valueNotFound(let type, let context):
            "\(path(context.codingPath)): expected \(type), found null"
        case DecodingError.typeMismatch(_, let context):
            "\(path(context.codingPath)): \(context.debugDescription)"
        case DecodingError.dataCorrupted(let context):
            "\(path(context.codingPath)): \(context.debugDescription)"
        case EncodingError.invalidValue(let value, let context):
            "\(path(context.codingPath)): \(value) cannot be written as JSON"
        case let failure as StepFailure: failure.message
        default: String(describing: error)
        }
    }

    private static func path(_ keys: [any CodingKey]) -> String {
        var text = ""
        for key in keys {
            if let index = key.intValue {
                text += "[\(index)]"
            } else {
                text += (text.isEmpty ? "" : ".") + key.stringValue
            }
        }
        return text.isEmpty ? "the value" : text
    }
}
