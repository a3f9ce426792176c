import AsyncHTTPClient
import Glibc
import NIOCore
import NIOHTTP1
import NIOPosix
import NIOSSL
import Testing

@testable import ApprovalNotifier

@Suite("Why a connection failed")
struct TransportFailureTests {
    private struct Strange: Error, CustomStringConvertible {
        var description: String { "Strange(at: /build/x.swift:7)" }
    }

    @Test(
        "is said without the names and paths of the program",
        arguments: [
            (IOError(errnoCode: ECONNREFUSED, reason: "connect(descriptor:addr:size:)"), "Connection refused"),
            (ChannelError.connectTimeout(.seconds(3)), "no connection in time"),
            (ChannelError.ioOnClosedChannel, "the receiver closed the connection"),
            (HTTPParserError.invalidConstant, "the answer is not HTTP"),
            (HTTPClientError.deadlineExceeded, "no whole answer in time"),
            (HTTPClientError.remoteConnectionClosed, "the receiver closed the connection"),
            (HTTPClientError.readTimeout, "Read timeout"),
            (NIOSSLError.unableToValidateCertificate, "no TLS with the receiver: its certificate cannot be verified"),
            (NIOSSLError.handshakeFailed(.syscallError), "no TLS with the receiver: the handshake failed"),
            (NIOSSLExtraError.failedToValidateHostname, "no TLS with the receiver: its certificate is of another name"),
            (Deadline.Passed(), "no whole answer in time"),
            (Strange(), "the connection failed"),
        ] as [(any Error, String)])
    func words(_ error: any Error, _ text: String) {
        #expect(TransportFailure.text(of: error) == text)
    }

    @Test("over TLS is said by the reason in the library's text, and not by the place in its source")
    func tls() async throws {
        // A server that speaks no TLS: the handshake fails in the library itself.
        let server = try await ServerBootstrap(group: .singletonMultiThreadedEventLoopGroup)
            .childChannelInitializer { channel in
                channel.writeAndFlush(ByteBuffer(string: "220 this is no TLS\r\n"), promise: nil)
                return channel.eventLoop.makeSucceededVoidFuture()
            }
            .bind(host: "127.0.0.1", port: 0).get()
        let port = try #require(server.localAddress?.port)
        let receiver = HTTPReceiver(
            url: try #require(ReceiverURL("https://127.0.0.1:\(port)/")),
            outgoing: NotifierConfiguration.Outgoing(timeout: .seconds(10), isPrivateAllowed: true), concurrencyMax: 1)
        let result = await receiver.post([], headers: [], now: Events.start)
        await receiver.close()
        try await server.close()
        guard case .failure(let failure) = result else { throw HTTPClientError.cancelled }
        #expect(failure.reason == "no TLS with the receiver: wrong version number")
    }
}
