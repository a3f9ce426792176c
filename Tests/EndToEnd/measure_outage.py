"""What an outage of the broker costs executions: pairs of equal runs, one without and one with the outage.

    STEPSTREAM_BINARY=.build/release/stepstream .venv/bin/python Tests/EndToEnd/measure_outage.py [--fault stop|kill|cut]

Starts executions of three no-op steps at a steady rate and times each from when it was due to its answer, so that a
server that falls behind shows. Prints p50 and p99 without the fault, during it and while the backlog drains, and the
medians of the pairs' ratios; then holds the topic to the journal (after `republish` where the broker lost its tail).
It measures and judges nothing but equality: it is no test.
"""

import argparse
import contextlib
import pathlib
import statistics
import tempfile
import time

from support import files
from support.binary import Binary
from support.broker import Broker
from support.fault_proxy import FaultProxy
from support.kafka import arguments, role, wait_until_published
from support.open_loop import WORKFLOW, OpenLoop, percentile, shown
from support.topic import assert_holds_journal, read


def run(binary, directory: pathlib.Path, options, with_fault: bool) -> dict:
    broker, data_dir = Broker(directory / "broker").start(), directory / "data"
    # Only where it is the fault: a proxy costs what is measured.
    proxied = FaultProxy(broker.port.number) if options.fault == "cut" else contextlib.nullcontext(broker)
    try:
        with proxied as proxy, role(binary, data_dir, proxy.address) as server:
            server.put_workflow(WORKFLOW)
            load = OpenLoop(server, options.rate)
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
