"""A real Kafka broker in a process of its own: PyPI's noida-db, on loopback.

What it is (0.2.3, seen here): one node, `auto.create.topics.enable` on, all data in memory with a snapshot in one file
some 0.5 s after the first change and about every second from then on, and at a clean stop. SIGKILL loses what came
after the last snapshot: records, and topics too. A clean stop saves everything only when nobody is writing: what it
acknowledges while it saves is lost. It knows CreateTopics, several partitions, the idempotent producer
(lost tails give OUT_OF_ORDER_SEQUENCE_NUMBER), headers, lz4, offsets by time, groups, static members, retention by
time. It speaks neither TLS nor SASL, and advertises the address it is bound to.
"""

import importlib.resources
import os
import pathlib
import signal
import socket
import subprocess

from confluent_kafka import Consumer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic

READY_SECONDS_MAX = 20


class ReservedPort:
    """A port on loopback that the kernel chose and that stays ours while nobody listens on it.

    A bound socket that never listens, with SO_REUSEADDR: the server may bind the same port, again and again, a
    connection is refused meanwhile, and the kernel gives the port to no outgoing connection, so that clients that keep
    trying do not end up connected to themselves.
    """

    def __init__(self):
        self.socket = socket.socket()
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind(("127.0.0.1", 0))
        self.number = self.socket.getsockname()[1]

    def release(self) -> None:
        self.socket.close()


class Broker:
    """Starts a broker, stops it, kills it, and starts it again on the same port and data."""

    def __init__(self, directory: pathlib.Path):
        self.directory = directory
        self.port = ReservedPort()
        self.process = None

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port.number}"

    def start(self) -> "Broker":
        assert self.process is None, "the broker runs"
        self.directory.mkdir(parents=True, exist_ok=True)
        program = importlib.resources.files("noida_db").joinpath("noida-db")
        os.chmod(program, 0o755)
        self.log = open(self.directory / "broker.log", "ab")
        self.process = subprocess.Popen(
            [str(program), "start", "--only", "kafka", "--kafka-port", str(self.port.number),
             "--data-dir", str(self.directory)],
            stdout=subprocess.PIPE, stderr=self.log, start_new_session=True)
        # It prints the address once it listens there; what comes later is drained so that it never blocks.
        for line in self.process.stdout:
            if b"kafka" in line and str(self.port.number).encode() in line:
                break
        else:
            self.process.wait(timeout=READY_SECONDS_MAX)
            raise AssertionError(f"the broker ended with {self.process.returncode}:\n{self.log_text()}")
        # An answered request is readiness: the client waits for it by itself.
        self.admin().list_topics(timeout=READY_SECONDS_MAX)
        return self

    def log_text(self) -> str:
        return (self.directory / "broker.log").read_text(errors="replace")[-4000:]

    def stop(self) -> None:
        """SIGTERM: everything acknowledged is saved, unless somebody is writing (cut the clients off first)."""
        self._end(signal.SIGTERM)

    def kill(self, snapshot: bytes = None) -> None:
        """SIGKILL: the tail since the last snapshot is lost. Given one that was taken before, since that one: how much
        is lost then hangs on no timer of the broker's."""
        self._end(signal.SIGKILL)
        if snapshot is not None:
            (self.directory / "kafka.json").write_bytes(snapshot)

    def snapshot(self) -> bytes:
        """What a stopped broker saved."""
        assert self.process is None, "the broker runs"
        return (self.directory / "kafka.json").read_bytes()

    def _end(self, how) -> None:
        process, self.process = self.process, None
        if process is None:
            return
        process.send_signal(how)
        try:
            process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(timeout=20)
            raise AssertionError("the broker did not stop within 20 s")
        finally:
            process.stdout.close()
            self.log.close()

    def close(self) -> None:
        self.stop()
        self.port.release()

    def __enter__(self) -> "Broker":
        return self.start()

    def __exit__(self, *_):
        self.close()

    # What tests ask a broker, over any address that leads to it.

    def admin(self, address=None) -> AdminClient:
        return AdminClient(quiet({"bootstrap.servers": address or self.address}))

    def create_topic(self, name: str, partitions: int, **settings) -> None:
        topic = NewTopic(name, partitions, 1, config=settings)
        admin = self.admin()  # it must outlive the request
        admin.create_topics([topic])[name].result(timeout=20)

    def delete_topic(self, name: str) -> None:
        admin = self.admin()  # it must outlive the request
        admin.delete_topics([name])[name].result(timeout=20)

    def partition_counts(self) -> dict:
        topics = self.admin().list_topics(timeout=20).topics.values()
        return {topic.topic: len(topic.partitions) for topic in topics if not topic.topic.startswith("__")}

    def ends(self, topic: str) -> list:
        """The high watermark of each partition."""
        return watermarks(self.address, topic)


def quiet(configuration: dict) -> dict:
    """Lost connections are what these tests are about: nothing of them on stderr."""
    return configuration | {"log_level": 0}


def watermarks(address: str, topic: str) -> list:
    consumer = Consumer(quiet({"bootstrap.servers": address, "group.id": "watermarks"}))
    try:
        partitions = consumer.list_topics(topic, timeout=20).topics[topic].partitions
        return [consumer.get_watermark_offsets(TopicPartition(topic, number), timeout=20)[1]
                for number in sorted(partitions)]
    finally:
        consumer.close()
