/// Which addresses a receiver may have: those that anybody on the internet could reach.
///
/// From the registries of special-purpose addresses, RFC 6890 and its updates, of IPv4 and IPv6.
enum AddressRules {
    private struct Block {
        let bytes: [UInt8]
        let length: Int
        init(_ bytes: [UInt8], _ length: Int) {
            self.bytes = bytes
            self.length = length
        }
    }

    private static let closed4 = [
        Block([0], 8), Block([10], 8), Block([100, 64], 10), Block([127], 8), Block([169, 254], 16),
        Block([172, 16], 12), Block([192, 0, 0], 24), Block([192, 0, 2], 24), Block([192, 88, 99], 24),
        Block([192, 168], 16), Block([198, 18], 15), Block([198, 51, 100], 24), Block([203, 0, 113], 24),
        // Multicast, reserved, broadcast.
        Block([224], 4), Block([240], 4),
    ]

    /// Global unicast; all else is loopback, link-local, unique-local, multicast, or an IPv4 address in disguise.
    private static let open6 = Block([0x20], 3)
    private static let closed6 = [
        // Protocol assignments and Teredo, documentation, 6to4, documentation.
        Block([0x20, 0x01, 0x00], 23), Block([0x20, 0x01, 0x0D, 0xB8], 32), Block([0x20, 0x02], 16),
        Block([0x3F, 0xFF, 0x00], 20),
    ]

    /// - Parameter address: 4 or 16 bytes, in network order.
    static func isPublic(_ address: [UInt8]) -> Bool {
        switch address.count {
        case 4: !closed4.contains { contains($0, address) }
        case 16: contains(open6, address) && !closed6.contains { contains($0, address) }
        default: false
        }
    }

    private static func contains(_ block: Block, _ address: [UInt8]) -> Bool {
        for bit in 0..<block.length {
            let mask = UInt8(0x80) >> UInt8(bit % 8)
            let wanted = bit / 8 < block.bytes.count ? block.bytes[bit / 8] & mask : 0
            if address[bit / 8] & mask != wanted { return false }
        }
        return true
    }
}
