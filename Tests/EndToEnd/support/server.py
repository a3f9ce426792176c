"""A running role of stepstream."""

import json
import os
import pathlib
import resource
import signal
import subprocess

import requests

from support import schemas
from support.binary import Binary


class Server:
    """Starts a role, waits for its ready line, and stops it by its process id."""

    def __init__(
            self, binary: Binary, data_dir: pathlib.Path, role="serve", plugins=None, arguments=(), files=None,
            before=()):
        self.binary = binary
        self.data_dir = data_dir
        self.role = role
        self.plugins = plugins or [binary.plugins]
        self.arguments = list(arguments)
        # (soft, hard) limit on open files, and a command to start it by.
        self.files, self.before = files, list(before)
        self.process = None
        self.url = None
        self.session = requests.Session()

    def start(self) -> "Server":
        command = [str(self.binary.path), self.role, "--data-dir", str(self.data_dir)]
        if "--port" not in self.arguments:
            command += ["--port", "0"]
        if self.role in ("serve", "orchestrator"):
            for directory in self.plugins:
                command += ["--plugins", str(directory)]
        self.data_dir.mkdir(parents=True, exist_ok=True)
        self.log = open(self.data_dir / f"{self.role}.log", "ab")
        limit = (lambda: resource.setrlimit(resource.RLIMIT_NOFILE, self.files)) if self.files else None
        self.process = subprocess.Popen(
            self.before + command + self.arguments, stdout=subprocess.PIPE, stderr=self.log, start_new_session=True,
            preexec_fn=limit)
        line = self.process.stdout.readline()
        if not line:
            self.process.wait(timeout=10)
            raise AssertionError(f"{self.role} ended with {self.process.returncode} before it was ready:\n{self.log_text()}")
        ready = json.loads(line)
        assert ready["ready"] is True and ready["role"] == self.role and ready["pid"] == self.process.pid
        self.url = ready["url"]
        return self

    @property
    def pid(self) -> int:
        return self.process.pid

    @property
    def websocket_url(self) -> str:
        return self.url.replace("http://", "ws://", 1)

    def log_text(self) -> str:
        return (self.data_dir / f"{self.role}.log").read_text(errors="replace")[-8000:]

    def kill(self) -> None:
        """SIGKILL, and gone when it returns."""
        os.kill(self.process.pid, signal.SIGKILL)
        self.process.wait(timeout=30)
        self.process.stdout.close()

    def stop(self, timeout=30) -> int:
        """SIGTERM; gives the exit status."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            status = self.process.wait(timeout=timeout)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(f"{self.role} did not stop within {timeout} s:\n{self.log_text()}")
        self.process.stdout.close()
        return status

    def __enter__(self) -> "Server":
        return self.start()

    def __exit__(self, *_):
        if self.process and self.process.poll() is None:
            self.stop()
        if self.process:
            self.process.stdout.close()  # also of one that ended by itself
        self.session.close()
        self.log.close()

    # The REST surface.

    def put_workflow(self, definition: dict) -> dict:
        answer = self.session.put(f"{self.url}/api/v1/workflows/{definition['name']}", json=definition, timeout=30)
        assert answer.status_code in (200, 201), answer.text
        return answer.json()

    def execute(self, name: str, inputs=None, wait="30s", **body) -> dict:
        query = f"?wait={wait}" if wait else ""
        answer = self.session.post(
            f"{self.url}/api/v1/workflows/{name}/execute{query}", json={"inputs": inputs or {}, **body}, timeout=70)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def get(self, path: str) -> dict:
        answer = self.session.get(self.url + path, timeout=30)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def events(self, execution: str) -> list:
        """Every event, each held against its published schema."""
        items, after = [], 0
        while True:
            page = self.get(f"/api/v1/executions/{execution}/events?limit=500&after={after}")
            items += map(schemas.check, page["items"])
            if page["next"] is None:
                return items
            after = int(page["next"])
