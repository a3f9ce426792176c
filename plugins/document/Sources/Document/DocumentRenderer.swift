import Mustache
import StepKit

/// `document.render`: a Mustache template and data → a text.
struct DocumentRenderer {
    enum Format: String, CaseIterable, Codable, Sendable {
        /// The template is Markdown; values go in as they are.
        case markdown
        /// The template is HTML; values are escaped (`< > & " '`) unless written `{{{…}}}`.
        case html
    }

    struct Output: Codable, Equatable, Sendable {
        var text: String
        var format: Format
        /// The text's length in UTF-8.
        var bytes: Int
    }

    static let templateBytesMax = 256 * 1024
    static let textBytesMax = 4 * 1024 * 1024
    private static let textPragma = "{{%CONTENT_TYPE:TEXT}}\n"

    var template: String
    var format: Format
    /// A heading above a Markdown text; the title of a whole HTML page around an HTML text.
    var title: String?

    func render(_ data: StepValue) throws(RenderFailure) -> Output {
        guard template.utf8.count <= Self.templateBytesMax else {
            throw RenderFailure(
                code: .invalidTemplate,
                message: "the template has \(template.utf8.count) bytes, at most \(Self.templateBytesMax) are allowed")
        }
        let text = framed(try parse(TemplateScan.prepared(template)).render(node(data)))
        let bytes = text.utf8.count
        guard bytes <= Self.textBytesMax else {
            throw RenderFailure(
                code: .tooLarge, message: "the text has \(bytes) bytes, at most \(Self.textBytesMax) are allowed")
        }
        return Output(text: text, format: format, bytes: bytes)
    }

    private func parse(_ template: String) throws(RenderFailure) -> MustacheTemplate {
        // The pragma stands on a line of its own, which leaves no trace in the text but counts in the parser's lines.
        let pragma = format == .markdown ? Self.textPragma : ""
        do {
            return try MustacheTemplate(string: pragma + template)
        } catch let error as MustacheTemplate.ParserError {
            let line = error.context.lineNumber - (pragma.isEmpty ? 0 : 1)
            throw RenderFailure(code: .invalidTemplate, message: "line \(line): \(Self.explain(error.error))")
        } catch {
            throw RenderFailure(code: .invalidTemplate, message: "\(error)")
        }
    }

    private static func explain(_ error: any Error) -> String {
        switch error as? MustacheTemplate.Error {
        case .sectionCloseNameIncorrect: "the end tag does not name the section that is open"
        case .expectedSectionEnd: "a section is not closed"
        case .unfinishedName: "a tag is not closed or its name has a character that names cannot have"
        case .invalidSetDelimiter: "a set-delimiter tag must look like {{=<% %>=}}"
        case .invalidConfigVariableSyntax, .unrecognisedConfigVariable: "an unknown pragma"
        case .transformAppliedToInheritanceSection: "a transform on an inherited section"
        case .illegalTokenInsideInheritSection, .textInsideInheritSection: "only blocks may stand in a parent tag"
        case nil: "a tag is not closed"
        }
    }

    private func framed(_ body: String) -> String {
        guard let title else { return body }
        switch format {
        case .markdown:
            return "# \(title)\n\n\(body)"
        case .html:
            return """
                <!doctype html>
                <html>
                <head>
                <meta charset="utf-8">
                <title>\(Self.escaped(title))</title>
                </head>
                <body>
                \(body)
                </body>
                </html>

                """
        }
    }

    private static func escaped(_ text: String) -> String {
        text.reduce(into: "") { result, character in
            switch character {
            case "<": result += "&lt;"
            case ">": result += "&gt;"
            case "&": result += "&amp;"
            default: result.append(character)
            }
        }
    }
}
