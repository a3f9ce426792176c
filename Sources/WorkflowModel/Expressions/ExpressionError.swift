/// Why an expression cannot be read, or has no value.
package struct ExpressionError: Error, Hashable, Sendable, CustomStringConvertible {
    package enum Code: String, Sendable {
        /// The text is not an expression.
        case syntax
        /// CEL has it, this subset does not (unsigned integers, bytes …).
        case unsupported
        /// The expression has no value for these variables: missing key, wrong type, overflow, division by zero.
        case evaluation
        /// A limit of source, nesting, evaluation steps or size is passed.
        case limit
    }

    package var code: Code
    package var message: String
    /// Byte offset into the expression's source; nil for errors without a place.
    package var offset: Int?

    package init(_ code: Code = .evaluation, message: String, offset: Int? = nil) {
        self.code = code
        self.message = message
        self.offset = offset
    }

    package var description: String { message }
}
