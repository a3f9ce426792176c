/// The part of a table's profile that rules look at; `tabular.parse` writes it.
struct Profile: Codable, Equatable, Sendable {
    var rowCount: Int
    var columns: [Column]

    enum CodingKeys: String, CodingKey {
        case rowCount = "row_count"
        case columns
    }

    struct Column: Codable, Equatable, Sendable {
        var name: String
        var type: String
        var missing: Int
        /// 0…1.
        var missingShare: Double
        var distinct: Int
        var min: Bound?
        var max: Bound?

        /// By code points, which `String`'s equality is not.
        func isNamed(_ name: String) -> Bool { self.name.utf8.elementsEqual(name.utf8) }

        enum CodingKeys: String, CodingKey {
            case name, type, missing
            case missingShare = "missing_share"
            case distinct, min, max
        }
    }

    /// The smallest or largest value of a column: a number, or a text such as a date.
    enum Bound: Codable, Equatable, Sendable {
        case number(ExactNumber)
        case text(String)

        init(from decoder: any Decoder) throws {
            let container = try decoder.singleValueContainer()
            if let number = try? container.decode(ExactNumber.self) {
                self = .number(number)
            } else {
                self = .text(try container.decode(String.self))
            }
        }

        func encode(to encoder: any Encoder) throws {
            var container = encoder.singleValueContainer()
            switch self {
            case .number(let number): try container.encode(number)
            case .text(let text): try container.encode(text)
            }
        }

        var number: ExactNumber? { if case .number(let number) = self { number } else { nil } }
    }
}
