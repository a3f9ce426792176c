import Dispatch
import NIOCore
import NIOHTTP1
import NIOPosix
import Synchronization
import Testing
import WorkflowModel

@testable import ApprovalNotifier

@Suite("HTTP receivers")
struct HTTPReceiverTests {
    /// Answers every request with its `Host` header.
    private final class Echo: ChannelInboundHandler {
        typealias InboundIn = HTTPServerRequestPart
        typealias OutboundOut = HTTPServerResponsePart

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            guard case .head(let head) = unwrapInboundIn(data) else { return }
            let body = ByteBuffer(string: head.headers.first(name: "host") ?? "")
            let headers: HTTPHeaders = ["content-length": "\(body.readableBytes)"]
            context.write(wrapOutboundOut(.head(.init(version: .http1_1, status: .ok, headers: headers))), promise: nil)
            context.write(wrapOutboundOut(.body(.byteBuffer(body))), promise: nil)
            context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
        }
    }

    /// Answers 200 with a body that is longer than anybody reads, or that never ends.
    private final class Verbose: ChannelInboundHandler {
        typealias InboundIn = HTTPServerRequestPart
        typealias OutboundOut = HTTPServerResponsePart

        private let byteCount: Int?
        init(byteCount: Int?) { self.byteCount = byteCount }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            guard case .head = unwrapInboundIn(data) else { return }
            let headers: HTTPHeaders = ["content-length": "\(byteCount ?? 10)"]
            context.write(wrapOutboundOut(.head(.init(version: .http1_1, status: .ok, headers: headers))), promise: nil)
            let body = ByteBuffer(repeating: 0x78, count: byteCount ?? 3)
            context.writeAndFlush(wrapOutboundOut(.body(.byteBuffer(body))), promise: nil)
            if byteCount != nil { context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil) }
        }
    }

    private func withEcho(
        _ handler: @escaping @Sendable () -> any ChannelHandler & SendableMetatype = { Echo() },
        _ body: (Int) async throws -> Void
    ) async throws {
        let server = try await ServerBootstrap(group: .singletonMultiThreadedEventLoopGroup)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.configureHTTPServerPipeline()
                    try channel.pipeline.syncOperations.addHandler(handler())
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        let result: Result<Void, any Error>
        do { result = .success(try await body(try #require(server.localAddress?.port))) } catch {
            result = .failure(error)
        }
        try await server.close()
        try result.get()
    }

    /// A receiver that is closed whatever happens: its client may not be forgotten open.
    private func withReceiver(
        _ url: String, isPrivateAllowed: Bool, timeout: Duration = .seconds(10), lookUp: AddressResolver.LookUp? = nil,
        _ body: (HTTPReceiver) async throws -> Void
    ) async throws {
        let receiver = HTTPReceiver(
            url: try #require(ReceiverURL(url)),
            outgoing: NotifierConfiguration.Outgoing(timeout: timeout, isPrivateAllowed: isPrivateAllowed),
            concurrencyMax: 2, lookUp: lookUp)
        let result: Result<Void, any Error>
        do { result = .success(try await body(receiver)) } catch { result = .failure(error) }
        await receiver.close()
        try result.get()
    }

    @Test("are connected to at the address that was checked, under the name of the URL")
    func pinned() async throws {
        try await withEcho { port in
            let asked = Mutex(0)
            let lookUp: AddressResolver.LookUp = { host, port in
                #expect(host == "receiver.example")
                asked.withLock { $0 += 1 }
                return [try SocketAddress(ipAddress: "127.0.0.1", port: port)]
            }
            let url = "http://receiver.example:\(port)/x"
            try await withReceiver(url, isPrivateAllowed: true, lookUp: lookUp) { receiver in
                for _ in 0..<3 {
                    let answer = try await receiver.post([1], headers: [], now: Events.start).get()
                    #expect(answer.status == 200)
                    #expect(String(decoding: answer.body, as: UTF8.self) == "receiver.example:\(port)")
                }
            }
            #expect(asked.withLock { $0 } == 1)
        }
    }

    @Test("are refused for good at an address of a private network", arguments: ["127.0.0.1", "10.0.0.1", "::1"])
    func refused(_ address: String) async throws {
        try await withEcho { port in
            let lookUp: AddressResolver.LookUp = { _, port in [try SocketAddress(ipAddress: address, port: port)] }
            let url = "http://receiver.example:\(port)/"
            try await withReceiver(url, isPrivateAllowed: false, lookUp: lookUp) { receiver in
                // What was found and refused is not known the second time.
                for _ in 0..<2 {
                    let failure = try await self.failure(of: receiver)
                    #expect(failure.isFinal && failure.reason.hasPrefix("address_refused"))
                }
            }
        }
    }

    @Test("that have moved are looked up again, and connected to where they are")
    func moved() async throws {
        try await withEcho { port in
            let asked = Mutex(0)
            // Nobody listens at the first address.
            let lookUp: AddressResolver.LookUp = { _, port in
                let number = asked.withLock { asked in
                    asked += 1
                    return asked
                }
                return [try SocketAddress(ipAddress: number == 1 ? "127.0.0.2" : "127.0.0.1", port: port)]
            }
            let url = "http://receiver.example:\(port)/"
            try await withReceiver(url, isPrivateAllowed: true, lookUp: lookUp) { receiver in
                let failure = try await self.failure(of: receiver)
                #expect(!failure.isFinal)
                #expect(try await receiver.post([], headers: [], now: Events.start).get().status == 200)
            }
        }
    }

    /// The look-up hangs until it is told to end, or for so long that no attempt may have waited for it.
    @Test("whose name is looked up without end fail an attempt in time, with one look-up at a time")
    func hangingLookUp() async throws {
        try await withEcho { port in
            let end = DispatchSemaphore(value: 0)
            let asked = Mutex(0)
            let isOver = Mutex(false)
            let lookUp: AddressResolver.LookUp = { _, port in
                asked.withLock { $0 += 1 }
                _ = end.wait(timeout: .now() + .seconds(20))
                isOver.withLock { $0 = true }
                return [try SocketAddress(ipAddress: "127.0.0.1", port: port)]
            }
            let url = "http://receiver.example:\(port)/"
            try await withReceiver(
                url, isPrivateAllowed: true, timeout: .milliseconds(200), lookUp: lookUp
            ) { receiver in
                for _ in 0..<3 {
                    let failure = try await self.failure(of: receiver)
                    #expect(!failure.isFinal)
                }
                #expect(!isOver.withLock { $0 } && asked.withLock { $0 } == 1)
                end.signal()
                // What it found in the end is used.
                try await eventually("connected") {
                    end.signal()
                    return (try? await receiver.post([], headers: [], now: Events.start).get()) != nil
                }
            }
        }
    }

    @Test("with several addresses are reached at the one where they listen, and there at once the next time")
    func severalAddresses() async throws {
        try await withEcho { port in
            // As of `localhost`: a server often listens at one of the two only.
            let lookUp: AddressResolver.LookUp = { _, port in
                try ["::1", "127.0.0.2", "127.0.0.1"].map { try SocketAddress(ipAddress: $0, port: port) }
            }
            let url = "http://receiver.example:\(port)/"
            try await withReceiver(url, isPrivateAllowed: true, lookUp: lookUp) { receiver in
                for _ in 0..<2 {
                    let answer = try await receiver.post([], headers: [], now: Events.start).get()
                    #expect(answer.status == 200)
                }
            }
        }
    }

    @Test("are looked for at none of their addresses that are private")
    func somePrivateAddresses() async throws {
        func resolver(_ addresses: [String]) -> AddressResolver {
            AddressResolver(host: "receiver.example", port: 443, isPrivateAllowed: false) { _, port in
                try addresses.map { try SocketAddress(ipAddress: $0, port: port) }
            }
        }
        let found = try await resolver(["10.0.0.1", "93.184.215.14", "::1"]).addresses()
        #expect(found.map(\.ipAddress) == ["93.184.215.14"])
        await #expect(throws: NotifierError.self) { try await resolver(["10.0.0.1", "::1"]).addresses() }
        await #expect(throws: NotifierError.self) { try await resolver([]).addresses() }
    }

    @Test("have acknowledged with their status, however long the body is and whether or not it ends",
        arguments: [100_000, 1 << 20, nil])
    func statusDecides(_ byteCount: Int?) async throws {
        try await withEcho({ Verbose(byteCount: byteCount) }) { port in
            let url = "http://127.0.0.1:\(port)/"
            try await withReceiver(url, isPrivateAllowed: true, timeout: .seconds(10)) { receiver in
                let answer = try await receiver.post([1], headers: [], now: Events.start).get()
                #expect(answer.status == 200 && answer.body.count <= HTTPReceiver.answerBytesMax)
            }
        }
    }

    @Test("that have no address, or do not listen, may be there later")
    func away() async throws {
        struct Unknown: Error {}
        let nameless: AddressResolver.LookUp = { _, _ in throw Unknown() }
        try await withReceiver("http://receiver.example/", isPrivateAllowed: true, lookUp: nameless) { receiver in
            let failure = try await self.failure(of: receiver)
            #expect(!failure.isFinal)
        }
        let port = Mutex(0)
        try await withEcho { used in port.withLock { $0 = used } }
        try await withReceiver("http://127.0.0.1:\(port.withLock { $0 })/", isPrivateAllowed: true) { receiver in
            let failure = try await self.failure(of: receiver)
            #expect(!failure.isFinal)
        }
    }

    /// How an attempt failed that had to.
    private func failure(of receiver: HTTPReceiver) async throws -> HTTPReceiver.Failure {
        switch await receiver.post([], headers: [], now: Events.start) {
        case .failure(let failure): return failure
        case .success(let answer):
            throw Unexpected(description: "connected: \(answer.status)")
        }
    }

    private struct Unexpected: Error, CustomStringConvertible { var description: String }
}
