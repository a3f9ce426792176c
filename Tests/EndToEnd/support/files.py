"""Reads the journal and the topic files with sqlite3 alone: a checker never uses the code it checks."""

import json
import pathlib
import sqlite3
import uuid

ATTEMPT_STARTED, ATTEMPT_COMPLETED, ATTEMPT_RETRYING, STEP_FAILED = 2, 3, 4, 5


def connect(path: pathlib.Path) -> sqlite3.Connection:
    return sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=10)


def journal_events(data_dir) -> list:
    """(execution, sequence, bytes) of every public event, in commit order."""
    with connect(data_dir / "journal.sqlite") as journal:
        rows = journal.execute(
            "SELECT execution.id, record.sequence, record.event FROM record JOIN execution"
            " ON execution.number = record.execution WHERE record.event IS NOT NULL ORDER BY record.position")
        return [(str(uuid.UUID(bytes=row[0])), row[1], row[2]) for row in rows]


def topic_events(data_dir) -> list:
    """(execution, sequence, bytes) of every event on the topic, by offset; the offsets have no hole."""
    with connect(data_dir / "topics" / "stepstream.events.v1.sqlite") as topic:
        rows = topic.execute("SELECT offset, execution, sequence, bytes FROM event ORDER BY offset").fetchall()
    assert [row[0] for row in rows] == list(range(len(rows))), "the topic's offsets have a hole"
    return [(str(uuid.UUID(bytes=row[1])), row[2], row[3]) for row in rows]


def assert_same_events(data_dir) -> int:
    """The topic is the journal's events, byte for byte and in its order."""
    journal, topic = journal_events(data_dir), topic_events(data_dir)
    for place, (ours, theirs) in enumerate(zip(journal, topic)):
        assert ours == theirs, f"event {place}: the journal has {ours}, the topic {theirs}"
    assert len(journal) == len(topic), f"{len(journal)} events in the journal, {len(topic)} on the topic"
    return len(topic)


def open_executions(data_dir) -> set:
    with connect(data_dir / "journal.sqlite") as journal:
        return {str(uuid.UUID(bytes=row[0])) for row in journal.execute("SELECT id FROM open_execution")}


def attempts(data_dir) -> list:
    """(position, execution, kind, path, attempt) of every record about an attempt, in commit order."""
    with connect(data_dir / "journal.sqlite") as journal:
        rows = journal.execute(
            "SELECT record.position, execution.id, record.kind, record.payload FROM record JOIN execution"
            " ON execution.number = record.execution WHERE record.kind BETWEEN 2 AND 5 ORDER BY record.position")
        return [
            (row[0], str(uuid.UUID(bytes=row[1])), row[2], payload["path"], payload["attempt"])
            for row in rows for payload in [json.loads(row[3])]]
