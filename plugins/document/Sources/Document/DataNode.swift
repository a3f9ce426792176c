import Mustache
import StepKit

// What JSON becomes for the template. Strings and booleans are Swift's own. Other types the library would print by
// their Swift description, objects in no fixed order; these print JSON, the same in every attempt.

/// The object that the library takes for a JSON value.
func node(_ value: StepValue) -> Any {
    switch value {
    case .null: NullNode()
    case .bool(let value): value
    case .string(let value): value
    case .integer, .number: NumberNode(value: value)
    case .array(let elements): ListNode(elements: elements)
    case .object(let members): ObjectNode(members: members)
    }
}

/// JSON null: prints nothing, opens no section, and ends the search for its name.
struct NullNode: MustacheCustomRenderable {
    var renderText: String { "" }
    var isNull: Bool { true }
}

/// A number, printed without the `.0` of a whole one. Opens a section, even when it is 0.
struct NumberNode: MustacheCustomRenderable, MustacheTransformable {
    /// `integer` or `number`.
    var value: StepValue

    var renderText: String { value.json }
    var isNull: Bool { false }

    /// Rounding is for people's eyes; the data keeps its digits.
    func transform(_ name: String) -> Any? {
        switch name {
        case "equalzero": return value.doubleValue == 0
        case "rounded": return node(rounded(0))
        case "rounded1": return node(rounded(1))
        case "rounded2": return node(rounded(2))
        case "percent": return percent
        default: return nil
        }
    }

    /// An integer is round already; beyond 2⁵³ a double has no fraction either.
    private func rounded(_ decimals: Int) -> StepValue {
        guard case .number(let number) = value, number.magnitude < 0x1p53 else { return value }
        return .number(Self.round(number, decimals))
    }

    /// One decimal, or as many as it takes not to say 0 % of something or 100 % of what is not all.
    private var percent: String {
        switch value {
        case .integer(0): return "0 %"
        // Exact, where a product would not fit.
        case .integer(let number): return "\(number)00 %"
        default: break
        }
        let number = (value.doubleValue ?? 0) * 100
        guard number.magnitude < 0x1p53 else { return StepValue.number(number).json + " %" }
        let decimals = (1...12).first { decimals in
            let shown = Self.round(number, decimals)
            return shown == number || shown != 0 && shown != 100
        }
        return StepValue.number(Self.round(number, decimals ?? 12)).json + " %"
    }

    private static func round(_ number: Double, _ decimals: Int) -> Double {
        var scale = 1.0
        for _ in 0..<decimals { scale *= 10 }
        return (number * scale).rounded() / scale
    }
}

/// An array: a section over it is repeated.
struct ListNode: MustacheSequence, MustacheCustomRenderable, MustacheTransformable {
    var elements: [StepValue]

    var renderText: String { StepValue.array(elements).json }
    var isNull: Bool { false }

    func makeIterator() -> some IteratorProtocol<Any> { elements.lazy.map(node).makeIterator() }

    func transform(_ name: String) -> Any? {
        switch name {
        case "count": node(.integer(Int64(elements.count)))
        case "empty": elements.isEmpty
        case "first": elements.first.map(node)
        case "last": elements.last.map(node)
        default: nil
        }
    }
}

/// An object: a section over it looks names up in it first.
struct ObjectNode: MustacheParent, MustacheCustomRenderable, MustacheTransformable {
    var members: StepObject

    var renderText: String { StepValue.object(members).json }
    var isNull: Bool { false }

    func child(named name: String) -> Any? { members[TemplateName.decoded(name)].map(node) }

    func transform(_ name: String) -> Any? {
        switch name {
        case "count": node(.integer(Int64(members.count)))
        case "empty": members.isEmpty
        case "entries":
            ListNode(
                elements: members.map { ["key": .string($0.key), "value": $0.value] })
        default: nil
        }
    }
}
