"""The test broker and the fault proxy do what the tests over Kafka rely on: shown with confluent-kafka alone."""

import ssl
import time

import pytest
from confluent_kafka import Consumer, KafkaException, Producer, TopicPartition
from confluent_kafka.admin import AdminClient

from support.broker import quiet, watermarks
from support.fault_proxy import FaultProxy
from support.murmur2 import murmur2, partition

TOPIC = "numbers"


def producer(address, **settings) -> Producer:
    return Producer(quiet({
        "bootstrap.servers": address, "enable.idempotence": True, "compression.type": "lz4", "linger.ms": 1,
        "partitioner": "murmur2_random", "reconnect.backoff.max.ms": 500, "delivery.timeout.ms": 60_000} | settings))


class Sent:
    """Delivery reports by value."""

    def __init__(self):
        self.partitions, self.errors = {}, []

    def report(self, error, message) -> None:
        if error:
            self.errors.append(error)
        else:
            self.partitions.setdefault(message.value(), []).append(message.partition())


def send(client, values, sent, **options) -> None:
    for value in values:
        client.produce(TOPIC, key=f"key-{value}", value=f"{value}", on_delivery=sent.report, **options)


def take(address, count, group="g", **settings) -> list:
    """The first records of the topic as a group's member gets them."""
    consumer = Consumer(quiet({
        "bootstrap.servers": address, "group.id": group, "auto.offset.reset": "earliest", "enable.auto.commit": False,
        "reconnect.backoff.max.ms": 500, "session.timeout.ms": 6_000} | settings))
    try:
        consumer.subscribe([TOPIC])
        messages = []
        while len(messages) < count:
            message = consumer.poll(30)
            assert message is not None, f"only {len(messages)} of {count} came"
            if not message.error():
                messages.append(message)
        consumer.commit(asynchronous=False)
        return messages
    finally:
        consumer.close()


@pytest.fixture
def proxy(broker):
    with FaultProxy(broker.port.number) as running:
        yield running


def test_records_come_back_whole_through_the_proxy(broker, proxy):
    broker.create_topic(TOPIC, 12)
    sent = Sent()
    client = producer(proxy.address)
    headers = [("ce_id", "1"), ("ce_specversion", "1.0")]
    send(client, range(500), sent, headers=headers)
    assert client.flush(30) == 0 and not sent.errors
    messages = take(proxy.address, 500)
    assert sorted(int(message.value()) for message in messages) == list(range(500))
    assert all(message.headers() == [("ce_id", b"1"), ("ce_specversion", b"1.0")] for message in messages)
    # The clients stayed behind the proxy: what the broker advertised was rewritten.
    port = proxy.address.rsplit(":", 1)[1]
    assert {str(node.port) for node in broker.admin(proxy.address).list_topics(timeout=20).brokers.values()} == {port}
    assert {str(node.port) for node in broker.admin().list_topics(timeout=20).brokers.values()} != {port}


@pytest.mark.parametrize("fault", ["cut", "reset", "black_hole", "latency"])
def test_a_producer_goes_on_after_a_fault(broker, proxy, fault):
    broker.create_topic(TOPIC, 3)
    sent = Sent()
    client = producer(proxy.address, **{"socket.timeout.ms": 2_000})
    send(client, range(100), sent)
    assert client.flush(30) == 0
    if fault == "latency":
        proxy.latency(0.05)
    else:
        getattr(proxy, fault)()
    send(client, range(100, 200), sent)
    if fault in ("cut", "black_hole"):
        assert client.flush(1) > 0, "the fault is not in force"
        proxy.heal()
    assert client.flush(60) == 0 and not sent.errors, sent.errors
    values = sorted(int(message.value()) for message in take(broker.address, 200))
    assert values == list(range(200)), "an idempotent producer delivers each record once"


def test_a_cut_refuses_and_a_healed_proxy_takes_connections_again(broker, proxy):
    proxy.cut()
    with pytest.raises(KafkaException):
        broker.admin(proxy.address).list_topics(timeout=1)
    assert proxy.link_count == 0
    proxy.heal()
    assert broker.admin(proxy.address).list_topics(timeout=20).brokers


def test_a_stopped_broker_keeps_what_it_acknowledged(broker):
    broker.create_topic(TOPIC, 6)
    sent, client = Sent(), producer(broker.address)
    send(client, range(1_000), sent)
    assert client.flush(30) == 0
    before, address = broker.ends(TOPIC), broker.address
    broker.stop()
    send(client, range(1_000, 1_100), sent)
    assert client.flush(0.5) > 0
    broker.start()
    assert broker.address == address
    assert client.flush(60) == 0 and not sent.errors, sent.errors
    assert sum(before) == 1_000 and sum(broker.ends(TOPIC)) == 1_100


def test_a_killed_broker_loses_its_tail_and_a_producer_notices(broker):
    broker.create_topic(TOPIC, 1)
    sent, client = Sent(), producer(broker.address)
    send(client, range(1_000), sent)
    assert client.flush(30) == 0 and broker.ends(TOPIC) == [1_000]
    broker.kill()
    broker.start()
    # The topic itself may be gone; the producer's next question for it makes it again, with one partition.
    held = sum(broker.ends(TOPIC)) if TOPIC in broker.partition_counts() else 0
    assert held < 1_000, "nothing was lost: this broker saves more often than the tests believe"
    # The idempotent producer goes on with sequences that the broker has forgotten.
    send(client, range(1_000, 1_100), sent)
    try:
        client.flush(30)
    except Exception as error:  # a fatal error is raised by whichever call meets it
        sent.errors.append(error.args[0] if isinstance(error, KafkaException) else error)
    assert sent.errors, "the broker took sequences out of order"


def test_the_broker_knows_what_the_bus_needs(broker):
    broker.create_topic(TOPIC, 12, **{"retention.ms": "604800000"})
    assert broker.partition_counts() == {TOPIC: 12}
    now = 1_000 * int(time.time())
    sent, client = Sent(), producer(broker.address)
    for number in range(100):
        client.produce(TOPIC, key=f"key-{number}", value=f"{number}", timestamp=now + number, on_delivery=sent.report)
    assert client.flush(30) == 0
    for value, partitions in sent.partitions.items():
        assert partitions == [partition(b"key-" + value, 12)]
    consumer = Consumer(quiet({"bootstrap.servers": broker.address, "group.id": "times"}))
    found = consumer.offsets_for_times([TopicPartition(TOPIC, number, now + 50) for number in range(12)], timeout=20)
    later = {number: sum(int(value) < 50 for value, (where,) in sent.partitions.items() if where == number)
             for number in range(12)}
    ends = watermarks(broker.address, TOPIC)
    for entry in found:
        expected = later[entry.partition]
        assert entry.offset == expected or (entry.offset == -1 and expected == ends[entry.partition]), entry
    consumer.close()
    # A group resumes after what it committed, also as a static member.
    take(broker.address, 100, "resumes", **{"group.instance.id": "one"})
    send(client, [100], sent)
    assert client.flush(30) == 0
    assert [message.value() for message in take(broker.address, 1, "resumes", **{"group.instance.id": "one"})] == [b"100"]


def test_the_murmur2_reference_agrees_with_javas_published_values():
    # org.apache.kafka.common.utils.UtilsTest.testMurmur2
    for text, value in [("21", -973932308), ("foobar", -790332482), ("a-little-bit-long-string", -985981536),
                        ("a-little-bit-longer-string", -1486304829),
                        ("lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58897971)]:
        assert murmur2(text.encode()) == value
    assert murmur2(b"abc") == 479470107


def test_the_proxy_speaks_tls_in_the_brokers_stead(broker, certificates):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificates / "server.pem", certificates / "server.key")
    with FaultProxy(broker.port.number, tls=context) as proxy:
        trusting = {"security.protocol": "ssl", "ssl.ca.location": str(certificates / "ca.pem")}
        sent, client = Sent(), producer(proxy.address, **trusting)
        broker.create_topic(TOPIC, 3)
        send(client, range(100), sent)
        assert client.flush(30) == 0 and not sent.errors
        assert len(take(proxy.address, 100, **trusting)) == 100
        wrong = quiet({"bootstrap.servers": proxy.address, "security.protocol": "ssl",
                       "ssl.ca.location": str(certificates / "other.pem")})
        with pytest.raises(KafkaException):
            AdminClient(wrong).list_topics(timeout=2)
