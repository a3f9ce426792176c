/// The topic file's tables.
///
/// `event`: one row an event, offsets 0, 1, 2 … without holes from `topic.log_start` to `topic.next_offset - 1`;
/// `execution` is the UUID's 16 bytes, `time` microseconds and `appended_at` milliseconds since 1970.
/// `topic`: one row. `identity` is drawn when the file is made, so that positions kept for an earlier file of the same
/// name are recognised; `deleted_execution_max` is the highest execution ID retention has taken an event of.
enum TopicSchema {
    static let kind = DatabaseKind(
        name: "topic", applicationID: 0x5353_5431,
        migrations: [
            """
            CREATE TABLE event (
              offset INTEGER PRIMARY KEY,
              execution BLOB NOT NULL,
              sequence INTEGER NOT NULL,
              type TEXT NOT NULL,
              workflow TEXT NOT NULL,
              time INTEGER NOT NULL,
              final INTEGER NOT NULL,
              appended_at INTEGER NOT NULL,
              traceparent TEXT,
              bytes BLOB NOT NULL
            ) STRICT;
            CREATE INDEX event_by_execution ON event (execution, sequence);
            CREATE TABLE topic (
              id INTEGER PRIMARY KEY CHECK (id = 1),
              identity TEXT NOT NULL,
              source_position INTEGER,
              log_start INTEGER NOT NULL,
              next_offset INTEGER NOT NULL,
              retained_bytes INTEGER NOT NULL,
              deleted_execution_max BLOB
            ) STRICT;
            INSERT INTO topic (id, identity, log_start, next_offset, retained_bytes)
              VALUES (1, lower(hex(randomblob(16))), 0, 0, 0);
            """
        ])

    /// What a row costs beside its event's bytes: columns, index entry and page overhead, rounded up.
    static let rowOverheadBytes = 192
}
