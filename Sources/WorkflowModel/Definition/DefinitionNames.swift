/// The forms of names and the bounds of values in a definition.
package enum DefinitionNames {
    static let nameBytesMax = 63
    static let durationMax = Duration.seconds(7 * 86_400)

    /// A DNS label (RFC 1123 §2.1) that does not clash with the stream's route.
    package static func isWorkflowName(_ text: String) -> Bool {
        let bytes = Array(text.utf8)
        guard (1...nameBytesMax).contains(bytes.count), text != "stream" else { return false }
        guard bytes.first != UInt8(ascii: "-"), bytes.last != UInt8(ascii: "-") else { return false }
        return bytes.allSatisfy { isLowerCase($0) || ExpressionLexer.isDigit($0) || $0 == UInt8(ascii: "-") }
    }

    /// Letters, digits, `_` and `-`, a letter or `_` first: without `-` it reads `steps.NAME` in an expression.
    package static func isStepName(_ text: String) -> Bool {
        guard let first = text.utf8.first, ExpressionLexer.isNameStart(first), text.utf8.count <= nameBytesMax else {
            return false
        }
        return text.utf8.allSatisfy {
            ExpressionLexer.isNameStart($0) || ExpressionLexer.isDigit($0) || $0 == UInt8(ascii: "-")
        }
    }

    /// Lower-case letters, digits and `_`, a letter first: what a step reports as its error's code.
    static func isErrorCode(_ text: String) -> Bool {
        guard let first = text.utf8.first, isLowerCase(first), text.utf8.count <= nameBytesMax else { return false }
        return text.utf8.allSatisfy { isLowerCase($0) || ExpressionLexer.isDigit($0) || $0 == UInt8(ascii: "_") }
    }

    private static func isLowerCase(_ byte: UInt8) -> Bool { (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte) }
}
