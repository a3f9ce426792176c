import ArgumentParser
import WorkflowModel

struct Serve: AsyncParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Run all roles in one process on one port.")
    @OptionGroup var options: SettingsOptions
    mutating func run() async throws { try await options.run(as: "serve", Roles.all) }
}

struct OrchestratorCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "orchestrator", abstract: "Run executions and publish their events.")
    @OptionGroup var options: SettingsOptions
    mutating func run() async throws { try await options.run(OrchestratorRole.self) }
}

struct GatewayCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "gateway", abstract: "Stream events to WebSocket and SSE clients.")
    @OptionGroup var options: SettingsOptions
    mutating func run() async throws { try await options.run(GatewayRole.self) }
}

struct MetricsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "metrics", abstract: "Count the topic's events for Prometheus and statistics.")
    @OptionGroup var options: SettingsOptions
    mutating func run() async throws { try await options.run(MetricsRole.self) }
}

extension SettingsOptions {
    /// Runs one role until it is told to stop.
    func run(_ role: any Role.Type) async throws { try await run(as: role.name, [role]) }

    func run(as name: String, _ roles: [any Role.Type]) async throws {
        let settings = try SettingsResolver(options: self).resolve(
            runsSteps: roles.contains { $0 == OrchestratorRole.self })
        if printConfig { return try Output.json(settings.json) }
        try await RoleRunner(name: name, roles: roles, settings: settings).run()
    }
}
