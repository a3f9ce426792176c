import Logging

/// Where the process's own log goes: standard error, one line an entry.
enum LogOutput {
    static func logger(level: String) -> Logger {
        var logger = Logger(label: "stepstream") {
            EscapedLogHandler(StreamLogHandler.standardError(label: $0))
        }
        logger.logLevel = Logger.Level(rawValue: level) ?? .notice
        return logger
    }
}
