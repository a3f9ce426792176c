/// Who waits for a host and who has one, over every plugin build: decisions only.
struct FleetStateMachine {
    typealias HostID = UInt64
    typealias CallID = UInt64

    struct Settings {
        var warmPerPlugin: Int
        var hostsPerPluginMax: Int
        var hostsMax: Int
        /// Waiting calls beyond which something is wrong; they wait on.
        var queuedCallsMax: Int
        var callsPerHostMax: Int
        var idleTimeout: Int64
        var crashes: CrashHistory.Settings
        /// A build that does not load this often in a row fails its waiting calls.
        var loadFailuresMax = 3
        var backoff = Backoff.Settings()
    }

    enum Refusal: Hashable {
        case quarantined(nanoseconds: Int64)
        case cannotLoad(String)
        case stopping
    }

    enum Action: Hashable {
        case spawn(HostID, hash: String)
        case assign(CallID, HostID)
        case retire(HostID)
        case refuse(CallID, Refusal)
        /// Call `retry` at this time.
        case wake(at: MonotonicNanoseconds)
    }

    private enum Phase: Hashable { case starting, idle(since: MonotonicNanoseconds), busy(CallID), retiring }

    private struct Host {
        var hash: String
        var phase: Phase
        var calls = 0
    }

    private struct Pool {
        /// The hottest last.
        var idle: [HostID] = []
        var waiting = CallQueue()
        var starting = 0
        var hosts = 0
        var isCurrent = false
        var loadFailuresInRow = 0
        var crashes = CrashHistory()
        var stalls = Backoff()
    }

    private let settings: Settings
    private var pools: [String: Pool] = [:]
    private var hosts: [HostID: Host] = [:]
    private var nextHost: HostID = 1
    private var queued = 0
    /// Hosts that the machine did not start: over all builds, since no plugin had a part in it.
    private var startFaults = Backoff()
    /// While the machine is at fault: the one host that tries for all.
    private var startProbe: HostID?
    private(set) var isStopping = false

    init(settings: Settings) { self.settings = settings }

    var hostCount: Int { hosts.count }
    var idleCount: Int { pools.values.reduce(0) { $0 + $1.idle.count } }
    var queuedCount: Int { queued }
    /// Hosts in a row that the machine did not start.
    var startFaultCount: Int { startFaults.failures }
    /// What the machine does to step hosts at the moment; nil when nothing is known to be wrong.
    var fault: String? {
        if startFaults.failures > 0 { return startFaults.reason }
        if let stall = pools.values.map(\.stalls).first(where: { $0.failures > 0 }) { return stall.reason }
        return queued > settings.queuedCallsMax ? "\(queued) calls wait for a step host" : nil
    }

    /// Whether the build is offered, has hosts or is waited for.
    func knows(_ hash: String) -> Bool { pools[hash] != nil }

    func isQuarantined(_ hash: String, _ now: MonotonicNanoseconds) -> Bool {
        pools[hash]?.crashes.isQuarantined(now) ?? false
    }

    // MARK: Calls

    mutating func submit(_ call: CallID, hash: String, now: MonotonicNanoseconds) -> [Action] {
        if isStopping { return [.refuse(call, .stopping)] }
        var pool = pools[hash] ?? Pool()
        if let host = pool.idle.popLast() {
            pools[hash] = pool
            hosts[host]?.phase = .busy(call)
            return [.assign(call, host)]
        }
        if pool.crashes.isQuarantined(now) {
            return [.refuse(call, .quarantined(nanoseconds: pool.crashes.quarantinedUntil - now))]
        }
        pool.waiting.append(call)
        queued += 1
        pools[hash] = pool
        return scaleUp(hash, now)
    }

    /// Takes a waiting call back; false when it waits no more.
    mutating func withdraw(_ call: CallID, hash: String) -> Bool {
        guard pools[hash]?.waiting.remove(call) == true else { return false }
        queued -= 1
        return true
    }

    /// A call that its host never got waits again, before the others.
    mutating func undelivered(_ call: CallID, by host: HostID, now: MonotonicNanoseconds) -> [Action] {
        guard let entry = hosts[host], case .busy(call) = entry.phase else { return [] }
        hosts[host]?.phase = .retiring
        if isStopping { return [.refuse(call, .stopping)] }
        pools[entry.hash]?.waiting.prepend(call)
        queued += 1
        return scaleUp(entry.hash, now)
    }

    /// The call a host has been given.
    func call(of host: HostID) -> CallID? {
        if case .busy(let call) = hosts[host]?.phase { call } else { nil }
    }

    /// The build a host was started for.
    func hash(of host: HostID) -> String? { hosts[host]?.hash }

    /// Whether the host has not been ready yet.
    func isStarting(_ host: HostID) -> Bool { hosts[host]?.phase == .starting }

    // MARK: Hosts

    /// The host's process is there, so the machine gives processes again: the others waited for that.
    mutating func greeted(_ host: HostID, now: MonotonicNanoseconds) -> [Action] {
        guard isStarting(host), startFaults.failures > 0 else { return [] }
        (startFaults, startProbe) = (Backoff(), nil)
        return isStopping ? [] : scaleUpAll(now)
    }

    /// The host has loaded its plugin.
    mutating func ready(_ host: HostID, now: MonotonicNanoseconds) -> [Action] {
        guard let entry = hosts[host], case .starting = entry.phase else { return [] }
        pools[entry.hash]?.starting -= 1
        pools[entry.hash]?.loadFailuresInRow = 0
        pools[entry.hash]?.stalls = Backoff()
        return free(host, now)
    }

    /// The host has finished its call; `isWorn` replaces it.
    mutating func released(_ host: HostID, isWorn: Bool, now: MonotonicNanoseconds) -> [Action] {
        guard var entry = hosts[host], case .busy = entry.phase else { return [] }
        entry.calls += 1
        hosts[host] = entry
        let starving = pools.contains { $0.key != entry.hash && $0.value.hosts == 0 && !$0.value.waiting.isEmpty }
        if isWorn || isStopping || entry.calls >= settings.callsPerHostMax || starving {
            hosts[host]?.phase = .retiring
            return [.retire(host)]
        }
        return free(host, now)
    }

    /// The host is gone. `loadFailure` says why its plugin did not load, `isFinal` that trying again is no use;
    /// `machineFault`, that the plugin has no part in it: its calls go on waiting.
    mutating func lost(
        _ host: HostID, isCrash: Bool, loadFailure: (message: String, isFinal: Bool)?,
        machineFault: MachineFault? = nil, now: MonotonicNanoseconds
    ) -> [Action] {
        guard let entry = hosts.removeValue(forKey: host), var pool = pools[entry.hash] else { return [] }
        if startProbe == host { startProbe = nil }
        var actions: [Action] = []
        pool.hosts -= 1
        if case .starting = entry.phase { pool.starting -= 1 }
        pool.idle.removeAll { $0 == host }
        var refusal: Refusal?
        if isCrash { _ = pool.crashes.crashed(now, settings.crashes) }
        if let loadFailure {
            pool.loadFailuresInRow += 1
            if loadFailure.isFinal || pool.loadFailuresInRow >= settings.loadFailuresMax {
                refusal = .cannotLoad(loadFailure.message)
            }
        }
        if pool.crashes.isQuarantined(now) {
            refusal = .quarantined(nanoseconds: pool.crashes.quarantinedUntil - now)
        }
        switch machineFault {
        case .start(let reason):
            if startFaults.failed(reason, now, settings.backoff) { actions.append(.wake(at: startFaults.until)) }
        case .stall(let reason):
            if pool.stalls.failed(reason, now, settings.backoff) { actions.append(.wake(at: pool.stalls.until)) }
        case nil: break
        }
        pools[entry.hash] = pool
        if isStopping { return [] }
        if let refusal { actions += drain(entry.hash, refusal) }
        actions += scaleUp(entry.hash, now)
        // The slot may be what a plugin without any host waits for.
        for hash in pools.keys where hash != entry.hash && pools[hash]?.waiting.isEmpty == false {
            actions += scaleUp(hash, now)
        }
        forgetIfEmpty(entry.hash, now)
        return actions
    }

    // MARK: The whole

    /// Names the builds that are offered now: they are kept warm, the others end with their last call.
    mutating func setCurrent(_ hashes: Set<String>, now: MonotonicNanoseconds) -> [Action] {
        guard !isStopping else { return [] }
        for hash in hashes where pools[hash] == nil { pools[hash] = Pool() }
        var actions: [Action] = []
        for hash in pools.keys.sorted() {
            pools[hash]?.isCurrent = hashes.contains(hash)
            actions += scaleUp(hash, now)
        }
        return actions
    }

    /// Starts what waits for a pause to end. When nothing does any more, nothing is known to be wrong any more.
    mutating func retry(now: MonotonicNanoseconds) -> [Action] {
        guard !isStopping else { return [] }
        let actions = scaleUpAll(now)
        if !startFaults.isPausing(now), startProbe == nil { startFaults = Backoff() }
        for hash in pools.keys where pools[hash]?.starting == 0 && pools[hash]?.stalls.isPausing(now) == false {
            pools[hash]?.stalls = Backoff()
        }
        return actions
    }

    /// Closes hosts above the warm ones that had nothing to do for long.
    mutating func trim(now: MonotonicNanoseconds) -> [Action] {
        var actions: [Action] = []
        for (hash, pool) in pools {
            var surplus = pool.hosts - (pool.isCurrent ? settings.warmPerPlugin : 0)
            // The coldest are at the front.
            for host in pool.idle {
                guard surplus > 0, case .idle(let since) = hosts[host]?.phase, now - since >= settings.idleTimeout
                else { break }
                actions.append(retireIdle(host, of: hash))
                surplus -= 1
            }
            if !isStopping { actions += scaleUp(hash, now) }
            forgetIfEmpty(hash, now)
        }
        return actions
    }

    /// Refuses what waits and retires every host; those in a call are told to stop.
    mutating func stop() -> [Action] {
        isStopping = true
        var actions: [Action] = []
        for hash in pools.keys.sorted() {
            actions += drain(hash, .stopping)
            pools[hash]?.idle = []
        }
        for (host, entry) in hosts.sorted(by: { $0.key < $1.key }) {
            actions.append(.retire(host))
            if case .idle = entry.phase { hosts[host]?.phase = .retiring }
        }
        return actions
    }

    // MARK: Parts

    /// Gives a host its next call, or lets it wait for one.
    private mutating func free(_ host: HostID, _ now: MonotonicNanoseconds) -> [Action] {
        guard let hash = hosts[host]?.hash, !isStopping else {
            hosts[host]?.phase = .retiring
            return [.retire(host)]
        }
        if let call = pools[hash]?.waiting.popFirst() {
            queued -= 1
            hosts[host]?.phase = .busy(call)
            return [.assign(call, host)]
        }
        hosts[host]?.phase = .idle(since: now)
        pools[hash]?.idle.append(host)
        return []
    }

    private mutating func scaleUpAll(_ now: MonotonicNanoseconds) -> [Action] {
        // Those that calls wait for first: while the machine is at fault only one host is started at a time.
        let (waiting, warm) = pools.keys.sorted().reduce(into: ([String](), [String]())) { lists, hash in
            if pools[hash]?.waiting.isEmpty == false { lists.0.append(hash) } else { lists.1.append(hash) }
        }
        return (waiting + warm).flatMap { scaleUp($0, now) }
    }

    /// Starts the hosts a build lacks for its waiting calls and its warm ones, within the limits.
    private mutating func scaleUp(_ hash: String, _ now: MonotonicNanoseconds) -> [Action] {
        guard let pool = pools[hash], !pool.crashes.isQuarantined(now), !startFaults.isPausing(now),
            !pool.stalls.isPausing(now)
        else { return [] }
        let warm = pool.isCurrent && pool.loadFailuresInRow < settings.loadFailuresMax ? settings.warmPerPlugin : 0
        let wanted = max(pool.waiting.count - pool.starting, warm - pool.hosts)
        var allowed = min(wanted, settings.hostsPerPluginMax - pool.hosts)
        if startFaults.failures > 0 { allowed = startProbe == nil ? min(allowed, 1) : 0 }
        var actions: [Action] = []
        for _ in 0..<max(0, allowed) {
            if hosts.count >= settings.hostsMax {
                if pool.hosts == 0, !pool.waiting.isEmpty, let victim = coldestIdle(except: hash) {
                    actions.append(victim)
                }
                break
            }
            let host = nextHost
            nextHost += 1
            hosts[host] = Host(hash: hash, phase: .starting)
            if startFaults.failures > 0 { startProbe = host }
            pools[hash]?.hosts += 1
            pools[hash]?.starting += 1
            actions.append(.spawn(host, hash: hash))
        }
        return actions
    }

    private mutating func coldestIdle(except hash: String) -> Action? {
        var coldest: (host: HostID, hash: String, since: MonotonicNanoseconds)?
        for (other, pool) in pools where other != hash {
            guard let host = pool.idle.first, case .idle(let since) = hosts[host]?.phase else { continue }
            if since < coldest?.since ?? .max { coldest = (host, other, since) }
        }
        return coldest.map { retireIdle($0.host, of: $0.hash) }
    }

    private mutating func retireIdle(_ host: HostID, of hash: String) -> Action {
        pools[hash]?.idle.removeAll { $0 == host }
        hosts[host]?.phase = .retiring
        return .retire(host)
    }

    private mutating func drain(_ hash: String, _ refusal: Refusal) -> [Action] {
        var actions: [Action] = []
        while let call = pools[hash]?.waiting.popFirst() {
            queued -= 1
            actions.append(.refuse(call, refusal))
        }
        return actions
    }

    /// Builds nobody offers or runs any more are forgotten once their crashes are.
    private mutating func forgetIfEmpty(_ hash: String, _ now: MonotonicNanoseconds) {
        guard let pool = pools[hash], pool.hosts == 0, pool.waiting.isEmpty, !pool.isCurrent,
            !pool.crashes.isRemembered(now, settings.crashes)
        else { return }
        pools.removeValue(forKey: hash)
    }
}
