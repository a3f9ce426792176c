import AsyncHTTPClient
import Glibc
import NIOCore
import NIOHTTP1
import NIOPosix
import NIOSSL

/// Why a connection failed, in words for the person who reads a dead letter, a log line or `/health`.
///
/// The libraries describe their errors for programmers: with names of Swift types, and with the path that a source file
/// had on the machine that built the program. None of that leaves this place. An error that is not known here is only
/// "the connection failed".
enum TransportFailure {
    static func text(of error: any Error) -> String {
        switch error {
        case let error as NotifierError: error.description
        // Two clocks end the same time limit; which is first is chance.
        case is Deadline.Passed: "no whole answer in time"
        case let error as HTTPClientError: text(of: error)
        case is HTTPParserError: "the answer is not HTTP"
        case let error as IOError: text(ofErrno: error.errnoCode)
        case let error as ChannelError: text(of: error)
        case let error as NIOConnectionError:
            error.connectionErrors.first.map { text(of: $0.error) } ?? "\(error.host) has no address"
        case let error as NIOSSLError: "no TLS with the receiver: \(text(of: error))"
        case let error as NIOSSLExtraError: "no TLS with the receiver: \(text(of: error))"
        case is BoringSSLError: "no TLS with the receiver: \(tlsWords(error) ?? "it does not speak TLS as we do")"
        default: "the connection failed"
        }
    }

    private static func text(of error: HTTPClientError) -> String {
        switch error {
        case .deadlineExceeded: "no whole answer in time"
        case .connectTimeout: "no connection in time"
        case .tlsHandshakeTimeout: "no TLS with the receiver: the handshake was not over in time"
        case .remoteConnectionClosed: "the receiver closed the connection"
        // The one description that has a file's path.
        case _ where error.shortDescription.contains("File:"): "the HTTP client failed"
        default: error.shortDescription
        }
    }

    private static func text(of error: ChannelError) -> String {
        switch error {
        case .connectTimeout: "no connection in time"
        case .eof, .inputClosed, .outputClosed, .ioOnClosedChannel, .alreadyClosed: "the receiver closed the connection"
        default: "the connection failed"
        }
    }

    private static func text(of error: NIOSSLError) -> String {
        switch error {
        case .uncleanShutdown: "the receiver closed the connection without an end of TLS"
        case .unableToValidateCertificate, .noCertificateToValidate: "its certificate cannot be verified"
        default: tlsWords(error) ?? "the handshake failed"
        }
    }

    private static func text(of error: NIOSSLExtraError) -> String {
        switch error {
        case .failedToValidateHostname, .serverHostnameImpossibleToMatch: "its certificate is of another name"
        default: "the handshake failed"
        }
    }

    /// `certificate verify failed` of BoringSSL's `…:OPENSSL_internal:CERTIFICATE_VERIFY_FAILED at FILE:LINE`.
    private static func tlsWords(_ error: any Error) -> String? {
        guard let mark = "\(error)".firstRange(of: "OPENSSL_internal:") else { return nil }
        let word = "\(error)"[mark.upperBound...].prefix { $0.isASCII && ($0.isUppercase || $0.isNumber || $0 == "_") }
        return word.isEmpty ? nil : word.lowercased().replacing("_", with: " ")
    }

    /// The system's text of an error number.
    private static func text(ofErrno code: CInt) -> String {
        guard let text = unsafe strerror(code) else { return "the connection failed" }
        return unsafe String(cString: text)
    }
}
