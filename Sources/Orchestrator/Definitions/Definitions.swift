import Synchronization
package import WorkflowEngine
package import WorkflowModel

/// A stored revision together with what it means.
package struct LoadedDefinition: Sendable {
    package var stored: StoredDefinition
    package var definition: WorkflowDefinition
}

/// Reads definitions from the journal and keeps the parsed ones; revisions never change, so neither do entries.
package final class Definitions: Sendable {
    private struct Key: Hashable {
        var name: String
        var revision: Int
    }

    private struct Cache {
        var entries: [Key: LoadedDefinition] = [:]
        /// Newest revision by name, as this process stored or read it last; it is the only writer.
        var newest: [String: Int] = [:]
    }

    static let cachedMax = 1_000

    private let journal: any Journal
    private let lease: JournalLease
    private let catalog: any FunctionCatalog
    private let cache = Mutex(Cache())
    /// What a change demands of the current revision holds until it is made: this process is the only writer.
    private let changes = SerialChanges()

    package init(journal: any Journal, lease: JournalLease, catalog: any FunctionCatalog) {
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
        let stored: StoredDefinition?
        do { stored = try await journal.definition(named: name, revision: revision) } catch {
            throw OrchestratorError(.journal, "definition \(name) cannot be read", cause: error)
        }
        guard let stored else { throw OrchestratorError(.unknownWorkflow, "workflow \(name) is not known") }
        let definition: WorkflowDefinition
        do {
            // Checked against the plugins when it was stored; those of today may be others.
            definition = try DefinitionReader.read(
                stored.source, format: DefinitionFormat(stored.format), functions: { _ in .unchecked })
        } catch { throw OrchestratorError(.journal, "stored definition \(name) cannot be read", cause: error) }
        let loaded = LoadedDefinition(stored: stored, definition: definition)
        keep(loaded, isNewest: revision == nil)
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
        let definition = try check(source, format: format)
        if let name, name != definition.name {
            throw OrchestratorError(
                .invalidInputs,
                "the definition names itself \(definition.name), the address says \(name); make them equal")
        }
        let draft = StoredDefinition.Draft(name: definition.name, format: format, source: source, at: now)
        return try await changes.run { [self] in
            let current = try await journal.definition(named: draft.name, revision: nil)?.revision
            try condition(current)
            let stored = try await journal.putDefinition(draft, lease: lease)
            let loaded = LoadedDefinition(stored: stored, definition: definition)
            keep(loaded, isNewest: true)
            return (loaded, current == nil)
        }
    }

    /// Checks a definition against the plugins of the moment, storing nothing.
    /// - Throws: `DefinitionError` with every fault.
    package func check(_ source: [UInt8], format: StoredDefinition.Format) throws -> WorkflowDefinition {
        try DefinitionReader.read(source, format: DefinitionFormat(format), functions: catalog.lookup)
    }

    /// - Returns: false when there was none.
    /// - Throws: `JournalError`, and what `condition` throws.
    package func delete(
        _ name: String, condition: @escaping @Sendable (_ current: Int) throws -> Void
    ) async throws -> Bool {
        try await changes.run { [self] in
            guard let current = try await journal.definition(named: name, revision: nil)?.revision else { return false }
            try condition(current)
            cache.withLock { $0.newest[name] = nil }
            return try await journal.deleteDefinition(named: name, lease: lease)
        }
    }

    package func list(after name: String?, limit: Int) async throws(JournalError) -> [StoredDefinition] {
        try await journal.definitions(after: name, limit: limit)
    }

    private func keep(_ loaded: LoadedDefinition, isNewest: Bool) {
        cache.withLock { cache in
            // A crude bound is enough: the cache refills from the journal.
            if cache.entries.count >= Self.cachedMax { cache = Cache() }
            cache.entries[Key(name: loaded.stored.name, revision: loaded.stored.revision)] = loaded
            if isNewest { cache.newest[loaded.stored.name] = loaded.stored.revision }
        }
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
