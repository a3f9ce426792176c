"""An open loop of executions at a steady rate, for measuring: each is timed from when it was due to its answer."""

import http.client
import json
import queue
import threading
import time

WORKERS = 24
ORDER = {"id": "order-000001", "customer": "customer-42", "quantity": 3, "amount": 129.95, "note": "leave at the door"}
WORKFLOW = {"name": "three", "deliverable_type": "measurement", "steps": [
    {"name": name, "function": "bench.noop", "with": "${{ inputs }}"} for name in ("one", "two", "three")]}


class OpenLoop:
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
