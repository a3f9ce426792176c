"""The examples of the page "Consuming events" run as they stand there and print the journal's events of a seeded run.

The consumer that keeps a table has a file of its own, test_consumer.py."""

import collections
import json
import os
import random
import re
import shutil
import subprocess
import sys

import pytest
from confluent_kafka import Producer

from support import kafka
from support.binary import ROOT
from support.broker import Broker, quiet
from support.topic import EVENTS, read

PAGE = ROOT / "deploy" / "guide" / "consuming-events.md"


def snippets() -> dict:
    """The page's code blocks that have a name: ```LANGUAGE NAME."""
    return {name: code for name, code in re.findall(r"^```\w+ ([\w-]+)\n(.*?)^```$", PAGE.read_text(), re.S | re.M)}


def run(command, address=None, timeout=120, **environment) -> list:
    """The lines a command prints; it must succeed."""
    result = subprocess.run(
        command, capture_output=True, timeout=timeout, cwd=ROOT,
        env=os.environ | ({"BOOTSTRAP": address} if address else {}) | environment)
    assert result.returncode == 0, (result.returncode, result.stderr.decode(errors="replace")[-2000:])
    return result.stdout.splitlines()


def shell(name: str, address, **environment) -> list:
    for program in ("kcat", "jq"):
        assert shutil.which(program), f"{program} is not installed; deploy/test.sh installs it"
    return run(["bash", "-euo", "pipefail", "-c", snippets()[name]], address, **environment)


@pytest.fixture(scope="module")
def seeded(binary, request, tmp_path_factory):
    """(address, journal's events): a seeded run of several kinds of executions on a broker that stays."""
    directory = tmp_path_factory.mktemp("seeded")
    directory.chmod(0o755)
    seed = request.config.getoption("--seed")
    print(f"seed {seed}")
    with Broker(directory / "broker") as broker:
        yield broker.address, kafka.seeded_run(binary, directory / "data", broker.address, seed)


@pytest.fixture(scope="module")
def messy(seeded, request, tmp_path_factory):
    """The same events on another broker, with copies, gaps that are filled later, and records that are not ours."""
    rng = random.Random(request.config.getoption("--seed"))
    address, journal = seeded
    records = collections.defaultdict(list)
    for record in read(address):
        records[record.key].append(record)
    with Broker(tmp_path_factory.mktemp("messy") / "broker") as broker:
        broker.create_topic(EVENTS, 12)
        producer = Producer(quiet({"bootstrap.servers": broker.address, "partitioner": "murmur2_random"}))
        for key, events in records.items():
            gap = rng.randrange(len(events))
            late = events[gap:gap + rng.randint(1, 3)]
            order = [event for event in events if event not in late] + late + events[rng.randrange(len(events)):]
            for event in order:
                producer.produce(EVENTS, key=key, value=event.value, headers=list(event.headers))
            producer.produce(EVENTS, key=key, value=b"not ours")
            producer.produce(EVENTS, key=key, value=None, headers=[("ce_type", "com.example.other.v1")])
        assert producer.flush(30) == 0
        yield broker.address, journal


def assert_journal(lines, journal, ordered=True) -> None:
    """Each event once, with the journal's bytes, and in the journal's order within each execution."""
    assert collections.Counter(lines) == collections.Counter(value for _, _, value in journal)
    if ordered:
        by_execution = collections.defaultdict(list)
        for line in lines:
            by_execution[json.loads(line)["execution_id"]].append(line)
        wanted = collections.defaultdict(list)
        for execution, _, value in journal:
            wanted[execution].append(value)
        assert by_execution == wanted


def test_kcat_prints_the_journals_events(seeded):
    address, journal = seeded
    assert_journal(shell("kcat", address), journal)


def test_kcat_prints_keys_and_headers(seeded):
    address, journal = seeded
    rows = [line.split(b"\t") for line in shell("kcat-headers", address)]
    assert_journal([value for _, _, value in rows], journal)
    for key, headers, value in rows:
        event = json.loads(value)
        assert key.decode() == event["execution_id"]
        assert f"ce_id={event['id']}," in headers.decode() and "content-type=application/json" in headers.decode()


def test_kcat_and_jq_find_one_execution(seeded):
    address, journal = seeded
    execution = journal[len(journal) // 2][0]
    assert_journal(shell("kcat-one", address, EXECUTION=execution), [row for row in journal if row[0] == execution])


@pytest.fixture(params=["page", "swift"])
def consumer(request, tmp_path):
    """A way to print what the topic holds: a function of a broker's address."""
    if request.param == "page":
        program = tmp_path / "consumer.py"
        program.write_text(snippets()["seen"] + "\n\n" + snippets()["consumer"])
        return lambda address: run([sys.executable, program], address)
    binary = request.getfixturevalue("swift_consumer")
    return lambda address: run([binary, address, "--once"])


@pytest.fixture(scope="module")
def swift_consumer(tmp_path_factory):
    """The Swift example, built as its page says but in a scratch directory."""
    scratch = tmp_path_factory.mktemp("swift-consumer")
    command = snippets()["swift"].replace("swift run", f"swift build --scratch-path {scratch}").split(" swift-consumer ")[0]
    run(["bash", "-c", command], timeout=300)
    return scratch / "debug" / "swift-consumer"


def test_a_consumer_prints_the_journals_events(seeded, consumer):
    address, journal = seeded
    assert_journal(consumer(address), journal)
    assert consumer(address) == [], "the group goes on where it was"


def test_a_consumer_drops_copies_and_strangers_and_takes_what_fills_a_gap(messy, consumer):
    address, journal = messy
    assert_journal(consumer(address), journal, ordered=False)


def test_the_page_names_only_what_is_there(binary):
    text = PAGE.read_text()
    for link in re.findall(r"\]\((\.\./[^)]+)\)", text):
        assert (PAGE.parent / link).exists(), link
    assert {"kcat", "kcat-headers", "kcat-one", "seen", "consumer", "swift"} == set(snippets())
