"""Options that no other test uses: from a file, from a pipe, and wrongly."""

import json
import os
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
    for key in ("", "a\nb", "é", "k" * 257):
        refused(binary.run(*command, key, input="{}"), 2, "--key is ")


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


def written(path, definition):
    path.write_text(json.dumps(definition))
    return path


def executions(server, workflow) -> int:
    return len(server.get(f"/api/v1/executions?workflow={workflow}")["items"])


def test_flags_are_checked_before_anything_is_started(binary, server, tmp_path):
    server.put_workflow(one_step("bench.echo", "options-first"))
    command = ["execute", "options-first", "--url", server.url]
    refused(binary.run(*command, "--retry-for", "bad"), 2, "--retry-for")
    for output, reason in (("/nonexistent/x", "No such file"), (tmp_path, "Is a directory"), ("", "is empty")):
        refused(binary.run(*command, "--output", output), 2, "--output: ", reason)
        refused(binary.run("run", written(tmp_path / "w.json", one_step("bench.echo")), "--output", output,
                           "--plugins", binary.plugins), 2, "--output: ", reason)
    assert executions(server, "options-first") == 0
    refused(binary.run("execute", "", "--url", server.url), 2, "name is empty")


def test_an_option_is_given_once(binary, server):
    for arguments, name in ((["execute", "a", "-i", "-", "--inputs=x"], "--inputs"),
                            (["list", "--limit", "1", "--limit=2"], "--limit"),
                            (["serve", "--port", "1", "--port", "2", "--print-config"], "--port")):
        refused(binary.run(*arguments), 2, f"{name} may be given once only")
    lines(binary.run("serve", "--cors-origin", "http://a", "--cors-origin", "http://b", "--print-config"))


@pytest.mark.parametrize("url", [
    "http://127.0.0.1:99999", "http://127.0.0.1:0", "http://127.0.0.1:", "http://", "ftp://a", "http://a b", "",
    "http://a/?b"])
def test_an_address_that_cannot_be_is_refused_with_its_source(binary, url):
    refused(binary.run("list", "--url", url), 2, f'--url is "{url}"')
    refused(binary.run("list", env=os.environ | {"STEPSTREAM_URL": url}), 2, f'STEPSTREAM_URL is "{url}"')


def test_what_is_no_token_is_said_of_the_file(binary, tmp_path):
    path = tmp_path / "token"
    path.write_text("one\ntwo\n")
    refused(binary.run("list", "--token-file", path), 2, "--token-file: ", "holds no token")
    refused(binary.run("list", "--token-file", ""), 2, "--token-file is empty")
    refused(binary.run("list", env=os.environ | {"STEPSTREAM_TOKEN_FILE": ""}), 2, "STEPSTREAM_TOKEN_FILE is empty")


def test_inputs_are_an_object_everywhere(binary, server, tmp_path):
    server.put_workflow(one_step("bench.echo", "options-object"))
    file = written(tmp_path / "w.json", one_step("bench.echo"))
    for command in (["execute", "options-object", "--url", server.url], ["run", file, "--plugins", binary.plugins]):
        for inputs in ("[1]", "1", "null"):
            refused(binary.run(*command, "-i", "-", input=inputs), 2, "the inputs are an object")
        refused(binary.run(*command, "-i", ""), 2, "--inputs is empty")
    refused(binary.run("run", "-", "-i", "-", input="{}"), 2, "both standard input")


def test_a_revision_that_is_not_there_is_said(binary, server):
    server.put_workflow(one_step("bench.echo", "options-revision"))
    refused(binary.run("workflow", "show", "options-revision", "--revision", "99", "--url", server.url), 1,
            "has no revision 99; the newest is 1")


def test_plugins_come_from_the_settings_too(binary, tmp_path):
    file = written(tmp_path / "w.json", one_step("bench.echo"))
    (tmp_path / "bad").mkdir()
    (tmp_path / "bad" / "bench.so").write_text("no plugin")
    bad = os.environ | {"STEPSTREAM_PLUGINS": str(tmp_path / "bad")}
    for command in (["validate", file], ["run", file]):
        assert binary.run(*command, env=os.environ | {"STEPSTREAM_PLUGINS": str(binary.plugins)}).returncode == 0
        refused(binary.run(*command, env=bad), 2, "no plugin offers 'bench.echo'")
    refused(binary.run("validate", file, env=bad), 2, "bench.so does not load: ")
    (tmp_path / "stepstream.yaml").write_text(f"plugins: [{tmp_path / 'bad'}]\n")
    refused(binary.run("validate", file, cwd=tmp_path), 2, "bench.so does not load: ")


def test_run_tells_the_faults_that_there_are(binary, tmp_path):
    file = written(tmp_path / "w.json", one_step("bench.echo") | {"output": "${{ 1 + }}"})
    result = binary.run("run", file, "--plugins", binary.plugins)
    refused(result, 2, "1 fault\n", "invalid_expression")


def test_a_value_that_nests_too_deep_fails_and_can_be_read(binary, server):
    output = "${{ inputs.v }}"
    for _ in range(25):
        output = {"k": output}
    value = 1
    for _ in range(60):
        value = [value]
    server.put_workflow(one_step("bench.echo", "options-deep") | {"output": output})
    execution = server.execute("options-deep", {"v": value})["execution_id"]
    report = server.get(f"/api/v1/executions/{execution}")
    assert report["status"] == "failed" and report["error"]["code"] == "expression_error", report
