import Glibc
import StepHosting

/// How many descriptors the process may have, and how they are shared out.
enum DescriptorLimit {
    /// More than the most connections and everything else need; a limit of a billion makes some programs slow.
    private static let wanted = 65_536
    /// Of a step host: channel, both outputs and the process itself.
    private static let perHost = 4
    /// Databases, topics, brokers, receivers, and hosts that are just being started.
    private static let others = 256
    private static let resource = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)

    /// Raises the soft limit, which is 1,024 by tradition and for the sake of select(2), as far as the hard one allows.
    static func raise() {
        var limit = rlimit()
        guard getrlimit(resource, &limit) == 0, limit.rlim_cur < wanted else { return }
        limit.rlim_cur = min(limit.rlim_max, rlim_t(wanted))
        _ = setrlimit(resource, &limit)
    }

    /// Makes the descriptors that timers need. The first sleep on each clock does, and the runtime ends the process
    /// (SIGILL) when there is none left then, which is just when something has to be tried again later.
    static func reserveTimers() async {
        for _ in 1...2 {
            try? await Task.sleep(for: .milliseconds(1), clock: .continuous)
            try? await Task.sleep(for: .milliseconds(1), clock: .suspending)
        }
    }

    static var current: Int {
        var limit = rlimit()
        guard getrlimit(resource, &limit) == 0 else { return wanted }
        return Int(clamping: limit.rlim_cur)
    }

    /// What is left for connections, so that however many there are, a step host can be started and a file opened.
    static func connections(limit: Int = current, hosts: Int = HostingConfiguration.Pool().hostsMax) -> Int {
        let reserve = hosts * perHost + others
        return max(1, limit >= 2 * reserve ? limit - reserve : limit / 4)
    }
}
