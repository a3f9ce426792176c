"""Options that no other test uses: from a file, from a pipe, and wrongly."""

import json
import signal

import pytest

from support import files
from support.approvals import gated
from support.server import Server
from support.workflows import one_step, three_steps


@pytest.fixture
def server(shared_server):
    return shared_server


def lines(result) -> list:
    assert result.returncode == 0, result
    return result.stdout.splitlines()


def refused(result, status, *words) -> None:
    assert result.returncode == status, result
    assert all(word in result.stderr for word in words), result


def test_inputs_come_from_a_file_or_a_pipe(binary, server, tmp_path):
    server.put_workflow(three_steps("options-inputs"))
    command = ["execute", "options-inputs", "--url", server.url, "--output", "-", "--inputs"]
    path = tmp_path / "inputs.json"
    path.write_text('{"value": 7}')
    assert json.loads(binary.run(*command, path).stdout) == 7
    assert json.loads(binary.run(*command, "-", input='{"value": 8}').stdout) == 8
    refused(binary.run(*command, tmp_path / "none.json"), 2, "none.json", "cannot be read")
    refused(binary.run(*command, "-", input='{"value": '), 2, "standard input")


def test_a_key_starts_one_execution_only(binary, server):
    server.put_workflow(one_step("bench.echo", "options-key"))
    command = ["execute", "options-key", "--url", server.url, "-i", "-", "--json", "--key"]

    def started(result):
        return json.loads(lines(result)[0])["execution_id"]

    first = started(binary.run(*command, "once", input="{}"))
    assert started(binary.run(*command, "once", input="{ }")) == first
    assert started(binary.run(*command, "again", input="{}")) != first
    refused(binary.run(*command, "once", input='{"other": 1}'), 2, "idempotency_key_reused")
    refused(binary.run(*command, "", input="{}"), 2, "Idempotency-Key")


def test_a_limit_bounds_lists_of_executions_and_approvals(binary, server):
    server.put_workflow(one_step("bench.echo", "options-limit"))
    for _ in range(3):
        server.execute("options-limit")
    command = ["list", "--url", server.url, "--workflow", "options-limit", "--limit"]
    assert len(lines(binary.run(*command, "2"))) == 2
    assert len(lines(binary.run(*command, "500"))) == 3
    for wrong in ("0", "501", "-1"):
        refused(binary.run("list", "--url", server.url, f"--limit={wrong}"), 2, "limit")
        refused(binary.run("approvals", "--url", server.url, f"--limit={wrong}"), 2, "limit")
    refused(binary.run(*command, "two"), 2, "--limit")


def test_a_reason_stands_in_the_event(binary, server):
    server.put_workflow(gated("options-reason"))
    execution = server.execute("options-reason", {"value": 1}, wait=None)["execution_id"]
    reason = "no longer needed; \u00fc \"quoted\""
    assert binary.run("cancel", execution, "--url", server.url, "--reason", reason).returncode == 0
    events = server.get(f"/api/v1/executions/{execution}/events")["items"]
    assert events[-1]["type"] == "execution_cancelled" and events[-1]["data"]["reason"] == reason
    refused(binary.run("cancel", execution, "--url", server.url, "--reason", "again"), 1, "already_ended")


def test_an_approval_is_named_by_its_identifier(binary, server):
    server.put_workflow(gated("options-approval"))
    execution = server.execute("options-approval", {"value": 1}, wait="2s")["execution_id"]
    approval = server.get("/api/v1/approvals?workflow=options-approval")["items"][0]["approval_id"]
    command = ["approve", execution, "--url", server.url, "--approval-id"]
    refused(binary.run(*command, f"{approval}-not"), 1, "approval")
    # The same vote again is the same vote.
    for _ in range(2):
        assert lines(binary.run(*command, approval))[0].startswith(f"{approval}  granted")
    refused(binary.run("reject", execution, "--url", server.url, "--approval-id", approval), 1, "approval_decided")


def test_an_origin_may_read_from_a_browser(binary, data_dir):
    origin = "https://flows.example"
    with Server(binary, data_dir, arguments=["--cors-origin", origin, "--cors-origin", "http://[::1]:9"]) as server:
        def allowed(name):
            answer = server.session.get(f"{server.url}/health", headers={"origin": name}, timeout=30)
            return answer.headers.get("access-control-allow-origin")
        assert [allowed(name) for name in (origin, "http://[::1]:9", "https://other.example")] == [
            origin, "http://[::1]:9", None]
    for wrong in ("flows.example", "https://flows.example/path", "*", ""):
        result = binary.run("serve", "--port", "0", "--data-dir", data_dir, "--cors-origin", wrong)
        refused(result, 78, "--cors-origin has an empty entry" if wrong == "" else "https://flows.example")


@pytest.mark.parametrize("grace, kinds", [("20s", [files.ATTEMPT_COMPLETED]), ("0s", [])])
def test_the_grace_after_sigterm_is_as_long_as_told(binary, data_dir, grace, kinds):
    with Server(binary, data_dir, arguments=["--stop-grace", grace]) as server:
        server.put_workflow(one_step("bench.sleep", "slow"))
        execution = server.execute("slow", {"ms": 1_500}, wait=None)["execution_id"]
        url = f"{server.url}/api/v1/workflows/stream/{execution}"
        with server.session.get(url, stream=True, timeout=30) as stream:
            next(line for line in stream.iter_lines() if b"step_started" in line)
        server.process.send_signal(signal.SIGTERM)
        assert server.process.wait(timeout=30) == 0, server.log_text()
    assert [record[2] for record in files.attempts(data_dir) if record[2] != files.ATTEMPT_STARTED] == kinds
    refused(binary.run("serve", "--stop-grace", "soon", "--data-dir", data_dir), 78, "--stop-grace", "10s")


def test_bench_reads_the_memory_after_the_seconds_it_is_told(binary):
    command = ["bench", "memory", "--json", "--plugins", binary.plugins]
    figures = json.loads(binary.run(*command, "--idle-seconds", "0").stdout)
    assert figures[0]["name"] == "idle memory (PSS) after 0 s" and figures[0]["value"] > 1
    for wrong in ("--idle-seconds=-1", "--seconds=-1", "--idle-seconds=soon"):
        refused(binary.run(*command, wrong), 2, wrong.split("=")[0])
