/// A JSON tree whose strings may hold `${{ expression }}`.
///
/// A string that is exactly one `${{ }}` keeps the expression's JSON type; otherwise each is put into the text:
/// strings as they are, everything else as compact JSON. `$${{` stands for a literal `${{`.
package indirect enum ValueTemplate: Sendable {
    case literal(JSONValue)
    case expression(Expression)
    case text([TextPart])
    case array([ValueTemplate])
    case object([(key: String, value: ValueTemplate)])

    package enum TextPart: Sendable {
        case text(String)
        case expression(Expression)
    }

    /// The largest value that an evaluation may produce, in bytes of its JSON: a step's input, DESIGN §8.
    package static let bytesMaxDefault = 4 << 20

    /// Reads a template from JSON.
    /// - Throws: the first `ExpressionError`; its offset counts from the start of the string that holds it.
    package init(_ json: JSONValue) throws(ExpressionError) {
        switch json {
        case .string(let text): self = try Self(parsing: text)
        case .array(let elements):
            var templates: [ValueTemplate] = []
            for element in elements { templates.append(try Self(element)) }
            self = Self(elements: templates)
        case .object(let members):
            var templates: [(key: String, value: ValueTemplate)] = []
            for (key, value) in members { templates.append((key, try Self(value))) }
            self = Self(members: templates)
        default: self = .literal(json)
        }
    }

    /// An array of templates, folded into a literal when nothing in it needs evaluation.
    init(elements: [ValueTemplate]) {
        let literals = elements.compactMap(\.literal)
        self = literals.count == elements.count ? .literal(.array(literals)) : .array(elements)
    }

    /// An object of templates, folded into a literal when nothing in it needs evaluation.
    init(members: [(key: String, value: ValueTemplate)]) {
        let literals = members.compactMap { member in member.value.literal.map { (member.key, $0) } }
        self = literals.count == members.count ? .literal(.object(JSONObject(literals))) : .object(members)
    }

    /// The value of a template without expressions.
    package var literal: JSONValue? { if case .literal(let value) = self { value } else { nil } }

    /// Every expression in the template, in order.
    package var expressions: [Expression] {
        switch self {
        case .literal: []
        case .expression(let expression): [expression]
        case .text(let parts): parts.compactMap { if case .expression(let found) = $0 { found } else { nil } }
        case .array(let elements): elements.flatMap(\.expressions)
        case .object(let members): members.flatMap(\.value.expressions)
        }
    }

    /// Evaluates every expression against the variables at the root.
    ///
    /// What is taken from the variables is shared, not copied. A result whose JSON is surely longer than `bytesMax`,
    /// or nests deeper than `JSONLimits.valueDepthMax`, is refused before anyone tries to write it down.
    /// - Throws: `ExpressionError`, its message led by the place in the template.
    package func evaluate(
        _ variables: JSONObject, bytesMax: Int = Self.bytesMaxDefault
    ) throws(ExpressionError) -> JSONValue {
        var evaluation = TemplateEvaluation(variables: variables, bytesMax: bytesMax)
        return try evaluation.value(of: self)
    }
}

/// One evaluation of a template, with the place it is at and the size it has reached.
private struct TemplateEvaluation {
    let variables: JSONObject
    let bytesMax: Int
    private var bytes = 0
    private var path: [String] = []

    init(variables: JSONObject, bytesMax: Int) {
        self.variables = variables
        self.bytesMax = bytesMax
    }

    mutating func value(of template: ValueTemplate) throws(ExpressionError) -> JSONValue {
        switch template {
        case .literal(let value):
            try charge(value, depth: path.count)
            return value
        case .expression(let expression):
            let value = try result(of: expression)
            try charge(value, depth: path.count)
            return value
        case .text(let parts):
            var text = ""
            for part in parts {
                switch part {
                case .text(let piece):
                    try charge(bytes: piece.utf8.count)
                    text += piece
                case .expression(let expression):
                    let value = try result(of: expression)
                    // Charged before it is written, so that no text grows past the limit.
                    try charge(value, depth: 0)
                    text += value.stringValue ?? value.encodedText
                }
            }
            return .string(text)
        case .array(let elements):
            var values: [JSONValue] = []
            values.reserveCapacity(elements.count)
            for (place, element) in elements.enumerated() {
                path.append("[\(place)]")
                values.append(try value(of: element))
                path.removeLast()
            }
            return .array(values)
        case .object(let members):
            var object = JSONObject()
            for (key, template) in members {
                path.append(path.isEmpty ? key : ".\(key)")
                try charge(bytes: key.utf8.count)
                object[key] = try value(of: template)
                path.removeLast()
            }
            return .object(object)
        }
    }

    private func result(of expression: Expression) throws(ExpressionError) -> JSONValue {
        do throws(ExpressionError) {
            let value = try expression.evaluate(variables)
            guard !expression.computesNumbers || value.isFinite else {
                throw ExpressionError(message: "the result holds a number that JSON cannot write (NaN or infinity)")
            }
            return value
        } catch {
            let place = path.joined()
            throw ExpressionError(
                error.code,
                message: "\(place.isEmpty ? "" : "\(place): ")\(error.message) in ${{ \(expression.source) }}",
                offset: error.offset)
        }
    }

    /// Counts what the JSON of a value takes at least, and holds it to the nesting that is read back.
    /// - Parameter depth: how many arrays and objects of the template the value stands in.
    private mutating func charge(_ value: JSONValue, depth: Int) throws(ExpressionError) {
        switch value {
        case .string(let text): try charge(bytes: text.utf8.count)
        case .array(let elements):
            try descend(to: depth + 1)
            try charge(bytes: elements.count)
            for element in elements { try charge(element, depth: depth + 1) }
        case .object(let members):
            try descend(to: depth + 1)
            try charge(bytes: members.count)
            for (key, member) in members {
                try charge(bytes: key.utf8.count)
                try charge(member, depth: depth + 1)
            }
        default: bytes += 1
        }
    }

    private func descend(to depth: Int) throws(ExpressionError) {
        guard depth <= JSONLimits.valueDepthMax else {
            throw ExpressionError(.limit, message: "the value nests deeper than \(JSONLimits.valueDepthMax)")
        }
    }

    private mutating func charge(bytes count: Int) throws(ExpressionError) {
        bytes += count
        guard bytes <= bytesMax else {
            throw ExpressionError(.limit, message: "the value is larger than \(bytesMax) bytes")
        }
    }
}

extension JSONValue {
    /// Whether JSON can write every number in the value.
    fileprivate var isFinite: Bool {
        switch self {
        case .double(let number): number.isFinite
        case .array(let elements): elements.allSatisfy(\.isFinite)
        case .object(let members): members.allSatisfy(\.value.isFinite)
        default: true
        }
    }
}
