package import FoundationEssentials

/// The one way Swift values become JSON and back in this SDK: dates in ISO 8601, data in base 64, keys in order.
package enum StepJSON {
    // Made once: their settings never change, and making them costs more than a small decode.
    private static let decoder = makeDecoder(nil)
    private static let encoder = makeEncoder(ExactValues.Watch())

    private static func makeDecoder(_ source: ExactValues.Source?) -> JSONDecoder {
        let decoder = JSONDecoder()
        decoder.dateDecodingStrategy = .iso8601
        if let source { decoder.userInfo[ExactValues.key] = source }
        return decoder
    }

    private static func makeEncoder(_ exactValues: any Sendable) -> JSONEncoder {
        let encoder = JSONEncoder()
        encoder.dateEncodingStrategy = .iso8601
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        encoder.userInfo[ExactValues.key] = exactValues
        return encoder
    }

    /// - Throws: ``StepFailure`` with code `invalid_input`, final, whose message names the path.
    package static func decode<T: Decodable>(_ type: T.Type, from bytes: Data) throws -> T {
        if type == StepValue.self, let value = try StepValue(json: bytes) as? T { return value }
        do {
            let isPlain = !ExactValues.canBeNeeded(by: bytes)
            return try (isPlain ? decoder : makeDecoder(ExactValues.Source(bytes))).decode(type, from: bytes)
        } catch {
            throw StepFailure(.final, code: "invalid_input", message: explain(error))
        }
    }

    /// - Throws: ``StepFailure`` with code `invalid_output`, final.
    package static func encode(_ value: some Encodable) throws -> Data {
        if let value = value as? StepValue { return Data(value.json.utf8) }
        do {
            do { return try encoder.encode(value) } catch is ExactValues.Needed {
                let marks = ExactValues.Marks()
                return marks.replaced(in: try makeEncoder(marks).encode(value))
            }
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
