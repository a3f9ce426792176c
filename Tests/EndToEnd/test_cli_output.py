"""What commands write: whole or with an error, data apart from progress, and nothing that a terminal obeys."""

import fcntl
import json
import os
import pty
import re
import signal
import struct
import subprocess
import termios
import unicodedata

import pytest

from support.approvals import gated
from support.server import Server
from support.shell import shell
from support.waiting import wait_until
from support.workflows import one_step, three_steps

LONG_NAME = "a-step-with-a-name-that-is-longer-than-half-of-the-line"
FORGED = "ok\n100 %  execution_completed\x1b[2J\u202e\x9b31m"


@pytest.fixture(scope="module")
def server(binary, tmp_path_factory):
    with Server(binary, tmp_path_factory.mktemp("output") / "data") as running:
        running.put_workflow(three_steps())
        running.put_workflow(one_step("bench.sleep", "sleeper"))
        running.put_workflow(gated())
        yield running


@pytest.fixture(scope="module")
def large(server) -> str:
    """An execution whose report has far more bytes than a pipe holds."""
    return server.execute("three-steps", {"value": "x" * 150_000})["execution_id"]


@pytest.mark.parametrize("command", [
    'show "$ID"', 'show "$ID" --json', "list", "list --json", "stats", 'watch "$ID"', 'watch "$ID" --json',
    "approvals --json", "--help", "--version", "serve --print-config", "execute three-steps -i <(echo '{\"value\":1}')",
    'events --data-dir "$DATA"', 'validate "$FILE" --plugins "$PLUGINS"', 'plugin list --plugins "$PLUGINS"'])
def test_output_that_is_lost_is_an_error(binary, server, large, tmp_path, command):
    file = tmp_path / "w.json"
    file.write_text(json.dumps(three_steps()))
    result = shell(binary, f"stepstream {command} > /dev/full", STEPSTREAM_URL=server.url, ID=large,
                   DATA=server.data_dir, FILE=file, PLUGINS=binary.plugins)
    assert result.returncode == 1 and "No space left on device" in result.stderr, result
    closed = shell(binary, f"stepstream {command} >&-", STEPSTREAM_URL=server.url, ID=large, DATA=server.data_dir,
                   FILE=file, PLUGINS=binary.plugins)
    assert closed.returncode == 1 and "standard output cannot be written" in closed.stderr, closed


def test_a_slow_reader_of_a_non_blocking_pipe_gets_every_byte(binary, server, large):
    expected = binary.run("show", large, "--json", "--url", server.url).stdout
    assert len(expected) > 300_000
    read, write = os.pipe()
    os.set_blocking(write, False)
    with subprocess.Popen([binary.path, "show", large, "--json", "--url", server.url], stdout=write) as process:
        os.close(write)
        parts = []
        while part := os.read(read, 4096):
            parts.append(part)
        os.close(read)
    assert process.returncode == 0 and b"".join(parts).decode() == expected


def test_a_reader_that_has_enough_ends_the_command_quietly(binary, server):
    server.put_workflow(three_steps("slow", ("bench.echo", "bench.sleep", "bench.echo")))
    process = subprocess.Popen(
        [binary.path, "execute", "slow", "-i", "/dev/stdin", "--url", server.url], stdin=subprocess.PIPE,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    process.stdin.write('{"value": {"ms": 300}}')
    process.stdin.close()
    process.stdout.readline()
    process.stdout.close()
    assert process.wait(timeout=20) == -signal.SIGPIPE
    assert re.fullmatch(r"execution \S+\n", process.stderr.read())
    process.stderr.close()


def test_an_interrupted_local_run_leaves_nothing_behind(binary, tmp_path):
    file = tmp_path / "w.json"
    file.write_text(json.dumps(three_steps()))
    result = shell(binary, """
        stepstream run "$FILE" -i <(echo '{"value": 1}') --plugins "$PLUGINS" | head -n 1; exit "${PIPESTATUS[0]}" """,
                   FILE=file, PLUGINS=binary.plugins, TMPDIR=tmp_path)
    assert (result.returncode, result.stderr) == (128 + signal.SIGPIPE, ""), result
    assert os.listdir(tmp_path) == ["w.json"]


def test_progress_is_on_standard_error_when_standard_output_has_the_output(binary, server, tmp_path):
    file = tmp_path / "w.json"
    file.write_text(json.dumps(three_steps()))
    for command in ('execute three-steps --url "$URL"', 'run "$FILE" --plugins "$PLUGINS"'):
        for target in ("-", "/dev/stdout"):
            result = shell(
                binary, f"stepstream {command} -i <(echo '{{\"value\": {{\"a\": 1}}}}') --output {target} | jq -c .",
                URL=server.url, FILE=file, PLUGINS=binary.plugins)
            assert result.stdout == '{"a":1}\n', (command, result)
            assert "execution_completed" in result.stderr, (command, result)
    for command in ("execute three-steps", f"run {file}"):
        result = binary.run(*command.split(), "--json", "--output", "-")
        assert result.returncode == 2 and "--output" in result.stderr, result


def test_a_run_that_fails_leaves_an_older_output_alone(binary, server, tmp_path):
    server.put_workflow(one_step("bench.fail", "failing"))
    file, output = tmp_path / "w.json", tmp_path / "report"
    file.write_text(json.dumps(one_step("bench.fail")))
    for arguments in (["execute", "failing", "--url", server.url], ["run", file, "--plugins", binary.plugins]):
        output.write_text("of yesterday")
        result = binary.run(*arguments, "--output", output, env=os.environ | {"TMPDIR": str(tmp_path)})
        assert result.returncode == 1, result
        assert output.read_text() == "of yesterday"


def test_an_output_that_cannot_be_written_keeps_the_local_run(binary, tmp_path):
    file = tmp_path / "w.json"
    file.write_text(json.dumps(three_steps()))
    # What can be known beforehand costs no run.
    for target, status in (("/dev/full", 1), (tmp_path / "nowhere" / "report", 2), (tmp_path, 2)):
        result = shell(binary, """
            stepstream run "$FILE" -i <(echo '{"value": 1}') --output "$TARGET" --plugins "$PLUGINS" """,
                       FILE=file, PLUGINS=binary.plugins, TARGET=target, TMPDIR=tmp_path)
        assert result.returncode == status, result
        assert f"{target} cannot be written" in result.stderr and "NSCocoa" not in result.stderr, result
        assert ("the run's data is kept" in result.stderr) == (status == 1), result


def test_text_of_strangers_neither_forges_lines_nor_moves_the_cursor(binary, server):
    execution = server.execute("gated", wait=None)["execution_id"]
    wait_until("the approval is asked for", lambda: server.get("/api/v1/approvals?workflow=gated")["items"])
    answer = server.session.post(f"{server.url}/api/v1/executions/{execution}/approval",
                                 json={"decision": "approve", "comment": FORGED}, timeout=30)
    assert answer.status_code == 200, answer.text
    url = ["--url", server.url]
    watched = binary.run("watch", execution, *url)
    assert watched.returncode == 0
    shown = binary.run("show", execution, *url)
    listed = binary.run("approvals", "--status", "all", *url)
    for result in (watched, shown, listed):
        assert not set(result.stdout) & {"\x1b", "\u202e", "\x9b"}, result
        assert r"ok\n100 %  execution_completed\u{1b}[2J\u{202e}\u{9b}31m" in result.stdout, result
    assert sum("execution_completed" in line.split("  ")[1] for line in watched.stdout.splitlines()) == 1
    again = server.session.post(f"{server.url}/api/v1/executions/{execution}/approval",
                                json={"decision": "approve"}, timeout=30)
    assert again.status_code == 409
    refused = binary.run("approve", execution, *url)
    assert refused.returncode == 1 and "\x1b" not in refused.stderr, refused


def test_a_definition_of_strangers_cannot_forge_lines_either(binary, tmp_path):
    file = tmp_path / "w.yaml"
    file.write_text('name: "a\\nb"\n"steps\\e[2J\\nno faults": 1\n')
    result = binary.run("validate", file, "--plugins", binary.plugins)
    assert result.returncode == 2 and "\x1b" not in result.stderr
    assert all(line.startswith(("stepstream: ", str(file))) for line in result.stderr.splitlines()), result.stderr


@pytest.mark.parametrize("columns", [40, 80, 200])
def test_the_bar_fits_its_line(binary, server, columns):
    server.put_workflow({"name": "named", "deliverable_type": "test", "steps": [
        {"name": LONG_NAME, "function": "bench.echo"}, {"name": "two", "function": "bench.echo"}]})
    execution = server.execute("named")["execution_id"]
    text = on_a_terminal([binary.path, "watch", execution, "--url", server.url], "xterm", columns)
    # Each redraw erases the line, may list something above, and draws the line anew.
    drawn = [redraw.rstrip("\n").split("\n")[-1] for redraw in text.split("\r\x1b[2K")[1:]]
    assert len(drawn) >= 5 and "█" in drawn[-1] and drawn[-1].rstrip().endswith("100 %"), drawn
    assert all(width(line) < columns for line in drawn), [(width(line), line) for line in drawn]
    assert any(LONG_NAME[:5] in line for line in drawn)


def test_a_dumb_terminal_gets_lines(binary, server, large):
    for kind in ("dumb", ""):
        text = on_a_terminal([binary.path, "watch", large, "--url", server.url], kind, 80)
        assert "\x1b" not in text and text.count("\n") == 8, text


def on_a_terminal(command, kind, columns) -> str:
    """What a command writes to a terminal of so many columns."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    environment = {name: value for name, value in os.environ.items() if name != "TERM"}
    if kind:
        environment["TERM"] = kind
    with subprocess.Popen([str(part) for part in command], stdin=theirs, stdout=theirs, stderr=subprocess.DEVNULL,
                          env=environment) as process:
        os.close(theirs)
        parts = []
        try:
            while part := os.read(ours, 65536):
                parts.append(part)
        except OSError:  # The kernel's way to say that the other side has closed.
            pass
        os.close(ours)
    assert process.returncode == 0
    # A terminal begins lines at the left by itself.
    return b"".join(parts).decode().replace("\r\n", "\n")


def width(text) -> int:
    return sum(0 if unicodedata.combining(sign) else 2 if unicodedata.east_asian_width(sign) in "WF" else 1
               for sign in text)
