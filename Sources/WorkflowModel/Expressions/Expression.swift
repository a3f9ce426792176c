/// A parsed expression of the documented CEL subset.
package struct Expression: Sendable, CustomStringConvertible {
    package let source: String

    /// - Throws: `ExpressionError` with the offset of the first fault.
    package init(parsing source: String) throws(ExpressionError) { self.source = source }

    /// Evaluates against the variables at the root (`inputs`, `steps` …).
    package func evaluate(_ variables: JSONObject) throws(ExpressionError) -> JSONValue {
        throw ExpressionError(message: "not built yet")
    }

    package var description: String { source }
}

package struct ExpressionError: Error, Hashable, Sendable, CustomStringConvertible {
    package var message: String
    /// Byte offset into the expression's source; nil for errors of evaluation without a place.
    package var offset: Int?

    package init(message: String, offset: Int? = nil) {
        self.message = message
        self.offset = offset
    }

    package var description: String { message }
}
