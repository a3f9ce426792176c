import AsyncHTTPClient
import Glibc
import NIOCore
import NIOHTTP1
import NIOPosix
import NIOSSL
import Synchronization
import WorkflowModel

/// One HTTP receiver: a pool of connections of its own to one address that was checked.
///
/// A request is bounded in time and in what is read of its answer; nothing follows a redirect; certificates are
/// verified against the name in the URL. The client is told to take the checked address for the name (`dnsOverride`),
/// so that it asks no resolver itself; server name and certificate stay those of the URL.
final class HTTPReceiver: Sendable {
    struct Answer: Sendable {
        var status: Int
        var retryAfter: Duration?
        var body: [UInt8]

        /// How long the receiver asks to be left alone: `Retry-After` where it, or what stands before it, is overloaded
        /// or away. Beside another status the header says nothing of the receiver.
        var pause: Duration? { [429, 502, 503, 504].contains(status) ? retryAfter : nil }
    }

    /// Bodies of answers are read up to here; what is longer is cut. The status decides, whatever the body is.
    static let answerBytesMax = 64 << 10
    /// How long the body of an answer is waited for. It has at most a word on what is wrong, but read to its end it
    /// leaves the connection for the next request.
    private static let drainTime = Duration.milliseconds(500)

    private struct Open {
        var address: SocketAddress
        var client: HTTPClient
    }

    private let url: ReceiverURL
    private let timeout: Duration
    private let concurrencyMax: Int
    private let authorities: CertificateAuthorities?
    private let resolver: AddressResolver
    private let open = Mutex<Open?>(nil)

    init(
        url: ReceiverURL, outgoing: NotifierConfiguration.Outgoing, concurrencyMax: Int,
        lookUp: AddressResolver.LookUp? = nil
    ) {
        self.url = url
        self.concurrencyMax = concurrencyMax
        timeout = outgoing.timeout
        authorities = outgoing.authorities
        resolver = AddressResolver(
            host: url.host, port: url.port, isPrivateAllowed: outgoing.isPrivateAllowed, lookUp: lookUp)
    }

    /// - Returns: the answer, or how the attempt ended without one.
    func post(_ body: [UInt8], headers: [(String, String)], now: Timestamp) async -> Result<Answer, Failure> {
        var request = HTTPClientRequest(url: url.text)
        request.method = .POST
        request.headers.add(name: "content-type", value: "application/json")
        request.headers.add(name: "user-agent", value: "stepstream")
        for (name, value) in headers { request.headers.add(name: name, value: value) }
        request.body = .bytes(ByteBuffer(bytes: body))
        let ready = request
        do {
            return .success(try await Deadline.run(within: timeout) { try await self.send(ready, now: now) })
        } catch let error as NotifierError {
            return .failure(Failure(isFinal: error.code == .address, reason: "\(error)"))
        } catch {
            resolver.forget()
            return .failure(Failure(isFinal: false, reason: TransportFailure.text(of: error)))
        }
    }

    /// Why there is no answer.
    struct Failure: Error {
        var isFinal: Bool
        var reason: String
        var outcome: DeliveryOutcome { isFinal ? .refused(reason) : .failed(reason) }
    }

    func close() async {
        let client = open.withLock { open in
            defer { open = nil }
            return open?.client
        }
        try? await client?.shutdown()
    }

    private func send(_ request: HTTPClientRequest, now: Timestamp) async throws -> Answer {
        let began = ContinuousClock.now
        let response = try await respond(to: request)
        // The answer is there: the whole attempt's limit must not pass while its body is waited for.
        let left = timeout - (.now - began) - .milliseconds(50)
        return Answer(
            status: Int(response.status.code),
            retryAfter: response.headers.first(name: "retry-after").flatMap { RetryAfter.duration($0, now: now) },
            body: await Self.body(of: response, within: max(.zero, min(Self.drainTime, left))))
    }

    /// Tries one address after the other as long as there is no connection; what was sent once is not sent again.
    private func respond(to request: HTTPClientRequest) async throws -> HTTPClientResponse {
        let addresses = try await resolver.addresses()
        var place = 0
        while true {
            let address = addresses[place]
            place += 1
            do {
                let client = await client(for: address, connectTimeout: timeout / addresses.count)
                // The whole attempt has a limit already; this one ends what the library itself still holds.
                let response = try await client.execute(request, timeout: .nanoseconds(timeout.nanoseconds))
                resolver.prefer(address)
                return response
            } catch where place < addresses.count && Self.isWithoutConnection(error) {
                continue
            }
        }
    }

    /// True if the error came before a connection existed, so the receiver cannot have seen the request.
    private static func isWithoutConnection(_ error: any Error) -> Bool {
        switch error {
        case is NIOConnectionError: true
        case let error as HTTPClientError: error == .connectTimeout
        case ChannelError.connectTimeout(_): true
        // These come of connecting only.
        case let error as IOError:
            [ECONNREFUSED, EHOSTUNREACH, ENETUNREACH, EADDRNOTAVAIL, ENETDOWN, EHOSTDOWN].contains(error.errnoCode)
        default: false
        }
    }

    /// The part of the body that arrives within the limits. An error while reading it is ignored, because the status
    /// has decided already.
    private static func body(of response: HTTPClientResponse, within limit: Duration) async -> [UInt8] {
        let body = try? await Deadline.run(within: limit) {
            var bytes: [UInt8] = []
            for try await part in response.body {
                bytes += part.readableBytesView.prefix(answerBytesMax - bytes.count)
                if bytes.count >= answerBytesMax { break }
            }
            return bytes
        }
        return body ?? []
    }

    private func client(for address: SocketAddress, connectTimeout: Duration) async -> HTTPClient {
        let (client, stale) = open.withLock { open in
            if let open, open.address == address { return (open.client, nil as HTTPClient?) }
            let stale = open?.client
            let made = HTTPClient(
                eventLoopGroupProvider: .singleton, configuration: configuration(address, connectTimeout))
            open = Open(address: address, client: made)
            return (made, stale)
        }
        try? await stale?.shutdown()
        return client
    }

    private func configuration(_ address: SocketAddress, _ connectTimeout: Duration) -> HTTPClient.Configuration {
        var tls = TLSConfiguration.makeClientConfiguration()
        tls.minimumTLSVersion = .tlsv12
        if let authorities { tls.trustRoots = .certificates(authorities.certificates) }
        var configuration = HTTPClient.Configuration(tlsConfiguration: tls, redirectConfiguration: .disallow)
        configuration.httpVersion = .http1Only
        configuration.decompression = .disabled
        configuration.timeout.connect = .nanoseconds(connectTimeout.nanoseconds)
        configuration.connectionPool.concurrentHTTP1ConnectionsPerHostSoftLimit = concurrencyMax
        // The library would try to connect on for as long as the request lasts; one attempt is one attempt.
        configuration.connectionPool.retryConnectionEstablishment = false
        if let text = address.ipAddress { configuration.dnsOverride = [url.host: text] }
        return configuration
    }
}
