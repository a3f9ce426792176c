import Metrics
import Testing
import WebTesting

@testable import WebServing

@Suite("the metrics exposition")
struct MetricsTests {
    @Test("counters, gauges and histograms follow text format 0.0.4")
    func format() async {
        let registry = MetricsRegistry()
        Counter(label: "stepstream.events", dimensions: [("type", "a\"b\\c\nd"), ("le", "x")], factory: registry)
            .increment(by: 3)
        Gauge(label: "stepstream_clients", factory: registry).record(2.5)
        let recorder = Recorder(label: "batch_events", factory: registry)
        for value in [1, 3, 100_000] { recorder.record(value) }
        let text = MetricsFormat.prometheus.text(await registry.current())
        let lines = text.split(separator: "\n").map(String.init)
        #expect(lines.contains(#"stepstream_events_total{label_le="x",type="a\"b\\c\nd"} 3"#))
        #expect(lines.contains("stepstream_clients 2.5"))
        #expect(lines.contains("# TYPE batch_events histogram"))
        #expect(lines.contains(#"batch_events_bucket{le="1.0"} 1"#))
        #expect(lines.contains(#"batch_events_bucket{le="4.0"} 2"#))
        #expect(lines.contains(#"batch_events_bucket{le="65536.0"} 2"#))
        #expect(lines.contains(#"batch_events_bucket{le="+Inf"} 3"#))
        #expect(lines.contains("batch_events_sum 100004"))
        #expect(lines.contains("batch_events_count 3"))
        #expect(lines.filter { $0.hasPrefix("# TYPE") }.count == 3)
        #expect(text.hasSuffix("\n"))
    }

    @Test("timers are histograms of seconds")
    func timers() async {
        let registry = MetricsRegistry()
        Timer(label: "request", factory: registry).recordMilliseconds(2)
        let text = MetricsFormat.prometheus.text(await registry.current())
        #expect(text.contains("request_seconds_bucket{le=\"0.0025\"} 1\n"))
        #expect(text.contains("request_seconds_bucket{le=\"0.001\"} 0\n"))
        #expect(text.contains("request_seconds_sum 0.002\n"))
    }

    @Test("a metric's series are bounded: further label values share one")
    func bounded() async {
        let registry = MetricsRegistry()
        for index in 0..<600 {
            Counter(label: "c", dimensions: [("id", "\(index)")], factory: registry).increment()
        }
        let lines = MetricsFormat.prometheus.text(await registry.current()).split(separator: "\n")
        #expect(lines.count == 502)
        #expect(lines.contains(#"c_total{id="other"} 100"#))
    }

    @Test("it is served with its media type")
    func served() async throws {
        let registry = MetricsRegistry()
        Counter(label: "c", factory: registry).increment()
        try await TestServer.run(providers: [registry]) { server in
            let reply = try await server.client().request("GET", "/metrics")
            #expect(reply.header("content-type") == "text/plain; version=0.0.4; charset=utf-8")
            #expect(reply.text == "# TYPE c_total counter\nc_total 1\n")
        }
    }

    @Test("OpenMetrics has its own names, units and end; sources are shown once, the process's own first")
    func openMetrics() async {
        let registry = MetricsRegistry(texts: ["c_total": "A \"count\"."])
        Counter(label: "c", factory: registry).increment(by: 2)
        registry.add {
            var seconds = MetricFamily("wait_seconds", .histogram, help: nil)
            seconds.add(.histogram(.init(bounds: [0.5, 1], counts: [1, 0, 2], sum: 7.25)), ("kind", "gate"))
            return [seconds, MetricFamily("c_total", .counter, help: "Another's.")]
        }
        #expect(
            MetricsFormat.openMetrics.text(await registry.current()) == """
                # TYPE c counter
                # HELP c A \\"count\\".
                c_total 2
                # TYPE wait_seconds histogram
                # UNIT wait_seconds seconds
                wait_seconds_bucket{kind="gate",le="0.5"} 1
                wait_seconds_bucket{kind="gate",le="1.0"} 1
                wait_seconds_bucket{kind="gate",le="+Inf"} 3
                wait_seconds_sum{kind="gate"} 7.25
                wait_seconds_count{kind="gate"} 3
                # EOF

                """)
    }

    @Test(
        "the format is what the reader accepts",
        arguments: [
            (nil, false), ("*/*", false), ("text/html", false), ("application/openmetrics-text", true),
            ("application/openmetrics-text; version=1.0.0; charset=utf-8", true),
            ("application/openmetrics-text; version=2.0.0", false),
            ("application/openmetrics-text;version=\"1.0.0\";q=0.5, text/plain;version=0.0.4;q=0.3,*/*;q=0.2", true),
            ("application/openmetrics-text;version=1.0.0;q=0.2,text/plain;version=0.0.4", false),
            ("application/openmetrics-text;q=0, */*;q=0.1", false),
        ] as [(String?, Bool)])
    func negotiation(accept: String?, isOpenMetrics: Bool) {
        #expect((MetricsFormat(accept: accept) == .openMetrics) == isOpenMetrics)
    }
}
