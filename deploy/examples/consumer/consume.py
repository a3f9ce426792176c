#!/usr/bin/env python3
"""Keeps a row per execution in a SQLite file, from the topic alone: consume.py BOOTSTRAP GROUP FILE [--once]

The position is committed after the rows, so what a crash interrupts comes again. That is harmless: an event sets
columns that no other event of its execution sets, and its copies set them to the same. A new file needs a new group.
"""
import json
import sqlite3
import sys

from confluent_kafka import Consumer, KafkaError, KafkaException


def columns(event: dict) -> dict:
    if event["type"] == "execution_started":
        return {"started": event["time"]}
    if event["type"] in ("execution_completed", "execution_failed", "execution_cancelled"):
        return {"status": event["type"].removeprefix("execution_"), "ended": event["time"],
                "error": event["data"].get("error_code")}
    if event["type"].startswith("approval_") and event["final"]:
        return {"release": event["type"].removeprefix("approval_")}
    return {}  # of no interest here, or of a type that is yet to come


database = sqlite3.connect(sys.argv[3])
database.execute("CREATE TABLE IF NOT EXISTS execution (id TEXT PRIMARY KEY, workflow TEXT NOT NULL, started TEXT,"
                 " status TEXT, ended TEXT, error TEXT, release TEXT)")
consumer = Consumer({"bootstrap.servers": sys.argv[1], "group.id": sys.argv[2], "auto.offset.reset": "earliest",
                     "group.instance.id": "only",  # the next one takes the place of one that crashed, at once
                     "enable.auto.commit": False, "enable.partition.eof": "--once" in sys.argv})
consumer.subscribe(["stepstream.events.v1"])
ended = set()
while not ended or len(ended) < len(consumer.assignment()):
    messages = consumer.consume(500, timeout=1.0)
    with database:  # one transaction
        for message in messages:
            if message.error() and message.error().code() != KafkaError._PARTITION_EOF:
                raise KafkaException(message.error())
            if message.error():
                ended.add(message.partition())
            elif dict(message.headers() or ()).get("ce_type", b"").startswith(b"io.stepstream."):  # else not ours
                event = json.loads(message.value())
                for name, value in columns(event).items():
                    database.execute(f"INSERT INTO execution (id, workflow, {name}) VALUES (?, ?, ?)"
                                     f" ON CONFLICT (id) DO UPDATE SET {name} = excluded.{name}",
                                     (event["execution_id"], event["workflow"], value))
    if any(not message.error() for message in messages):
        consumer.commit(asynchronous=False)
consumer.close()
