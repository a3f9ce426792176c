import ArgumentParser
import WorkflowModel

struct Serve: AsyncParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Run all roles in one process on one port.")
    @OptionGroup var options: SettingsOptions
    mutating func run() async throws { try await start(.serve, options) }
}

struct OrchestratorCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "orchestrator", abstract: "Run executions and publish their events.")
    @OptionGroup var options: SettingsOptions
    mutating func run() async throws { try await start(.orchestrator, options) }
}

struct GatewayCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "gateway", abstract: "Stream events to WebSocket and SSE clients.")
    @OptionGroup var options: SettingsOptions
    mutating func run() async throws { try await start(.gateway, options) }
}

private func start(_ role: RoleRunner.Role, _ options: SettingsOptions) async throws {
    let settings = try SettingsResolver(options: options).resolve()
    if options.printConfig { return Platform.printLine(settings.json.encodedText) }
    try await RoleRunner(role: role, settings: settings).run()
}
