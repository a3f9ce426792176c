import Crypto
import FoundationEssentials

/// Signs messages by Standard Webhooks 1.0, symmetric scheme `v1`.
package struct WebhookSignature: Sendable {
    /// Sizes of a secret that the specification recommends.
    package static let secretBytes = 24...64
    package static let secretPrefix = "whsec_"

    private let keys: [SymmetricKey]

    /// - Parameter secrets: the present one, and while it is replaced its successor or predecessor.
    package init(secrets: [[UInt8]]) { keys = secrets.map { SymmetricKey(data: $0) } }

    /// The bytes of `whsec_…`, with or without the prefix; nil for anything but base64 of 24 to 64 bytes.
    package static func secret(_ text: String) -> [UInt8]? {
        let base64 = text.hasPrefix(secretPrefix) ? String(text.dropFirst(secretPrefix.count)) : text
        guard let data = Data(base64Encoded: base64), secretBytes.contains(data.count) else { return nil }
        return Array(data)
    }

    /// The value of `webhook-signature`: one signature for each secret, divided by spaces.
    func header(id: String, timestamp: Int64, body: [UInt8]) -> String {
        let signed = Array("\(id).\(timestamp).".utf8) + body
        return keys.map { key in
            "v1," + Data(HMAC<SHA256>.authenticationCode(for: signed, using: key)).base64EncodedString()
        }.joined(separator: " ")
    }
}
