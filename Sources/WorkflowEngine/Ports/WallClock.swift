package import WorkflowModel

/// The time of day as the engine sees it; `Swift.Clock` measures, this one dates.
package protocol WallClock: Sendable {
    var now: Timestamp { get }
}
