"""Commands and the server they talk to: one that is not there, goes away, comes back, or waits for its broker."""

import json
import re
import subprocess
import threading
import time

import pytest

from support.broker import ReservedPort
from support.server import Server
from support.stand_in import StandIn, answer, stream
from support.workflows import one_step, three_steps

# Far below what a library's retries took (70 s and more), far above what a refused connection takes on a busy machine.
AT_ONCE_SECONDS = 15


@pytest.fixture
def closed_port():
    port = ReservedPort()
    yield port.number
    port.release()


@pytest.mark.parametrize("command", [
    ["list"], ["watch", "018f0000-0000-7000-8000-000000000000"], ["execute", "any"], ["stats"], ["approvals"]],
    ids=lambda command: command[0])
def test_a_server_that_is_not_there_is_said_at_once_with_its_address(binary, closed_port, command):
    url = f"http://127.0.0.1:{closed_port}"
    began = time.monotonic()
    result = binary.run(*command, "--url", url)
    assert result.returncode == 1 and url in result.stderr and "Connection refused" in result.stderr, result
    assert time.monotonic() - began < AT_ONCE_SECONDS


@pytest.mark.parametrize("url, status, reason", [
    ("http://no-such-host.invalid:8000", 1, "resolved"), ("https://127.0.0.1:{port}", 1, "TLS"),
    ("127.0.0.1:{port}", 2, "address"), ("ftp://127.0.0.1", 2, "address"), ("http://", 2, "address"),
    ("", 2, "address")])
def test_an_address_of_another_kind_is_said_in_words(binary, url, status, reason):
    with StandIn({"/": lambda request: answer(request, "[]")}) as plain:
        url = url.format(port=plain.server.server_address[1])
        began = time.monotonic()
        for command in (["list"], ["watch", "018f0000-0000-7000-8000-000000000000"]):
            result = binary.run(*command, "--url", url)
            assert result.returncode == status and reason in result.stderr and url in result.stderr, result
            assert not re.search(r"Error[A-Z(]|NIO\w+Error|HTTPClientError", result.stderr), result
        assert time.monotonic() - began < AT_ONCE_SECONDS


@pytest.mark.parametrize("command", ["watch", "execute"])
def test_a_server_that_is_killed_and_started_again_costs_the_reader_nothing(binary, data_dir, command):
    port = ReservedPort()
    arguments = ["--port", str(port.number)]
    with Server(binary, data_dir, arguments=arguments) as server:
        server.put_workflow(three_steps("slow", ("bench.echo", "bench.sleep", "bench.echo")))
        inputs = data_dir / "inputs.json"
        inputs.write_text('{"value": {"ms": 1500}}')
        if command == "watch":
            given = ["watch", server.execute("slow", {"value": {"ms": 1500}}, wait=None)["execution_id"]]
        else:
            given = ["execute", "slow", "-i", inputs]
        follower = subprocess.Popen(
            [str(part) for part in (binary.path, *given, "--json", "--url", server.url)], stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, text=True)
        lines = [follower.stdout.readline() for _ in range(4)]  # The second step runs.
        server.kill()
    with Server(binary, data_dir, arguments=arguments):
        rest, said = follower.communicate(timeout=60)
    port.release()
    events = [json.loads(line) for line in lines + rest.splitlines()]
    assert follower.returncode == 0, said
    assert [event["sequence"] for event in events] == list(range(1, len(events) + 1))
    assert events[-1]["type"] == "execution_completed"
    assert "lost after event 4" in said and "connected again; going on after event 4" in said, said


def test_a_server_that_does_not_come_back_has_a_status_of_its_own(binary, data_dir):
    with Server(binary, data_dir) as server:
        server.put_workflow(one_step("bench.sleep"))
        execution = server.execute("one-step", {"ms": 600_000}, wait=None)["execution_id"]
        follower = subprocess.Popen(
            [str(part) for part in (binary.path, "watch", execution, "--url", server.url, "--retry-for", "300ms")],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        follower.stdout.readline()
        follower.stdout.readline()
        server.kill()
        _, said = follower.communicate(timeout=30)
    assert follower.returncode == 5, said
    assert server.url in said and f"stepstream watch {execution} --after 2" in said, said


def test_a_faulty_retry_time_is_refused(binary):
    result = binary.run("watch", "018f0000-0000-7000-8000-000000000000", "--retry-for", "soon")
    assert result.returncode == 2 and "--retry-for" in result.stderr, result


def test_watching_what_ended_before_gives_its_outcome(binary, server):
    server.put_workflow(one_step("bench.fail"))
    execution = server.execute("one-step")["execution_id"]
    last = server.events(execution)[-1]["sequence"]
    for after in (last, last + 7):
        result = binary.run("watch", execution, "--after", str(after), "--url", server.url)
        assert result.returncode == 1 and not result.stdout, result
    result = binary.run("watch", execution, "--after", str(last - 1), "--url", server.url)
    assert result.returncode == 1 and len(result.stdout.splitlines()) == 1, result


def test_what_is_in_the_way_of_the_events_is_said_once(binary):
    def event(sequence, kind, final=False):
        body = {"type": kind, "sequence": sequence, "progress": 100 * final, "final": final, "data": {}}
        return f"id: {sequence}\ndata: {json.dumps(body)}\n\n"

    health = {"parts": {"bus": {"status": "degraded", "detail": "no broker\nanswers"}, "gateway": {"status": "ok"}}}
    asked = threading.Semaphore(0)

    def tell_health(request):
        answer(request, json.dumps(health))
        asked.release()

    def tell_events(request):
        def parts():
            yield event(1, "execution_started")
            for _ in range(2):
                yield ": keep-alive\n\n"
                assert asked.acquire(timeout=20)
            yield event(2, "execution_completed", final=True)
        stream(request, parts())

    with StandIn({"/health": tell_health, "/api/v1/workflows/stream": tell_events}) as broken:
        result = binary.run("watch", "018f0000-0000-7000-8000-000000000000", "--url", broken.url)
    assert result.returncode == 0, result
    assert result.stderr.splitlines() == [
        r"stepstream: waiting for events; the server says: bus: no broker\nanswers"], result


def test_names_from_the_command_line_stay_one_segment_of_the_path(binary, server):
    server.put_workflow(three_steps("pass"))
    for name in ("pass/execute#", "pass?x=", "../workflows/pass", "pass%2f", "."):
        result = binary.run("execute", name, "--url", server.url)
        assert result.returncode == 1 and "unknown_workflow" in result.stderr, (name, result)
    result = binary.run("list", "--workflow", "pass&limit=1#", "--url", server.url)
    assert result.returncode == 0 and not result.stdout, result
