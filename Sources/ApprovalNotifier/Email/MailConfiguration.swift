/// A mail server, who writes and to whom.
package struct MailConfiguration: Sendable {
    package enum Security: String, CaseIterable, Sendable {
        /// TLS after STARTTLS (RFC 3207); a server that does not offer it gets nothing.
        case startTLS = "starttls"
        /// TLS from the first byte (RFC 8314).
        case tls
        /// None, and thus no password either.
        case plaintext = "none"

        package var portDefault: Int {
            switch self {
            case .startTLS: 587
            case .tls: 465
            case .plaintext: 25
            }
        }
    }

    package struct Login: Sendable {
        package var username: String
        package var password: String
        package init(username: String, password: String) {
            self.username = username
            self.password = password
        }
    }

    package var host: String
    package var port: Int
    package var security: Security
    package var login: Login?
    package var from: String
    package var recipients: [String]

    package init(
        host: String, port: Int, security: Security = .startTLS, login: Login? = nil, from: String, recipients: [String]
    ) {
        self.host = host
        self.port = port
        self.security = security
        self.login = login
        self.from = from
        self.recipients = recipients
    }

    /// Whether the text is an address that needs no quoting anywhere (`addr-spec` of RFC 5322, dot-atoms only).
    package static func isAddress(_ text: String) -> Bool {
        let parts = text.split(separator: "@", omittingEmptySubsequences: false)
        guard parts.count == 2, text.utf8.count <= 254 else { return false }
        return parts.allSatisfy { part in
            part.split(separator: ".", omittingEmptySubsequences: false).allSatisfy { atom in
                !atom.isEmpty && atom.utf8.allSatisfy { byte in
                    byte > 0x20 && byte < 0x7F && !#"()<>[]:;@\,.""#.utf8.contains(byte)
                }
            }
        }
    }

    var senderDomain: String { from.split(separator: "@").last.map(String.init) ?? "localhost" }
}
