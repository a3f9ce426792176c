"""Storing definitions from the command line: what changes is said, and nothing is stored that is not sound."""

import json
import os
import pty
import subprocess

import pytest
import yaml

from support.server import Server
from support.shell import shell
from support.stand_in import StandIn, answer
from support.workflows import one_step, three_steps


@pytest.fixture(scope="module")
def server(binary, tmp_path_factory):
    with Server(binary, tmp_path_factory.mktemp("apply") / "data") as running:
        yield running


@pytest.fixture
def apply(binary, server):
    def run(*arguments, status=0) -> list:
        result = binary.run("apply", "--url", server.url, "--json", *arguments)
        assert result.returncode == status, result
        return [json.loads(line) for line in result.stdout.splitlines()]
    return run


def test_files_and_directories_are_stored_and_what_changes_is_said(binary, server, apply, tmp_path):
    folder = tmp_path / "flows"
    folder.mkdir()
    first, second = three_steps("one"), one_step("bench.echo", "two")
    (folder / "one.json").write_text(json.dumps(first))
    (folder / "two.yaml").write_text(yaml.safe_dump(second))
    (folder / "README.md").write_text("no definition")
    third = tmp_path / "three.yml"
    third.write_text(yaml.safe_dump(one_step("bench.echo", "three")))

    dry = apply("--dry-run", folder, third)
    assert [(item["name"], item["change"], item["revision"]) for item in dry] == [
        (name, "created", None) for name in ("one", "two", "three")]
    assert server.session.get(f"{server.url}/api/v1/workflows/one", timeout=30).status_code == 404

    assert [(item["change"], item["revision"]) for item in apply(folder, third)] == [("created", 1)] * 3
    assert [(item["change"], item["revision"]) for item in apply(folder, third)] == [("unchanged", 1)] * 3

    first["steps"][1] = {"name": "other", "function": "bench.echo"}
    first["steps"][0]["timeout"] = "5s"
    del first["output"]
    (folder / "one.json").write_text(json.dumps(first))
    (folder / "two.yaml").write_text("# the same\n" + yaml.safe_dump(second))
    changed, reworded = apply("--dry-run", folder)
    assert changed["differences"] == ["steps ~one +other -two", "output"] and changed["revision_before"] == 1
    assert reworded["change"] == "changed" and reworded["differences"] == []
    result = binary.run("apply", folder, "--url", server.url)
    assert result.returncode == 0
    assert result.stdout.splitlines() == [
        f"changed  one  revision 1 → 2  steps ~one +other -two, output  {folder}/one.json",
        f"changed  two  revision 1 → 2  text only  {folder}/two.yaml"]
    assert server.get("/api/v1/workflows/one")["source"] == json.dumps(first)


def test_with_a_fault_in_any_file_nothing_is_stored(binary, server, tmp_path):
    sound, faulty, unknown, again = (tmp_path / name for name in ("a.yaml", "b.yaml", "c.json", "d.json"))
    sound.write_text(yaml.safe_dump(one_step("bench.echo", "sound")))
    faulty.write_text("name: UP\nsteps:\n  - name: a\n    function: bench\n")
    unknown.write_text(json.dumps(one_step("bench.nope", "unknown")))
    again.write_text(json.dumps(one_step("bench.echo", "sound")))
    for flags in ([], ["--dry-run"]):
        result = binary.run("apply", sound, faulty, unknown, again, "--url", server.url, *flags)
        assert result.returncode == 2 and not result.stdout, result
        for place in (f"{faulty}:1:", f"{faulty}:4:", f"{unknown}:1:", "bench.nope",
                      f"{again}: defines sound, as {sound}"):
            assert place in result.stderr, (place, result.stderr)
        assert server.session.get(f"{server.url}/api/v1/workflows/sound", timeout=30).status_code == 404


def test_definitions_come_from_pipes_and_wrong_uses_are_said(binary, server, tmp_path):
    result = shell(binary, """printf %s "$TEXT" | stepstream apply - && stepstream apply <(printf %s "$TEXT")""",
                   TEXT=json.dumps(one_step("bench.echo", "piped")), STEPSTREAM_URL=server.url)
    assert result.returncode == 0, result
    assert [line.split()[0] for line in result.stdout.splitlines()] == ["created", "unchanged"]
    (tmp_path / "empty").mkdir()
    for given, reason in ((tmp_path / "empty", "no file"), (tmp_path / "nowhere.yaml", "No such file")):
        result = binary.run("apply", given, "--url", server.url)
        assert result.returncode == 2 and str(given) in result.stderr and reason in result.stderr, result
    assert binary.run("apply").returncode == 2


def test_what_somebody_else_changed_meanwhile_is_not_overwritten(binary, tmp_path):
    """By a stand-in: between reading and storing there is no moment that a test could hit."""
    asked = []
    definition = one_step("bench.echo", "shared")

    def workflow(request):
        if request.command == "GET":
            return answer(request, json.dumps({"name": "shared", "revision": 7, "format": "json", "source": "{}"}))
        asked.append(request.headers["if-match"])
        request.rfile.read(int(request.headers["content-length"]))
        answer(request, json.dumps({"code": "precondition_failed", "detail": "it is revision 8 now"}), status=412)

    catalog = {"items": [{"functions": [{"name": "bench.echo", "input": None}]}]}
    with StandIn({"/api/v1/workflows/shared": workflow,
                  "/api/v1/functions": lambda request: answer(request, json.dumps(catalog))}) as server:
        file = tmp_path / "w.json"
        file.write_text(json.dumps(definition))
        result = binary.run("apply", file, "--url", server.url)
    assert result.returncode == 1 and "somebody else" in result.stderr, result
    assert asked == ['"7"']


def test_stored_definitions_are_listed_shown_and_deleted(binary, server, apply, tmp_path):
    url = ["--url", server.url]
    file = tmp_path / "w.yaml"
    inputs = {"type": "object", "properties": {"a": {}, "b": {}}, "required": ["b"]}
    text = "# kept as it is\n" + yaml.safe_dump({**one_step("bench.echo", "kept"), "inputs": inputs})
    file.write_text(text)
    apply(file)
    assert any(line.startswith("kept  revision 1  ") for line in binary.run("workflows", *url).stdout.splitlines())
    names = [json.loads(line)["name"] for line in binary.run("workflows", "--json", *url).stdout.splitlines()]
    assert "kept" in names and names == sorted(names)
    shown = binary.run("workflow", "show", "kept", *url).stdout.splitlines()
    assert shown[0].startswith("kept  revision 1  stored ")
    assert shown[1:] == ["  inputs  a?, b", "  1. only  bench.echo"]
    assert binary.run("workflow", "show", "kept", "--source", *url).stdout == text
    assert json.loads(binary.run("workflow", "show", "kept", "--json", "--revision", "1", *url).stdout)["revision"] == 1
    assert binary.run("workflow", "show", "kept", "--revision", "9", *url).returncode == 1

    refused = binary.run("workflow", "delete", "kept", *url, stdin=subprocess.DEVNULL)
    assert refused.returncode == 2 and "--yes" in refused.stderr, refused
    for said, status in (("n\n", 2), ("y\n", 0)):
        assert ask(binary, "workflow", "delete", "kept", *url, said=said) == status
    assert binary.run("workflow", "show", "kept", *url).returncode == 1
    assert binary.run("workflow", "delete", "kept", "--yes", *url).returncode == 1
    apply(file)
    assert binary.run("workflow", "delete", "kept", "--yes", *url).stdout == "deleted  kept\n"


def ask(binary, *arguments, said: str) -> int:
    """The status of a command that asks somebody at a terminal."""
    ours, theirs = pty.openpty()
    with subprocess.Popen([str(binary.path), *map(str, arguments)], stdin=theirs, stdout=subprocess.DEVNULL,
                          stderr=subprocess.PIPE, text=True) as process:
        assert "kept" in process.stderr.readline()
        os.write(ours, said.encode())
        process.stderr.read()
    os.close(theirs)
    os.close(ours)
    return process.returncode


def test_inputs_are_set_one_by_one(binary, server, tmp_path):
    definition = {"name": "set", "deliverable_type": "test", "output": "${{ inputs }}",
                  "steps": [{"name": "only", "function": "bench.echo"}]}
    server.put_workflow(definition)
    file = tmp_path / "w.json"
    file.write_text(json.dumps(definition))
    given = ["--set", "text=a=b", "--set", "zip=01234", "--set", "n=5", "--set", 'list=["x"]', "--set", "empty=",
             "--set", "wide=18446744073709551615", "--set", "größe=1.5"]
    expected = {"text": "a=b", "zip": "01234", "n": 5, "list": ["x"], "empty": "", "wide": "18446744073709551615",
                "größe": 1.5}
    for command in (["execute", "set", "--url", server.url], ["run", file, "--plugins", binary.plugins]):
        result = binary.run(*command, "--output", "-", *given)
        assert result.returncode == 0 and json.loads(result.stdout) == expected, result
        words = " ".join(map(str, command))
        merged = shell(
            binary, f"""echo '{{"n": 1, "m": 2}}' | stepstream {words} -i - --set n=3 --output -""")
        assert json.loads(merged.stdout) == {"n": 3, "m": 2}, merged
        for wrong in ("novalue", "=x"):
            refused = binary.run(*command, "--set", wrong)
            assert refused.returncode == 2 and "key=value" in refused.stderr, refused
