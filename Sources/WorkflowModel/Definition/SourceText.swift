/// The text of a definition by lines, for places that are asked about after it was read.
struct SourceText {
    private(set) var scalars: [Unicode.Scalar]
    /// Where each line begins.
    private let lineStarts: [Int]

    init(_ text: String) {
        scalars = Array(text.unicodeScalars)
        var starts = [0]
        var place = 0
        while place < scalars.count {
            let scalar = scalars[place]
            place += 1
            switch scalar {
            case "\r":
                if place < scalars.count, scalars[place] == "\n" { place += 1 }
                starts.append(place)
            // The line breaks of YAML 1.1, by which libyaml counts.
            case "\n", "\u{85}", "\u{2028}", "\u{2029}": starts.append(place)
            default: break
            }
        }
        lineStarts = starts
    }

    /// The index into `scalars`, nil outside the text.
    func index(of position: SourcePosition) -> Int? {
        guard position.line >= 1, position.line <= lineStarts.count, position.column >= 1 else { return nil }
        let index = lineStarts[position.line - 1] + position.column - 1
        return index < scalars.count ? index : nil
    }

    subscript(index: Int) -> Unicode.Scalar {
        get { scalars[index] }
        set { scalars[index] = newValue }
    }

    var text: String {
        var view = String.UnicodeScalarView()
        view.append(contentsOf: scalars)
        return String(view)
    }

    /// The place of a byte of a string's value, when the text spells the value's beginning as it is;
    /// otherwise (escapes, block scalars) the place of the string.
    func position(ofByte offset: Int, in value: String, at start: SourcePosition) -> SourcePosition {
        guard var index = index(of: start) else { return start }
        var column = start.column
        if scalars[index] == "\"" || scalars[index] == "'" {
            index += 1
            column += 1
        }
        var bytes = 0
        for scalar in value.unicodeScalars {
            if bytes >= offset { break }
            guard index < scalars.count, scalars[index] == scalar, scalar != "\n" else { return start }
            bytes += String(scalar).utf8.count
            index += 1
            column += 1
        }
        return SourcePosition(line: start.line, column: column)
    }
}
