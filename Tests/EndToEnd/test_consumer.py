"""The consumer of deploy/examples/consumer, written as a stranger would: its table equals a recount of the topic."""

import json
import random
import re
import sqlite3
import subprocess
import sys
import time

import pytest
from confluent_kafka import Producer

from support import kafka, outcomes, topic
from support.binary import ROOT
from support.broker import Broker, quiet

PAGE = ROOT / "deploy" / "guide" / "consuming-events.md"
PROGRAM = ROOT / "deploy" / "examples" / "consumer" / "consume.py"
KILLS, KILLS_LONG = 4, 40
ROUNDS = 3
COLUMNS = ("id", "workflow", "started", "status", "ended", "error", "release")


class Table:
    """The consumer with a group and a file of its own."""

    def __init__(self, address, path, group):
        self.path, self.command = path, [sys.executable, str(PROGRAM), address, group, str(path)]

    def run(self) -> subprocess.CompletedProcess:
        return subprocess.run([*self.command, "--once"], capture_output=True, text=True, timeout=120)

    def complete(self) -> dict:
        """Its rows when it has read the topic to its end."""
        ran = self.run()
        assert (ran.returncode, ran.stdout) == (0, ""), ran
        return self.rows()

    def start(self) -> subprocess.Popen:
        return subprocess.Popen(self.command, start_new_session=True)

    def query(self, text: str) -> list:
        database = sqlite3.connect(self.path, timeout=30)
        try:
            return database.execute(text).fetchall()
        finally:
            database.close()

    def rows(self) -> dict:
        return {row[0]: row for row in self.query(f"SELECT {', '.join(COLUMNS)} FROM execution")}

    def columns_set(self) -> int:
        """How much of the table is there already."""
        if not self.path.exists() or not self.query("SELECT 1 FROM sqlite_schema WHERE name = 'execution'"):
            return 0
        return self.query("SELECT count(*) + count(status) + count(release) FROM execution")[0][0]


def recount(records) -> dict:
    """The same rows from all records of the topic at once, by outcome and decision instead of event by event."""
    events, rows = {}, {}
    for record in records:
        event = json.loads(record.value)
        events.setdefault(event["execution_id"], {})[event["sequence"]] = event
    for execution, known in events.items():
        ordered = [known[sequence] for sequence in sorted(known)]
        assert [event["sequence"] for event in ordered] == list(range(1, len(ordered) + 1)), execution
        outcome, = (event for event in ordered if re.fullmatch("execution_(completed|failed|cancelled)", event["type"]))
        last = ordered[-1]
        rows[execution] = (
            execution, last["workflow"], ordered[0]["time"], outcome["type"].split("_")[1], outcome["time"],
            outcome["data"].get("error_code"), last["type"].split("_")[1] if last != outcome else None)
    return rows


@pytest.fixture(scope="module")
def busy(binary, tmp_path_factory):
    """(address, recount): a topic with executions of every outcome, their events again, and what is not ours."""
    directory = tmp_path_factory.mktemp("busy")
    directory.chmod(0o755)
    with Broker(directory / "broker") as broker:
        with kafka.role(binary, directory / "data", broker.address) as server:
            started = outcomes.run_all(server, ROUNDS)
            kafka.wait_until_published(broker.address, server.data_dir)
            assert server.stop() == 0
        expected = recount(topic.read(broker.address))
        assert {(row[1], row[3], row[6]) for row in expected.values()} == {
            (name, status, settled if name.startswith("release") else None)
            for name, (status, settled) in outcomes.WORKFLOWS.items()}
        assert sorted(expected) == sorted(execution for ids in started.values() for execution in ids)
        again = binary.run(
            "republish", "--data-dir", directory / "data", "--from", 0, *kafka.arguments(directory, broker.address))
        assert again.returncode == 0, again
        producer = Producer(quiet({"bootstrap.servers": broker.address}))
        producer.produce(topic.EVENTS, key=b"x", value=b"not ours")
        producer.produce(topic.EVENTS, key=b"x", value=b"{}", headers=[("ce_type", b"com.example.other.v1")])
        assert producer.flush(30) == 0
        yield broker.address, expected


def test_the_table_equals_a_recount_of_the_topic(busy, tmp_path):
    address, expected = busy
    table = Table(address, tmp_path / "executions.sqlite", "counted")
    assert table.complete() == expected
    # The page's query gives the counts.
    query = re.search(r'sqlite3 executions\.sqlite \\?\s*"(SELECT[^"]+)"', PAGE.read_text())[1]
    counts = {(row[1], row[3]): 0 for row in expected.values()}
    for row in expected.values():
        counts[row[1], row[3]] += 1
    assert {(workflow, status): count for workflow, status, count in table.query(query)} == counts


def test_the_whole_topic_again_changes_nothing(busy, tmp_path):
    address, expected = busy
    for group in ("one", "two"):
        assert Table(address, tmp_path / "executions.sqlite", group).complete() == expected


def test_the_position_waits_for_the_rows(busy, tmp_path):
    """Rows that are refused end the consumer; the next one gets what this one had read."""
    address, expected = busy
    table = Table(address, tmp_path / "executions.sqlite", "refused")
    table.query(f"CREATE TABLE execution ({', '.join(COLUMNS)}, PRIMARY KEY (id))")
    table.query("CREATE TRIGGER refuse BEFORE INSERT ON execution WHEN new.status IS NOT NULL"
                " BEGIN SELECT RAISE(ABORT, 'refused by the test'); END")
    ran = table.run()
    assert ran.returncode != 0 and "refused by the test" in ran.stderr, ran
    table.query("DROP TRIGGER refuse")
    assert table.complete() == expected


def test_kills_cost_no_execution(busy, tmp_path, seed, is_long):
    address, expected = busy
    rng = random.Random(seed)
    for kill in range(KILLS_LONG if is_long else KILLS):
        table = Table(address, tmp_path / f"{kill}.sqlite", f"killed-{kill}")
        wanted = rng.randint(0, len(expected))
        process = table.start()
        try:
            deadline = time.monotonic() + 60
            while table.columns_set() < wanted:
                assert process.poll() is None and time.monotonic() < deadline, "it stands still"
        finally:
            process.kill()
            process.wait(timeout=30)
        assert table.complete() == expected
