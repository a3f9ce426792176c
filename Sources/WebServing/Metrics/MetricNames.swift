/// Names, labels and numbers as Prometheus' text format 0.0.4 has them.
enum MetricNames {
    /// The family's name: characters that may not stand there become `_`, units and `_total` follow.
    static func family(_ label: String, _ kind: MetricSeries.Kind) -> String {
        let name = sanitised(label, allowing: ":")
        switch kind {
        case .counter: return name.hasSuffix("_total") ? name : name + "_total"
        case .timer: return name.hasSuffix("_seconds") ? name : name + "_seconds"
        case .gauge, .histogram: return name
        }
    }

    static func sanitised(_ text: String, allowing extra: Character? = nil) -> String {
        var name = String(
            text.map { character in
                let isNameCharacter = character.isASCII && (character.isLetter || character.isNumber)
                return isNameCharacter || character == extra ? character : "_"
            })
        if name.first.map({ $0.isNumber }) ?? true { name = "_" + name }
        return name
    }

    static func number(_ value: Double) -> String {
        if value.isNaN { return "NaN" }
        if value.isInfinite { return value < 0 ? "-Inf" : "+Inf" }
        if let whole = Int64(exactly: value) { return String(whole) }
        return value.description
    }
}

/// The label set of a series, in order of name, each name once.
struct MetricLabels: Hashable, Comparable, Sendable {
    private let pairs: [[String]]

    init(_ dimensions: [(String, String)]) {
        var values: [String: String] = [:]
        for (name, value) in dimensions {
            var label = MetricNames.sanitised(name)
            // `le` belongs to histograms, names with two underscores to Prometheus.
            if label == "le" || label.hasPrefix("__") { label = "label_" + label }
            values[label] = value
        }
        pairs = values.sorted { $0.key < $1.key }.map { [$0.key, $0.value] }
    }

    /// The series that all further label values share.
    var others: MetricLabels { MetricLabels(pairs.map { ($0[0], "other") }) }

    func rendered(le: String? = nil) -> String {
        var parts = pairs.map { "\($0[0])=\"\(Self.escaped($0[1]))\"" }
        if let le { parts.append("le=\"\(le)\"") }
        return parts.isEmpty ? "" : "{" + parts.joined(separator: ",") + "}"
    }

    private static func escaped(_ value: String) -> String {
        var text = ""
        for character in value.unicodeScalars {
            switch character {
            case "\\": text += "\\\\"
            case "\"": text += "\\\""
            case "\n": text += "\\n"
            default: text.unicodeScalars.append(character)
            }
        }
        return text
    }

    static func < (left: MetricLabels, right: MetricLabels) -> Bool {
        left.pairs.flatMap(\.self).lexicographicallyPrecedes(right.pairs.flatMap(\.self))
    }
}
