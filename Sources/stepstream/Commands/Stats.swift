import ArgumentParser
import NIOHTTP1
import WorkflowModel

struct Stats: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Show success rates, durations, slow steps and errors of the last hour, day and week.")
    @Flag(name: .long, help: "Print the server's answer as JSON.") var json = false
    @OptionGroup var server: ServerOptions

    mutating func run() async throws {
        let answer = try await server.client.call(.GET, "/api/v1/statistics")
        if json { try Output.json(answer) } else { try Output.text(StatisticsText.lines(answer)) }
    }
}
