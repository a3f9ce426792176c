"""What commands read: files, pipes, `<( )` and FIFOs alike, with and without a byte-order mark."""

import json
import os
import pathlib
import socket
import subprocess
import threading

import pytest
import yaml

from support.approvals import gated
from support.server import Server
from support.shell import shell
from support.tokens import Callers
from support.waiting import wait_until
from support.workflows import three_steps

MARK = "\ufeff"


@pytest.fixture(scope="module")
def server(binary, tmp_path_factory):
    with Server(binary, tmp_path_factory.mktemp("input") / "data") as running:
        running.put_workflow(three_steps())
        running.put_workflow(gated(form={"type": "object"}))
        yield running


@pytest.fixture
def feed(tmp_path):
    """A FIFO, and somebody who writes into it once it is read."""
    writers = []

    def make(content: str):
        path = tmp_path / f"fifo{len(writers)}"
        os.mkfifo(path)
        writer = threading.Thread(target=lambda: path.write_text(content), daemon=True)
        writer.start()
        writers.append(writer)
        return path
    yield make
    for writer in writers:
        writer.join(timeout=10)


@pytest.mark.parametrize("execute", [
    """echo '{"value": 7}' | stepstream execute three-steps -i - --output -""",
    """echo '{"value": 7}' | stepstream execute three-steps -i /dev/stdin --output -""",
    """stepstream execute three-steps -i <(echo '{"value": 7}') --output -""",
    """stepstream execute three-steps -i - --output - <<< '{"value": 7}'""",
], ids=["pipe", "device", "substitution", "here"])
def test_inputs_come_from_whatever_can_be_read(binary, server, execute):
    result = shell(binary, execute, STEPSTREAM_URL=server.url)
    assert result.returncode == 0, result
    assert result.stdout.splitlines()[-1] == "7"


def test_inputs_may_come_late(binary, server):
    command = [str(binary.path), "execute", "three-steps", "-i", "-", "--output", "-", "--url", server.url]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        # `read` is call 0; its first argument is the descriptor.
        calls = pathlib.Path(f"/proc/{process.pid}/task").glob
        wait_until("it reads its input", lambda: any(
            call.read_text().startswith("0 0x0 ") for call in calls("*/syscall")))
        output, _ = process.communicate('{"value": 7}', timeout=30)
    assert process.returncode == 0 and output.splitlines()[-1] == "7"


def test_inputs_come_from_a_fifo_and_from_a_socket(binary, server, feed):
    result = binary.run("execute", "three-steps", "-i", feed('{"value": 8}'), "--output", "-", "--url", server.url)
    assert (result.returncode, result.stdout.splitlines()[-1:]) == (0, ["8"]), result
    ours, theirs = socket.socketpair()
    with ours, theirs:
        ours.sendall(b'{"value": 9}')
        ours.shutdown(socket.SHUT_WR)
        result = binary.run("execute", "three-steps", "-i", "/dev/stdin", "--output", "-", "--url", server.url,
                            stdin=theirs)
    assert (result.returncode, result.stdout.splitlines()[-1:]) == (0, ["9"]), result


def test_a_slow_writer_on_a_non_blocking_pipe_is_waited_for(binary, server):
    read, write = os.pipe()
    os.set_blocking(read, False)
    with subprocess.Popen(
            [binary.path, "execute", "three-steps", "-i", "-", "--output", "-", "--url", server.url], stdin=read,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        os.close(read)
        os.write(write, b'{"val')
        # The command has read what there is when it waits for more.
        while process.poll() is None and "poll" not in waits_in(process.pid):
            pass
        os.write(write, b'ue": 10}')
        os.close(write)
        output, problem = process.communicate(timeout=20)
    assert (process.returncode, output.splitlines()[-1:]) == (0, ["10"]), problem


def waits_in(pid) -> str:
    """The system calls that the process's threads wait in, by the kernel's names."""
    names = []
    for thread in os.listdir(f"/proc/{pid}/task"):
        try:
            with open(f"/proc/{pid}/task/{thread}/syscall") as file:
                number = file.read().split()[0]
        except (OSError, IndexError):
            continue
        names.append({"7": "poll", "271": "ppoll"}.get(number, number))
    return " ".join(names)


@pytest.mark.parametrize("given, reason", [
    ("/dev/null", "JSON"), ("/nowhere/inputs.json", "No such file"), ("/", "directory"), ("-", "JSON")])
def test_what_cannot_be_read_is_named_with_the_reason(binary, server, given, reason):
    result = binary.run("execute", "three-steps", "-i", given, "--url", server.url, stdin=subprocess.DEVNULL)
    assert result.returncode == 2, result
    assert reason in result.stderr and ("standard input" if given == "-" else given) in result.stderr, result.stderr


def test_a_definition_comes_from_a_pipe_in_both_languages(binary, tmp_path):
    definition = json.dumps(three_steps())
    text_of_yaml = "name: piped\ndeliverable_type: test\nsteps:\n  - { name: only, function: bench.echo }\n"
    for text in (definition, text_of_yaml, MARK + definition, MARK + text_of_yaml):
        for command in ("validate", "run"):
            result = shell(binary, f'printf %s "$TEXT" | stepstream {command} - --plugins "$PLUGINS"'
                           + (" -i <(echo '{\"value\": 1}')" if command == "run" else ""),
                           TEXT=text, PLUGINS=binary.plugins)
            assert result.returncode == 0, (command, text, result)


def test_the_form_of_a_vote_comes_from_a_pipe(binary, server):
    execution = server.execute("gated", wait=None)["execution_id"]
    wait_until("the approval is asked for", lambda: server.get("/api/v1/approvals?workflow=gated")["items"])
    result = shell(binary, """echo '{"ticket": "T-1"}' | stepstream approve "$ID" --form -""",
                   STEPSTREAM_URL=server.url, ID=execution)
    assert result.returncode == 0, result
    assert server.get(f"/api/v1/executions/{execution}")["approvals"][0]["votes"][0]["form"] == {"ticket": "T-1"}


def test_tokens_keys_and_settings_come_from_pipes(binary, tmp_path, feed):
    callers = Callers(tmp_path / "callers", {"ann": {"roles": ["operator"]}})
    settings = yaml.safe_load(callers.path.read_text())
    settings["tokens"][0]["token_file"] = str(feed(MARK + callers.tokens["ann"] + "\n"))
    settings["approvals"]["link_key_file"] = str(feed(callers.key.decode() + "\n"))
    with Server(binary, tmp_path / "data", arguments=["--config", str(feed(MARK + json.dumps(settings)))]) as server:
        result = shell(binary, """
            stepstream list --token-file <(echo "$TOKEN") && printf '\\ufeff%s\\n' "$TOKEN" > "$FILE" &&
            stepstream list --token-file "$FILE" && ! stepstream list""",
                       STEPSTREAM_URL=server.url, TOKEN=callers.tokens["ann"], FILE=tmp_path / "token",
                       LC_ALL="C.UTF-8")
        assert result.returncode == 0 and result.stderr.count("\n") == 1 and "token" in result.stderr, result


def test_a_byte_order_mark_is_no_part_of_any_text(binary, server, tmp_path):
    inputs = tmp_path / "inputs.json"
    inputs.write_text(MARK + '{"value": "x"}')
    result = binary.run("execute", "three-steps", "-i", inputs, "--output", "-", "--url", server.url)
    assert (result.returncode, result.stdout.splitlines()[-1:]) == (0, ["x"]), result
    answer = server.session.post(
        f"{server.url}/api/v1/workflows/three-steps/execute?wait=30s",
        data=(MARK + '{"inputs": {"value": 1}}').encode(), headers={"content-type": "application/json"}, timeout=40)
    assert answer.status_code == 200 and answer.json()["output"] == 1, answer.text
    definition = (MARK + json.dumps(three_steps())).encode()
    for media in ("application/json", "application/yaml"):
        answer = server.session.put(
            f"{server.url}/api/v1/workflows/three-steps", data=definition, headers={"content-type": media}, timeout=30)
        assert answer.status_code == 200, answer.text
    config = tmp_path / "settings.yaml"
    config.write_text(MARK + "host: 127.0.0.9\nport: 1234\n")
    shown = json.loads(binary.run("serve", "--config", config, "--print-config").stdout)
    assert (shown["host"], shown["port"]) == ("127.0.0.9", 1234)
