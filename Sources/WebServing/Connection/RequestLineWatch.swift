import NIOCore

/// Measures a request's first line: the parser's error for a target that is too long is the same as the one for
/// headers.
final class RequestLineWatch: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer

    /// Set between a request's end and the next one's head, so that no body is looked through.
    var isWatching = true {
        didSet {
            byteCount = 0
            hasEnded = false
        }
    }
    /// Bytes of the line so far.
    private(set) var byteCount = 0
    private var hasEnded = false

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        if isWatching, !hasEnded {
            let bytes = unwrapInboundIn(data).readableBytesView
            let end = bytes.firstIndex(of: UInt8(ascii: "\n"))
            byteCount += (end ?? bytes.endIndex) - bytes.startIndex
            hasEnded = end != nil
        }
        context.fireChannelRead(data)
    }
}
