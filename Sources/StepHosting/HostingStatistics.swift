/// What step hosting has counted since it started, and what it holds now.
package struct HostingStatistics: Hashable, Sendable {
    /// Calls a host was given.
    package var callsStarted = 0
    package var callsCompleted = 0
    package var callsFailed = 0
    /// Hosts that died with a call or on their own, by their own fault.
    package var crashes = 0
    /// Hosts killed because of a deadline, a cancellation or a fault.
    package var kills = 0
    package var spawns = 0
    /// Step hosts that the machine did not start.
    package var startFailures = 0
    /// Completions that came late, twice or for a call nobody knows.
    package var lateCompletions = 0
    package var droppedLogs = 0
    package var droppedActivity = 0
    /// invoke, cancel or reply that took longer than 50 ms.
    package var slowEntries = 0
    package var hosts = 0
    package var hostsIdle = 0
    /// Calls that wait for a host.
    package var callsQueued = 0
    /// Why calls wait for hosts that should not: the machine gives none, or too many calls wait. Nil when all is well.
    package var fault: String?
    package var processIDs: [Int32] = []

    package init() {}
}
