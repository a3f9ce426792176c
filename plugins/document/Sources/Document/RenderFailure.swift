/// Why no document came out; none of it is worth another attempt.
struct RenderFailure: Error, Equatable {
    enum Code: String {
        /// The template is not Mustache, or uses what is not offered here; the message names the line.
        case invalidTemplate = "invalid_template"
        /// The text is longer than `DocumentRenderer.textBytesMax`.
        case tooLarge = "output_too_large"
    }

    var code: Code
    var message: String
}
