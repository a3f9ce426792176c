/// What is counted of one function.
struct FunctionFigures: Hashable {
    var completed: UInt64 = 0
    var failed: UInt64 = 0
    var retries: UInt64 = 0
    var durations = DurationHistogram(.step)
    /// Since the last commit.
    var isChanged = false

    init() {}

    mutating func finished(_ result: StepResult) {
        if result.code == nil { completed += 1 } else { failed += 1 }
        durations.record(result.durationMicroseconds)
        isChanged = true
    }

    mutating func retried(_ count: UInt64) {
        retries += count
        isChanged = true
    }
}

extension FunctionFigures {
    var stored: [UInt8] {
        var writer = StoredWriter()
        for count in [completed, failed, retries] { writer.unsigned(count) }
        durations.write(to: &writer)
        return writer.bytes
    }

    init(stored bytes: [UInt8]) throws(StoredFault) {
        var reader = StoredReader(bytes)
        (completed, failed, retries) = (try reader.unsigned(), try reader.unsigned(), try reader.unsigned())
        durations = try DurationHistogram(.step, &reader)
    }
}
