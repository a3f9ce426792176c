import ApprovalNotifier
import EventBus
import WebServing

/// Tells approvers that somebody has to decide; idle without channels.
enum NotifierRole: Role {
    static let name = "notifier"

    static func open(_ context: RoleContext) async throws -> RoleParts {
        let clock = SystemWallClock()
        let settings = context.settings.notifier
        var store: (any ConsumerStore)?
        if !settings.configuration.channels.isEmpty { store = try await context.bus.consumerStore(named: "notifier") }
        let opened = store
        let notifier = ApprovalNotifier(
            configuration: settings.configuration, subscriber: context.bus.subscriber, store: opened,
            deadLetters: context.bus.deadLetters, logger: context.logger, now: { clock.now })
        context.registerConsumer(name, notifier.health)
        return RoleParts(routes: [notifier], services: [notifier], close: { await opened?.close() })
    }
}
