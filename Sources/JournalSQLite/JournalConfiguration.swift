import Glibc
package import WorkflowModel

/// Limits of the SQLite journal.
package struct JournalConfiguration: Sendable {
    /// What one transaction may hold; one larger request still goes alone.
    package struct Batch: Sendable {
        package var requestsMax: Int
        package var bytesMax: Int
        package init(requestsMax: Int = 512, bytesMax: Int = 8 << 20) {
            self.requestsMax = requestsMax
            self.bytesMax = bytesMax
        }
    }

    /// When the write-ahead log is carried into the file; a page is 4 KiB.
    package struct Checkpoints: Sendable {
        /// From here on it is carried, and then begins anew.
        package var walPages: Int
        package init(walPages: Int = 4_000) { self.walPages = walPages }

        /// What the log is given on disk: its pages, a quarter more for what is committed while it is carried, and a
        /// frame's header for each.
        var allocatedBytes: Int { 32 + walPages * 5 / 4 * (4_096 + 24) }
    }

    package var batch: Batch
    package var checkpoints: Checkpoints
    /// Connections, each with a thread, for reads.
    package var readers: Int
    /// Appends that wait for the writer; more wait for room.
    package var waitingAppendsMax: Int
    /// Reads that wait for a connection; more wait for room.
    package var waitingReadsMax: Int
    /// Open executions whose latest version stays in memory (about 300 bytes each).
    package var cachedExecutionsMax: Int
    /// Dates the reading of idempotency keys.
    package var now: @Sendable () -> Timestamp

    package init(
        batch: Batch = Batch(), checkpoints: Checkpoints = Checkpoints(), readers: Int = 3,
        waitingAppendsMax: Int = 4_096, waitingReadsMax: Int = 1_024, cachedExecutionsMax: Int = 20_000,
        now: @escaping @Sendable () -> Timestamp = JournalConfiguration.systemTime
    ) {
        self.batch = batch
        self.checkpoints = checkpoints
        self.readers = readers
        self.waitingAppendsMax = waitingAppendsMax
        self.waitingReadsMax = waitingReadsMax
        self.cachedExecutionsMax = cachedExecutionsMax
        self.now = now
    }

    package static let systemTime: @Sendable () -> Timestamp = {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return Timestamp(microseconds: Int64(time.tv_sec) * 1_000_000 + Int64(time.tv_nsec) / 1_000)
    }
}
