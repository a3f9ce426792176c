"""Plugins that are missing or broken get a plain message; the others load."""

import json
import pathlib
import shutil
import subprocess

import pytest

from support.server import Server
from support.workflows import one_step

ROOT = pathlib.Path(__file__).resolve().parents[2]


@pytest.fixture
def mixed(binary, tmp_path):
    """One good plugin among broken files."""
    directory = tmp_path / "plugins"
    directory.mkdir()
    tmp_path.chmod(0o755)
    good = (binary.plugins / "bench.so").read_bytes()
    shutil.copy(binary.plugins / "bench.so", directory / "bench.so")
    (directory / "text.so").write_text("not a plugin\n")
    (directory / "empty.so").write_bytes(b"")
    (directory / "truncated.so").write_bytes(good[: len(good) // 2])
    arm = bytearray(good)
    arm[18:20] = (183).to_bytes(2, "little")  # e_machine: AArch64
    (directory / "arm.so").write_bytes(arm)
    return directory


def test_broken_plugins_are_named_and_the_others_load(binary, data_dir, mixed):
    with Server(binary, data_dir, plugins=[mixed]) as server:
        answer = server.get("/api/v1/functions")
        assert [item["plugin"] for item in answer["items"]] == ["bench"]
        failures = {failure["path"].rsplit("/", 1)[1]: failure["message"] for failure in answer["failures"]}
        assert set(failures) == {"text.so", "empty.so", "truncated.so", "arm.so"}
        assert "arm64" in failures["arm.so"], failures
        assert server.get("/health")["status"] == "degraded"
        server.put_workflow(one_step("bench.echo"))
        assert server.execute("one-step", {})["status"] == "completed"


def test_an_execution_keeps_the_build_it_began_with(binary, data_dir, tmp_path):
    directory = tmp_path / "plugins"
    directory.mkdir()
    tmp_path.chmod(0o755)
    shutil.copy(binary.plugins / "bench.so", directory / "bench.so")
    with Server(binary, data_dir, plugins=[directory]) as server:
        server.put_workflow({"name": "pinned", "deliverable_type": "test", "steps": [
            {"name": "wait", "function": "bench.sleep", "with": {"ms": 2_000}},
            {"name": "after", "function": "bench.echo", "with": {}}]})
        execution = server.execute("pinned", wait=None)["execution_id"]
        server.kill()
    # The file is replaced by another build: one more byte behind the ELF image is another hash.
    replaced = directory / "bench.so.new"
    replaced.write_bytes((binary.plugins / "bench.so").read_bytes() + b"\0")
    replaced.rename(directory / "bench.so")
    with Server(binary, data_dir, plugins=[directory]) as server:
        server.session.get(f"{server.url}/api/v1/workflows/stream/{execution}", timeout=60)
        report = server.get(f"/api/v1/executions/{execution}")
        current = server.get("/api/v1/functions")["items"][0]["sha256"]
        assert report["status"] == "completed" and report["plugins"]["bench"] != current


def test_a_plugin_that_is_gone_refuses_the_start_in_plain_words(binary, data_dir, tmp_path):
    with Server(binary, data_dir) as server:
        server.put_workflow(one_step("bench.echo"))
    empty = tmp_path / "none"
    empty.mkdir()
    with Server(binary, data_dir, plugins=[empty]) as server:
        answer = server.session.post(f"{server.url}/api/v1/workflows/one-step/execute", json={"inputs": {}})
        assert answer.status_code == 503 and answer.json()["code"] == "function_unavailable"
        assert "bench.echo" in answer.json()["faults"][0]["message"]


@pytest.fixture
def granted(tmp_path):
    """A plugin that asks for secrets, and the settings that grant it one."""
    tmp_path.chmod(0o755)
    directory = tmp_path / "plugins"
    directory.mkdir()
    subprocess.run(
        ["cc", "-std=c11", "-D_GNU_SOURCE", "-shared", "-fPIC", "-I", ROOT / "Sources/StepABI/include",
         '-DFIXTURE_NAME="secrets"', ROOT / "Tests/HostilePlugins/secrets.c", "-o", directory / "secrets.so"], check=True)
    secret = tmp_path / "api-key"
    secret.write_text("open sesame\n")
    settings = tmp_path / "stepstream.yaml"
    settings.write_text(json.dumps({"plugin_secret_files": {"secrets": {"api_key": str(secret)}}}))
    return directory, secret, settings


def test_a_plugin_gets_its_secret_and_no_one_else_sees_it(binary, data_dir, granted):
    directory, _, settings = granted
    with Server(binary, data_dir, plugins=[directory], arguments=["--config", settings]) as server:
        server.put_workflow(one_step("secrets.act", **{"with": "${{ 'api_key' }}"}))
        execution = server.execute("one-step", {})["execution_id"]
        assert server.get(f"/api/v1/executions/{execution}")["steps"][0]["output"] == [0, "open sesame"]
        server.put_workflow(one_step("secrets.tells", **{"with": "${{ 'api_key' }}"}))
        execution = server.execute("one-step", {})["execution_id"]
        report, events = server.get(f"/api/v1/executions/{execution}"), server.events(execution)
        assert report["status"] == "failed" and "it is ***, ***" in json.dumps(events)
        assert "sesame" not in json.dumps([report, events])
        metrics = server.session.get(server.url + "/metrics", timeout=30).text
        assert 'stepstream_hosting_secret_requests_total{answer="given"} 2' in metrics


def test_secrets_that_cannot_be_read_stop_the_orchestrator_alone(binary, data_dir, tmp_path, granted):
    _, secret, settings = granted
    settings.write_text(json.dumps({"plugin_secret_files": {
        "secrets": {"api_key": str(secret), "gone": "/nowhere", "short": str(tmp_path / "short")}}}))
    (tmp_path / "short").write_text("abc\n")
    arguments = ["--config", settings, "--data-dir", data_dir]
    answer = binary.run("orchestrator", *arguments)
    assert answer.returncode == 78, answer.stderr
    assert "secrets.gone: /nowhere cannot be read" in answer.stderr and "secrets.short" in answer.stderr
    assert "holds 3 bytes" in answer.stderr and "sesame" not in answer.stderr
    assert binary.run("orchestrator", "--print-config", *arguments).stderr == answer.stderr
    shown = json.loads(binary.run("gateway", "--print-config", *arguments).stdout)
    assert shown["plugin_secret_files"]["secrets"]["api_key"] == str(secret)
    with Server(binary, data_dir, role="gateway", arguments=["--config", settings]) as gateway:
        assert gateway.get("/health")["role"] == "gateway"
    settings.write_text(json.dumps({"plugin_secret_files": {"Not a plugin": {"a b": "x", "c": []}}}))
    answer = binary.run("gateway", *arguments)
    assert answer.returncode == 78
    for words in ('"Not a plugin" is no plugin', '"a b"', "Not a plugin.c names no file"):
        assert words in answer.stderr, answer.stderr
