"""The checks of the topic find what they are there for: shown on the golden events, without a broker."""

import dataclasses
import datetime
import json

import pytest
from cloudevents.core.exceptions import CloudEventValidationError

from support.binary import ROOT
from support.topic import Record, assert_holds_journal, assert_ordered, check_record

GOLDEN = ROOT / "Tests" / "WorkflowModelTests" / "Golden"


def record(value: bytes, offset=0) -> Record:
    event = json.loads(value)
    headers = [("ce_specversion", "1.0"), ("ce_id", event["id"]), ("ce_source", "/stepstream/default"),
               ("ce_type", f"io.stepstream.{event['type']}.v1"), ("ce_subject", event["execution_id"]),
               ("ce_time", event["time"]), ("ce_workflow", event["workflow"]),
               ("ce_final", "true" if event["final"] else "false"), ("content-type", "application/json")]
    moment = datetime.datetime.fromisoformat(event["time"])
    milliseconds = (moment - datetime.datetime.fromtimestamp(0, datetime.UTC)) // datetime.timedelta(milliseconds=1)
    return Record(3, offset, event["execution_id"].encode(), value,
                  tuple((name, text.encode()) for name, text in headers), (1, milliseconds))


@pytest.fixture
def records() -> list:
    """The golden events, numbered 1, 2, 3 …, as one execution's records."""
    events = sorted((json.loads(path.read_bytes()) for path in GOLDEN.glob("*.json")),
                    key=lambda event: event["sequence"])
    for sequence, event in enumerate(events, 1):
        event |= {"sequence": sequence, "id": f"{event['execution_id']}:{sequence}"}
    return [record(json.dumps(event).encode(), offset) for offset, event in enumerate(events)]


def journal(records) -> list:
    return [(one.event["execution_id"], one.event["sequence"], one.value) for one in records]


def test_records_by_the_contract_pass(binary, records):
    for one in records:
        assert check_record(one) == one.event
    assert assert_holds_journal(records, journal(records)) == 0
    assert assert_holds_journal(records + records[2:5], journal(records)) == 3
    assert_ordered(records)
    assert_ordered(records[:5] + records[2:])


@pytest.mark.parametrize("name, change", [
    ("key", lambda one: {"key": b"another"}), ("no key", lambda one: {"key": None}),
    ("timestamp", lambda one: {"timestamp": (1, one.timestamp[1] + 1)}),
    ("log append time", lambda one: {"timestamp": (2, one.timestamp[1])}),
    ("a header less", lambda one: {"headers": one.headers[:-1]}),
    ("a header more", lambda one: {"headers": one.headers + (("extra", b"1"),)}),
    ("order of headers", lambda one: {"headers": one.headers[::-1]}),
    *[(name, lambda one, name=name: {"headers": tuple(
        (key, b"1970-01-01T00:00:00.000001Z" if key == "ce_time" == name else b"other" if key == name else value)
        for key, value in one.headers)}) for name in (
        "ce_specversion", "ce_id", "ce_source", "ce_type", "ce_subject", "ce_time", "ce_workflow", "ce_final",
        "content-type")],
])
def test_a_record_out_of_the_contract_is_found(binary, records, name, change):
    with pytest.raises((AssertionError, ValueError, CloudEventValidationError)):
        check_record(dataclasses.replace(records[1], **change(records[1])))


def test_lost_altered_and_strange_events_are_found(records):
    wanted = journal(records)
    for broken in (records[1:], records[:-1], []):
        with pytest.raises(AssertionError, match="not on the topic"):
            assert_holds_journal(broken, wanted)
    with pytest.raises(AssertionError, match="not in the journal"):
        assert_holds_journal(records, wanted[1:])
    other = dataclasses.replace(records[2], value=records[2].value.replace(b"dataset", b"datuset"))
    with pytest.raises(AssertionError, match="other bytes"):
        assert_holds_journal(records[:2] + [other] + records[3:], wanted)
    with pytest.raises(AssertionError, match="differ"):
        assert_holds_journal(records + [other], wanted)
    with pytest.raises(AssertionError, match="differ"):
        assert_holds_journal(records + [dataclasses.replace(records[2], partition=4)], wanted)


def test_a_hole_is_found(records):
    with pytest.raises(AssertionError, match="jumps"):
        assert_ordered(records[:3] + records[4:])
