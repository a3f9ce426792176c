import NIOCore
import Testing

@testable import ApprovalNotifier

@Suite("Addresses of receivers")
struct AddressRulesTests {
    static let closed = [
        "0.0.0.0", "0.1.2.3", "10.0.0.1", "10.255.255.255", "100.64.0.1", "100.127.255.255", "127.0.0.1", "127.9.9.9",
        "169.254.169.254", "172.16.0.1", "172.31.255.255", "192.0.0.1", "192.0.2.1", "192.88.99.1", "192.168.0.1",
        "198.18.0.1", "198.19.255.255", "198.51.100.7", "203.0.113.7", "224.0.0.1", "239.1.1.1", "240.0.0.1",
        "255.255.255.255", "::", "::1", "::ffff:8.8.8.8", "::ffff:127.0.0.1", "::7f00:1", "64:ff9b::808:808", "100::1",
        "2001::1", "2001:1ff::1", "2001:db8::1", "2002:7f00:1::", "3fff::1", "fc00::1", "fd12:3456::1", "fe80::1",
        "febf::1", "fec0::1", "ff02::1", "ff0e::1",
    ]
    static let open = [
        "1.1.1.1", "8.8.8.8", "9.255.255.255", "11.0.0.1", "100.63.255.255", "100.128.0.1", "126.0.0.1", "128.0.0.1",
        "169.253.1.1", "172.15.255.255", "172.32.0.1", "192.0.1.1", "192.167.0.1", "198.17.0.1", "198.20.0.1",
        "223.255.255.255", "2001:200::1", "2001:4860:4860::8888", "2606:4700::1111", "2a00::1", "3ffe::1",
    ]

    private func bytes(_ text: String) throws -> [UInt8] {
        try SocketAddress(ipAddress: text, port: 1).ipBytes
    }

    @Test("of no use to anybody else are refused", arguments: closed)
    func refused(_ text: String) throws { #expect(try !AddressRules.isPublic(bytes(text))) }

    @Test("of the internet are taken", arguments: open)
    func taken(_ text: String) throws { #expect(try AddressRules.isPublic(bytes(text))) }

    @Test("of another length are refused")
    func length() { #expect(!AddressRules.isPublic([]) && !AddressRules.isPublic([8, 8, 8])) }

    @Test(
        "are read in one way or not at all",
        arguments: [
            ("https://example.org", "https://example.org/"),
            ("HTTP://Example.ORG:8080/A?b", "http://example.org:8080/A?b"),
            ("https://example.org:443?x", "https://example.org/?x"), ("http://[::1]:90/", "http://[::1]:90/"),
            ("http://1.2.3.4/x", "http://1.2.3.4/x"), ("https://a_b.example./", nil), ("ftp://example.org", nil),
            ("https://user@example.org/", nil), ("https://example.org\\@127.0.0.1/", nil), ("https://", nil),
            ("http://127.1/", nil), ("http://2130706433/", nil), ("http://0x7f.0.0.1/", nil),
            ("http://0177.0.0.1/", nil),
            ("http://127.0.0.1.5/", nil), ("http://ex%61mple.org/", nil), ("http://example.org:0/", nil),
            ("http://example.org:x/", nil), ("http://exämple.org/", nil), ("http://[::1/", nil), ("http://a b/", nil),
            ("https://example.org/#x", nil), ("http://[fe80::1%25eth0]/", nil),
        ] as [(String, String?)])
    func urls(_ text: String, _ read: String?) { #expect(ReceiverURL(text)?.text == read) }
}
