"""RFC 6455, by a public conformance suite against the product's own listener."""

import json
import subprocess
import sys

#: Compression (RFC 7692) is not offered.
LEFT_OUT = ["12.*", "13.*"]


def test_the_public_suite_finds_nothing(binary, tmp_path):
    with subprocess.Popen(
            [binary.path.parent / "websocket-echo"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as echo:
        url = echo.stdout.readline().strip()
        command = [sys.executable, "-c", "from kosoku._cli import main; main()", url, "--outdir", tmp_path]
        for pattern in LEFT_OUT:
            command += ["--exclude", pattern]
        suite = subprocess.run(command, capture_output=True, text=True, timeout=600)
        # It runs until its input ends.
        echo.stdin.close()
        assert echo.wait(timeout=30) == 0
    report = json.loads((tmp_path / "index.json").read_text())
    cases = [case for agent in report.values() for case in agent.values()]
    assert suite.returncode == 0 and len(cases) > 300, suite.stdout[-3000:]
    found = {(case["behavior"], case["behaviorClose"]) for case in cases}
    assert found <= {("OK", "OK"), ("NON-STRICT", "OK"), ("INFORMATIONAL", "INFORMATIONAL")}, suite.stdout[-3000:]
