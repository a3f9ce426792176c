import WorkflowEngine
import WorkflowModel

/// Waits for plugins that are still being looked at when somebody names them.
struct PluginWait {
    var catalog: any FunctionCatalog
    /// How long a request may wait.
    var limit: Duration

    /// Returns once each of the plugins is offered, or no file is left that could offer it.
    /// - Throws: `pluginsLoading` when that takes longer than the limit.
    func wait(for plugins: Set<String>) async throws(OrchestratorError) {
        guard !isSettled(plugins) else { return }
        await withTaskGroup(of: Void.self) { [catalog, limit] group in
            group.addTask { await catalog.loaded(plugins) }
            // Cancelled once the plugins are there.
            group.addTask { try? await Task.sleep(for: limit) }
            await group.next()
            group.cancelAll()
        }
        guard isSettled(plugins) else {
            let missing = plugins.subtracting(catalog.plugins.map(\.name)).sorted().joined(separator: ", ")
            throw OrchestratorError(
                .pluginsLoading, "plugins are still being loaded, \(missing) not yet among them; try again")
        }
    }

    private func isSettled(_ plugins: Set<String>) -> Bool {
        catalog.loading.isEmpty || plugins.isSubset(of: catalog.plugins.map(\.name))
    }
}

extension WorkflowDefinition {
    /// The plugins that the steps name.
    var plugins: Set<String> { Set(steps.compactMap { $0.function?.plugin }) }
}
