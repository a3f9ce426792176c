"""A few executions of every outcome there is."""

import collections

from support.approvals import decide, gated, released
from support.server import Server
from support.workflows import one_step, three_steps

# By workflow: what its executions end as, and how its approval is settled where it asks for one.
WORKFLOWS = {
    "plain": ("completed", None), "failing": ("failed", None), "retrying": ("failed", None),
    "going-on": ("completed", None), "skipping": ("completed", None), "slow": ("cancelled", None),
    "gate-granted": ("completed", "granted"), "gate-rejected": ("failed", "rejected"),
    "gate-expired": ("failed", "expired"), "release-granted": ("completed", "granted"),
    "release-rejected": ("completed", "rejected"), "release-expired": ("completed", "expired"),
}


def definitions() -> list:
    short = {"deadline": "200ms", "on_expiry": "fail"}
    found = [
        three_steps("plain"), three_steps("failing", ("bench.echo", "bench.fail", "bench.echo")),
        one_step("bench.fail", "retrying", retry={"max_attempts": 3, "initial_interval": "1ms"}),
        one_step("bench.fail", "going-on", on_failure="continue"), three_steps("skipping", when="inputs.value > 500"),
        one_step("bench.sleep", "slow"), gated("gate-granted"), gated("gate-rejected"), gated("gate-expired", **short),
        released("release-granted"), released("release-rejected"), released("release-expired", **short)]
    assert [definition["name"] for definition in found] == list(WORKFLOWS)
    return found


def run_all(server: Server, rounds=1, stream: Server = None) -> dict:
    """Runs each workflow so often, to the end of its executions on the stream, which may be another role's; gives
    workflow → executions."""
    stream = stream or server
    executions = collections.defaultdict(list)
    for definition in definitions():
        server.put_workflow(definition)
    for _ in range(rounds):
        for name, (status, settled) in WORKFLOWS.items():
            started = server.execute(name, {"value": 1, "times": 9, "ms": 60_000}, wait=None)
            executions[name].append(started["execution_id"])
    for name, (status, settled) in WORKFLOWS.items():
        for execution in executions[name]:
            if status == "cancelled":
                answer = server.session.post(f"{server.url}/api/v1/executions/{execution}/cancel", timeout=30)
                assert answer.status_code in (200, 202), answer.text
            elif settled in ("granted", "rejected"):
                # A release is asked for just before its execution completes.
                follow(stream, execution, '"type":"approval_requested"')
                answer = decide(server.session, server.url, execution, "approve" if settled == "granted" else "reject")
                assert answer.status_code == 200, answer.text
            follow(stream, execution)
            report = server.get(f"/api/v1/executions/{execution}")
            assert report["status"] == status, report
            assert [approval["status"] for approval in report["approvals"]] == ([settled] if settled else []), report
    return executions


def follow(server: Server, execution: str, until='"final":true') -> None:
    """Reads the stream until such an event."""
    with server.session.get(f"{server.url}/api/v1/workflows/stream/{execution}", stream=True, timeout=60) as answer:
        assert any(until in line for line in answer.iter_lines(decode_unicode=True)), f"{execution}: no {until}"
