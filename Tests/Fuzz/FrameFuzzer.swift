@testable import StepHosting

/// The frames of a step host: wherever the stream is cut, the same frames come out, and they are what went in.
enum FrameFuzzer {
    static func read(_ input: [UInt8]) {
        let (pieceBytes, stream) = input.pieceBytesAndRest
        let whole = frames([stream])
        let cut = frames(stream.pieces(of: pieceBytes))
        require(whole.packed == cut.packed, "the frames depend on how the stream is cut")
        require(whole.error == cut.error, "the error depends on how the stream is cut: \(whole.error as Any)")
        require(stream.starts(with: whole.packed), "the frames are not the bytes of the stream")
    }

    /// The frames, packed again by the layout of step_wire.h, and why there are no further ones.
    private static func frames(_ pieces: [ArraySlice<UInt8>]) -> (packed: [UInt8], error: WireError?) {
        var buffer = WireFrameBuffer()
        var packed: [UInt8] = []
        do throws(WireError) {
            for piece in pieces {
                piece.withUnsafeBytes { buffer.append($0) }
                while let frame = try buffer.next() {
                    pack(frame, into: &packed)
                    _ = try? WireMessage(frame)
                }
            }
        } catch {
            return (packed, error)
        }
        return (packed, nil)
    }

    private static func pack(_ frame: WireFrame, into packed: inout [UInt8]) {
        withUnsafeBytes(of: UInt32(9 + frame.payload.count).littleEndian) { packed += $0 }
        packed.append(frame.kind)
        withUnsafeBytes(of: frame.call.littleEndian) { packed += $0 }
        packed += frame.payload
    }
}
