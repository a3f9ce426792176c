package import WebServing
package import WorkflowEngine
import WorkflowModel

/// `POST /api/v1/workflows/{name}/execute`: starts an execution, by itself, by key or by a given identifier.
package struct ExecuteRoutes: RouteProvider {
    /// The longest `?wait=`.
    static let waitMax = Duration.seconds(60)
    /// The inputs, at the most.
    static let bodyBytesMax = 4 << 20
    static let idempotencyKeyBytesMax = 256

    private let executions: Executions
    private let definitions: Definitions
    private let journal: any Journal
    private let catalog: any FunctionCatalog
    private let clock: any WallClock
    private let pluginWaitMax: Duration

    package init(
        executions: Executions, definitions: Definitions, journal: any Journal, catalog: any FunctionCatalog,
        clock: any WallClock, pluginWaitMax: Duration
    ) {
        self.pluginWaitMax = pluginWaitMax
        self.executions = executions
        self.definitions = definitions
        self.journal = journal
        self.catalog = catalog
        self.clock = clock
    }

    package func addRoutes(to router: inout WebRouter) {
        router.post("/api/v1/workflows/{name}/execute", bodyBytesMax: Self.bodyBytesMax) { try await execute($0) }
    }

    private func execute(_ request: WebRequest) async throws -> WebResponse {
        try request.query.check(known: ["wait"])
        let wait = try request.query.duration("wait", atMost: Self.waitMax)
            .map { Wait(limit: $0, client: request.client) }
        let json = try await request.json(within: executions.contexts)
        let body = try ExecuteBody(json.value, now: clock.now)
        json.share.set(ContextMemory.ofInputs(body.inputs, encodedByteCount: body.inputsByteCount))
        let key = try idempotencyKey(of: request)
        let definition = try await definitions.definition(named: request.pathParameter("name"))
        if let key, let earlier = try await journal.idempotencyKey(key, workflow: definition.stored.name) {
            return try await answer(key: earlier, body: body, wait: wait)
        }
        if let given = body.executionID, let earlier = try await journal.summary(of: given) {
            return try await answer(given: earlier, workflow: definition.stored.name, body: body, wait: wait)
        }
        try await check(body.inputs, definition.definition)
        try await PluginWait(catalog: catalog, limit: pluginWaitMax).wait(for: definition.definition.plugins)
        let execution = body.executionID ?? newExecutionID()
        let command = StartCommand(
            execution: execution, revision: definition.stored.revision, inputs: body.inputs,
            pins: try pins(of: definition.definition), traceparent: TraceParent.read(request.header("traceparent")),
            startedBy: request.caller.name)
        let claim = key.map {
            IdempotencyClaim(
                key: $0, workflow: definition.stored.name, digest: body.digest, execution: execution, at: clock.now)
        }
        let start = Executions.Start(
            command: command, definition: definition.definition, inputsDigest: body.inputsDigest, idempotency: claim,
            memory: json.share)
        let standing: Executions.Standing
        do {
            standing = try await Self.whileConnected(wait) { [executions] () throws(OrchestratorError) in
                try await executions.start(start, wait: wait?.limit)
            }
        } catch {
            // Two requests with one key or one identifier raced; the other one's start is the answer to both.
            switch error.code {
            case .idempotencyKeyReused:
                guard let key, let earlier = try await journal.idempotencyKey(key, workflow: definition.stored.name)
                else { throw error }
                return try await answer(key: earlier, body: body, wait: wait)
            case .executionIDConflict:
                guard let earlier = try await journal.summary(of: execution) else { throw error }
                return try await answer(given: earlier, workflow: definition.stored.name, body: body, wait: wait)
            default: throw error
            }
        }
        return Self.answer(standing, definition.stored)
    }

    private func newExecutionID() -> ExecutionID {
        var random = SystemRandomNumberGenerator()
        return ExecutionID(at: clock.now, using: &random)
    }

    private func idempotencyKey(of request: WebRequest) throws(Problem) -> String? {
        guard let key = request.header("idempotency-key") else { return nil }
        guard (1...Self.idempotencyKeyBytesMax).contains(key.utf8.count) else {
            throw Problem(
                400, "invalid_parameter", "Idempotency-Key has 1 to \(Self.idempotencyKeyBytesMax) characters")
        }
        return key
    }

    private func check(_ inputs: JSONValue, _ definition: WorkflowDefinition) async throws(Problem) {
        let violations = await definitions.violations(of: inputs, in: definition)
        guard !violations.isEmpty else { return }
        throw Problem(
            422, OrchestratorError.Code.invalidInputs.rawValue,
            "the inputs do not fit the schema of \(definition.name)",
            faults: violations.map {
                Problem.Fault(path: "/inputs\($0.path)", code: $0.keyword, message: $0.message)
            })
    }

    /// The plugins' builds of the moment, for the life of the execution.
    private func pins(of definition: WorkflowDefinition) throws(Problem) -> [String: String] {
        var pins: [String: String] = [:]
        var faults: [Problem.Fault] = []
        for (index, step) in definition.steps.enumerated() {
            guard let function = step.function else { continue }
            if catalog.function(function) == nil {
                faults.append(
                    Problem.Fault(
                        path: "/steps/\(index)/function", code: OrchestratorError.Code.functionUnavailable.rawValue,
                        message: "\(function) is not offered by any plugin that loads; see /api/v1/functions"))
            } else {
                pins[function.plugin] = catalog.plugin(named: function.plugin)?.hash
            }
        }
        guard faults.isEmpty else {
            throw Problem(
                503, OrchestratorError.Code.functionUnavailable.rawValue,
                "\(definition.name) uses functions that are not available", faults: faults)
        }
        return pins
    }

    /// How long a caller waits for the end, and while it is there at all.
    private struct Wait {
        var limit: Duration
        var client: ClientPresence
    }

    /// A caller that leaves ends the wait; what was started goes on.
    private static func whileConnected<Value: Sendable, Failure: Error>(
        _ wait: Wait?, _ body: @escaping @Sendable () async throws(Failure) -> Value
    ) async throws(Failure) -> Value {
        guard let wait else { return try await body() }
        return try await wait.client.cancelWhenLeaving(body)
    }

    // MARK: Answers

    private func answer(key earlier: IdempotencyClaim, body: ExecuteBody, wait: Wait?) async throws -> WebResponse {
        guard body.isSame(asDigest: earlier.digest) else {
            throw Problem(
                422, OrchestratorError.Code.idempotencyKeyReused.rawValue,
                "the idempotency key was used with another body; use a new key",
                members: ["execution_id": .string(earlier.execution.description)])
        }
        guard let summary = try await journal.summary(of: earlier.execution) else {
            throw OrchestratorError(.unknownExecution, "execution \(earlier.execution) is not known")
        }
        return try await answer(summary, wait: wait)
    }

    private func answer(
        given earlier: ExecutionSummary, workflow: String, body: ExecuteBody, wait: Wait?
    ) async throws -> WebResponse {
        guard earlier.workflow == workflow, body.hasSameInputs(asDigest: earlier.inputsDigest) else {
            throw Problem(
                409, OrchestratorError.Code.executionIDConflict.rawValue,
                "execution \(earlier.execution) exists with another workflow or other inputs; use a new identifier",
                members: ["execution_id": .string(earlier.execution.description)])
        }
        return try await answer(earlier, wait: wait)
    }

    /// The answer to a start that happened before.
    private func answer(_ summary: ExecutionSummary, wait: Wait?) async throws -> WebResponse {
        let definition = try await definitions.definition(named: summary.workflow, revision: summary.revision)
        let standing = await Self.whileConnected(wait) { [executions] in
            await executions.standing(of: summary.execution, wait: wait?.limit)
        }
        if let standing {
            return Self.answer(standing, definition.stored)
        }
        let report = try ExecutionReport(
            execution: summary.execution, definition: definition.definition,
            records: try await journal.records(of: summary.execution, after: 0))
        return Self.answer(Executions.Standing(report), definition.stored)
    }

    static func answer(_ standing: Executions.Standing, _ definition: StoredDefinition) -> WebResponse {
        let execution = standing.execution.description
        var members = JSONObject([
            ("execution_id", .string(execution)), ("workflow", .string(definition.name)),
            ("revision", .int(Int64(definition.revision))), ("status", .string(standing.status.rawValue)),
            ("stream", .string("/api/v1/workflows/stream/\(execution)")),
        ])
        if let output = standing.output { members["output"] = output }
        if let approval = standing.pendingApproval {
            members["approval"] = ApprovalJSON.approval(approval, execution: standing.execution)
        }
        if let failure = standing.failure {
            members["error"] = [
                "code": .string(failure.code), "message": .string(failure.message),
                "failed_step": failure.failedStep.map { .string($0) } ?? nil,
            ]
        }
        return .json(.object(members))
    }
}

extension Executions.Standing {
    init(_ report: ExecutionReport) {
        self.init(
            execution: report.execution, status: report.status, isOpen: report.isOpen, output: report.output,
            failure: report.errorCode.map {
                ExecutionState.Failure(code: $0, message: report.errorMessage ?? "", failedStep: report.failedStep)
            }, pendingApproval: report.approvals.last.flatMap { $0.isPending ? $0 : nil })
    }
}
