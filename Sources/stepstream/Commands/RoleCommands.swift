import ArgumentParser
import WorkflowModel

struct Serve: AsyncParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Run all roles in one process on one port.")
    @OptionGroup var options: SettingsOptions
    @OptionGroup var steps: StepOptions
    mutating func run() async throws { try await options.run(as: "serve", Roles.all, steps) }
}

struct OrchestratorCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "orchestrator", abstract: "Run executions and publish their events.")
    @OptionGroup var options: SettingsOptions
    @OptionGroup var steps: StepOptions
    mutating func run() async throws { try await options.run(OrchestratorRole.self, steps) }
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
    /// - Parameter steps: of a role that runs steps.
    func run(_ role: any Role.Type, _ steps: StepOptions? = nil) async throws {
        try await run(as: role.name, [role], steps)
    }

    func run(as name: String, _ roles: [any Role.Type], _ steps: StepOptions?) async throws {
        let resolver = SettingsResolver(options: self, steps: try steps ?? StepOptions.parse([]))
        let settings = try resolver.resolve(runsSteps: steps != nil, listens: true)
        if printConfig { return try Output.json(settings.json) }
        try await RoleRunner(name: name, roles: roles, settings: settings).run()
    }
}
