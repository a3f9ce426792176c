"""The bus on a real Kafka broker: every event on the topic, in order, whatever happens to broker, network and server.

Equality of journal and topic is computed here, from the journal's file and by an independent consumer.
"""

import asyncio
import collections
import concurrent.futures
import json
import pathlib
import random
import re
import time

import jsonschema
import pytest
import websockets
from confluent_kafka import Producer

from support import asyncapi, files
from support.broker import Broker, quiet
from support.contract import check_transcript
from support.fault_proxy import FaultProxy
from support.kafka import (
    Load, arguments, position_before, role, said, wait_until_ended, wait_until_published, wait_until_said)
from support.murmur2 import partition
from support.topic import EVENTS, assert_holds_journal, assert_ordered, read, transcripts
from support.versions import METADATA, PRODUCE, Floors
from support.waiting import wait_until
from support.workflows import one_step, three_steps
from test_stream import events_of, transcript

ACTIVITY = "stepstream.activity.v1"
EXECUTIONS = 1_000
KILLS, KILLS_LONG = 10, 100


@pytest.fixture
def saved(broker) -> Broker:
    """A broker whose topics outlive SIGKILL: made and saved before anything is published."""
    broker.create_topic(EVENTS, 12)
    broker.create_topic(ACTIVITY, 12)
    broker.stop()
    broker.saved_snapshot = broker.snapshot()
    return broker.start()


def test_the_binary_runs_on_the_library_that_was_chosen(binary, data_dir, broker, librdkafka):
    with role(binary, data_dir, broker.address) as server:
        loaded = {line.split()[-1] for line in pathlib.Path(f"/proc/{server.pid}/maps").read_text().splitlines()
                  if "librdkafka" in line}
    assert len(loaded) == 1, loaded
    assert librdkafka is None or loaded == {str(librdkafka)}


# What a consumer sees.

def test_a_thousand_executions_at_once_stand_on_the_topic_whole_and_in_order(binary, data_dir, broker):
    with role(binary, data_dir, broker.address) as server:
        server.put_workflow(three_steps())

        def start(number):
            return server.execute("three-steps", {"value": number}, wait=None)["execution_id"]

        with concurrent.futures.ThreadPoolExecutor(16) as pool:
            started = list(pool.map(start, range(EXECUTIONS)))
        wait_until_ended(server, started)
        wait_until_published(broker.address, data_dir)
        records = read(broker.address)
        assert set(transcripts(records)) == set(started)
        assert assert_holds_journal(records, files.journal_events(data_dir)) == 0, "there are copies without a fault"
        assert_ordered(records)
        assert broker.partition_counts()[EVENTS] == 12
        for record in records:
            assert record.partition == partition(record.key, 12)
        assert len({record.partition for record in records}) == 12
        assert server.stop() == 0


@pytest.mark.parametrize("count", [1, 6, 24])
def test_a_java_client_puts_each_key_into_the_same_partition(binary, data_dir, broker, count):
    with role(binary, data_dir, broker.address, partitions=count) as server:
        server.put_workflow(one_step("bench.noop"))
        inputs = {"id": "1", "customer": "c", "quantity": 1, "amount": 1.5, "note": "n"}
        for _ in range(30):
            server.execute("one-step", inputs)
        wait_until_published(broker.address, data_dir)
    assert broker.partition_counts()[EVENTS] == count
    records = read(broker.address)
    assert_holds_journal(records, files.journal_events(data_dir))
    assert all(record.partition == partition(record.key, count) for record in records)
    assert count == 1 or len({record.partition for record in records}) > 1


def test_a_traceparent_of_the_start_is_a_header_of_every_event(binary, data_dir, broker):
    value = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    with role(binary, data_dir, broker.address) as server:
        server.put_workflow(three_steps())
        server.session.headers["traceparent"] = value
        server.execute("three-steps", {"value": 1})
        del server.session.headers["traceparent"]
        server.execute("three-steps", {"value": 1})
        wait_until_published(broker.address, data_dir)
    traced = collections.Counter(dict(record.headers).get("traceparent") for record in read(broker.address))
    # The same trace; the parent may be a span of the server's own.
    assert {None if name is None else name[:35] for name in traced} == {None, value[:35].encode()}
    assert set(traced.values()) == {8}


def test_activity_has_a_topic_of_its_own_and_fits_its_message(binary, data_dir, broker):
    with role(binary, data_dir, broker.address) as server:
        document = server.get("/asyncapi.json")
        schema = asyncapi.resolve(document, "#/components/schemas/step_progress")
        server.put_workflow({"name": "parse", "deliverable_type": "test", "steps": [
            {"name": "parse", "function": "tabular.parse", "with": {"text": "${{ inputs.text }}"}}]})
        text = "a,b\n" + "1,2\n" * 20_000
        execution = server.execute("parse", {"text": text})["execution_id"]
        assert server.stop() == 0
    records = read(broker.address, ACTIVITY, foreign=True)
    assert records, "tabular.parse tells its progress"
    for record in records:
        assert record.key == execution.encode() and "sequence" not in record.event
        jsonschema.Draft7Validator(schema).validate(record.event)


def test_a_gateway_of_its_own_gives_the_journals_bytes_before_during_and_after_a_run(
        binary, data_dir, tmp_path, broker, new_id):
    with role(binary, tmp_path / "gateway", broker.address, "gateway") as gateway, \
            role(binary, data_dir, broker.address, "orchestrator") as orchestrator:
        orchestrator.put_workflow(three_steps(functions=("bench.sleep",) * 3))
        execution = new_id()

        async def scenario():
            before = asyncio.create_task(transcript(gateway, execution))
            await asyncio.to_thread(
                orchestrator.execute, "three-steps", {"value": {"ms": 50}}, None, execution_id=execution)
            during = await transcript(gateway, execution)
            rest = [await transcript(gateway, execution, after) for after in range(9)]
            return await before, during, rest

        before, during, rest = asyncio.run(scenario())
        journal = [value.decode() for name, _, value in files.journal_events(data_dir) if name == execution]
        check_transcript(events_of(before))

        def ours(frames):
            return [frame for frame in frames if '"sequence"' in frame]
        assert ours(before) == ours(during) == journal
        assert [ours(frames) for frames in rest] == [journal[after:] for after in range(9)]
        # A gateway that begins now has none of it in memory: history.
        with role(binary, tmp_path / "late", broker.address, "gateway") as late:
            for after in (0, 3, 8):
                assert asyncio.run(transcript(late, execution, after)) == journal[after:]
        # And without an orchestrator.
        assert orchestrator.stop() == 0
        assert ours(asyncio.run(transcript(gateway, execution))) == journal


# What a broker may do.

def test_a_broker_that_is_absent_at_the_start_costs_no_execution_and_no_event(binary, data_dir, tmp_path):
    broker = Broker(tmp_path / "broker")
    try:
        with role(binary, data_dir, broker.address) as server:
            server.put_workflow(three_steps())
            started = [server.execute("three-steps", {"value": n}) for n in range(20)]
            assert {answer["status"] for answer in started} == {"completed"}
            health = server.session.get(f"{server.url}/health", timeout=30).json()
            assert health["status"] == "degraded", health
            assert health["parts"]["bus"] | {"brokers_up": 0, "status": "degraded"} == health["parts"]["bus"], health
            broker.start()
            wait_until_published(broker.address, data_dir)
            records = read(broker.address)
            assert assert_holds_journal(records, files.journal_events(data_dir)) >= 0
            assert_ordered(records)
            check_transcript(events_of(asyncio.run(transcript(server, started[-1]["execution_id"]))))
            assert server.stop() == 0
    finally:
        broker.close()


def test_health_is_good_only_once_a_broker_has_answered(binary, data_dir, broker):
    """Before the library's first report of its connections, too, and for an orchestrator with nothing to publish."""
    with FaultProxy(broker.port.number) as proxy:
        def bus(server) -> dict:
            return server.session.get(f"{server.url}/health", timeout=30).json()["parts"]["bus"]

        proxy.black_hole()
        with role(binary, data_dir, proxy.address, "orchestrator") as server:
            first = bus(server)
            assert (first["status"], first["brokers_up"]) == ("degraded", 0) and first["detail"], first
            proxy.heal()
            good = wait_until("a broker has answered", lambda: (
                lambda found: found["status"] == "ok" and found)(bus(server)))
            assert good["brokers_up"] == good["brokers_known"] == 1, good
            assert server.stop() == 0


def test_a_scrape_waits_for_no_broker(binary, data_dir, broker):
    with FaultProxy(broker.port.number) as proxy, role(binary, data_dir, proxy.address) as server:
        server.put_workflow(three_steps())
        server.execute("three-steps", {"value": 1})

        def lag() -> str:
            text = server.session.get(f"{server.url}/metrics", timeout=30).text
            return re.search(r"^stepstream_metrics_lag_events (\S+)", text, re.M)[1]
        wait_until("everything is counted", lambda: float(lag()) == 0)
        proxy.black_hole()
        for path in 3 * ["/metrics", "/api/v1/statistics", "/health"]:
            begin = time.monotonic()
            assert server.session.get(server.url + path, timeout=30).status_code == 200
            assert time.monotonic() - begin < 1, f"{path} waits for the broker"
        wait_until("the lag is unknown", lambda: lag() == "NaN")
        proxy.heal()
        wait_until("the lag is known again", lambda: float(lag()) == 0)
        assert server.stop() == 0


def stop(broker, proxy) -> None:
    """Stops the broker so that it loses nothing: it does lose what it acknowledges while it saves."""
    proxy.cut()
    broker.stop()


@pytest.mark.parametrize("fault", ["stop", "flap", "cut", "reset", "black_hole", "latency"])
def test_a_fault_under_load_loses_nothing(binary, data_dir, broker, fault, seed):
    with FaultProxy(broker.port.number) as proxy, role(binary, data_dir, proxy.address) as server:
        server.put_workflow(three_steps())
        load = Load(server, "three-steps", seed)
        load.wait_for_more(30)
        if fault in ("stop", "flap"):
            stop(broker, proxy)
        elif fault == "latency":
            proxy.latency(0.2)
        else:
            getattr(proxy, fault)()
        load.wait_for_more(60)  # starts get through all along
        if fault == "flap":
            for _ in range(3):
                broker.start()
                proxy.heal()
                load.wait_for_more(10)
                stop(broker, proxy)
                load.wait_for_more(10)
        if fault in ("stop", "flap"):
            broker.start()
        elif fault == "reset":
            proxy.reset()
        proxy.heal()
        load.wait_for_more(30)
        accepted = load.stop()
        wait_until_ended(server, accepted)
        wait_until_published(broker.address, data_dir)
        assert server.stop() == 0
    records = read(broker.address)
    copies = assert_holds_journal(records, files.journal_events(data_dir))
    print(f"{fault}: {len(accepted)} executions, {len(records)} records, {copies} copies")
    assert set(accepted) <= {record.key.decode() for record in records}


def test_what_a_killed_broker_lost_comes_back_by_republish(binary, data_dir, saved, seed):
    with role(binary, data_dir, saved.address) as server:
        server.put_workflow(three_steps())
        load = Load(server, "three-steps", seed)
        load.wait_for_more(60)
        wait_until_published(saved.address, data_dir)  # else there is nothing to lose
        saved.kill(saved.saved_snapshot)
        load.wait_for_more(30)
        saved.start()
        load.wait_for_more(30)
        accepted = load.stop()
        # The bus is whole again: what runs now is streamed.
        check_transcript(events_of(asyncio.run(transcript(server, accepted[-1]))))
        assert server.stop() == 0
    journal = files.journal_events(data_dir)
    held = {dict(record.headers)["ce_id"].decode() for record in read(saved.address)}
    lost = {f"{execution}:{sequence}" for execution, sequence, _ in journal} - held
    print(f"{len(lost)} of {len(journal)} events were lost by the broker")
    assert lost, "the broker lost nothing: this test shows nothing"
    result = binary.run(
        "republish", "--data-dir", data_dir, "--from", position_before(data_dir, lost),
        *arguments(data_dir, saved.address))
    assert result.returncode == 0, result
    copies = assert_holds_journal(read(saved.address), journal)
    print(f"{copies} copies after republishing")


def test_a_view_goes_on_when_the_topic_grew_anew_over_the_place_it_waited_at(binary, data_dir, broker):
    broker.create_topic(EVENTS, 1)
    broker.stop()
    empty = broker.snapshot()
    broker.start()
    with FaultProxy(broker.port.number) as proxy, \
            role(binary, data_dir, broker.address, "orchestrator", partitions=1) as orchestrator, \
            role(binary, data_dir.parent / "gateway", proxy.address, "gateway", partitions=1) as gateway:
        orchestrator.put_workflow(three_steps())
        orchestrator.put_workflow(three_steps("slow", ("bench.echo", "bench.sleep", "bench.echo")))
        for number in range(3):
            orchestrator.execute("three-steps", {"value": number})
        inputs = {"value": {"ms": 4_000}}
        execution = orchestrator.execute("slow", inputs, wait=None)["execution_id"]

        async def scenario():
            frames = []
            url = f"{gateway.websocket_url}/api/v1/workflows/stream/{execution}"
            async with websockets.connect(url) as socket:
                async for frame in socket:
                    frames.append(frame)
                    event = json.loads(frame)
                    if event["type"] == "step_started" and event["data"]["step_name"] == "two":
                        await asyncio.to_thread(lose_and_outgrow)
            return frames

        def lose_and_outgrow():
            read_through = broker.ends(EVENTS)[0]
            proxy.cut()  # the gateway sees nothing of what follows
            broker.kill(empty)
            broker.start()
            orchestrator.execute("slow", inputs, execution_id=execution)  # waits for the one that runs
            while broker.ends(EVENTS)[0] <= read_through:
                orchestrator.execute("three-steps", {"value": 1})
            proxy.heal()

        events = events_of(asyncio.run(asyncio.wait_for(scenario(), 60)))
        check_transcript(events)
        assert events == orchestrator.events(execution)


def test_topics_that_a_broker_lost_come_back_as_they_were(binary, data_dir, broker, seed):
    with role(binary, data_dir, broker.address, partitions=6) as server:
        server.put_workflow(three_steps())
        server.execute("three-steps", {"value": 1})
        load = Load(server, "three-steps", seed)
        broker.kill()  # before its first snapshot, some 0.5 s after the first record
        load.wait_for_more(30)
        broker.start()
        load.wait_for_more(30)
        accepted = load.stop()
        # What runs now goes out by itself, although this broker makes a topic by itself for whoever lets it.
        last = server.execute("three-steps", {"value": 1})["execution_id"]
        wait_until("the last run is on the topic", lambda: EVENTS in broker.partition_counts() and any(
            record.key == last.encode() for record in read(broker.address)))
        assert broker.partition_counts()[EVENTS] == 6
        assert server.stop() == 0
    result = binary.run("republish", "--data-dir", data_dir, "--from", 0,
                        *arguments(data_dir, broker.address, partitions=6))
    assert result.returncode == 0, result
    records = read(broker.address)
    assert all(record.partition == partition(record.key, 6) for record in records)
    assert_holds_journal(records, files.journal_events(data_dir))
    assert {*accepted, last} <= {record.key.decode() for record in records}


def test_an_activity_topic_that_was_lost_is_made_again(binary, data_dir, broker):
    properties = {"topic.metadata.propagation.max.ms": "500"}  # else the library waits 30 s for a topic to appear
    with role(binary, data_dir, broker.address, properties=properties) as server:
        server.put_workflow({"name": "parse", "deliverable_type": "test", "steps": [
            {"name": "parse", "function": "tabular.parse", "with": {"text": "${{ inputs.text }}"}}]})
        inputs = {"text": "a,b\n" + "1,2\n" * 20_000}
        server.execute("parse", inputs)
        wait_until("activity is published", lambda: broker.partition_counts().get(ACTIVITY) and any(
            broker.ends(ACTIVITY)))
        broker.delete_topic(ACTIVITY)

        def is_published():
            server.execute("parse", inputs)
            return broker.partition_counts().get(ACTIVITY) and any(broker.ends(ACTIVITY))
        wait_until("activity is published again", is_published)
        assert broker.partition_counts()[ACTIVITY] == 12


def test_no_client_of_ours_makes_a_topic_by_asking_for_it(binary, data_dir, broker):
    """Not the producer either, whose question would make a lost topic with the broker's partitions."""
    floors = Floors({})
    with FaultProxy(broker.port.number, floors=floors) as proxy, role(binary, data_dir, proxy.address) as server:
        server.put_workflow(three_steps())
        execution = server.execute("three-steps", {"value": 1})["execution_id"]
        wait_until_published(broker.address, data_dir)
        check_transcript(events_of(asyncio.run(transcript(server, execution))))
    assert {PRODUCE, METADATA} <= set(floors.used), floors.used
    assert floors.creates_topics == {False}


def test_one_execution_is_republished_by_hand(binary, data_dir, broker):
    with role(binary, data_dir, broker.address) as server:
        server.put_workflow(three_steps())
        one, other = (server.execute("three-steps", {"value": n})["execution_id"] for n in range(2))
        wait_until_published(broker.address, data_dir)
        assert server.stop() == 0
    result = binary.run("republish", "--data-dir", data_dir, "--execution", one,
                        *arguments(data_dir, broker.address))
    assert result.returncode == 0, result
    records = read(broker.address)
    assert assert_holds_journal(records, files.journal_events(data_dir)) == 8
    assert collections.Counter(record.key.decode() for record in records) == {one: 16, other: 8}


def test_kill_9_while_publishing_loses_nothing_and_copies_are_equal(binary, data_dir, broker, seed, is_long):
    rng = random.Random(seed)
    accepted, kills = [], KILLS_LONG if is_long else KILLS
    for kill in range(kills):
        server = role(binary, data_dir, broker.address, extra=["--log-level", "error"]).start()
        if kill == 0:
            server.put_workflow(three_steps())
        load = Load(server, "three-steps", seed * 1_000 + kill)
        load.wait_for_more(rng.randint(5, 60))
        server.kill()
        accepted += load.stop()
        server.__exit__()
    with role(binary, data_dir, broker.address) as server:
        wait_until_ended(server, accepted)
        wait_until_published(broker.address, data_dir)
        assert server.stop() == 0
    records = read(broker.address)
    copies = assert_holds_journal(records, files.journal_events(data_dir))
    print(f"seed {seed}: {kills} kills, {len(accepted)} executions, {len(records)} records, {copies} copies")
    # First copies rise by one: what a restart publishes again begins at or before where the topic ends.
    assert_ordered(records)


# Bad input.

def refused(binary, data_dir, address, *words, **settings) -> None:
    """A role with these settings ends with 78 and a message that has the words."""
    result = binary.run("serve", "--port", "0", "--data-dir", data_dir, "--plugins", binary.plugins,
                        *arguments(data_dir, address, **settings))
    assert result.returncode == 78, result
    for word in words:
        assert word in result.stderr, result.stderr


def test_settings_that_cannot_be_are_refused_with_their_names(binary, data_dir):
    refused(binary, data_dir, "127.0.0.1:9", "kafka.properties", "no.such.property",
            properties={"no.such.property": "1"})
    refused(binary, data_dir, "127.0.0.1:9", "kafka.tls_ca", "/no/such/ca.pem", security="ssl", tls_ca="/no/such/ca.pem")
    refused(binary, data_dir, "127.0.0.1:9", "kafka.partitions", partitions=0)
    refused(binary, data_dir, "127.0.0.1:9", "kafka.sasl_mechanism", security="sasl_plaintext")
    # What another setting makes useless is not ignored in silence.
    refused(binary, data_dir, "127.0.0.1:9", "kafka.tls_ca has no effect with kafka.security plaintext",
            "kafka.sasl_username has no effect", "kafka.oauth_token_file has no effect", tls_ca="/dev/null",
            sasl_username="u", oauth_token_file="/dev/null")
    refused(binary, data_dir, "127.0.0.1:9", "kafka.cluster", cluster="a b")
    result = binary.run("serve", "--bus", "kafka", "--data-dir", data_dir)
    assert result.returncode == 78 and "kafka" in result.stderr and "bootstrap" in result.stderr, result


def test_secrets_are_masked_in_the_shown_settings(binary, data_dir):
    result = binary.run("serve", "--print-config", "--data-dir", data_dir, *arguments(
        data_dir, "127.0.0.1:9", security="sasl_plaintext", sasl_mechanism="PLAIN", sasl_username="u",
        sasl_password="hunter2", properties={"ssl.key.password": "hunter3"}))
    assert result.returncode == 0, result
    assert "hunter" not in result.stdout + result.stderr and '"u"' in result.stdout


def test_an_unreachable_broker_is_said_with_its_setting(binary, data_dir, tmp_path):
    broker = Broker(tmp_path / "broker")  # a reserved port where nobody listens
    with role(binary, data_dir, broker.address) as server:
        server.put_workflow(three_steps())
        assert server.execute("three-steps", {"value": 1})["status"] == "completed"
        text = said(server)
        assert broker.address in text and "bootstrap" in text, text
        assert server.stop() == 0
    broker.close()


def test_a_missing_topic_that_may_not_be_made_is_said_with_its_setting(binary, data_dir, broker):
    server = role(binary, data_dir, broker.address, create_topics=False)
    with server:
        server.put_workflow(three_steps())
        assert server.execute("three-steps", {"value": 1})["status"] == "completed"
        wait_until_said(server, EVENTS, "create_topics")
        assert EVENTS not in broker.partition_counts()
        # Whoever may makes it; the backlog goes out.
        broker.create_topic(EVENTS, 12)
        broker.create_topic(ACTIVITY, 12)
        wait_until_published(broker.address, data_dir)
    assert_holds_journal(read(broker.address), files.journal_events(data_dir))


def write_foreign(broker) -> None:
    """Something that is not ours, on the events topic."""
    foreign = Producer(quiet({"bootstrap.servers": broker.address}))
    foreign.produce(EVENTS, value=b"not ours")
    assert foreign.flush(30) == 0


@pytest.mark.parametrize("count, is_empty", [(3, False), (20, True)])
def test_a_topic_with_another_partition_count_is_refused(binary, data_dir, broker, count, is_empty):
    broker.create_topic(EVENTS, count)
    if not is_empty:
        write_foreign(broker)
    with role(binary, data_dir, broker.address) as server:
        server.put_workflow(three_steps())
        assert server.execute("three-steps", {"value": 1})["status"] == "completed"
        wait_until_said(server, f"set kafka.partitions to {count}, or delete the topic", EVENTS)
    assert read(broker.address) == [], "nothing may be published that no partitioner finds again"
    assert broker.partition_counts()[EVENTS] == count


def test_a_topic_that_was_never_written_to_gets_what_it_lacks_from_who_publishes(binary, data_dir, broker):
    broker.create_topic(EVENTS, 1)
    with role(binary, data_dir.parent / "gateway", broker.address, "gateway") as gateway:
        # A reader with other settings than the publisher's must not spoil the topic.
        wait_until_said(gateway, "kafka.partitions", EVENTS)
        assert broker.partition_counts()[EVENTS] == 1
        with role(binary, data_dir, broker.address) as server:
            server.put_workflow(three_steps())
            execution = server.execute("three-steps", {"value": 1})["execution_id"]
            wait_until_published(broker.address, data_dir)
            assert "gets the partitions that it lacks" in server.log_text()
            assert events_of(asyncio.run(transcript(gateway, execution))) == server.events(execution)
    assert broker.partition_counts()[EVENTS] == 12
    records = read(broker.address)
    assert_holds_journal(records, files.journal_events(data_dir))
    assert all(record.partition == partition(record.key, 12) for record in records)


def test_a_topic_made_anew_with_other_partitions_takes_no_record_out_of_place(binary, data_dir, broker, seed):
    with FaultProxy(broker.port.number) as proxy, role(binary, data_dir, proxy.address, partitions=6) as server:
        server.put_workflow(three_steps())
        load = Load(server, "three-steps", seed)
        load.wait_for_more(20)
        proxy.cut()  # so that the producer never sees the topic missing
        broker.delete_topic(EVENTS)
        broker.create_topic(EVENTS, 1)
        write_foreign(broker)
        load.wait_for_more(20)
        proxy.heal()
        wait_until_said(server, "kafka.partitions", EVENTS)
        load.wait_for_more(20)
        load.stop()
    misplaced = [record.key for record in read(broker.address) if partition(record.key, 6) != record.partition]
    assert misplaced == [], "no partitioner finds these again"


def test_foreign_records_are_skipped_and_counted(binary, data_dir, broker):
    def counted(server) -> float:
        return sum(float(line.rsplit(" ", 1)[1])
                   for line in server.session.get(f"{server.url}/metrics", timeout=30).text.splitlines()
                   if line.startswith("stepstream_bus_skipped_records_total"))

    # A gateway of its own is one subscription; `serve` has several, and each counts what it skips.
    with role(binary, data_dir, broker.address) as server, \
            role(binary, data_dir.parent / "gateway", broker.address, "gateway") as gateway:
        server.put_workflow(three_steps())
        first = server.execute("three-steps", {"value": 1})["execution_id"]
        wait_until_published(broker.address, data_dir)
        foreign = Producer(quiet({"bootstrap.servers": broker.address, "partitioner": "murmur2_random"}))
        for key in (first, "nobody", None):
            foreign.produce(EVENTS, key=key, value=b"\xff not ours")
            foreign.produce(EVENTS, key=key, value=None)
            foreign.produce(EVENTS, key=key, value=b"{}", headers=[("ce_id", "x"), ("ce_specversion", "1.0")])
            foreign.produce(EVENTS, key=key, value=b"{}", headers=[("ce_id", b"\xff\xfe"), ("ce_time", b"yesterday")])
        assert foreign.flush(30) == 0
        second = server.execute("three-steps", {"value": 2})["execution_id"]
        wait_until("every foreign record is counted", lambda: counted(gateway) >= 12)
        for place in (server, gateway):
            for execution in (first, second):
                events = events_of(asyncio.run(transcript(place, execution)))
                check_transcript(events)
                assert events == server.events(execution)
        # A gateway that begins now meets them in history, too.
        with role(binary, data_dir.parent / "late", broker.address, "gateway") as late:
            assert events_of(asyncio.run(transcript(late, first))) == server.events(first)
        assert counted(gateway) == 12
        reasons = re.findall(r"reason=(.*?) topic=.* is not an event", server.log_text())
        assert reasons and len(reasons) == len(set(reasons)), f"each reason is said once: {reasons}"
        assert server.process.poll() is None and gateway.process.poll() is None
