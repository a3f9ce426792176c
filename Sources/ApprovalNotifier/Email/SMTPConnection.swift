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

    /// Runs one session to its end; a cancelled task ends it at once.
    static func run(
        _ machine: SMTPStateMachine, mail: MailConfiguration, tls: NIOSSLContext?, address: SocketAddress,
        connectTimeout: Duration
    ) async throws -> DeliveryOutcome {
        let loop = MultiThreadedEventLoopGroup.singleton.next()
        let outcome = loop.makePromise(of: DeliveryOutcome.self)
        // An address is checked against the certificate as one; it may not be a server name.
        let serverName = (try? SocketAddress(ipAddress: mail.host, port: 0)) == nil ? mail.host : nil
        let channel: any Channel
        do {
            channel = try await ClientBootstrap(group: loop)
                .connectTimeout(.nanoseconds(connectTimeout.nanoseconds))
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
        } catch {
            outcome.fail(error)
            throw error
        }
        return try await withTaskCancellationHandler {
            try await outcome.futureResult.get()
        } onCancel: {
            channel.close(promise: nil)
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

    func errorCaught(context: ChannelHandlerContext, error: any Error) { end(.failed("\(error)"), context) }

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
        } catch { return end(.failed("\(error)"), context) }
        perform(machine.secured(), context)
    }

    private func end(_ outcome: DeliveryOutcome, _ context: ChannelHandlerContext) {
        self.outcome?.succeed(outcome)
        self.outcome = nil
        context.close(promise: nil)
    }
}
