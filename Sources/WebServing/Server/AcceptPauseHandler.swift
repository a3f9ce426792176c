import Glibc
import NIOCore

/// Rests after a connection that could not be accepted for want of descriptors or memory.
///
/// The connection stays in the backlog, so the kernel would tell of it again at once. NIO's own back-off holds later
/// reads back and leaves the one that failed pending, which takes a core.
final class AcceptPauseHandler: ChannelInboundHandler, Sendable {
    typealias InboundIn = Channel

    private static let pause = TimeAmount.milliseconds(250)
    private static let scarcities: Set = [EMFILE, ENFILE, ENOBUFS, ENOMEM]

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        if let error = error as? IOError, Self.scarcities.contains(error.errnoCode) {
            let channel = context.channel
            channel.setOption(.autoRead, value: false).whenSuccess {
                channel.eventLoop.scheduleTask(in: Self.pause) { channel.setOption(.autoRead, value: true) }
            }
        }
        context.fireErrorCaught(error)
    }
}
