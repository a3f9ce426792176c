import Metrics
import Testing
import WebServing
import WebTesting

@Suite("the metrics exposition")
struct MetricsTests {
    @Test("counters, gauges and histograms follow text format 0.0.4")
    func format() {
        let registry = MetricsRegistry()
        Counter(label: "stepstream.events", dimensions: [("type", "a\"b\\c\nd"), ("le", "x")], factory: registry)
            .increment(by: 3)
        Gauge(label: "stepstream_clients", factory: registry).record(2.5)
        let recorder = Recorder(label: "batch_events", factory: registry)
        for value in [1, 3, 100_000] { recorder.record(value) }
        let lines = registry.rendered.split(separator: "\n").map(String.init)
        #expect(lines.contains(#"stepstream_events_total{label_le="x",type="a\"b\\c\nd"} 3"#))
        #expect(lines.contains("stepstream_clients 2.5"))
        #expect(lines.contains("# TYPE batch_events histogram"))
        #expect(lines.contains(#"batch_events_bucket{le="1"} 1"#))
        #expect(lines.contains(#"batch_events_bucket{le="4"} 2"#))
        #expect(lines.contains(#"batch_events_bucket{le="65536"} 2"#))
        #expect(lines.contains(#"batch_events_bucket{le="+Inf"} 3"#))
        #expect(lines.contains("batch_events_sum 100004"))
        #expect(lines.contains("batch_events_count 3"))
        #expect(lines.filter { $0.hasPrefix("# TYPE") }.count == 3)
        #expect(registry.rendered.hasSuffix("\n"))
    }

    @Test("timers are histograms of seconds")
    func timers() {
        let registry = MetricsRegistry()
        Timer(label: "request", factory: registry).recordMilliseconds(2)
        #expect(registry.rendered.contains("request_seconds_bucket{le=\"0.0025\"} 1\n"))
        #expect(registry.rendered.contains("request_seconds_bucket{le=\"0.001\"} 0\n"))
        #expect(registry.rendered.contains("request_seconds_sum 0.002\n"))
    }

    @Test("a metric's series are bounded: further label values share one")
    func bounded() {
        let registry = MetricsRegistry()
        for index in 0..<600 {
            Counter(label: "c", dimensions: [("id", "\(index)")], factory: registry).increment()
        }
        let lines = registry.rendered.split(separator: "\n")
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
}
