import NIOSSL

/// Authorities that are trusted in place of the system's.
///
/// The certificates themselves and not their file: it is read once, so that it may be a pipe, and what is wrong with it
/// is known when the settings are read and not when the first message is sent.
package struct CertificateAuthorities: Hashable, Sendable {
    let certificates: [NIOSSLCertificate]

    /// nil for bytes that hold no certificate in PEM.
    package init?(pem: [UInt8]) {
        guard let read = try? NIOSSLCertificate.fromPEMBytes(pem), !read.isEmpty else { return nil }
        certificates = read
    }
}
