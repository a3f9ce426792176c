"""Plugins that misbehave fail their own step, with the right reason; the server does not notice otherwise."""

import pathlib
import subprocess

import pytest

from support.binary import ROOT
from support.server import Server
from support.workflows import one_step

SOURCES = ROOT / "Tests" / "HostilePlugins"
INCLUDE = ROOT / "Sources" / "StepABI" / "include"


@pytest.fixture(scope="session")
def hostile(tmp_path_factory) -> pathlib.Path:
    """The misbehaving plugins, compiled as an author of C would."""
    directory = tmp_path_factory.mktemp("hostile")
    directory.chmod(0o755)
    for name in ("segfault", "exits", "spins"):
        subprocess.run(
            ["cc", "-shared", "-fPIC", "-O1", f"-I{INCLUDE}", f'-DFIXTURE_NAME="{name}"',
             str(SOURCES / f"{name}.c"), "-o", str(directory / f"{name}.so"), "-lpthread"], check=True)
    return directory


@pytest.mark.parametrize("plugin, code", [
    ("segfault", "signal"), ("exits", "exited_early"), ("spins", "deadline")])
def test_a_hostile_step_fails_with_its_reason_and_the_server_goes_on(binary, data_dir, hostile, plugin, code):
    with Server(binary, data_dir, plugins=[binary.plugins, hostile]) as server:
        server.put_workflow(one_step(f"{plugin}.act", "hostile", timeout="500ms"))
        server.put_workflow(one_step("bench.echo", "good"))
        pid = server.pid
        answer = server.execute("hostile")
        assert answer["status"] == "failed" and answer["error"]["code"] == code, answer
        failed = server.events(answer["execution_id"])[2]
        assert failed["type"] == "step_failed" and failed["data"]["error_code"] == code
        assert server.process.poll() is None and server.pid == pid
        assert server.execute("good")["status"] == "completed"
