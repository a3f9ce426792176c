import Testing

/// Everything that starts processes: one test at a time, so that each can tell what it left behind.
@Suite("step hosting", .serialized)
enum StepHostingSuite {}
