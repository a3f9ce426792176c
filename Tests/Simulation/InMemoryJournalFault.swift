package import WorkflowEngine

/// What goes wrong with the next append of an `InMemoryJournal`.
package enum InMemoryJournalFault: Sendable {
    /// Nothing is committed and the caller is told so.
    case refuse(JournalError)
    /// Everything acceptable is committed, and the caller hears `unknownOutcome`.
    case commitAndNotAnswer
    /// Nothing is committed, and the caller hears `unknownOutcome`.
    case loseAndNotAnswer
    /// Somebody else acquires the lease first.
    case takeLeaseOver
}
