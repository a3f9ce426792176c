"""What the machine does: it gives few descriptors, loses the data directory, dies. No user pays for it."""

import contextlib
import json
import os
import resource
import shutil
import signal
import socket
import time

import pytest

from support import files
from support.contract import check_transcript
from support.server import Server
from support.waiting import wait_until


def workflow(name, function, inputs=None) -> dict:
    return {"name": name, "deliverable_type": "test",
            "steps": [{"name": "only", "function": function, **({"with": inputs} if inputs else {})}]}


def sleeping(milliseconds) -> dict:
    return workflow("sleeping", "bench.sleep", {"ms": milliseconds})


def address(server) -> tuple:
    host, port = server.url.removeprefix("http://").split(":")
    return host, int(port)


@pytest.fixture
def many_files():
    """This process may open enough itself."""
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(8_192, before[1]), before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, before)


def idle(server, count) -> list:
    """Connections that say nothing; those that the server does not take wait in the kernel's backlog."""
    connections = []
    for _ in range(count):
        connection = socket.socket()
        connection.setblocking(False)
        connection.connect_ex(address(server))
        connections.append(connection)
    return connections


@pytest.mark.parametrize("hard", [1_024, 4_096])
def test_silent_connections_keep_no_step_from_running(binary, data_dir, many_files, hard):
    with Server(binary, data_dir, files=(1_024, hard)) as server:
        with open(f"/proc/{server.pid}/limits") as limits:
            line = next(line for line in limits if line.startswith("Max open files"))
        assert line.split()[3] == str(hard), "the soft limit is not raised as far as it may be"
        server.put_workflow(sleeping(20))
        connections = idle(server, 1_180)
        try:
            # Over a connection that was there before; hosts are started for these.
            for _ in range(12):
                assert server.execute("sleeping")["status"] == "completed"
            assert server.process.poll() is None, server.log_text()
            health = server.get("/health")
            assert health["parts"]["step_hosts"]["status"] == "ok", health
        finally:
            for connection in connections:
                connection.close()
        assert server.stop() == 0, server.log_text()


@pytest.mark.parametrize("listener", ["web", "doorbell"])
def test_a_listener_without_descriptors_rests_and_accepts_later(server, data_dir, listener):
    def starts_hosts():
        parts = server.get("/health")["parts"]
        hosts = sum(target == "anon_inode:[pidfd]" for target in descriptors(server).values())
        return parts["plugins"]["loading"] or hosts != parts["step_hosts"]["running"]
    # Until then descriptors come and go, and one that goes lets the listener accept.
    wait_until("the step hosts are there", lambda: not starts_hosts())
    limit = resource.prlimit(server.pid, resource.RLIMIT_NOFILE)
    lowest = min(set(range(1_000)) - set(descriptors(server)))
    resource.prlimit(server.pid, resource.RLIMIT_NOFILE, (lowest, limit[1]))
    if listener == "web":
        visitor = socket.create_connection(address(server), timeout=30)
    else:
        visitor = socket.socket(socket.AF_UNIX)
        visitor.settimeout(30)
        # By a descriptor of the directory: the address of a socket has at most 107 bytes.
        topics = os.open(data_dir / "topics", os.O_PATH)
        visitor.connect(f"/proc/self/fd/{topics}/stepstream.events.v1.sock")
        os.close(topics)
    with visitor:
        before, began = processor_seconds(server), time.monotonic()
        visitor.settimeout(1)
        with pytest.raises(TimeoutError):  # nobody can accept it yet
            if listener == "web":
                visitor.sendall(b"GET /health HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
            visitor.recv(1)
        visitor.settimeout(30)
        share = (processor_seconds(server) - before) / (time.monotonic() - began)
        # One that spins takes a core, or the half of one that others leave it.
        assert share < 0.2, f"the server computes {share:.0%} of the time"
        resource.prlimit(server.pid, resource.RLIMIT_NOFILE, limit)
        assert visitor.recv(12) == (b"HTTP/1.1 200" if listener == "web" else b"\x01")


def descriptors(server) -> dict:
    """What each open descriptor of the server leads to."""
    found = {}
    for name in os.listdir(f"/proc/{server.pid}/fd"):
        with contextlib.suppress(FileNotFoundError):
            found[int(name)] = os.readlink(f"/proc/{server.pid}/fd/{name}")
    return found


def processor_seconds(server) -> float:
    with open(f"/proc/{server.pid}/stat") as stat:
        fields = stat.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def test_a_data_directory_that_is_moved_away_is_noticed(binary, data_dir, tmp_path):
    moved = tmp_path / "moved"
    server = Server(binary, data_dir).start()
    try:
        server.put_workflow(sleeping(1))
        kept = server.execute("sleeping")["execution_id"]
        data_dir.rename(moved)
        answer = server.session.post(
            f"{server.url}/api/v1/workflows/sleeping/execute", json={"inputs": {}}, timeout=30)
        assert answer.status_code == 503, answer.text
        assert server.process.wait(timeout=30) == 1
        text = (moved / "serve.log").read_text()
        assert "was removed or moved" in text, text
    finally:
        server.__exit__()
    # Nothing is lost, and nothing was promised in between.
    with Server(binary, moved) as again:
        assert [item["execution_id"] for item in again.get("/api/v1/executions")["items"]] == [kept]


def test_a_data_directory_that_is_removed_is_noticed(binary, data_dir):
    server = Server(binary, data_dir).start()
    try:
        server.put_workflow(sleeping(1))
        # Step hosts that are starting may put something into it meanwhile.
        while data_dir.exists():
            shutil.rmtree(data_dir, ignore_errors=True)
        answer = server.session.put(
            f"{server.url}/api/v1/workflows/sleeping", json=sleeping(2), timeout=30)
        assert answer.status_code == 503 and answer.json()["code"] == "journal_moved", answer.text
        answer = server.session.post(
            f"{server.url}/api/v1/workflows/sleeping/execute", json={"inputs": {}}, timeout=30)
        assert answer.status_code == 503, answer.text
        # It looks for its journal every 15 s, and at each commit.
        assert server.process.wait(timeout=60) == 1
    finally:
        server.__exit__()


def test_a_server_that_stops_is_not_ready(binary, data_dir):
    with Server(binary, data_dir) as server:
        server.put_workflow(sleeping(3_000))
        running = server.execute("sleeping", wait=None)["execution_id"]
        assert server.session.get(f"{server.url}/health/ready", timeout=30).status_code == 200
        begun(server, running)
        server.process.send_signal(signal.SIGTERM)
        while server.session.get(f"{server.url}/health/ready", timeout=30).status_code == 200:
            pass
        ready = server.session.get(f"{server.url}/health/ready", timeout=30)
        start = server.session.post(
            f"{server.url}/api/v1/workflows/sleeping/execute", json={"inputs": {}}, timeout=30)
        assert (ready.status_code, start.status_code) == (503, 503), (ready.text, start.text)
        assert server.stop() == 0
    assert ended(data_dir) == [(files.ATTEMPT_COMPLETED, "only", 1)], "the step did not get its grace"


def test_a_terminal_that_ends_stops_the_server_with_its_grace(binary, data_dir):
    # The tests themselves may run under nohup.
    with Server(binary, data_dir, before=["env", "--default-signal=HUP"]) as server:
        server.put_workflow(sleeping(700))
        begun(server, server.execute("sleeping", wait=None)["execution_id"])
        server.process.send_signal(signal.SIGHUP)
        assert server.process.wait(timeout=30) == 0, server.log_text()
    assert ended(data_dir) == [(files.ATTEMPT_COMPLETED, "only", 1)], "the step did not get its grace"


def test_a_server_under_nohup_outlives_its_terminal(binary, data_dir):
    with Server(binary, data_dir, before=["nohup"]) as server:
        server.process.send_signal(signal.SIGHUP)
        server.put_workflow(sleeping(1))
        assert server.execute("sleeping")["status"] == "completed"
        assert server.stop() == 0


def begun(server, execution) -> None:
    """Returns once the execution's step has begun."""
    stream = server.session.get(
        f"{server.url}/api/v1/workflows/stream/{execution}", stream=True, timeout=30)
    next(line for line in stream.iter_lines() if b"step_started" in line)
    stream.close()


def ended(data_dir) -> list:
    return [record[2:] for record in files.attempts(data_dir) if record[2] != files.ATTEMPT_STARTED]


def test_an_attempt_that_waited_for_a_host_when_the_server_died_goes_on_waiting(binary, data_dir, outside):
    hosts = 2 * len(os.sched_getaffinity(0))
    trace = outside / "trace.csv"
    definition = workflow("traced", "bench.trace", {"path": str(trace), "ms": 4_000})
    arguments = ["--plugin-files", str(outside)]
    server = Server(binary, data_dir, arguments=arguments).start()
    server.put_workflow(definition)
    executions = [server.execute("traced", wait=None)["execution_id"] for _ in range(hosts + 3)]
    while lines(trace) < hosts:
        pass
    server.kill()
    server.__exit__()
    in_hosts = {line.split(":")[0] for line in trace.read_text().splitlines()}
    assert len(in_hosts) == hosts

    with Server(binary, data_dir, arguments=arguments) as server:
        for execution in executions:
            text = server.session.get(f"{server.url}/api/v1/workflows/stream/{execution}", timeout=60).text
            events = [json.loads(line[6:]) for line in text.splitlines() if line.startswith("data: ")]
            check_transcript(events)
            again = [event["data"]["error_code"] for event in events if event["type"] == "step_retrying"]
            assert again == (["interrupted"] if execution in in_hosts else []), events
            assert events[-1]["type"] == "execution_completed"
        assert server.stop() == 0


def lines(path) -> int:
    return path.read_text().count("\n") if path.exists() else 0
