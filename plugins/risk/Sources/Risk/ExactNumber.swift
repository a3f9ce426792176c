import StepKit

/// A number of JSON, an integer of 64 bits kept as it is: as a double, `9007199254740993` would be its neighbour.
enum ExactNumber: Codable, Equatable, Sendable {
    case integer(Int64)
    case real(Double)

    init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        if let integer = try? container.decode(Int64.self) { self = .integer(integer) } else {
            self = .real(try container.decode(Double.self))
        }
    }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        switch self {
        case .integer(let value): try container.encode(value)
        case .real(let value): try container.encode(value)
        }
    }

    /// By value, not by what a double makes of it.
    static func < (left: ExactNumber, right: ExactNumber) -> Bool {
        switch (left, right) {
        case (.integer(let left), .integer(let right)): left < right
        case (.real(let left), .real(let right)): left < right
        case (.integer(let left), .real(let right)): sign(of: left, against: right) < 0
        case (.real(let left), .integer(let right)): sign(of: right, against: left) > 0
        }
    }

    /// Below 0 when the integer is less, above when it is greater.
    private static func sign(of integer: Int64, against real: Double) -> Int {
        if real >= 0x1p63 { return -1 }
        if real < -0x1p63 { return 1 }
        let whole = Int64(real.rounded(.down))
        if integer != whole { return integer < whole ? -1 : 1 }
        return real > real.rounded(.down) ? -1 : 0
    }

    /// Without the `.0` of a whole number.
    var text: String {
        switch self {
        case .integer(let value): String(value)
        case .real(let value): Int64(exactly: value).map(String.init) ?? String(value)
        }
    }
}

extension ExactNumber: ExpressibleByIntegerLiteral, ExpressibleByFloatLiteral {
    init(integerLiteral value: Int64) { self = .integer(value) }
    init(floatLiteral value: Double) { self = .real(value) }
}

extension ExactNumber: StepSchemaProviding {
    static var stepSchema: StepValue { ["type": "number"] }
}
