"""What consumers cost executions: pairs of equal runs, one without and one with the metrics aggregator and the notifier.

    STEPSTREAM_BINARY=.build/release/stepstream .venv/bin/python Tests/EndToEnd/measure_consumers.py

Starts executions of three no-op steps at a steady rate on an orchestrator of its own process and times each from when
it was due to its answer. Prints p50 and p99 of both, the CPU that each process used and what that is per event, and the
medians of the pairs' ratios. It measures and judges nothing: it is no test.
"""

import argparse
import contextlib
import pathlib
import statistics
import tempfile
import time

from support.binary import Binary
from support.notifier import Settings, webhook
from support.open_loop import WORKFLOW, OpenLoop, percentile, shown
from support.server import Server
from support.usage import cpu_seconds, pss_megabytes

CONSUMERS = ("metrics", "notifier")
# Of a completed run of three steps, each with its start and its completion.
EVENTS_PER_EXECUTION = 8


def run(binary, data_dir: pathlib.Path, options, consumers) -> list:
    with contextlib.ExitStack() as stack:
        server = stack.enter_context(Server(binary, data_dir, role="orchestrator"))
        # A channel that is never told anything: without one the notifier would not follow the topic.
        settings = Settings(data_dir / "settings", [webhook("one", "http://127.0.0.1:9/")])
        others = [stack.enter_context(Server(binary, data_dir, role=role, arguments=settings.arguments))
                  for role in consumers]
        server.put_workflow(WORKFLOW)
        load = OpenLoop(server, options.rate)
        time.sleep(options.warm)
        used, began = [cpu_seconds(process.pid) for process in others], time.monotonic()
        time.sleep(options.seconds)
        used = [cpu_seconds(process.pid) - before for process, before in zip(others, used)]
        ended = time.monotonic()
        memory = [pss_megabytes(process.pid) for process in others]
        load.stop()
        times = load.between(began, ended)
        events = len(times) * EVENTS_PER_EXECUTION
        print(f"  {'with' if consumers else 'without'}: {shown('runs', times)}" + "".join(
            f"; {process.role} {seconds:.2f} s CPU, {seconds / events * 1e6:.1f} µs an event, PSS {megabytes:.1f} MB"
            for process, seconds, megabytes in zip(others, used, memory)), flush=True)
        return times


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pairs", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=20, help="of each run, after the warm-up")
    parser.add_argument("--warm", type=float, default=5, help="seconds before")
    parser.add_argument("--rate", type=float, default=500, help="executions a second")
    options = parser.parse_args()
    binary = Binary.from_environment()
    ratios = {50: [], 99: []}
    for pair in range(options.pairs):
        print(f"pair {pair + 1}", flush=True)
        order = [(), CONSUMERS] if pair % 2 == 0 else [CONSUMERS, ()]
        with tempfile.TemporaryDirectory() as place:
            pathlib.Path(place).chmod(0o755)
            times = {consumers: run(binary, pathlib.Path(place) / str(len(consumers)), options, consumers)
                     for consumers in order}
        for percent, values in ratios.items():
            values.append(percentile(times[CONSUMERS], percent) / percentile(times[()], percent))
    for percent, values in ratios.items():
        print(f"p{percent}: median ratio {statistics.median(values):.2f}, all {[round(value, 2) for value in values]}")


if __name__ == "__main__":
    main()
