"""What the notifier takes: announcing pending approvals, memory, and CPU for each event that is none of its business.

    STEPSTREAM_BINARY=.build/release/stepstream .venv/bin/python Tests/EndToEnd/measure_notifier.py [--approvals 1000]

Fills a topic with executions that wait for approval, starts the notifier and times it from its ready line to the last
acknowledgement of a receiver on loopback; then fills another topic with executions that ask for nothing and divides the
CPU time of reading it by its events. It measures and judges nothing: it is no test.
"""

import argparse
import concurrent.futures
import pathlib
import tempfile
import time

from support import files
from support.approvals import released
from support.binary import Binary
from support.notifier import Settings, webhook
from support.receivers import WebhookReceiver
from support.server import Server
from support.usage import cpu_seconds, pss_megabytes
from support.waiting import wait_until
from support.workflows import three_steps


def fill(binary, data_dir, settings, definition, count: int) -> int:
    with Server(binary, data_dir, role="orchestrator", arguments=settings.arguments) as server:
        server.put_workflow(definition)
        with concurrent.futures.ThreadPoolExecutor(16) as pool:
            list(pool.map(lambda number: server.execute(definition["name"], {"value": number}), range(count)))
        assert server.stop() == 0
    return len(files.topic_events(data_dir))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--approvals", type=int, default=1_000)
    parser.add_argument("--others", type=int, default=2_000, help="executions that ask for nothing")
    arguments = parser.parse_args()
    binary = Binary.from_environment()
    with tempfile.TemporaryDirectory() as name, WebhookReceiver() as receiver:
        directory = pathlib.Path(name)
        settings = Settings(directory / "settings", [webhook("one", f"{receiver.url}/one")])

        fill(binary, directory / "asking", settings, released(), arguments.approvals)
        with Server(binary, directory / "asking", role="notifier", arguments=settings.arguments) as notifier:
            start = time.monotonic()
            receiver.wait("all of them", lambda requests: sum(
                request.acknowledged is not None for request in requests) >= arguments.approvals)
            took = max(request.acknowledged for request in receiver.requests) - start
            print(f"{arguments.approvals} approvals announced in {took:.2f} s, CPU {cpu_seconds(notifier.pid):.2f} s, "
                  f"PSS {pss_megabytes(notifier.pid):.1f} MB")

        events = fill(binary, directory / "quiet", settings, three_steps(), arguments.others)
        (directory / "empty").mkdir()
        with Server(binary, directory / "empty", role="notifier", arguments=settings.arguments) as notifier:
            wait_until("idle", lambda: notifier.get("/health")["parts"]["notifier"]["status"] == "ok")
            floor = cpu_seconds(notifier.pid)
        with Server(binary, directory / "quiet", role="notifier", arguments=settings.arguments) as notifier:
            def read() -> bool:
                text = notifier.session.get(notifier.url + "/metrics", timeout=30).text
                lines = [line for line in text.splitlines() if line.startswith("stepstream_notifier_events_read_total ")]
                return bool(lines) and float(lines[0].split()[1]) >= events
            wait_until("all is read", read)
            took = cpu_seconds(notifier.pid) - floor
            print(f"{events} events of others: {took / events * 1e6:.1f} µs of CPU each, PSS {pss_megabytes(notifier.pid):.1f} MB")


if __name__ == "__main__":
    main()
