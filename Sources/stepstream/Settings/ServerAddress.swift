import ApprovalNotifier

/// What flags and settings take for the address of a server, by the reading that receivers of messages have: a port
/// beyond 65535 would end the process in the library that connects.
enum ServerAddress {
    /// `http` or `https`, a host, a port if any, a path if any.
    static func isURL(_ text: String) -> Bool { ReceiverURL(text).map { !$0.target.contains("?") } ?? false }

    /// `HOST:PORT`, or `HOST` for the port that a protocol has.
    static func isHostAndPort(_ text: String) -> Bool {
        !text.contains("/") && !text.contains("?") && !text.contains("+") && ReceiverURL("http://\(text)/") != nil
    }
}
