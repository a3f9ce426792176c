"""The operations of the OpenAPI document against a running server, with requests that schemathesis makes up.

All but `stream`, whose answer does not end: test_stream.py and test_contracts.py hold that one to the contract.
"""

import subprocess
import sys

from support.server import Server
from support.workflows import one_step

# What a schema cannot say: which functions there are, what an expression means, how far an identifier's time is from
# the server's clock, and which revision a condition has to name. The requests are made all the same, and every other
# check holds.
CONFIGURATION = """
[[operations]]
include-operation-id = ["getWorkflow", "putWorkflow", "deleteWorkflow", "execute"]
checks.positive_data_acceptance.enabled = false
"""


def test_schemathesis_finds_nothing(binary, data_dir, tmp_path):
    (tmp_path / "schemathesis.toml").write_text(CONFIGURATION)
    with Server(binary, data_dir) as server:
        # Names that requests are made up with, too.
        for name in ("0", "a"):
            server.put_workflow({**one_step("bench.echo"), "name": name})
        found = subprocess.run(
            [sys.executable, "-m", "schemathesis.cli", "--config-file", str(tmp_path / "schemathesis.toml"), "run",
             f"{server.url}/openapi.json", "--max-examples", "10", "--seed", "20260105",
             "--phases", "coverage,fuzzing", "--exclude-operation-id", "stream"],
            cwd=tmp_path, capture_output=True, text=True, timeout=300)
        assert found.returncode == 0, found.stdout[-20_000:] + found.stderr[-2_000:]
        assert server.get("/health")["status"] == "ok"
