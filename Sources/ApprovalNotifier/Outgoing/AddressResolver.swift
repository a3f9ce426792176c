import Dispatch
import NIOCore
import Synchronization

/// Finds the addresses that a receiver may be connected to, and checks each: there is no second look-up that could give
/// another (DNS rebinding). A name often has one of IPv6 and one of IPv4, and only one of them is served.
///
/// The system's resolver may hang. A look-up has a thread of its own, and there is one at a time, which every attempt
/// waits for within its own time limit: what hangs is one thread for each channel.
final class AddressResolver: Sendable {
    /// How long an answer is used.
    private static let lifetime = Duration.seconds(30)

    /// Gives a name's addresses, best first; blocks.
    typealias LookUp = @Sendable (_ host: String, _ port: Int) throws -> [SocketAddress]

    /// Addresses of a name that are tried, at the most.
    static let addressesMax = 8

    private struct Known {
        var addresses: [SocketAddress]
        var until: ContinuousClock.Instant
    }

    private typealias Answer = Result<[SocketAddress], NotifierError>

    private struct State {
        var known: Known?
        var isLookingUp = false
        /// Bounded by the channel's attempts at a time.
        var waiting: [Int: CheckedContinuation<Answer, Never>] = [:]
        var serial = 0
    }

    private let host: String
    private let port: Int
    private let isPrivateAllowed: Bool
    private let lookUp: LookUp
    private let state = Mutex(State())
    /// Serial, and without a thread while it is idle.
    private let queue = DispatchQueue(label: "stepstream.notifier.resolver")

    /// - Parameter lookUp: the system's resolver unless a test says otherwise.
    init(host: String, port: Int, isPrivateAllowed: Bool, lookUp: LookUp? = nil) {
        self.host = host
        self.port = port
        self.isPrivateAllowed = isPrivateAllowed
        self.lookUp = lookUp ?? { try SocketAddress.all(ofHost: $0, port: $1) }
    }

    /// Ends at once, with `name`, when the task is cancelled.
    ///
    /// - Throws: `NotifierError`, `address` when the settings forbid it and `name` when there is none now.
    func addresses() async throws(NotifierError) -> [SocketAddress] {
        let token = state.withLock { state in
            state.serial += 1
            return state.serial
        }
        let givenUp = Answer.failure(NotifierError(.name, "\(host) was not looked up in time"))
        let answer = await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let (answer, begins) = state.withLock { state -> (Answer?, Bool) in
                    if let known = state.known, known.until > .now { return (.success(known.addresses), false) }
                    // Cancelled from here on, it is found among those that wait.
                    if Task.isCancelled { return (givenUp, false) }
                    state.waiting[token] = continuation
                    defer { state.isLookingUp = true }
                    return (nil, !state.isLookingUp)
                }
                if let answer { continuation.resume(returning: answer) }
                if begins { queue.async { self.find() } }
            }
        } onCancel: {
            state.withLock { $0.waiting.removeValue(forKey: token) }?.resume(returning: givenUp)
        }
        return try answer.get()
    }

    /// After a connection failed: the name may have another address by now.
    func forget() { state.withLock { $0.known = nil } }

    /// This one was connected to: the next attempt begins with it.
    func prefer(_ address: SocketAddress) {
        state.withLock { state in
            guard let place = state.known?.addresses.firstIndex(of: address), place > 0 else { return }
            state.known?.addresses.swapAt(0, place)
        }
    }

    private func find() {
        let answer = answer()
        let waiting = state.withLock { state in
            state.isLookingUp = false
            if case .success(let addresses) = answer {
                state.known = Known(addresses: addresses, until: .now + Self.lifetime)
            }
            defer { state.waiting = [:] }
            return state.waiting
        }
        for continuation in waiting.values { continuation.resume(returning: answer) }
    }

    private func answer() -> Answer {
        let found: [SocketAddress]
        do { found = try lookUp(host, port) } catch {
            return .failure(NotifierError(.name, "\(host) has no address", cause: error))
        }
        guard !found.isEmpty else { return .failure(NotifierError(.name, "\(host) has no address")) }
        let allowed = found.filter { isPrivateAllowed || AddressRules.isPublic($0.ipBytes) }
        if !allowed.isEmpty { return .success(Array(allowed.prefix(Self.addressesMax))) }
        let text = found.map { $0.ipAddress ?? "no address" }.joined(separator: ", ")
        return .failure(
            NotifierError(.address, "\(host) is \(text), which allow_private_addresses does not allow"))
    }
}
