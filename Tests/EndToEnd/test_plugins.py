"""Plugins that are missing or broken get a plain message; the others load."""

import shutil

import pytest

from support.server import Server
from support.workflows import one_step


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
