/// One family of an exposition: a name, what it means, and its series as they stand.
package struct MetricFamily: Sendable {
    package enum Kind: String, Sendable {
        case counter, gauge, histogram
    }

    package enum Value: Sendable {
        case number(Double)
        case histogram(Histogram)

        package static func count(_ count: UInt64) -> Value { .number(Double(count)) }
    }

    package struct Histogram: Sendable {
        /// Upper bounds, ascending.
        var bounds: [Double]
        /// Values up to each bound and above the one before; one more for those above all.
        var counts: [UInt64]
        var sum: Double
        package init(bounds: [Double], counts: [UInt64], sum: Double) {
            precondition(counts.count == bounds.count + 1, "a histogram counts what is above its bounds too")
            self.bounds = bounds
            self.counts = counts
            self.sum = sum
        }
    }

    struct Series: Sendable {
        var labels: MetricLabels
        var value: Value
    }

    /// As series of text format 0.0.4 have it: a counter's ends in `_total`.
    package let name: String
    package let kind: Kind
    /// For people, one sentence; without one the exposition has no `# HELP`.
    package let help: String?
    private(set) var series: [Series] = []

    package init(_ name: String, _ kind: Kind, help: String?) {
        precondition(kind != .counter || name.hasSuffix("_total"), "the counter \(name) does not end in _total")
        self.name = name
        self.kind = kind
        self.help = help
    }

    /// Each set of labels once.
    package mutating func add(_ value: Value, _ labels: (String, String)...) {
        series.append(Series(labels: MetricLabels(labels), value: value))
    }

    mutating func add(_ value: Value, labels: MetricLabels) { series.append(Series(labels: labels, value: value)) }
}
