import Synchronization
package import WorkflowEngine
package import WorkflowModel

/// A stored revision with its parsed definition.
package struct LoadedDefinition: Sendable {
    package var stored: StoredDefinition
    package var definition: WorkflowDefinition
}

/// Reads definitions from the journal and caches the parsed ones. Revisions never change, so cached ones stay valid.
package final class Definitions: Sendable {
    private struct Key: Hashable {
        var name: String
        var revision: Int
    }

    private struct Cache {
        var entries: [Key: LoadedDefinition] = [:]
        /// The newest revision of each name. Valid because this process is the only writer of the journal.
        var newest: [String: Int] = [:]
        /// Rises with every write. A reading that began before the last write may be outdated, and is not remembered
        /// as the newest.
        var writes = 0

        mutating func keep(_ loaded: LoadedDefinition) {
            // Emptying the whole cache is enough of a limit: it is filled again from the journal.
            if entries.count >= Definitions.cachedMax { (entries, newest) = ([:], [:]) }
            entries[Key(name: loaded.stored.name, revision: loaded.stored.revision)] = loaded
        }
    }

    static let cachedMax = 1_000
    /// A millisecond of a schema's check.
    static let stepsMaxInPlace = 20_000

    private let journal: any Journal
    private let lease: JournalLease
    private let catalog: any FunctionCatalog
    private let pluginWaitMax: Duration
    private let checks = CheckQueue()
    private let cache = Mutex(Cache())
    /// Changes are made one at a time, so that what one demands of the current revision still holds when it is made:
    /// this process is the only writer of the journal.
    private let changes = SerialChanges()

    /// - Parameter pluginWaitMax: how long storing a definition waits for plugins that are still being looked at.
    package init(
        journal: any Journal, lease: JournalLease, catalog: any FunctionCatalog, pluginWaitMax: Duration = .seconds(10)
    ) {
        self.pluginWaitMax = pluginWaitMax
        self.journal = journal
        self.lease = lease
        self.catalog = catalog
    }

    /// The given or the newest revision.
    /// - Throws: `unknownWorkflow`, `journal`.
    package func definition(
        named name: String, revision: Int? = nil
    ) async throws(OrchestratorError) -> LoadedDefinition {
        let cached = cache.withLock { cache in
            (revision ?? cache.newest[name]).flatMap { cache.entries[Key(name: name, revision: $0)] }
        }
        if let cached { return cached }
        let writes = cache.withLock { $0.writes }
        let stored: StoredDefinition?
        do { stored = try await journal.definition(named: name, revision: revision) } catch {
            throw OrchestratorError(.journal, "definition \(name) cannot be read", cause: error)
        }
        guard let stored else {
            if let revision, let newest = try? await journal.definition(named: name, revision: nil) {
                throw OrchestratorError(
                    .unknownWorkflow, "workflow \(name) has no revision \(revision); the newest is \(newest.revision)")
            }
            throw OrchestratorError(.unknownWorkflow, "workflow \(name) is not known")
        }
        let definition: WorkflowDefinition
        do {
            // It was checked against the plugins when it was stored, and they may have changed since.
            definition = try DefinitionReader.read(
                stored.source, format: DefinitionFormat(stored.format), functions: { _ in .unchecked })
        } catch { throw OrchestratorError(.journal, "stored definition \(name) cannot be read", cause: error) }
        let loaded = LoadedDefinition(stored: stored, definition: definition)
        cache.withLock { cache in
            cache.keep(loaded)
            if revision == nil, cache.writes == writes { cache.newest[name] = loaded.stored.revision }
        }
        return loaded
    }

    /// Checks and stores a definition.
    /// - Throws: `DefinitionError` with every fault, `OrchestratorError`.
    package func put(
        _ source: [UInt8], format: StoredDefinition.Format, name: String?, now: Timestamp
    ) async throws -> LoadedDefinition {
        try await replace(source, format: format, name: name, now: now) { _ in }.loaded
    }

    /// Checks and stores a definition if `condition` allows it.
    ///
    /// - Parameter condition: gets the current revision, nil when there is none; throws to refuse.
    /// - Returns: what is stored, and whether the name was not there before.
    /// - Throws: what `put` throws, and what `condition` throws.
    package func replace(
        _ source: [UInt8], format: StoredDefinition.Format, name: String?, now: Timestamp,
        condition: @escaping @Sendable (_ current: Int?) throws -> Void
    ) async throws -> (loaded: LoadedDefinition, isCreated: Bool) {
        try await waitForPlugins(of: source, format)
        let definition = try await check(source, format: format).get()
        if let name, name != definition.name {
            throw OrchestratorError(
                .invalidInputs,
                "the definition names itself \(definition.name), the address says \(name); make them equal")
        }
        let draft = StoredDefinition.Draft(name: definition.name, format: format, source: source, at: now)
        return try await changes.run { [self] in
            let current = try await journal.definition(named: draft.name, revision: nil)?.revision
            try condition(current)
            return try await writing(draft.name) {
                let stored = try await journal.putDefinition(draft, lease: lease)
                let loaded = LoadedDefinition(stored: stored, definition: definition)
                return ((loaded, current == nil), loaded: loaded)
            }
        }
    }

    /// What the definition names may be among the plugins still being looked at. One with faults is waited for as well:
    /// the check that follows tells all of them, and a function that comes with its plugin is none.
    private func waitForPlugins(of source: [UInt8], _ format: StoredDefinition.Format) async throws(OrchestratorError) {
        guard !catalog.loading.isEmpty else { return }
        let plugins = await checks.run {
            var plugins: Set<String> = []
            _ = try? DefinitionReader.read(
                source, format: DefinitionFormat(format),
                functions: { name in
                    plugins.insert(name.plugin)
                    return .unchecked
                })
            return plugins
        }
        try await PluginWait(catalog: catalog, limit: pluginWaitMax).wait(for: plugins)
    }

    /// Checks a definition against the plugins of the moment.
    private func check(
        _ source: [UInt8], format: StoredDefinition.Format
    ) async -> Result<WorkflowDefinition, DefinitionError> {
        await checks.run { [catalog] in
            Result { () throws(DefinitionError) in
                try DefinitionReader.read(source, format: DefinitionFormat(format), functions: catalog.lookup)
            }
        }
    }

    /// Every violation of the inputs' schema.
    func violations(of inputs: JSONValue, in definition: WorkflowDefinition) async -> [JSONSchemaViolation] {
        guard let schema = definition.inputs else { return [] }
        // Most checks take less than a change of thread is worth.
        let found = schema.violations(of: inputs, stepsMax: Self.stepsMaxInPlace)
        guard found.contains(where: { $0.keyword == "$limit" }) else { return found }
        return await checks.run { schema.violations(of: inputs) }
    }

    /// - Returns: false when there was none.
    /// - Throws: `JournalError`, and what `condition` throws.
    package func delete(
        _ name: String, condition: @escaping @Sendable (_ current: Int) throws -> Void = { _ in }
    ) async throws -> Bool {
        try await changes.run { [self] in
            guard let current = try await journal.definition(named: name, revision: nil)?.revision else { return false }
            try condition(current)
            return try await writing(name) {
                (try await journal.deleteDefinition(named: name, lease: lease), loaded: nil)
            }
        }
    }

    package func list(after name: String?, limit: Int) async throws(JournalError) -> [StoredDefinition] {
        try await journal.definitions(after: name, limit: limit)
    }

    /// Changes a definition in the journal and then in the cache; only one call at a time.
    private func writing<Result>(
        _ name: String, _ change: () async throws -> (Result, loaded: LoadedDefinition?)
    ) async throws -> Result {
        var loaded: LoadedDefinition?
        // After a failure the outcome may be unknown: the name is removed, and the next reading asks the journal.
        defer {
            cache.withLock { cache in
                cache.writes += 1
                if let loaded { cache.keep(loaded) }
                cache.newest[name] = loaded?.stored.revision
            }
        }
        let (result, written) = try await change()
        loaded = written
        return result
    }
}

extension DefinitionFormat {
    init(_ format: StoredDefinition.Format) {
        switch format {
        case .yaml: self = .yaml
        case .json: self = .json
        }
    }
}
