/// A JSON tree whose strings may hold `${{ expression }}`.
///
/// A string that is exactly one `${{ }}` keeps the expression's JSON type; otherwise each is put into the text.
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

    package func evaluate(_ variables: JSONObject) throws(ExpressionError) -> JSONValue {
        throw ExpressionError(message: "not built yet")
    }
}
