"""Debian's Prometheus: promtool, a server on loopback, and what a PromQL expression is made of."""

import math
import pathlib
import shutil
import signal
import subprocess

import promql_parser
import requests
import yaml

from support.broker import ReservedPort
from support.waiting import comes_true

READY_SECONDS_MAX = 30


def program(name: str) -> str:
    found = shutil.which(name)
    assert found, f"{name} is not on the PATH; deploy/test.sh installs Debian's prometheus"
    return found


def promtool(*arguments, **options) -> subprocess.CompletedProcess:
    """Runs it to its end; the caller judges the exit status."""
    return subprocess.run(
        [program("promtool"), *map(str, arguments)], text=True, timeout=120,
        **{"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT} | options)


def parts(expression: str, kind: type) -> list:
    """The parts of an expression that are of such a kind, such as its selectors."""
    found = []
    promql_parser.walk(promql_parser.parse(expression), found.append)
    return [part for part in found if isinstance(part, kind)]


class Prometheus:
    """Scrapes and evaluates every second by a configuration; started and stopped like a role."""

    def __init__(self, directory: pathlib.Path, configuration: dict):
        self.directory, self.port = directory, ReservedPort()
        configuration["global"] = {"scrape_interval": "1s", "evaluation_interval": "1s"}
        directory.mkdir(parents=True)
        (directory / "prometheus.yml").write_text(yaml.safe_dump(configuration))
        self.url = f"http://127.0.0.1:{self.port.number}"

    def __enter__(self) -> "Prometheus":
        with open(self.directory / "log", "wb") as log:
            self.process = subprocess.Popen(
                [program("prometheus"), f"--config.file={self.directory}/prometheus.yml",
                 f"--storage.tsdb.path={self.directory}/data", f"--web.listen-address=127.0.0.1:{self.port.number}"],
                stdout=log, stderr=log, start_new_session=True)
        comes_true(lambda: self._is_ready() or self.process.poll() is not None, READY_SECONDS_MAX)
        assert self._is_ready(), (self.process.poll(), (self.directory / "log").read_text()[-4000:])
        return self

    def __exit__(self, *_):
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(timeout=30)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait(timeout=30)
            raise AssertionError("prometheus did not stop within 30 s")
        finally:
            self.port.release()

    def _is_ready(self) -> bool:
        try:
            return requests.get(f"{self.url}/-/ready", timeout=5).status_code == 200
        except requests.ConnectionError:
            return False

    def get(self, path: str, **parameters):
        answer = requests.get(f"{self.url}/api/v1/{path}", params=parameters, timeout=30).json()
        assert answer["status"] == "success", (parameters, answer)
        return answer["data"]

    def query(self, expression: str) -> list:
        """(labels, value) of each series."""
        data = self.get("query", query=expression)
        if data["resultType"] == "scalar":
            return [({}, float(data["result"][1]))]
        return [(series["metric"], float(series["value"][1])) for series in data["result"]]

    def faults(self, expression: str, wanted=(), whole=True) -> list:
        """What the expression asks for in vain: series, labels to aggregate by and, if it is to give a whole result,
        the result, a number in it, and the labels wanted in it."""
        found = []
        for selector in parts(expression, promql_parser.VectorSelector):
            text = f"{selector.name or ''}{selector.matchers}"
            if not self.get("series", **{"match[]": text}):
                found.append(f"no series {text}")
        for aggregate in parts(expression, promql_parser.AggregateExpr):
            if aggregate.modifier is not None:
                found += self._missing(str(aggregate.expr), aggregate.modifier.labels)
        if whole and not found:
            if not any(math.isfinite(value) for _, value in self.query(expression)):
                found.append(f"no number from {expression}")
            found += self._missing(expression, wanted)
        return found

    def _missing(self, expression: str, labels) -> list:
        known = {name for series, _ in self.query(expression) for name in series}
        return [f"no label {label} on {expression}" for label in labels if label not in known]
