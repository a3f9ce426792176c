"""Roles of stepstream on a Kafka bus: their settings, load on them, and waiting for what they publish."""

import json
import pathlib
import random
import threading
import time
import uuid

import requests
from confluent_kafka import OFFSET_BEGINNING, Consumer, TopicPartition

from support import files
from support.broker import quiet
from support.server import Server
from support.topic import EVENTS
from support.waiting import comes_true
from support.workflows import one_step, three_steps

WAIT_SECONDS_MAX = 90


def arguments(directory: pathlib.Path, address: str, **settings) -> list:
    """Flags for the bus; further settings of `kafka` go into a settings file."""
    flags = ["--bus", "kafka", "--kafka-bootstrap", address]
    if settings:
        directory.mkdir(parents=True, exist_ok=True)
        path = directory / f"stepstream-{random.randrange(1 << 32):08x}.yaml"
        path.write_text(json.dumps({"kafka": settings}))  # JSON is YAML
        flags += ["--config", str(path)]
    return flags


def role(binary, data_dir, address, role="serve", extra=(), **settings) -> Server:
    return Server(binary, data_dir, role=role, arguments=[*arguments(data_dir, address, **settings), *extra])


class Load:
    """Threads that start executions of a stored workflow as long as the server answers, and remember every 2xx."""

    def __init__(self, server: Server, workflow: str, seed: int, starters=4, pace_seconds=(0.01, 0.05), inputs=None):
        self.server, self.url = server, f"{server.url}/api/v1/workflows/{workflow}/execute"
        self.inputs, self.pace = inputs or {"value": 1}, pace_seconds
        self.accepted, self.condition, self.over = [], threading.Condition(), threading.Event()
        self.threads = [threading.Thread(target=self._run, args=(random.Random(seed + number),))
                        for number in range(starters)]
        for thread in self.threads:
            thread.start()

    def _run(self, rng) -> None:
        session = requests.Session()
        while not self.over.is_set():
            try:
                answer = session.post(self.url, json={"inputs": self.inputs}, timeout=30)
            except requests.RequestException:
                return  # killed: this start has no answer, so nothing was promised
            assert answer.status_code == 200, answer.text
            with self.condition:
                self.accepted.append(answer.json()["execution_id"])
                self.condition.notify_all()
            self.over.wait(rng.uniform(*self.pace))

    def wait_for_more(self, count: int) -> None:
        """Until so many more executions were accepted than now."""
        with self.condition:
            wanted = len(self.accepted) + count
            through = self.condition.wait_for(lambda: len(self.accepted) >= wanted, timeout=60)
        ended = self.server.process.poll()
        assert ended is None, f"the server ended with {ended}:\n{self.server.log_text()}"
        assert through, "starts do not get through"

    def stop(self) -> list:
        self.over.set()
        for thread in self.threads:
            thread.join()
        return self.accepted


def seeded_run(binary, data_dir: pathlib.Path, address: str, seed: int, count=24) -> list:
    """Runs executions of several kinds, drawn by the seed, on a Kafka bus; gives the journal's events."""
    rng = random.Random(seed)
    definitions = [
        three_steps("plain"), three_steps("failing", ("bench.echo", "bench.fail", "bench.echo")),
        one_step("bench.fail", "retrying", retry={"max_attempts": 3, "initial_interval": "1ms"}),
        one_step("bench.fail", "going-on", on_failure="continue"), three_steps("skipping", when="inputs.value > 500")]
    with role(binary, data_dir, address) as server:
        for definition in definitions:
            server.put_workflow(definition)
        for definition in rng.choices(definitions, k=count):
            server.execute(definition["name"], {"value": rng.randrange(1_000), "times": rng.randrange(4)})
        wait_until_published(address, data_dir)
        assert server.stop() == 0
    return files.journal_events(data_dir)


def wait_until_ended(server: Server, executions) -> None:
    """Every one of them has its final event in the journal; those that are open end on the bus, too."""
    still_open = files.open_executions(server.data_dir)
    deadline = time.monotonic() + WAIT_SECONDS_MAX
    for execution in still_open.intersection(executions):
        # The stream ends with the final event: waiting is reading it. Its heartbeats keep the wait bounded.
        with server.session.get(f"{server.url}/api/v1/workflows/stream/{execution}", stream=True, timeout=30) as answer:
            final = False
            for line in answer.iter_lines():
                final = final or b'"final":true' in line
                assert time.monotonic() < deadline, f"{execution} did not end within {WAIT_SECONDS_MAX} s"
        assert final, f"the stream of {execution} ended without its final event"


def wait_until_published(address: str, data_dir: pathlib.Path) -> None:
    """Until the topic holds every event that the journal has now: an independent consumer waits for the last of them."""
    wanted = {f"{execution}:{sequence}" for execution, sequence, _ in files.journal_events(data_dir)}
    deadline = time.monotonic() + WAIT_SECONDS_MAX
    consumer = Consumer(quiet({
        "bootstrap.servers": address, "group.id": "waiting", "enable.auto.commit": False,
        "topic.metadata.refresh.interval.ms": 1_000, "allow.auto.create.topics": False}))
    try:
        partitions = {}
        while not partitions:
            assert time.monotonic() < deadline, f"{EVENTS} is not there"
            partitions = consumer.list_topics(EVENTS, timeout=20).topics[EVENTS].partitions
        consumer.assign([TopicPartition(EVENTS, number, OFFSET_BEGINNING) for number in partitions])
        while wanted:
            left = deadline - time.monotonic()
            assert left > 0, f"{len(wanted)} events are not on the topic after {WAIT_SECONDS_MAX} s: {sorted(wanted)[:3]}"
            message = consumer.poll(left)
            if message is not None and not message.error():
                wanted.discard(dict(message.headers() or ()).get("ce_id", b"").decode(errors="replace"))
    finally:
        consumer.close()


def said(server: Server) -> str:
    """What a running role tells of its state: health and log."""
    return server.session.get(f"{server.url}/health", timeout=30).text + server.log_text()


def wait_until_said(server: Server, *words) -> str:
    """What it tells once that has all of the words: a fault shows when it was tried, and nothing tells when."""
    told = []

    def all_said():
        told.append(said(server))
        return all(word in told[-1] for word in words)
    assert comes_true(all_said, WAIT_SECONDS_MAX), f"{words} in:\n{told[-1]}"
    return told[-1]


def position_before(data_dir: pathlib.Path, event_ids) -> int:
    """The journal's position just before the first of these events."""
    with files.connect(data_dir / "journal.sqlite") as journal:
        rows = journal.execute(
            "SELECT record.position, execution.id, record.sequence FROM record JOIN execution"
            " ON execution.number = record.execution WHERE record.event IS NOT NULL ORDER BY record.position").fetchall()
    last = 0
    for position, execution, sequence in rows:
        if f"{uuid.UUID(bytes=execution)}:{sequence}" in event_ids:
            return last
        last = position
    return last
