import Crypto

/// Content hashes for telling one request body from another.
package enum ContentDigest {
    /// The 32 bytes of SHA-256 (FIPS 180-4).
    package static func sha256(_ bytes: [UInt8]) -> [UInt8] { Array(SHA256.hash(data: bytes)) }
}
