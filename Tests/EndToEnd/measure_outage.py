"""What an outage of the broker costs executions: pairs of equal runs, one without and one with the outage.

    STEPSTREAM_BINARY=.build/release/stepstream .venv/bin/python Tests/EndToEnd/measure_outage.py [--fault stop|kill|cut]

Starts executions of three no-op steps at a steady rate and times each from when it was due to its answer, so that a
server that falls behind shows. Prints p50 and p99 without the fault, during it and while the backlog drains, and the
medians of the pairs' ratios; then holds the topic to the journal (after `republish` where the broker lost its tail).
It measures and judges nothing but equality: it is no test.
"""

import argparse
import contextlib
import http.client
import json
import pathlib
import queue
import statistics
import tempfile
import threading
import time

from support import files
from support.binary import Binary
from support.broker import Broker
from support.fault_proxy import FaultProxy
from support.kafka import arguments, role, wait_until_published
from support.topic import assert_holds_journal, read

WORKERS = 24
ORDER = {"id": "order-000001", "customer": "customer-42", "quantity": 3, "amount": 129.95, "note": "leave at the door"}
WORKFLOW = {"name": "three", "deliverable_type": "measurement", "steps": [
    {"name": name, "function": "bench.noop", "with": "${{ inputs }}"} for name in ("one", "two", "three")]}


class Load:
    """An open loop: executions become due by the clock, whatever the answers do."""

    def __init__(self, server, rate: float):
        host, port = server.url.removeprefix("http://").split(":")
        self.host, self.port, self.rate = host, int(port), rate
        self.due, self.over = queue.SimpleQueue(), threading.Event()
        self.times, self.refusals = [], []  # (due, milliseconds); answers that are no completed execution
        self.threads = [threading.Thread(target=self._work) for _ in range(WORKERS)]
        self.threads.append(threading.Thread(target=self._tick))
        for thread in self.threads:
            thread.start()

    def _tick(self) -> None:
        start, count = time.monotonic(), 0
        while not self.over.is_set():
            due = start + count / self.rate
            self.over.wait(max(0.0, due - time.monotonic()))
            self.due.put(due)
            count += 1
        for _ in range(WORKERS):
            self.due.put(None)

    def _work(self) -> None:
        connection = http.client.HTTPConnection(self.host, self.port, timeout=60)
        body = json.dumps({"inputs": ORDER})
        path = "/api/v1/workflows/three/execute?wait=30s"
        while (due := self.due.get()) is not None:
            connection.request("POST", path, body, {"Content-Type": "application/json"})
            answer = connection.getresponse()
            text = answer.read()
            if answer.status != 200 or b'"completed"' not in text:
                self.refusals.append(text)
            self.times.append((due, (time.monotonic() - due) * 1000))

    def stop(self) -> None:
        self.over.set()
        for thread in self.threads:
            thread.join()
        assert not self.refusals, f"{len(self.refusals)} executions did not complete: {self.refusals[0]}"

    def between(self, start: float, end: float) -> list:
        return sorted(milliseconds for due, milliseconds in self.times if start <= due < end)


def percentile(times: list, percent: float) -> float:
    return times[min(len(times) - 1, int(len(times) * percent / 100))]


def shown(name: str, times: list) -> str:
    return f"{name} p50 {percentile(times, 50):.2f} p99 {percentile(times, 99):.2f} ms ({len(times)})"


def run(binary, directory: pathlib.Path, options, with_fault: bool) -> dict:
    broker, data_dir = Broker(directory / "broker").start(), directory / "data"
    # Only where it is the fault: a proxy costs what is measured.
    proxied = FaultProxy(broker.port.number) if options.fault == "cut" else contextlib.nullcontext(broker)
    try:
        with proxied as proxy, role(binary, data_dir, proxy.address) as server:
            server.put_workflow(WORKFLOW)
            load = Load(server, options.rate)
            time.sleep(options.warm)
            began = time.monotonic()
            if with_fault:
                {"cut": getattr(proxy, "cut", None), "stop": broker.stop, "kill": broker.kill}[options.fault]()
            time.sleep(options.seconds)
            ended = time.monotonic()
            if with_fault:
                proxy.heal() if options.fault == "cut" else broker.start()
            drained = ended
            while True:  # the relay says when nothing waits any more
                drained = time.monotonic()
                relay = server.session.get(f"{server.url}/health", timeout=30).json()["parts"]["relay"]
                if drained - ended > 2 and relay["status"] == "ok" and relay["backlog_events"] < 100:
                    break
                time.sleep(0.05)
            load.stop()
            figures = {"during": load.between(began, ended), "draining": load.between(ended, drained),
                       "drain_seconds": drained - ended}
            if options.fault == "cut" or not with_fault:
                wait_until_published(proxy.address, data_dir)
            assert server.stop() == 0
        journal = files.journal_events(data_dir)
        # The test broker also loses what it acknowledges while it stops.
        if with_fault and options.fault != "cut":
            result = binary.run("republish", "--data-dir", data_dir, "--from", 0, *arguments(data_dir, broker.address))
            assert result.returncode == 0, result
        copies = assert_holds_journal(read(broker.address), journal)
        print(f"  {'with' if with_fault else 'without'}: {shown('during', figures['during'])}; "
              f"{shown('draining', figures['draining'])}, {figures['drain_seconds']:.1f} s; "
              f"{len(journal)} events equal, {copies} copies", flush=True)
        return figures
    finally:
        broker.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--fault", choices=["stop", "kill", "cut"], default="stop")
    parser.add_argument("--pairs", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=60, help="of the outage, and of its counterpart")
    parser.add_argument("--warm", type=float, default=5, help="seconds before")
    parser.add_argument("--rate", type=float, default=200, help="executions a second")
    options = parser.parse_args()
    binary = Binary.from_environment()
    ratios = {name: [] for name in ("during p50", "during p99", "draining p99")}
    for pair in range(options.pairs):
        print(f"pair {pair + 1}, {options.fault}", flush=True)
        order = [False, True] if pair % 2 == 0 else [True, False]
        with tempfile.TemporaryDirectory() as place:
            pathlib.Path(place).chmod(0o755)
            both = {fault: run(binary, pathlib.Path(place) / str(fault), options, fault) for fault in order}
        without, with_fault = both[False], both[True]
        for name in ratios:
            window, percent = name.split(" p")
            base = percentile(without["during"], float(percent))
            ratios[name].append(percentile(with_fault[window], float(percent)) / base)
    for name, values in ratios.items():
        print(f"{name}: median {statistics.median(values):.2f}, all {[round(value, 2) for value in values]}")


if __name__ == "__main__":
    main()
