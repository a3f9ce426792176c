/// Who makes a request.
package struct Caller: Hashable, Sendable {
    /// The name that records and approvals show.
    package var name: String
    package var groups: Set<String>
    package var roles: Set<CallerRole>
    /// No groups are known, since nobody has to show a token.
    package var isInEveryGroup: Bool

    package init(name: String, groups: Set<String> = [], roles: Set<CallerRole>, isInEveryGroup: Bool = false) {
        self.name = name
        self.groups = groups
        self.roles = roles
        self.isInEveryGroup = isInEveryGroup
    }

    /// Whoever can reach the loopback interface: the machine's own users, with every right.
    package static let local = Caller(name: "local", roles: [.admin], isInEveryGroup: true)
    /// Whoever reaches a listener that was told `--insecure`.
    package static let anonymous = Caller(name: "anonymous", roles: [.admin], isInEveryGroup: true)
    /// Whoever asks for what is open to everybody, without showing a token.
    static let nobody = Caller(name: "", roles: [])
}

/// What a caller may do.
package enum CallerRole: String, CaseIterable, Sendable {
    /// Everything.
    case admin
    /// Start and cancel executions, and change definitions; and whatever a viewer does.
    case `operator`
    /// Read. Deciding takes no role: an approval says itself whom it asks.
    case viewer

    /// Whether somebody with this role may do what `other` is asked for.
    func covers(_ other: CallerRole) -> Bool {
        switch self {
        case .admin: true
        case .operator: other != .admin
        case .viewer: other == .viewer
        }
    }
}

/// Who may use a route.
package enum RouteAccess: Hashable, Sendable {
    case everybody
    case callers
    /// Callers with this role, and admins.
    case role(CallerRole)
}
