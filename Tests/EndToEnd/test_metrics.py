"""The metrics role: every counter is a recount of the topic, whatever was killed; both text formats are valid."""

import concurrent.futures
import json
import math
import random
import subprocess

import jsonschema
import requests

from support import files, topic
from support.approvals import decide, gated, released
from support.kafka import Load, arguments, role, wait_until_published, wait_until_said
from support.notifier import Settings, webhook
from support.recount import assert_equal, counted, distinct, scrape
from support.server import Server
from support.waiting import wait_until
from support.workflows import one_step, three_steps

KILLS, KILLS_LONG = 10, 100


def of_topic(data_dir) -> list:
    return [json.loads(value) for _, _, value in files.topic_events(data_dir)]


def of_kafka(address) -> list:
    return [record.event for record in topic.read(address)]


def wait_until_counted(metrics: Server, count: int) -> dict:
    """The samples once the role has counted so many records, which it commits some tenths of a second later."""
    return wait_until(f"{count} records are counted",
                      lambda: samples if counted(samples := scrape(metrics)) >= count else None)


def run_every_outcome(server: Server) -> None:
    """Runs that complete, fail, retry, skip, are cancelled, and wait for approvals that end in every way or not."""
    ways = [
        (three_steps("completed"), {"value": 1}),
        (three_steps("failed", ("bench.echo", "bench.fail", "bench.echo")), {"value": {}}),
        (one_step("bench.fail", "retried", retry={"max_attempts": 3, "initial_interval": "1ms"}), {"times": 2}),
        (three_steps("skipped", when="inputs.value > 1"), {"value": 1}),
        (one_step("bench.fail", "continued", on_failure="continue"), {}),
        (one_step("bench.echo", "no-output") | {"output": "${{ inputs.none }}"}, {}),
    ]
    for definition, inputs in ways:
        server.put_workflow(definition)
        server.execute(definition["name"], inputs)
    server.put_workflow(one_step("bench.sleep", "cancelled"))
    execution = server.execute("cancelled", {"ms": 600_000}, wait=None)["execution_id"]
    server.session.post(f"{server.url}/api/v1/executions/{execution}/cancel", json={"reason": "enough"}, timeout=30)
    server.session.get(f"{server.url}/api/v1/workflows/stream/{execution}", timeout=30)
    server.put_workflow(gated(deadline="300ms", remind_every="100ms", escalate_to=["boss"], on_expiry="escalate"))
    server.execute("gated", wait="10s")
    server.put_workflow(gated("held", deadline="2h"))
    server.put_workflow(released())
    server.put_workflow(released("rushed", deadline="50ms"))
    server.execute("rushed", {"value": 1}, wait="1s")
    for name in ("held", "released"):
        for decision in ("approve", "reject", None):
            execution = server.execute(name, {"value": 1}, wait="1s")["execution_id"]
            assert not decision or decide(server.session, server.url, execution, decision).status_code == 200


def promtool(text: str) -> None:
    result = subprocess.run(["promtool", "check", "metrics"], input=text, text=True, capture_output=True)
    assert result.returncode == 0 and not result.stderr, result.stderr


def kill_at_seeded_moments(make, load: Load, kills: int, rng) -> int:
    """Starts the role and kills it, over and over, while executions go on; gives how often it had counted more."""
    before, moved = 0, 0
    for _ in range(kills):
        metrics = make().start()
        # Between a kill right after the start and one in the middle of counting.
        if rng.random() < 0.8:
            load.wait_for_more(rng.randint(5, 40))
            now = counted(scrape(metrics))
            assert now >= before, f"{now} records are counted after a restart, {before} were"
            moved += now > before
            before = now
        metrics.kill()
        metrics.__exit__()
    return moved


def kill_everybody(binary, data_dir, rounds: int, seed: int) -> list:
    """Starts the roles and kills all of them, in any order and while executions go on; gives the executions."""
    rng, accepted = random.Random(seed), []
    # A channel, since without one the notifier follows nothing.
    settings = Settings(data_dir.parent / "settings", [webhook("one", "http://127.0.0.1:9/")])
    for number in range(rounds):
        everybody = [Server(binary, data_dir, role=name, arguments=settings.arguments).start()
                     for name in ("orchestrator", "gateway", "metrics", "notifier")]
        run = Load(everybody[0], "three-steps", seed + number)
        run.wait_for_more(rng.randint(10, 60))
        for process in rng.sample(everybody, len(everybody)):
            process.kill()
            process.__exit__()
        accepted += run.stop()
    return accepted


def test_after_kills_every_counter_is_a_recount_of_the_topic(binary, data_dir, seed, is_long):
    rng, kills = random.Random(seed), KILLS_LONG if is_long else KILLS

    def metrics_role() -> Server:
        return Server(binary, data_dir, role="metrics")

    with Server(binary, data_dir, role="orchestrator") as orchestrator:
        orchestrator.put_workflow(three_steps())
        run = Load(orchestrator, "three-steps", seed)
        outcomes = concurrent.futures.ThreadPoolExecutor(1).submit(run_every_outcome, orchestrator)
        assert kill_at_seeded_moments(metrics_role, run, kills, rng) >= kills // 3
        outcomes.result(timeout=120)
        wait_until_ended_here(data_dir, run.stop())
        assert orchestrator.stop() == 0
    accepted = kill_everybody(binary, data_dir, max(3, kills // 4), seed)
    with Server(binary, data_dir, role="orchestrator") as orchestrator:
        wait_until_ended_here(data_dir, accepted)
        assert orchestrator.stop() == 0
    events = of_topic(data_dir)
    with metrics_role() as metrics:
        samples = wait_until_counted(metrics, len(events))
        compared = assert_equal(samples, events)
        check_statistics(metrics, events)
        assert metrics.get("/health/ready")["ready"] is True
        assert metrics.stop() == 0
    print(f"{kills} kills, {len(events)} events, {compared} samples equal the recount")
    # Without its store everything is counted again, to the same numbers.
    for path in (data_dir / "groups" / "stores").glob("metrics.*"):
        path.unlink()
    with metrics_role() as metrics:
        again = wait_until_counted(metrics, len(events))
        assert assert_equal(again, events) == compared


def wait_until_ended_here(data_dir, executions) -> None:
    """Those of the load end on the topic; those that wait for approval stay open."""
    wait_until("the executions end", lambda: not files.open_executions(data_dir) & set(executions))


def check_statistics(server: Server, events: list) -> None:
    """The last hour's runs and error codes are those of the topic; the answer fits what is published of it."""
    statistics = server.get("/api/v1/statistics")
    assert statistics["lag_events"] == 0
    hour = statistics["windows"][0]
    assert hour["window"] == "1h"
    ends = [event for event in distinct(events) if event["type"] in
            ("execution_completed", "execution_failed", "execution_cancelled")]
    shown = {item["workflow"]: item for item in hour["workflows"]}
    assert shown.keys() == {event["workflow"] for event in ends}
    for name, item in shown.items():
        kinds = [event["type"][10:] for event in ends if event["workflow"] == name]
        assert [item["completed"], item["failed"], item["cancelled"]] == [
            kinds.count(kind) for kind in ("completed", "failed", "cancelled")], item
        decided = item["completed"] + item["failed"]
        assert item["success_rate"] == (item["completed"] / decided if decided else None)
        assert (item["duration_ms"] is None) == (item["completed"] == 0)
        if item["duration_ms"]:
            assert 0 < item["duration_ms"]["p50"] <= item["duration_ms"]["p95"] <= item["duration_ms"]["p99"]
    codes = [event["data"]["error_code"] for event in distinct(events)
             if event["type"] in ("step_failed", "step_retrying")
             or event["type"] == "execution_failed" and event["data"]["failed_step"] is None]
    assert {item["code"]: item["count"] for item in hour["error_codes"]} == {code: codes.count(code) for code in codes}
    slowest = [item["duration_ms"]["p95"] for item in hour["slowest_steps"]]
    assert slowest == sorted(slowest, reverse=True) and 0 < len(slowest) <= 10


def test_serve_shows_each_family_once_and_promtool_finds_no_fault(server, binary):
    run_every_outcome(server)
    # The relay may publish after an answer: the journal knows how many there will be.
    samples = wait_until_counted(server, len(files.journal_events(server.data_dir)))
    assert_equal(samples, of_topic(server.data_dir))
    names = {name for name, _ in samples}
    assert {"stepstream_relay_backlog_events", "stepstream_hosting_hosts", "stepstream_gateway_clients"} <= names
    promtool(requests.get(server.url + "/metrics", timeout=30).text)
    document = server.get("/openapi.json")
    schema = {"$ref": "#/components/schemas/Statistics", "components": document["components"]}
    jsonschema.Draft202012Validator(schema).validate(server.get("/api/v1/statistics"))
    printed = binary.run("stats", "--url", server.url, "--json")
    assert printed.returncode == 0 and json.loads(printed.stdout)["windows"][2]["window"] == "7d"
    table = binary.run("stats", "--url", server.url)
    assert table.returncode == 0, table.stderr
    rows = [line.split() for line in table.stdout.splitlines()]
    assert ["completed", "1", "100", "%", "0", "0"] in [row[:6] for row in rows], table.stdout
    assert any(row[:3] == ["failed", "/", "two"] for row in rows), table.stdout


def test_many_executions_add_no_series(server):
    server.put_workflow(one_step("bench.noop"))
    inputs = {"id": "1", "customer": "c", "quantity": 1, "amount": 1.5, "note": "n"}

    def start(_):
        answer = requests.post(
            f"{server.url}/api/v1/workflows/one-step/execute?wait=30s", json={"inputs": inputs}, timeout=60)
        assert answer.json()["status"] == "completed", answer.text

    for count in (20, 2_000):
        with concurrent.futures.ThreadPoolExecutor(16) as pool:
            list(pool.map(start, range(count)))
        samples = wait_until_counted(server, len(files.journal_events(server.data_dir)))
        if count == 20:
            before = {key for key in samples if not key[0].startswith("stepstream_hosting_")}
    after = {key for key in samples if not key[0].startswith("stepstream_hosting_")}
    assert after == before, sorted(map(str, after ^ before))[:5]
    labels = frozenset({("workflow", "one-step"), ("status", "completed")})
    assert samples["stepstream_executions_finished_total", labels] == 2_020


def test_a_second_aggregator_takes_over_when_the_first_is_killed(binary, data_dir):
    with Server(binary, data_dir, role="orchestrator") as orchestrator:
        orchestrator.put_workflow(three_steps())
        orchestrator.execute("three-steps", {"value": 1})
        first = Server(binary, data_dir, role="metrics").start()
        wait_until_counted(first, 8)
        with Server(binary, data_dir, role="metrics") as second:
            health = second.session.get(second.url + "/health/ready", timeout=10)
            assert health.status_code == 503
            first.kill()
            first.__exit__()
            orchestrator.execute("three-steps", {"value": 2})
            assert_equal(wait_until_counted(second, 16), of_topic(data_dir))


def test_on_a_broker_copies_are_counted_once_and_kills_change_nothing(binary, data_dir, broker, seed, is_long):
    rng, kills = random.Random(seed), KILLS_LONG if is_long else KILLS

    def metrics_role() -> Server:
        return role(binary, data_dir, broker.address, role="metrics")

    with role(binary, data_dir, broker.address, role="orchestrator") as orchestrator:
        orchestrator.put_workflow(three_steps())
        run = Load(orchestrator, "three-steps", seed)
        outcomes = concurrent.futures.ThreadPoolExecutor(1).submit(run_every_outcome, orchestrator)
        assert kill_at_seeded_moments(metrics_role, run, kills, rng) >= kills // 3
        outcomes.result(timeout=120)
        wait_until_ended_here(data_dir, run.stop())
        wait_until_published(broker.address, data_dir)
        assert orchestrator.stop() == 0
    metrics = metrics_role().start()
    # Half of everything once more, by hand, with the role killed in the middle of it.
    last = max(position for position, *_ in files.attempts(data_dir))
    again = binary.run(
        "republish", "--data-dir", data_dir, "--from", str(last // 2), *arguments(data_dir, broker.address))
    assert again.returncode == 0, again.stderr
    metrics.kill()
    metrics.__exit__()
    events = of_kafka(broker.address)
    copies = len(events) - len(distinct(events))
    assert copies > 50
    with metrics_role() as metrics:
        samples = wait_until_counted(metrics, len(events))
        compared = assert_equal(samples, events)
        # The broker goes: the role stays up, shows what it counted, and says that it cannot know the lag.
        assert samples["stepstream_metrics_lag_events", frozenset()] == 0
        broker.stop()
        away = scrape(metrics)
        assert math.isnan(away["stepstream_metrics_lag_events", frozenset()])
        assert away["stepstream_metrics_lag_seconds", frozenset()] > 0
        assert_equal(away, events)
        wait_until_said(metrics, '"degraded"')
        # It comes back, and counting goes on.
        broker.start()
        with role(binary, data_dir, broker.address, role="orchestrator") as orchestrator:
            orchestrator.execute("three-steps", {"value": 1})
            wait_until_published(broker.address, data_dir)
        events = of_kafka(broker.address)
        assert_equal(wait_until_counted(metrics, len(events)), events)
    print(f"{kills} kills, {len(events)} records, {copies} of them copies; {compared} samples equal the recount")
    for path in (data_dir / "groups" / "stores").glob("metrics.*"):
        path.unlink()
    with metrics_role() as metrics:
        assert assert_equal(wait_until_counted(metrics, len(events)), events) == compared
