import EventBus
import StepHosting
import WorkflowEngine
import WorkflowModel

/// Encodes what running steps tell along the way and hands it to the bus, best effort.
struct ActivityEncoder: Sendable {
    let publisher: any EventPublisher
    let clock: any WallClock

    func publish(_ activity: StepActivity) {
        var writer = JSONWriter()
        switch activity.kind {
        case .progress: writer.raw("{\"type\":\"step_progress\",\"execution_id\":")
        case .log: writer.raw("{\"type\":\"step_log\",\"execution_id\":")
        }
        writer.string(activity.execution.description)
        writer.raw(",\"step_name\":")
        writer.string(activity.path)
        writer.raw(",\"attempt\":")
        writer.int(activity.attempt)
        writer.raw(",\"time\":")
        writer.time(clock.now)
        switch activity.kind {
        case .progress(let fraction, let note):
            writer.raw(",\"fraction\":")
            writer.double(fraction)
            writer.raw(",\"note\":")
            writer.string(note)
        case .log(let level, let message, let fields):
            writer.raw(",\"level\":")
            writer.string("\(level)")
            writer.raw(",\"message\":")
            writer.string(message)
            writer.raw(",\"fields\":")
            // The step's own JSON, checked here since it was not before. A lost digit is no reason to lose the line.
            writer.value((try? JSONValue(parsing: fields, limits: JSONLimits(wideIntegersRefused: false))) ?? .null)
        }
        writer.raw("}")
        publisher.publishActivity(EncodedActivity(executionID: activity.execution, bytes: writer.bytes))
    }
}
