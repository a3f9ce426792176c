/// The readers of outside input, each a fuzzer of its own; `FUZZ_READER` names the one that a process fuzzes.
enum Reader: String, CaseIterable {
    case frames, json, yaml, expression, pattern, schema, http, websocket

    /// Reads one input, whatever it is. Traps when the reader does, and when a promise of it does not hold.
    func read(_ input: [UInt8]) {
        switch self {
        case .frames: FrameFuzzer.read(input)
        case .json: JSONFuzzer.read(input)
        case .yaml: YAMLFuzzer.read(input)
        case .expression: ExpressionFuzzer.read(input)
        case .pattern: PatternFuzzer.read(input)
        case .schema: SchemaFuzzer.read(input)
        case .http: HTTPFuzzer.read(input)
        case .websocket: WebSocketFuzzer.read(input)
        }
    }
}

/// Ends the process with what the input has broken, so that libFuzzer keeps the input.
func require(_ isKept: Bool, _ promise: @autoclosure () -> String) {
    if !isKept { fatalError(promise()) }
}

extension [UInt8] {
    /// The first byte of an input says into how large pieces the rest is cut, from 1 to 64 bytes.
    var pieceBytesAndRest: (pieceBytes: Int, rest: ArraySlice<UInt8>) {
        (Int(first ?? 0) % 64 + 1, dropFirst())
    }

    /// The text before the first line break, and the text after it; nil for what is not UTF-8.
    var firstLineAndRest: (line: String, rest: String)? {
        let end = firstIndex(of: 0x0A) ?? endIndex
        guard let line = String(validating: self[..<end], as: UTF8.self),
            let rest = String(validating: self[end...].dropFirst(), as: UTF8.self)
        else { return nil }
        return (line, rest)
    }
}

extension ArraySlice<UInt8> {
    func pieces(of byteCount: Int) -> [ArraySlice<UInt8>] {
        stride(from: startIndex, to: endIndex, by: byteCount).map { self[$0..<Swift.min($0 + byteCount, endIndex)] }
    }
}
