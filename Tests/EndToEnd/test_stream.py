"""The stream as a WebSocket client of PyPI sees it."""

import asyncio
import json

import pytest
import websockets

from support import schemas
from support.contract import check_transcript, types
from support.workflows import three_steps

COMPLETED = ["execution_started", *["step_started", "step_completed"] * 3, "execution_completed"]


async def transcript(server, execution, after=None):
    query = "" if after is None else f"?after={after}"
    url = f"{server.websocket_url}/api/v1/workflows/stream/{execution}{query}"
    frames = []
    async with websockets.connect(url) as socket:
        try:
            while True:
                frames.append(await asyncio.wait_for(socket.recv(), 30))
        except TimeoutError:
            health = server.session.get(f"{server.url}/health", timeout=30).json()
            raise AssertionError(f"the stream of {execution} stands still after {frames}: {health}") from None
        except websockets.ConnectionClosed as closed:
            assert closed.rcvd is not None and closed.rcvd.code == 1000, closed
    return frames


@pytest.fixture
def server(shared_server):
    return shared_server


def events_of(frames):
    """The events among the frames, each held against its published schema."""
    return [schemas.check(event) for event in map(json.loads, frames) if not event["type"].startswith("stream_")]


def test_a_client_before_during_and_after_a_run_sees_the_same_bytes(server, new_id):
    server.put_workflow(three_steps(functions=("bench.sleep",) * 3))
    execution = new_id()

    async def scenario():
        before = asyncio.create_task(transcript(server, execution))
        first = asyncio.Event()

        async def during():
            url = f"{server.websocket_url}/api/v1/workflows/stream/{execution}"
            async with websockets.connect(url) as socket:
                async for frame in socket:
                    if json.loads(frame)["type"] == "step_completed":
                        first.set()
                        break
        watcher = asyncio.create_task(during())
        await asyncio.to_thread(server.execute, "three-steps", {"value": {"ms": 50}}, None, execution_id=execution)
        await asyncio.wait_for(first.wait(), 30)
        middle = await transcript(server, execution)
        await watcher
        return await before, middle, await transcript(server, execution)

    before, middle, after = asyncio.run(scenario())
    assert [f for f in before if '"sequence"' in f] == [f for f in middle if '"sequence"' in f] == after
    events = events_of(after)
    check_transcript(events)
    assert types(events) == COMPLETED
    assert [e["data"]["progress"] for e in events if e["type"] == "step_completed"] == [33, 66, 100]


def test_after_n_gives_the_rest_and_the_rest_only(server):
    server.put_workflow(three_steps())
    execution = server.execute("three-steps", {"value": 1})["execution_id"]
    whole = events_of(asyncio.run(transcript(server, execution)))
    for after in (0, 1, 5, 7):
        assert events_of(asyncio.run(transcript(server, execution, after))) == whole[after:]


def test_the_stream_is_what_rest_and_the_journal_say(server):
    server.put_workflow(three_steps())
    execution = server.execute("three-steps", {"value": 1})["execution_id"]
    assert events_of(asyncio.run(transcript(server, execution))) == server.events(execution)


def test_a_failing_first_step_of_three_shows_33_and_fails_the_run(server):
    server.put_workflow(three_steps(functions=("bench.fail", "bench.echo", "bench.echo")))
    answer = server.execute("three-steps", {"value": {"times": 9}})
    assert answer["status"] == "failed"
    events = events_of(asyncio.run(transcript(server, answer["execution_id"])))
    check_transcript(events)
    assert types(events) == ["execution_started", "step_started", "step_failed", "execution_failed"]
    assert events[2]["data"]["progress"] == 33 and events[2]["data"]["status"] == "failed"
    assert events[3]["data"]["progress"] == 0 and events[3]["data"]["error_message"]


@pytest.mark.parametrize("text", ["nonsense", "01970F00-0000-7000-8000-000000000000"])
def test_a_stream_of_no_execution_is_refused_before_the_upgrade(server, text):
    with pytest.raises(websockets.InvalidStatus) as refused:
        asyncio.run(transcript(server, text))
    assert refused.value.response.status_code == 400


def test_a_stream_that_was_read_to_its_end_is_204(server):
    server.put_workflow(three_steps())
    execution = server.execute("three-steps", {"value": 1})["execution_id"]
    url = f"{server.url}/api/v1/workflows/stream/{execution}"
    last = server.events(execution)[-1]["sequence"]
    assert server.session.get(url, headers={"last-event-id": str(last)}, timeout=30).status_code == 204
    assert f"id: {last}" in server.session.get(url, headers={"last-event-id": str(last - 1)}, timeout=30).text


def test_server_sent_events_carry_the_same_bytes(server):
    server.put_workflow(three_steps())
    execution = server.execute("three-steps", {"value": 1})["execution_id"]
    answer = server.session.get(f"{server.url}/api/v1/workflows/stream/{execution}", timeout=30)
    assert answer.headers["content-type"].startswith("text/event-stream")
    data = [line[6:] for line in answer.text.splitlines() if line.startswith("data: ")]
    assert data == asyncio.run(transcript(server, execution))
