import ArgumentParser

/// The flags of everything that opens a data directory or a bus.
struct CommonOptions: ParsableArguments {
    @Option(name: .long, help: "Settings file. Default: stepstream.yaml in the working directory, if there is one.")
    var config: String?

    @Option(
        name: .long, help: "Directory of the journal, topics and plugin copies. Default: $XDG_STATE_HOME/stepstream.")
    var dataDir: String?

    @Option(name: .long, help: "Event bus: embedded or kafka. Default: embedded.")
    var bus: String?

    @Option(name: .long, help: "Kafka brokers, HOST:PORT, comma separated; further settings in the file under kafka.")
    var kafkaBootstrap: String?

    @Option(name: .long, help: "trace, debug, info, notice, warning, error or critical. Default: notice.")
    var logLevel: String?
}

/// The flags of roles that run steps.
struct StepOptions: ParsableArguments {
    @Option(name: .long, help: "Directory of plugins; repeatable. Default: plugins beside the executable.")
    var plugins: [String] = []

    @Option(name: .long, help: "Directory that steps may read and write; repeatable. Default: none.")
    var pluginFiles: [String] = []

    @Option(name: .long, help: "How long running steps may go on after SIGTERM, such as 10s. Default: 10s.")
    var stopGrace: String?
}

/// The flags every role shares.
struct SettingsOptions: ParsableArguments {
    @OptionGroup var common: CommonOptions

    @Option(name: .long, help: "Address to listen on. Default: 127.0.0.1.")
    var host: String?

    @Option(name: .long, help: "Port to listen on; 0 picks one. Default: 8000.")
    var port: String?

    @Option(
        name: .long,
        help: """
            Origin allowed to read from a browser; repeatable. Default: http://localhost:5173 on loopback, else none.
            """)
    var corsOrigin: [String] = []

    @Flag(name: .long, help: "Listen beyond loopback without configured tokens.")
    var insecure = false

    @Flag(name: .long, help: "Print the effective settings and stop.")
    var printConfig = false
}

extension CommonOptions {
    /// The settings of a command that listens nowhere.
    func resolve() throws -> Settings {
        var options = try SettingsOptions.parse([])
        options.common = self
        let resolver = SettingsResolver(options: options, steps: try StepOptions.parse([]))
        return try resolver.resolve(runsSteps: false, listens: false)
    }
}
