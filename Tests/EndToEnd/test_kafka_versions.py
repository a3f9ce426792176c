"""Kafka 4, which dropped old request versions: what the bus needs works, by versions that it still has.

A proxy tells a broker's clients the oldest versions of Kafka 4, and the test looks at what they then send.
"""

import asyncio

import pytest

from support import files
from support.approvals import released
from support.fault_proxy import FaultProxy
from support.kafka import Load, role, wait_until_ended, wait_until_published
from support.notifier import Settings, webhook
from support.receivers import WebhookReceiver
from support.sasl import Accounts
from support.topic import EVENTS, assert_holds_journal, assert_ordered, read
from support.versions import KAFKA_4, NAMES, OFFSET_COMMIT, SPOKEN, Floors
from support.waiting import wait_until
from support.workflows import one_step, three_steps
from test_stream import events_of, transcript


@pytest.mark.parametrize("told", [KAFKA_4, SPOKEN], ids=["as Kafka 4 tells", "with the true floor of Produce"])
def test_the_bus_speaks_what_kafka_4_still_does(binary, tmp_path, data_dir, broker, librdkafka, seed, told):
    is_old = librdkafka is None
    floors = Floors(told)
    with WebhookReceiver() as receiver, FaultProxy(broker.port.number, floors=floors) as proxy:
        # The notifier reads as a group's member; the gateway and the counts read by themselves.
        settings = Settings(tmp_path / "settings", [webhook("one", receiver.url)])
        with role(binary, data_dir, proxy.address, extra=settings.arguments) as server:
            for definition in (three_steps(), one_step("bench.echo"), released()):
                server.put_workflow(definition)
            load = Load(server, "three-steps", seed)
            load.wait_for_more(30)
            proxy.reset()  # the idempotent producer sends again what was under way
            load.wait_for_more(30)
            accepted = load.stop()
            large = server.execute("one-step", {"value": "x" * 10_000})["execution_id"]
            server.execute("released", {"value": 1})
            receiver.wait("the approver is told", lambda requests: any(r.acknowledged for r in requests))
            wait_until_ended(server, accepted)

            def is_position_stored():
                # A member stores it with what it reads, once a second at most.
                server.execute("three-steps", {"value": 1})
                return OFFSET_COMMIT in floors.used

            wait_until("the group's position is stored", is_position_stored)
            wait_until_published(broker.address, data_dir)
            assert events_of(asyncio.run(transcript(server, large))) == server.events(large)
            text = server.log_text()
            assert server.stop() == 0
    assert broker.partition_counts()[EVENTS] == 12
    records = read(broker.address)
    assert_ordered(records)
    assert assert_holds_journal(records, files.journal_events(data_dir)) == 0, "the idempotent producer made copies"
    print(f"librdkafka {'2.0.2' if is_old else 'of the wheel'}: {floors.table()}")
    assert floors.below() == {} and set(NAMES) <= set(floors.used), floors.used
    is_uncompressed = is_old and told == SPOKEN
    assert floors.codecs == {"none" if is_uncompressed else "lz4"}
    assert ("events go uncompressed" in text) == is_uncompressed
    assert ("switch off features of librdkafka" in text) == is_old, text


@pytest.mark.parametrize("mechanism", ["PLAIN", "SCRAM-SHA-256"])
def test_sasl_needs_none_of_what_kafka_4_dropped(binary, data_dir, broker, mechanism):
    accounts = Accounts(mechanism, passwords={"orchestrator": "secret"})
    with FaultProxy(broker.port.number, accounts=accounts, floors=Floors(KAFKA_4)) as proxy:
        with role(binary, data_dir, proxy.address, security="sasl_plaintext", sasl_mechanism=mechanism,
                  sasl_username="orchestrator", sasl_password="secret") as server:
            server.put_workflow(three_steps())
            server.execute("three-steps", {"value": 1})
            wait_until_published(broker.address, data_dir)
    assert_holds_journal(read(broker.address), files.journal_events(data_dir))


def test_a_broker_that_has_the_old_versions_switches_nothing_off(binary, data_dir, broker):
    with role(binary, data_dir, broker.address) as server:
        server.put_workflow(three_steps())
        server.execute("three-steps", {"value": 1})
        wait_until_published(broker.address, data_dir)
        assert "switch off features" not in server.log_text() and "uncompressed" not in server.log_text()
