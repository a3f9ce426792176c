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
        let number = value.doubleValue ?? 0
        switch name {
        case "equalzero": return number == 0
        case "rounded": return node(.number(number.rounded()))
        case "rounded1": return node(.number((number * 10).rounded() / 10))
        case "rounded2": return node(.number((number * 100).rounded() / 100))
        case "percent": return StepValue.number((number * 1_000).rounded() / 10).json + " %"
        default: return nil
        }
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
    var members: [String: StepValue]

    var renderText: String { StepValue.object(members).json }
    var isNull: Bool { false }

    func child(named name: String) -> Any? { members[name].map(node) }

    func transform(_ name: String) -> Any? {
        switch name {
        case "count": node(.integer(Int64(members.count)))
        case "empty": members.isEmpty
        case "entries":
            ListNode(
                elements: members.sorted { $0.key < $1.key }.map { ["key": .string($0.key), "value": $0.value] })
        default: nil
        }
    }
}
