"""What clients may cost the server: memory stays bounded whatever they send, and others are served meanwhile."""

import concurrent.futures
import json

import pytest
import requests

from support.raw import Raw, memory, ping
from support.server import Server
from support.tokens import Callers
from support.waiting import wait_until
from support.workflows import one_step

MEMORY_MAX = 256 << 20


def test_a_client_that_pings_and_does_not_read_is_held_back(server, new_id):
    with Raw(server.url) as client:
        assert client.upgrade(f"/api/v1/workflows/stream/{new_id()}").status == 101
        pings = ping(b"x" * 100) * 600
        taken = client.send_until_held_back(pings, 200 << 20)
        assert taken < 200 << 20, "the server read on although nobody took its answers"
        assert memory(server.pid) <= MEMORY_MAX
        # Now it reads, and the newest of its pings is answered.
        client.send_rest_reading(ping(b"last"))
        while (frame := client.frame()) != (10, b"last"):
            # A slow machine takes long enough for a ping of the server's own.
            assert frame in [(10, b"x" * 100), (9, b"")]
    assert server.get("/health")["status"] == "ok"


UPGRADE = {"connection": "Upgrade", "upgrade": "h2c"}


@pytest.mark.parametrize("method, target, headers, status", [
    ("CONNECT", "localhost:1", {}, 501),
    ("GET", "/health", UPGRADE, 200),
], ids=["connect", "upgrade"])
def test_bytes_after_a_tunnel_that_is_not_opened_are_dropped(server, method, target, headers, status):
    with Raw(server.url) as client:
        client.request(method, target, headers)
        answer = client.answer()
        assert answer.status == status and answer.headers["connection"].startswith("close")
        assert client.send_until_reset(b"x" * (1 << 20)) is None, "the server read on long after its answer"
    assert memory(server.pid) <= MEMORY_MAX


def test_bytes_after_an_upgrade_that_is_not_made_are_dropped_while_the_answer_is_awaited(server, new_id):
    server.put_workflow({"name": "gate", "deliverable_type": "test", "steps": [
        {"name": "wait", "approval": {"approvers": ["somebody"]}}]})
    execution = new_id()
    with Raw(server.url) as client:
        before = memory(server.pid)
        client.request("POST", "/api/v1/workflows/gate/execute?wait=60s",
                       {"content-type": "application/json", **UPGRADE},
                       json.dumps({"execution_id": execution}).encode())
        sent = client.send_until_reset(b"x" * (1 << 20), 128 << 20, within=50)
        assert sent == 128 << 20, "the server reset the connection, or read nothing"
        assert memory(server.pid) - before <= 32 << 20
        assert server.session.post(f"{server.url}/api/v1/executions/{execution}/cancel").status_code == 200
        answer = client.answer()
        assert answer.status == 200 and json.loads(answer.body)["status"] == "cancelled"


def at_once(count, call):
    """Calls `call(number)` that many times at once; gives the answers."""
    with concurrent.futures.ThreadPoolExecutor(count) as pool:
        return list(pool.map(call, range(count)))


# What a body is made of decides how much larger than its bytes it becomes.
BODIES = {
    "text": json.dumps("x" * 3_900_000),
    "numbers": "[" + ",".join(["1"] * 1_950_000) + "]",
    "objects": "[" + ",".join(['{"a":1}'] * 480_000) + "]",
}


@pytest.mark.parametrize("kind", BODIES)
def test_large_votes_of_somebody_without_a_role_are_refused_by_their_length(binary, data_dir, tmp_path, new_id, kind):
    callers = Callers(tmp_path / "callers", {"eve": {}})
    body = f'{{"decision":"approve","form":{BODIES[kind]}}}'
    with Server(binary, data_dir, arguments=callers.arguments) as server:
        def vote(_):
            return callers.session("eve").post(
                f"{server.url}/api/v1/executions/{new_id()}/approval", data=body, timeout=60,
                headers={"content-type": "application/json"})
        for answer in at_once(30, vote):
            assert answer.status_code == 413 and answer.json()["limit_bytes"] == 128 << 10, answer.text
        assert memory(server.pid) <= MEMORY_MAX


@pytest.mark.parametrize("kind", BODIES)
def test_more_starts_than_there_is_memory_for_are_asked_to_come_again(binary, data_dir, kind):
    body = f'{{"inputs":{{"value":{BODIES[kind]}}}}}'
    with Server(binary, data_dir) as server:
        server.put_workflow(one_step("bench.echo"))

        def start(_):
            return requests.post(
                f"{server.url}/api/v1/workflows/one-step/execute", data=body, timeout=120,
                headers={"content-type": "application/json"})
        answers = at_once(40, start)
        refused = [answer for answer in answers if answer.status_code != 200]
        assert len(refused) < 40
        for answer in refused:
            assert answer.status_code == 429 and answer.json()["code"] == "too_many_bytes", answer.text
            assert answer.headers["retry-after"] == "1"
        print(f"{len(refused)} refused, {memory(server.pid) >> 20} MiB at the most")
        assert memory(server.pid) <= MEMORY_MAX
        # Whoever comes again is served, and the memory is given back.
        def served():
            answer = start(0)
            return None if answer.status_code == 429 else answer
        answer = wait_until("a start is served", served)
        assert answer.status_code == 200, answer.text
