import WorkflowModel

/// How families are written, by what the reader accepts.
enum MetricsFormat: Sendable {
    /// Prometheus' text format 0.0.4.
    case prometheus
    /// OpenMetrics 1.0.
    case openMetrics

    var mediaType: String {
        switch self {
        case .prometheus: "text/plain; version=0.0.4; charset=utf-8"
        case .openMetrics: "application/openmetrics-text; version=1.0.0; charset=utf-8"
        }
    }

    /// OpenMetrics where the reader asks for a version we write and prefers no text format to it (RFC 9110 §12.5.1).
    init(accept: String?) {
        var best: (format: MetricsFormat, quality: Double) = (.prometheus, 0)
        for range in (accept ?? "").lowercased().split(separator: ",") {
            let parts = range.split(separator: ";").map { $0.filter { !$0.isWhitespace } }
            func parameter(_ name: String) -> Substring? {
                parts.dropFirst().first { $0.hasPrefix(name + "=") }?.dropFirst(name.count + 1)
            }
            let quality = parameter("q").map { Double($0) ?? 0 } ?? 1
            let version = parameter("version")?.filter { $0 != "\"" }
            let format: MetricsFormat
            switch parts.first {
            case "application/openmetrics-text" where version == nil || version == "1.0.0": format = .openMetrics
            case "text/plain", "text/*", "*/*": format = .prometheus
            default: continue
            }
            if quality > best.quality { best = (format, quality) }
        }
        self = best.format
    }

    /// The exposition: families in order of name, each once.
    func text(_ families: [MetricFamily]) -> String {
        var text = ""
        var last: String?
        for family in families.sorted(by: { $0.name < $1.name }) where family.name != last {
            last = family.name
            append(family, to: &text)
        }
        if self == .openMetrics { text += "# EOF\n" }
        return text
    }

    private func append(_ family: MetricFamily, to text: inout String) {
        let isBare = self == .openMetrics && family.kind == .counter
        let name = isBare ? String(family.name.dropLast("_total".count)) : family.name
        text += "# TYPE \(name) \(family.kind.rawValue)\n"
        if self == .openMetrics, let unit = Self.units.first(where: { name.hasSuffix("_" + $0) }) {
            text += "# UNIT \(name) \(unit)\n"
        }
        if let help = family.help { text += "# HELP \(name) \(escaped(help))\n" }
        for series in family.series.sorted(by: { $0.labels < $1.labels }) {
            switch series.value {
            case .number(let value): text += "\(family.name)\(series.labels.rendered()) \(MetricNames.number(value))\n"
            case .histogram(let histogram): append(histogram, family.name, series.labels, to: &text)
            }
        }
    }

    private func append(
        _ histogram: MetricFamily.Histogram, _ name: String, _ labels: MetricLabels, to text: inout String
    ) {
        var cumulated: UInt64 = 0
        for (bound, count) in zip(histogram.bounds, histogram.counts) {
            cumulated += count
            // `1.0` in both formats, as OpenMetrics wants it: else the format would decide which series it is.
            text += "\(name)_bucket\(labels.rendered(le: bound.description)) \(cumulated)\n"
        }
        cumulated += histogram.counts.last ?? 0
        text += "\(name)_bucket\(labels.rendered(le: "+Inf")) \(cumulated)\n"
        text += "\(name)_sum\(labels.rendered()) \(MetricNames.number(histogram.sum))\n"
        text += "\(name)_count\(labels.rendered()) \(cumulated)\n"
    }

    /// Base units that our names end in.
    private static let units = ["seconds", "bytes"]

    /// OpenMetrics escapes quotes in help, the older format does not.
    private func escaped(_ help: String) -> String {
        let escaped = help.replacing("\\", with: "\\\\").replacing("\n", with: "\\n")
        return self == .openMetrics ? escaped.replacing("\"", with: "\\\"") : escaped
    }
}
