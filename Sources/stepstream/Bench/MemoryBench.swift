import Glibc

/// Memory of an idle server with all roles; the step hosts apart.
struct MemoryBench {
    let plugins: String

    func measure(idleSeconds: Int, _ report: inout BenchReport) throws {
        let server = try BenchServer(plugins: plugins)
        defer { server.end(); server.remove() }
        sleep(UInt32(idleSeconds))
        let hosts = server.children
        report.add(
            "idle memory (PSS) after \(idleSeconds) s", BenchServer.pssMegabytes(server.pid), "MB", target: "≤ 60")
        report.add("  \(hosts.count) step hosts together", hosts.map(BenchServer.pssMegabytes).reduce(0, +), "MB")
    }
}
