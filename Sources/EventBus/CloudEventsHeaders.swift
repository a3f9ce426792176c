package import WorkflowModel

/// The headers of the CloudEvents 1.0 Kafka protocol binding, binary content mode.
package enum CloudEventsHeaders {
    /// In the order they are written; `cluster` names the installation in `ce_source`.
    package static func headers(for event: EncodedEvent, cluster: String) -> [(name: String, value: String)] {
        var headers = [
            ("ce_specversion", "1.0"),
            ("ce_id", event.id),
            ("ce_source", "/stepstream/\(cluster)"),
            ("ce_type", "io.stepstream.\(event.type).v1"),
            ("ce_subject", event.executionID.description),
            ("ce_time", event.time.description),
            ("ce_workflow", event.workflow),
            ("ce_final", event.isFinal ? "true" : "false"),
            ("content-type", "application/json"),
        ]
        if let traceparent = event.traceparent { headers.append(("traceparent", traceparent)) }
        return headers.map { (name: $0.0, value: $0.1) }
    }
}
