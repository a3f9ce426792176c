import NIOCore
import NIOPosix
import Synchronization

/// Finds the one address that a receiver is connected to, and checks it: there is no second look-up that could give
/// another (DNS rebinding).
final class AddressResolver: Sendable {
    /// How long an answer is used.
    private static let lifetime = Duration.seconds(30)

    /// Gives a name's address as a text; blocks.
    typealias LookUp = @Sendable (_ host: String, _ port: Int) throws -> SocketAddress

    private struct Known {
        var address: SocketAddress
        var until: ContinuousClock.Instant
    }

    private let host: String
    private let port: Int
    private let isPrivateAllowed: Bool
    private let lookUp: LookUp
    private let known = Mutex<Known?>(nil)

    /// - Parameter lookUp: the system's resolver unless a test says otherwise.
    init(host: String, port: Int, isPrivateAllowed: Bool, lookUp: LookUp? = nil) {
        self.host = host
        self.port = port
        self.isPrivateAllowed = isPrivateAllowed
        self.lookUp = lookUp ?? { try SocketAddress.makeAddressResolvingHost($0, port: $1) }
    }

    /// - Throws: `NotifierError`, `address` when the settings forbid it and `name` when there is none now.
    func address() async throws(NotifierError) -> SocketAddress {
        if let known = known.withLock({ $0 }), known.until > .now { return known.address }
        let (host, port, lookUp) = (host, port, lookUp)
        let found: SocketAddress
        do {
            found = try await NIOThreadPool.singleton.runIfActive { try lookUp(host, port) }
        } catch { throw NotifierError(.name, "\(host) has no address", cause: error) }
        guard isPrivateAllowed || AddressRules.isPublic(found.ipBytes) else {
            throw NotifierError(
                .address, "\(host) is \(found.ipAddress ?? "no address"), which allow_private_addresses does not allow")
        }
        known.withLock { $0 = Known(address: found, until: .now + Self.lifetime) }
        return found
    }

    /// After a connection failed: the name may have another address by now.
    func forget() { known.withLock { $0 = nil } }
}
