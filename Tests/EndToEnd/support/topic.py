"""An independent reader of the event topic: confluent-kafka for the records, cloudevents for their headers."""

import collections
import dataclasses
import json

from cloudevents.core.bindings import kafka as binding
from confluent_kafka import Consumer, KafkaError, TopicPartition

from support import schemas
from support.broker import quiet, watermarks
from support.contract import check_transcript

EVENTS = "stepstream.events.v1"
HEADERS = ["ce_specversion", "ce_id", "ce_source", "ce_type", "ce_subject", "ce_time", "ce_workflow", "ce_final",
           "content-type"]


@dataclasses.dataclass(frozen=True)
class Record:
    partition: int
    offset: int
    key: bytes
    value: bytes
    headers: tuple
    timestamp: tuple

    @property
    def event(self) -> dict:
        return json.loads(self.value)


def read(address: str, topic: str = EVENTS, foreign=False) -> list:
    """Everything the topic holds now, partition by partition in offset order; foreign records only when asked for."""
    ends = watermarks(address, topic)
    consumer = Consumer(quiet({
        "bootstrap.servers": address, "group.id": "reader", "enable.auto.commit": False,
        "auto.offset.reset": "earliest", "enable.partition.eof": True}))
    try:
        consumer.assign([TopicPartition(topic, number, 0) for number in range(len(ends))])
        records, open_partitions = [], {number for number, end in enumerate(ends) if end > 0}
        while open_partitions:
            message = consumer.poll(30)
            assert message is not None, f"partitions {open_partitions} of {topic} give nothing more for 30 s"
            if message.error():
                assert message.error().code() == KafkaError._PARTITION_EOF, message.error()
                if message.offset() >= ends[message.partition()]:
                    open_partitions.discard(message.partition())
                continue
            if foreign or message.headers():
                records.append(Record(message.partition(), message.offset(), message.key(), message.value(),
                                      tuple(message.headers() or ()), message.timestamp()))
        return sorted(records, key=lambda record: (record.partition, record.offset))
    finally:
        consumer.close()


def check_record(record: Record) -> dict:
    """Key, headers, timestamp and value of one record, by the contract; gives the event."""
    event = record.event
    schemas.check(event)
    assert record.key == event["execution_id"].encode()
    names = [name for name, _ in record.headers]
    assert names[:len(HEADERS)] == HEADERS and set(names[len(HEADERS):]) <= {"traceparent"}, names
    decoded = binding.from_binary_event(
        binding.KafkaMessage(headers=dict(record.headers), key=record.key, value=record.value))
    attributes = decoded.get_attributes()
    assert decoded.get_specversion() == "1.0"
    assert decoded.get_id() == event["id"]
    assert decoded.get_source().startswith("/stepstream/") and len(decoded.get_source()) > len("/stepstream/")
    assert decoded.get_type() == f"io.stepstream.{event['type']}.v1"
    assert decoded.get_subject() == event["execution_id"]
    assert dict(record.headers)["ce_time"] == event["time"].encode()
    assert attributes["workflow"] == event["workflow"]
    assert attributes["final"] == ("true" if event["final"] else "false")
    assert decoded.get_datacontenttype() == "application/json"
    assert decoded.get_data() == event
    milliseconds = int(decoded.get_time().timestamp() * 1_000_000 + 0.5) // 1_000
    assert record.timestamp == (1, milliseconds), "the record's timestamp is the event's time, set by the producer"
    return event


def transcripts(records: list) -> dict:
    """Execution → its events as first seen on the topic; sequences are 1…n and in order, or it fails."""
    found = collections.defaultdict(list)
    for record in records:
        event = check_record(record)
        found[event["execution_id"]].append(event)
    for events in found.values():
        check_transcript(events)
    return found


def assert_holds_journal(records: list, journal: list) -> int:
    """The topic, de-duplicated by id, is the journal's events: same ids, same bytes; gives how many copies there were.

    Every copy of an id has equal bytes, key and headers, and first copies stand in sequence order per execution.
    """
    first, copies = {}, 0
    for record in records:
        event_id = dict(record.headers)["ce_id"].decode()
        if event_id in first:
            copies += 1
            one = first[event_id]
            assert (one.value, one.key, one.headers, one.partition) == (
                record.value, record.key, record.headers, record.partition), f"copies of {event_id} differ"
        else:
            first[event_id] = record
    wanted = {f"{execution}:{sequence}": value for execution, sequence, value in journal}
    missing, strange = wanted.keys() - first.keys(), first.keys() - wanted.keys()
    assert not missing, f"{len(missing)} of {len(wanted)} events are not on the topic: {sorted(missing)[:3]}"
    assert not strange, f"{len(strange)} events are on the topic but not in the journal: {sorted(strange)[:3]}"
    for event_id, value in wanted.items():
        assert first[event_id].value == value, f"{event_id} has other bytes on the topic than in the journal"
    return copies


def assert_ordered(records: list) -> None:
    """Without replays: each execution's first copies rise by one from 1."""
    last = collections.Counter()
    for record in records:
        execution, sequence = dict(record.headers)["ce_id"].decode().rsplit(":", 1)
        assert int(sequence) <= last[execution] + 1, f"{execution} jumps from {last[execution]} to {sequence}"
        last[execution] = max(last[execution], int(sequence))
