#!/usr/bin/env python3
"""Prints every event of the topic once, one JSON object a line.

    consume.py BOOTSTRAP [--group NAME] [--once]

A member of a consumer group: start it again and it goes on where it was, start it twice and the two share the work.
With --once it ends when it has read what the topic holds.
"""

import argparse
import collections
import sys

from confluent_kafka import Consumer, KafkaError

TOPIC = "stepstream.events.v1"


class Seen:
    """Which events of which executions were seen, so that copies are dropped.

    Per execution: everything up to `through`, and single sequences beyond a gap. A gap is filled later, thus an event
    is new although a higher sequence was seen. The oldest executions are forgotten, so that memory stays bounded.
    """

    EXECUTIONS_MAX = 100_000

    def __init__(self):
        self.executions = collections.OrderedDict()

    def is_new(self, execution: str, sequence: int) -> bool:
        through, beyond = self.executions.pop(execution, (0, set()))
        new = sequence > through and sequence not in beyond
        if new:
            beyond.add(sequence)
            while through + 1 in beyond:
                through += 1
                beyond.remove(through)
        self.executions[execution] = (through, beyond)
        if len(self.executions) > self.EXECUTIONS_MAX:
            self.executions.popitem(last=False)
        return new


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("bootstrap", help="host:port of a broker")
    parser.add_argument("--group", default="example-python")
    parser.add_argument("--once", action="store_true", help="end where the topic ends")
    options = parser.parse_args()

    consumer = Consumer({
        "bootstrap.servers": options.bootstrap,
        "group.id": options.group,
        "auto.offset.reset": "earliest",
        # The position is stored after the effect, and committed in the background and at the end.
        "enable.auto.offset.store": False,
        "enable.partition.eof": options.once,
    })
    consumer.subscribe([TOPIC])
    seen, ended = Seen(), set()
    try:
        while not (options.once and ended and len(ended) == len(consumer.assignment())):
            message = consumer.poll(1.0)
            if message is None:
                continue
            if message.error():
                if message.error().code() == KafkaError._PARTITION_EOF:
                    ended.add(message.partition())
                elif not message.error().retriable():
                    sys.exit(str(message.error()))
                continue
            headers = dict(message.headers() or ())
            if headers.get("ce_type", b"").startswith(b"io.stepstream."):  # else it is not ours
                execution, sequence = headers["ce_id"].decode().rsplit(":", 1)
                if seen.is_new(execution, int(sequence)):
                    print(message.value().decode(), flush=True)  # the effect
            consumer.store_offsets(message)
    except KeyboardInterrupt:
        pass
    finally:
        consumer.close()


if __name__ == "__main__":
    main()
