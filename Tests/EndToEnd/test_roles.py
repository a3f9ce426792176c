"""Each role as a process of its own: the gateway beside the orchestrator gives the same streams."""

import asyncio
import json

import requests

import pytest

from support.broker import ReservedPort
from support.contract import check_transcript
from support.kafka import role
from support.server import Server
from support.waiting import wait_until
from support.workflows import three_steps
from test_stream import events_of, transcript


def test_a_gateway_of_its_own_gives_the_same_streams(binary, data_dir, new_id):
    with Server(binary, data_dir, role="gateway") as gateway:  # before there is anything to read
        with Server(binary, data_dir, role="orchestrator") as orchestrator:
            orchestrator.put_workflow(three_steps(functions=("bench.sleep",) * 3))
            execution = new_id()

            async def scenario():
                before = asyncio.create_task(transcript(gateway, execution))
                started = await asyncio.to_thread(
                    orchestrator.execute, "three-steps", {"value": {"ms": 30}}, None, execution_id=execution)
                assert started["execution_id"] == execution
                during = await transcript(gateway, execution)
                return await before, during, await transcript(gateway, execution, 3)

            before, during, rest = asyncio.run(scenario())
            events = events_of(before)
            check_transcript(events)
            assert events_of(during) == events and events_of(rest) == events[3:]
            assert events == orchestrator.events(execution)
            assert orchestrator.stop() == 0
        # The topic is still there when the orchestrator is not.
        assert events_of(asyncio.run(transcript(gateway, execution))) == events


def test_a_gateway_goes_on_over_a_restart_of_the_orchestrator(binary, data_dir):
    with Server(binary, data_dir, role="orchestrator") as first:
        first.put_workflow(three_steps())
        with Server(binary, data_dir, role="gateway") as gateway:
            one = first.execute("three-steps", {"value": 1})["execution_id"]
            assert len(events_of(asyncio.run(transcript(gateway, one)))) == 8
            first.kill()
            with Server(binary, data_dir, role="orchestrator") as second:
                two = second.execute("three-steps", {"value": 2})["execution_id"]
                assert len(events_of(asyncio.run(transcript(gateway, two)))) == 8
                assert len(events_of(asyncio.run(transcript(gateway, one)))) == 8


@pytest.fixture
def no_broker():
    """An address where nobody listens."""
    port = ReservedPort()
    yield f"127.0.0.1:{port.number}"
    port.release()


def readiness(server) -> tuple:
    answer = requests.get(server.url + "/health/ready", timeout=10)
    return answer.status_code, answer.json()


@pytest.mark.parametrize("name, status", [("serve", 200), ("orchestrator", 200), ("gateway", 503), ("metrics", 503)])
def test_without_a_broker_what_takes_executions_is_ready_and_what_follows_them_is_not(
        binary, data_dir, no_broker, name, status):
    with role(binary, data_dir, no_broker, role=name) as server:
        code, health = readiness(server)
        assert code == status and health["ready"] is (status == 200), json.dumps(health)
        if name == "serve":
            assert {part for part, of in health["parts"].items() if of["status"] != "ok"} >= {"gateway", "metrics"}
            server.put_workflow(three_steps())
            assert server.execute("three-steps", {"value": 1})["status"] == "completed"


def test_every_role_says_how_it_is(binary, data_dir):
    with Server(binary, data_dir, role="orchestrator") as orchestrator:
        with Server(binary, data_dir, role="gateway") as gateway:
            # It listens before it has found the topic.
            wait_until("the gateway is ready", lambda: readiness(gateway)[0] == 200)
            for server in (orchestrator, gateway):
                health = server.get("/health")
                assert health["status"] == "ok" and health["role"] == server.role, json.dumps(health)
                assert server.get("/health/ready")["ready"] is True
                assert requests.get(server.url + "/metrics", timeout=10).status_code == 200
