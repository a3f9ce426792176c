/// What the process's own metrics mean, for `# HELP`; those that a role keeps itself come with their text.
///
/// The metrics API that rooms count with has no place for it. `promtool check metrics` in the end-to-end suite fails on
/// a family without one.
enum MetricTexts {
    static let all = [
        "stepstream_bus_brokers_up": "Kafka brokers that are connected.",
        "stepstream_bus_consumer_lag_events": "Events on the topic that a subscription has not read.",
        "stepstream_bus_publish_duration_seconds": "Time from handing a batch to Kafka to its acknowledgement.",
        "stepstream_bus_publish_failures_total": "Batches that Kafka did not acknowledge.",
        "stepstream_bus_published_records_total": "Records that Kafka acknowledged.",
        "stepstream_bus_queued_records": "Records that wait in the Kafka client.",
        "stepstream_bus_skipped_records_total": "Records that are not events and were skipped, by each subscription.",
        "stepstream_executions_stuck": "Open executions that cannot be taken up; see /health and ?stuck=true.",
        "stepstream_gateway_clients": "Clients that are streaming.",
        "stepstream_gateway_executions": "Executions that the gateway holds in memory.",
        "stepstream_gateway_frames_sent_total": "Events sent to clients.",
        "stepstream_gateway_history_scan_failures_total": "Searches of an execution's history that failed.",
        "stepstream_gateway_history_scans_running": "Searches of an execution's history that run now.",
        "stepstream_gateway_history_scans_total": "Searches of an execution's history.",
        "stepstream_gateway_memory_bytes": "Memory for recent executions' events.",
        "stepstream_gateway_missing_announced_total": "Times that a client was told of events that cannot be served.",
        "stepstream_gateway_subscription_interruptions_total": "Times that the gateway lost the event topic.",
        "stepstream_hosting_call_duration_seconds": "Time of a step call in its host.",
        "stepstream_hosting_call_queue_seconds": "Time that a step call waited for a host.",
        "stepstream_hosting_calls_queued": "Step calls that wait for a host.",
        "stepstream_hosting_calls_total": "Step calls, by how they ended.",
        "stepstream_hosting_crashes_total": "Step hosts that ended on their own.",
        "stepstream_hosting_hosts": "Step hosts that run.",
        "stepstream_hosting_hosts_idle": "Step hosts that wait for a call.",
        "stepstream_hosting_secret_requests_total": "Secrets that steps asked for, by answer.",
        "stepstream_hosting_spawns_total": "Step hosts that were started.",
        "stepstream_hosting_start_failures_total": "Step hosts that the machine did not start; calls wait meanwhile.",
        "stepstream_notifier_channels_disabled": "Channels that are disabled.",
        "stepstream_notifier_dead_letters_total": "Messages that were given up, by channel.",
        "stepstream_notifier_deliveries_total": "Attempts to send a message, by channel and outcome.",
        "stepstream_notifier_delivery_latency_seconds":
            "Time from taking an event to the acknowledgement of its message.",
        "stepstream_notifier_events_read_total": "Events that the notifier read.",
        "stepstream_notifier_events_unreadable_total": "Events of approvals that could not be read.",
        "stepstream_notifier_pending_deliveries": "Messages that are not delivered yet.",
        "stepstream_notifier_session_restarts_total":
            "Times that the notifier began anew after its store or the bus failed.",
        "stepstream_relay_backlog_age_seconds": "Age of the oldest journaled event that is not published.",
        "stepstream_relay_backlog_events": "Journaled events that are not published.",
        "stepstream_relay_publish_failures_total": "Batches that the relay could not publish at once.",
        "stepstream_relay_published_events_total": "Events that the relay published.",
        "stepstream_relay_withheld_events_total": "Events that the bus refused for their size and that were cut short.",
    ]
}
