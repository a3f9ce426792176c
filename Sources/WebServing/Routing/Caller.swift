/// Who makes a request.
package struct Caller: Hashable, Sendable {
    /// The name that records and approvals show.
    package var name: String
    package var roles: Set<String>

    package init(name: String, roles: Set<String>) {
        self.name = name
        self.roles = roles
    }

    /// Whoever can reach the loopback interface: the machine's own users, with every right.
    package static let local = Caller(name: "local", roles: ["admin"])
    /// Whoever reaches a listener that was told `--insecure`.
    package static let anonymous = Caller(name: "anonymous", roles: ["admin"])
}
