import NIOCore
import NIOPosix
import NIOSSL

/// Carries out what the state machine says, on a connection to the checked address.
final class SMTPConnection: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private var machine: SMTPStateMachine
    private let tls: NIOSSLContext?
    private let serverName: String?
    private var outcome: EventLoopPromise<DeliveryOutcome>?

    private init(
        _ machine: SMTPStateMachine, tls: NIOSSLContext?, serverName: String?,
        outcome: EventLoopPromise<DeliveryOutcome>
    ) {
        self.machine = machine
        self.tls = tls
        self.serverName = serverName
        self.outcome = outcome
    }

    /// Nobody was reached, so that nothing can have been sent.
    struct NotConnected: Error { let cause: any Error }

    /// A connection on which the session runs.
    struct Session: Sendable {
        fileprivate let channel: any Channel
        fileprivate let outcome: EventLoopFuture<DeliveryOutcome>

        /// Waits for the session's end; a cancelled task ends it at once.
        func end() async throws -> DeliveryOutcome {
            try await withTaskCancellationHandler { try await outcome.get() } onCancel: { channel.close(promise: nil) }
        }
    }

    /// Connects to the address and begins the session.
    static func connect(
        _ machine: SMTPStateMachine, mail: MailConfiguration, tls: NIOSSLContext?, address: SocketAddress,
        timeout: Duration
    ) async throws(NotConnected) -> Session {
        let loop = MultiThreadedEventLoopGroup.singleton.next()
        let outcome = loop.makePromise(of: DeliveryOutcome.self)
        // An address is checked against the certificate as one; it may not be a server name.
        let serverName = (try? SocketAddress(ipAddress: mail.host, port: 0)) == nil ? mail.host : nil
        do {
            let channel = try await ClientBootstrap(group: loop)
                .connectTimeout(.nanoseconds(timeout.nanoseconds))
                .channelInitializer { channel in
                    channel.eventLoop.makeCompletedFuture {
                        let pipeline = channel.pipeline.syncOperations
                        if let tls, mail.security == .tls {
                            try pipeline.addHandler(NIOSSLClientHandler(context: tls, serverHostname: serverName))
                        }
                        try pipeline.addHandler(
                            SMTPConnection(machine, tls: tls, serverName: serverName, outcome: outcome))
                    }
                }
                .connect(to: address).get()
            return Session(channel: channel, outcome: outcome.futureResult)
        } catch {
            outcome.fail(error)
            throw NotConnected(cause: error)
        }
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let bytes = unwrapInboundIn(data)
        perform(machine.received(bytes.readableBytesView), context)
    }

    func channelInactive(context: ChannelHandlerContext) {
        perform(machine.closed(), context)
        context.fireChannelInactive()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        end(.failed(TransportFailure.text(of: error)), context)
    }

    private func perform(_ actions: [SMTPStateMachine.Action], _ context: ChannelHandlerContext) {
        for action in actions {
            switch action {
            case .send(let bytes):
                context.writeAndFlush(wrapOutboundOut(ByteBuffer(bytes: bytes)), promise: nil)
            case .startTLS: secure(context)
            case .finish(let outcome): end(outcome, context)
            }
        }
    }

    /// What is written from here on waits for the handshake, and fails with it.
    private func secure(_ context: ChannelHandlerContext) {
        do {
            guard let tls else { return end(.refused("TLS is not set up"), context) }
            let handler = try NIOSSLClientHandler(context: tls, serverHostname: serverName)
            try context.pipeline.syncOperations.addHandler(handler, position: .first)
        } catch { return end(.failed(TransportFailure.text(of: error)), context) }
        perform(machine.secured(), context)
    }

    private func end(_ outcome: DeliveryOutcome, _ context: ChannelHandlerContext) {
        self.outcome?.succeed(outcome)
        self.outcome = nil
        context.close(promise: nil)
    }
}
