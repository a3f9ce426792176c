"""The command line: what it prints in a pipe, and its exit statuses."""

import json
import os
import pathlib
import signal
import subprocess

import pytest
import yaml

from support.contract import check_transcript
from support.workflows import one_step, three_steps

ROOT = pathlib.Path(__file__).resolve().parents[2]


@pytest.fixture
def server(shared_server):
    return shared_server


@pytest.fixture
def write(tmp_path):
    def make(name, content) -> pathlib.Path:
        path = tmp_path / name
        path.write_text(content if isinstance(content, str) else json.dumps(content))
        return path
    return make


def test_run_shows_a_line_per_event_with_the_progress(binary, write):
    result = binary.run("run", write("w.json", three_steps()), "-i", write("i.json", {"value": 1}), "--plugins",
                        binary.plugins)
    assert result.returncode == 0, result
    assert [line.split("%")[0].strip() for line in result.stdout.splitlines()] == [
        "0", "0", "33", "33", "66", "66", "100", "100"]


def test_run_prints_the_events_themselves_with_json(binary, write):
    result = binary.run("run", write("w.json", three_steps()), "-i", write("i.json", {"value": 1}), "--json",
                        "--plugins", binary.plugins)
    check_transcript([json.loads(line) for line in result.stdout.splitlines()])


def test_a_failed_run_exits_1_and_keeps_its_data(binary, write):
    result = binary.run("run", write("w.json", one_step("bench.fail")), "--plugins", binary.plugins)
    assert result.returncode == 1
    kept = pathlib.Path(result.stderr.strip().split()[-1])
    assert (kept / "journal.sqlite").exists()
    subprocess.run(["rm", "-rf", str(kept)], check=True)


def test_a_faulty_definition_exits_2_with_every_position(binary, write):
    path = write("w.yaml", "name: UP\nsteps:\n  - name: a\n    function: bench\n    needs: [b]\n")
    for command in ("validate", "run"):
        result = binary.run(command, path, "--plugins", binary.plugins)
        assert result.returncode == 2, result
        for place in ("w.yaml:1:", "w.yaml:4:", "w.yaml:5:"):
            assert place in result.stderr, result.stderr


def test_inputs_that_do_not_fit_exit_2(binary, write):
    workflow = one_step("bench.echo") | {"inputs": {"type": "object", "required": ["a"]}}
    result = binary.run("run", write("w.json", workflow), "--plugins", binary.plugins)
    assert result.returncode == 2 and "/inputs" in result.stderr


def test_the_demo_definition_is_valid_and_finds_the_real_missing_values(binary, write, tmp_path):
    demo = ROOT / "deploy" / "demo"
    definition = demo / "dataset-review.yaml"
    assert yaml.safe_load(definition.read_text())["name"] == "dataset-review"
    assert binary.run("validate", definition, "--plugins", binary.plugins).returncode == 0
    inputs = write("i.json", {"csv": (demo / "penguins.csv").read_text(),
                              "rules": json.loads((demo / "rules.json").read_text())})
    output = tmp_path / "report.json"
    result = binary.run("run", definition, "-i", inputs, "--output", output, "--plugins", binary.plugins)
    assert result.returncode == 0, result
    report = json.loads(output.read_text())["text"]
    assert "344 rows" in report
    for column, missing in (("bill_length_mm", 2), ("bill_depth_mm", 2), ("flipper_length_mm", 2),
                            ("body_mass_g", 2), ("sex", 11), ("species", 0)):
        row = next(line for line in report.splitlines() if line.startswith(f"| {column} |"))
        assert row.split("|")[3].strip() == str(missing), row


def test_execute_watch_list_show_and_cancel_talk_to_a_server(binary, server, write):
    url = ["--url", server.url]
    server.put_workflow(three_steps())
    server.put_workflow(one_step("bench.sleep", "sleeper"))
    result = binary.run("execute", "three-steps", "-i", write("i.json", {"value": 7}), "--output", "-", *url)
    assert result.returncode == 0, result
    assert result.stdout.splitlines()[-1] == "7"
    execution = result.stderr.split()[1]
    again = binary.run("watch", execution, "--json", *url)
    assert again.returncode == 0
    check_transcript([json.loads(line) for line in again.stdout.splitlines()])
    assert execution in binary.run("list", *url).stdout
    assert "completed" in binary.run("show", execution, *url).stdout
    sleeper = server.execute("sleeper", {"ms": 600_000}, wait=None)["execution_id"]
    assert binary.run("cancel", sleeper, *url).returncode == 0
    assert binary.run("watch", sleeper, *url).returncode == 3
    unknown = binary.run("execute", "nothing", *url)
    assert unknown.returncode == 1 and "unknown_workflow" in unknown.stderr


def test_events_reads_the_topic_beside_a_running_server(binary, server):
    server.put_workflow(three_steps())
    execution = server.execute("three-steps", {"value": 1})["execution_id"]
    result = binary.run("events", "--data-dir", server.data_dir, "--execution", execution)
    assert [json.loads(line) for line in result.stdout.splitlines()] == server.events(execution)


def test_a_wrong_use_exits_2_and_shows_the_right_one(binary):
    for arguments in ([], ["show"], ["list", "--colour"]):
        result = binary.run(*arguments)
        shown = result.stdout if not arguments else result.stderr
        assert (result.returncode, "USAGE: stepstream" in shown or "Usage: stepstream" in shown) == (
            2 if arguments else 0, True), (arguments, result)


def test_wrong_settings_exit_78_all_at_once(binary):
    result = binary.run("serve", "--port", "x", "--bus", "pigeon", env=os.environ | {"STEPSTREAM_LOG_LEVEL": "loud"})
    assert result.returncode == 78
    for word in ("--port", "--bus", "STEPSTREAM_LOG_LEVEL"):
        assert word in result.stderr, result.stderr


def test_print_config_shows_flags_over_environment_over_file(binary, write, tmp_path):
    config = write("s.yaml", "host: 127.0.0.2\nport: 1234\nlog_level: debug\n")
    result = binary.run("serve", "--config", config, "--port", "4321", "--print-config",
                        env=os.environ | {"STEPSTREAM_HOST": "127.0.0.3"})
    shown = json.loads(result.stdout)
    assert (shown["host"], shown["port"], shown["log_level"]) == ("127.0.0.3", 4321, "debug")


def test_listening_beyond_loopback_without_tokens_is_refused(binary, data_dir, write):
    result = binary.run("serve", "--host", "0.0.0.0", "--port", "0", "--data-dir", data_dir)
    assert result.returncode == 78 and "insecure" in result.stderr
    # With every other fault, and not on top of a fault of the tokens.
    result = binary.run("gateway", "--host", "0.0.0.0", "--port", "x", "--data-dir", data_dir)
    assert result.returncode == 78 and "insecure" in result.stderr and "--port" in result.stderr
    result = binary.run("serve", "--host", "0.0.0.0", "--config", write("t.yaml", "tokens: [{name: a}]\n"))
    assert result.returncode == 78 and "insecure" not in result.stderr and "tokens[0]" in result.stderr


@pytest.mark.parametrize("role", [["gateway"], ["metrics"], ["notifier", "run"]])
def test_a_role_takes_the_options_that_it_uses(binary, role):
    result = binary.run(*role, "--help")
    assert "--host" in result.stdout and "--plugins" not in result.stdout and "--stop-grace" not in result.stdout
    assert binary.run(*role, "--plugins", "/tmp").returncode == 2


def test_an_interrupted_watch_leaves_the_execution_alone(binary, server):
    server.put_workflow(one_step("bench.sleep"))
    execution = server.execute("one-step", {"ms": 300}, wait=None)["execution_id"]
    watch = subprocess.Popen([binary.path, "watch", execution, "--url", server.url], stdout=subprocess.PIPE)
    watch.stdout.readline()
    watch.send_signal(signal.SIGINT)
    watch.wait(timeout=10)
    watch.stdout.close()
    server.session.get(f"{server.url}/api/v1/workflows/stream/{execution}", timeout=30)
    assert server.get(f"/api/v1/executions/{execution}")["status"] == "completed"
