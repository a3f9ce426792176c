/// The channels that approvers are told by, and the notifier's limits.
package struct NotifierConfiguration: Sendable {
    /// What every way out has in common.
    package struct Outgoing: Hashable, Sendable {
        /// Of one attempt, from the look-up of the name to the end of the answer.
        package var timeout: Duration
        /// Whether a receiver may be on this machine or in a private network.
        package var isPrivateAllowed: Bool
        /// nil: the system's.
        package var authorities: CertificateAuthorities?

        package init(
            timeout: Duration = .seconds(15), isPrivateAllowed: Bool = false, authorities: CertificateAuthorities? = nil
        ) {
            self.timeout = timeout
            self.isPrivateAllowed = isPrivateAllowed
            self.authorities = authorities
        }
    }

    package enum Kind: Sendable {
        case webhook(ReceiverURL, WebhookSignature)
        case slack(ReceiverURL)
        case email(MailConfiguration)
    }

    package struct Channel: Sendable {
        /// Part of every delivery's identity: another name is another channel.
        package var name: String
        package var kind: Kind
        package var outgoing: Outgoing
        /// Told only of approvals that one of these may decide; empty: of all.
        package var approvers: Set<String>

        package init(name: String, kind: Kind, outgoing: Outgoing = Outgoing(), approvers: Set<String> = []) {
            self.name = name
            self.kind = kind
            self.outgoing = outgoing
            self.approvers = approvers
        }

        /// What the channel is disabled by: when it changes, the channel is another one.
        var address: String {
            switch kind {
            case .webhook(let url, _), .slack(let url): url.text
            case .email(let mail): mail.host
            }
        }
    }

    package static let channelsMax = 32

    package var channels: [Channel]
    /// nil: messages have no links.
    package var links: DecisionLinks?
    package var schedule: RetrySchedule
    /// Attempts at a time to one channel; so many for each, so that none waits for another's receiver.
    package var channelConcurrencyMax: Int
    /// Deliveries that may be owed at a time; further ones become dead letters at once.
    package var pendingCountMax: Int
    /// Dead letters that are kept for `resend`; the topic has them all.
    package var deadCountMax: Int

    package init(
        channels: [Channel] = [], links: DecisionLinks? = nil, schedule: RetrySchedule = .standard,
        channelConcurrencyMax: Int = 8, pendingCountMax: Int = 100_000, deadCountMax: Int = 10_000
    ) {
        self.channels = channels
        self.links = links
        self.schedule = schedule
        self.channelConcurrencyMax = channelConcurrencyMax
        self.pendingCountMax = pendingCountMax
        self.deadCountMax = deadCountMax
    }
}
