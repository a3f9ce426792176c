/// Looks at the tags of a Mustache template before the library parses it.
///
/// The library parses sections by recursion, so nesting without a limit would overflow the stack; and it renders a
/// partial that it does not know as nothing, which would lose text without a word.
struct TemplateScan {
    static let depthMax = 64

    private let bytes: [UInt8]
    private var position = 0
    private var line = 1
    private var opening = Array("{{".utf8)
    private var closing = Array("}}".utf8)

    private init(_ template: String) { bytes = Array(template.utf8) }

    /// The template as the parser takes it, its names in ASCII.
    ///
    /// Throws where sections nest too deeply or a partial is used. Other faults are the parser's to find.
    static func prepared(_ template: String) throws(RenderFailure) -> String {
        var scan = TemplateScan(template)
        var prepared: [UInt8] = []
        var copied = 0
        var depth = 0
        while scan.skip(past: scan.opening), scan.position < scan.bytes.count {
            let sigil = scan.bytes[scan.position]
            switch sigil {
            case UInt8(ascii: "#"), UInt8(ascii: "^"), UInt8(ascii: "$"): depth += 1
            case UInt8(ascii: "/"): depth -= 1
            case UInt8(ascii: ">"), UInt8(ascii: "<"):
                throw RenderFailure(
                    code: .invalidTemplate, message: "line \(scan.line): partials are not available here")
            default: break
            }
            guard depth <= depthMax else {
                throw RenderFailure(
                    code: .invalidTemplate, message: "line \(scan.line): sections nest more than \(depthMax) deep")
            }
            let tag = scan.position
            guard scan.skip(past: scan.closing) else { break }
            // A star in the closing delimiter would end the tag early.
            if !"!=%".utf8.contains(sigil), !scan.closing.contains(UInt8(ascii: "*")) {
                let end = scan.position - scan.closing.count
                prepared += scan.bytes[copied..<tag] + TemplateName.encoded(scan.bytes[tag..<end])
                copied = end
            }
            if sigil == UInt8(ascii: "=") { scan.setDelimiters(scan.bytes[tag..<scan.position - scan.closing.count]) }
        }
        return String(decoding: prepared + scan.bytes[copied...], as: UTF8.self)
    }

    /// Moves behind the next occurrence; false at the end of the template.
    private mutating func skip(past mark: [UInt8]) -> Bool {
        while position < bytes.count {
            if bytes[position] == UInt8(ascii: "\n") { line += 1 }
            if bytes[position...].starts(with: mark) {
                position += mark.count
                return true
            }
            position += 1
        }
        return false
    }

    /// `=<% %>=`
    private mutating func setDelimiters(_ tag: ArraySlice<UInt8>) {
        guard tag.count > 2, tag.last == UInt8(ascii: "=") else { return }
        let marks = tag.dropFirst().dropLast().split(whereSeparator: { $0 == 0x20 || (0x09...0x0D).contains($0) })
        guard marks.count == 2 else { return }
        opening = Array(marks[0])
        closing = Array(marks[1])
    }
}
