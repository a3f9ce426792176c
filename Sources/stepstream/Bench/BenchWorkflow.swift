import WorkflowModel

/// The definitions that are measured.
enum BenchWorkflow {
    /// Input and output of the no-op step: about 100 B of JSON.
    static let order: JSONValue = [
        "id": "order-000001", "customer": "customer-42", "quantity": 3, "amount": 129.95, "note": "leave at the door",
    ]

    static let threeSteps: JSONValue = [
        "name": "bench-three", "deliverable_type": "bench",
        "steps": [
            ["name": "one", "function": "bench.noop", "with": "${{ inputs }}"],
            ["name": "two", "function": "bench.noop", "with": "${{ steps.one.output }}"],
            ["name": "three", "function": "bench.noop", "with": "${{ steps.two.output }}"],
        ],
    ]

    /// Stays open: its step sleeps for an hour.
    static let open: JSONValue = [
        "name": "bench-open", "deliverable_type": "bench",
        "steps": [["name": "wait", "function": "bench.sleep", "timeout": "2h", "with": ["ms": 3_600_000]]],
    ]

    static func execute(_ name: String, inputs: JSONValue, wait: Bool, execution: ExecutionID? = nil) -> [UInt8] {
        var body = JSONObject([("inputs", inputs)])
        if let execution { body["execution_id"] = .string(execution.description) }
        let path = "/api/v1/workflows/\(name)/execute" + (wait ? "?wait=30s" : "")
        return HTTPConnection.request("POST", path, JSONValue.object(body).encoded)
    }
}
