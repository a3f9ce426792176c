package import Metrics
import Synchronization

/// Collects what a process counts and shows it at `GET /metrics`, with the families that roles add, in Prometheus' text
/// format 0.0.4 or OpenMetrics 1.0.
///
/// Counters get `_total`, timers `_seconds`; timers and recorders that aggregate are histograms with fixed buckets. A
/// metric has a bounded number of series: label values beyond it share one series whose labels all say `other`.
package final class MetricsRegistry: MetricsFactory, RouteProvider {
    /// Label sets of one metric.
    static let seriesMax = 500
    /// Seconds: a no-op step takes some tenths of a millisecond, a workflow may take minutes.
    static let secondsBuckets = [
        0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300,
    ]
    static let valueBuckets: [Double] = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 4096, 16_384, 65_536]

    private struct Family {
        let kind: MetricSeries.Kind
        var series: [MetricLabels: MetricSeries] = [:]
    }

    /// Gives families as they stand, at every reading; of a name that several give, the process's own is shown.
    package typealias Source = @Sendable () async -> [MetricFamily]

    private let families = Mutex<[String: Family]>([:])
    private let sources = Mutex<[Source]>([])
    private let texts: [String: String]

    /// - Parameter texts: what the process's own families mean, by name.
    package init(texts: [String: String] = [:]) { self.texts = texts }

    /// Shows what a role keeps itself beside what the process counts.
    package func add(_ source: @escaping Source) { sources.withLock { $0.append(source) } }

    package func addRoutes(to router: inout WebRouter) {
        router.get("/metrics") { request in
            let format = MetricsFormat(accept: request.header("accept"))
            let text = format.text(await self.current())
            return .bytes(Array(text.utf8), type: format.mediaType, headers: [WebHeader("vary", "accept")])
        }
    }

    /// All families: the process's own, then those of the sources.
    package func current() async -> [MetricFamily] {
        var current = families.withLock { $0 }.map { name, family in
            var shown = MetricFamily(name, family.kind.familyKind, help: texts[name])
            for (labels, series) in family.series { shown.add(series.value, labels: labels) }
            return shown
        }
        let own = Set(current.map(\.name))
        for source in sources.withLock({ $0 }) { current += await source().filter { !own.contains($0.name) } }
        return current
    }

    private func series(_ label: String, _ dimensions: [(String, String)], _ kind: MetricSeries.Kind) -> MetricSeries {
        let name = MetricNames.family(label, kind)
        let labels = MetricLabels(dimensions)
        return families.withLock { families in
            var family = families[name] ?? Family(kind: kind)
            // The same name as two kinds would be no valid exposition; the second is counted and not shown.
            guard family.kind == kind else { return MetricSeries(kind) }
            if let series = family.series[labels] { return series }
            let key = family.series.count < Self.seriesMax ? labels : labels.others
            let series = family.series[key] ?? MetricSeries(kind)
            family.series[key] = series
            families[name] = family
            return series
        }
    }

    // MARK: MetricsFactory

    package func makeCounter(label: String, dimensions: [(String, String)]) -> any CounterHandler {
        series(label, dimensions, .counter)
    }

    package func makeFloatingPointCounter(
        label: String, dimensions: [(String, String)]
    ) -> any FloatingPointCounterHandler {
        series(label, dimensions, .counter)
    }

    package func makeMeter(label: String, dimensions: [(String, String)]) -> any MeterHandler {
        series(label, dimensions, .gauge)
    }

    package func makeRecorder(label: String, dimensions: [(String, String)], aggregate: Bool) -> any RecorderHandler {
        series(label, dimensions, aggregate ? .histogram(buckets: Self.valueBuckets) : .gauge)
    }

    package func makeTimer(label: String, dimensions: [(String, String)]) -> any TimerHandler {
        series(label, dimensions, .timer(buckets: Self.secondsBuckets))
    }

    // Series stay for the life of the process: a counter that begins again at 0 would look like a restart.
    package func destroyCounter(_ handler: any CounterHandler) {}
    package func destroyFloatingPointCounter(_ handler: any FloatingPointCounterHandler) {}
    package func destroyMeter(_ handler: any MeterHandler) {}
    package func destroyRecorder(_ handler: any RecorderHandler) {}
    package func destroyTimer(_ handler: any TimerHandler) {}
}
