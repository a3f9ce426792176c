"""RFC 6455, by a public conformance suite against the product's own listener."""

import json
import subprocess
import sys


def test_the_public_suite_finds_nothing(binary, tmp_path):
    echo = subprocess.Popen(
        [binary.path.parent / "websocket-echo"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        url = echo.stdout.readline().strip()
        suite = subprocess.run(
            [sys.executable, "-c", "from kosoku._cli import main; main()", url, "--outdir", tmp_path, "--parallelism", "2"],
            capture_output=True, text=True, timeout=600)
        report = json.loads((tmp_path / "index.json").read_text())
    finally:
        echo.stdin.close()
        assert echo.wait(timeout=30) == 0
    cases = {name: case for agent in report.values() for name, case in agent.items()}
    behaviors = {"OK", "NON-STRICT", "INFORMATIONAL"}
    failed = {name: case for name, case in cases.items()
              if case["behavior"] not in behaviors | {"UNIMPLEMENTED"} or case["behaviorClose"] not in behaviors}
    assert not failed and suite.returncode == 0, (failed, suite.stdout[-2000:])
    # Compression is not offered yet: its cases say so.
    unimplemented = {name for name, case in cases.items() if case["behavior"] == "UNIMPLEMENTED"}
    assert len(cases) > 500 and all(name.split(".")[0] in ("12", "13") for name in unimplemented)
