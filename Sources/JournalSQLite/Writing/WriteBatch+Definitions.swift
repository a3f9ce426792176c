import WorkflowEngine
import WorkflowModel

extension WriteBatch {
    func putDefinition(_ draft: StoredDefinition.Draft) throws -> StoredDefinition {
        statements.newestDefinition.bind(1, draft.name)
        let newest = try statements.newestDefinition.firstRow { row in
            try StoredDefinition(row, name: draft.name, from: 0)
        }
        var stored = StoredDefinition(
            name: draft.name, revision: (newest?.revision ?? 0) + 1, format: draft.format, source: draft.source,
            createdAt: draft.at)
        if let newest, newest.source == draft.source, newest.format == draft.format {
            stored = newest
        } else {
            let statement = statements.insertDefinition
            statement.bind(1, stored.name)
            statement.bind(2, stored.revision)
            statement.bind(3, stored.format.rawValue)
            statement.bind(4, stored.source)
            statement.bind(5, stored.createdAt.microseconds)
            try statement.run()
        }
        // Also what brings a deleted name back.
        statements.setCurrentDefinition.bind(1, stored.name)
        statements.setCurrentDefinition.bind(2, stored.revision)
        try statements.setCurrentDefinition.run()
        return stored
    }

    func deleteDefinition(named name: String) throws -> Bool {
        statements.removeCurrentDefinition.bind(1, name)
        var isDeleted = false
        try statements.removeCurrentDefinition.forEachRow { _ in isDeleted = true }
        return isDeleted
    }
}
