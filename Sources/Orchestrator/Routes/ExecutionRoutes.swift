package import WebServing
package import WorkflowEngine
import WorkflowModel

/// `/api/v1/executions`: runs, with their steps, inputs, outputs, attempts and events.
package struct ExecutionRoutes: RouteProvider {
    private let executions: Executions
    private let definitions: Definitions
    private let journal: any Journal

    package init(executions: Executions, definitions: Definitions, journal: any Journal) {
        self.executions = executions
        self.definitions = definitions
        self.journal = journal
    }

    package func addRoutes(to router: inout WebRouter) {
        router.get("/api/v1/executions") { try await list($0) }
        router.get("/api/v1/executions/{id}") { try await show($0) }
        router.get("/api/v1/executions/{id}/events") { try await events($0) }
        router.post("/api/v1/executions/{id}/cancel") { try await cancel($0) }
    }

    private func list(_ request: WebRequest) async throws -> WebResponse {
        let page = try Page(request, "workflow", "status", "stuck")
        var filter = ExecutionFilter(workflow: request.query["workflow"])
        if let text = request.query["status"] {
            guard let status = ExecutionStatus(rawValue: text) else {
                let known = ExecutionStatus.allCases.map(\.rawValue).joined(separator: ", ")
                throw Problem.invalidParameter("status", "expected one of \(known), not \"\(text)\"")
            }
            filter.status = status
        }
        filter.before = try page.position { ExecutionID($0) }
        let stuck = await executions.left.stuck
        let summaries =
            switch request.query["stuck"] {
            case nil: try await journal.summaries(filter, limit: page.limit + 1)
            case "true": try await newest(of: Array(stuck.keys), filter, limit: page.limit + 1)
            case let text?: throw Problem.invalidParameter("stuck", "expected true, not \"\(text)\"")
            }
        let shown = summaries.prefix(page.limit)
        let items = shown.map { ExecutionJSON.summary($0, stuck: stuck[$0.execution]) }
        return .json(
            page.answer(items, hasMore: summaries.count > page.limit, cursor: shown.last?.execution.description))
    }

    /// The newest of the given executions that the filter lets through.
    private func newest(
        of executions: [ExecutionID], _ filter: ExecutionFilter, limit: Int
    ) async throws -> [ExecutionSummary] {
        var found: [ExecutionSummary] = []
        for execution in executions.sorted(by: >) where found.count < limit {
            if let before = filter.before, execution >= before { continue }
            guard let summary = try await journal.summary(of: execution),
                (filter.workflow ?? summary.workflow) == summary.workflow,
                (filter.status ?? summary.status) == summary.status
            else { continue }
            found.append(summary)
        }
        return found
    }

    private func show(_ request: WebRequest) async throws -> WebResponse {
        let summary = try await known(request)
        let stuck = await executions.left.stuck[summary.execution]
        do {
            let definition = try await definitions.definition(named: summary.workflow, revision: summary.revision)
            let report = try ExecutionReport(
                execution: summary.execution, definition: definition.definition,
                records: try await journal.records(of: summary.execution, after: 0))
            return .json(ExecutionJSON.report(report, stuck: stuck))
        } catch {
            guard stuck != nil else { throw error }
            throw OrchestratorError(.stuck, "execution \(summary.execution) is stuck: it cannot be read", cause: error)
        }
    }

    private func events(_ request: WebRequest) async throws -> WebResponse {
        let page = try Page(request, "after")
        let summary = try await known(request)
        // A later page is the cursor's, whatever `after` the first one had.
        let after =
            try page.position { $0.utf8.count <= 18 ? WebQuery.wholeNumber($0) : nil }
            ?? request.query.int("after", default: 0, in: 0...Int(Int32.max))
        let events = try await journal.events(of: summary.execution, after: after, limit: page.limit + 1)
        let shown = events.prefix(page.limit)
        // The events' own bytes, as every subscriber gets them.
        var writer = JSONWriter(reserving: 512 * (shown.count + 1))
        writer.raw("{\"items\":[")
        for (index, event) in shown.enumerated() {
            if index > 0 { writer.raw(",") }
            writer.raw(event.bytes)
        }
        writer.raw("],\"next\":")
        writer.optionalString(events.count > page.limit ? shown.last.map { String($0.sequence) } : nil)
        writer.raw("}")
        return .json(writer.bytes)
    }

    private func cancel(_ request: WebRequest) async throws -> WebResponse {
        let summary = try await known(request)
        let reason = try await Self.reason(of: request)
        guard summary.isOpen else { throw Self.ended(summary) }
        let standing: Executions.Standing
        do {
            standing = try await executions.cancel(summary.execution, reason: reason, requestedBy: request.caller.name)
        } catch {
            throw error.code == .alreadyEnded ? Self.ended(try await known(request)) : error
        }
        return .json([
            "execution_id": .string(standing.execution.description), "status": .string(standing.status.rawValue),
            "cancel_requested": true,
        ])
    }

    private static func reason(of request: WebRequest) async throws -> String {
        let body = try await request.body()
        guard !body.isEmpty else { return "" }
        let json: JSONValue
        do { json = try JSONValue(parsing: body) } catch { throw Problem(error) }
        guard let members = json.objectValue, members.keys.allSatisfy({ $0 == "reason" }) else {
            throw Problem(422, "invalid_body", "the body is empty or {\"reason\": \"…\"}")
        }
        guard let reason = json["reason"] else { return "" }
        guard let text = reason.stringValue else {
            throw Problem(
                422, "invalid_body", "the body cannot be used",
                faults: [.init(path: "/reason", code: "type", message: "expected a string, not \(reason.typeName)")])
        }
        return text
    }

    private static func ended(_ summary: ExecutionSummary) -> Problem {
        Problem(
            409, OrchestratorError.Code.alreadyEnded.rawValue,
            "execution \(summary.execution) has ended as \(summary.status.rawValue)",
            members: ["execution_status": .string(summary.status.rawValue)])
    }

    private func known(_ request: WebRequest) async throws -> ExecutionSummary {
        let text = request.pathParameter("id")
        guard let execution = ExecutionID(text) else {
            throw Problem(
                404, OrchestratorError.Code.unknownExecution.rawValue,
                "\"\(text)\" is not an execution ID (a lower-case UUID version 7)")
        }
        guard let summary = try await journal.summary(of: execution) else {
            throw OrchestratorError(.unknownExecution, "execution \(execution) is not known")
        }
        return summary
    }
}
