"""deploy/Containerfile and deploy/compose.yaml agree with the binary, with each other and with Compose's published
schema. What only a built image shows, deploy/check-image.sh checks."""

import functools
import http.server
import json
import os
import re
import subprocess
import sys
import threading

import pytest
import yaml

from support.binary import ROOT

CONTAINERFILE = ROOT / "deploy" / "Containerfile"
COMPOSE = ROOT / "deploy" / "compose.yaml"
GUIDE = ROOT / "deploy" / "guide" / "containers.md"
ROLES = ("orchestrator", "gateway", "metrics", "notifier")


@functools.cache
def services() -> dict:
    return yaml.safe_load(COMPOSE.read_text())["services"]


@functools.cache
def instructions() -> tuple:
    """(keyword, rest) of each instruction, its lines joined, comments gone."""
    lines = "\n".join(line for line in CONTAINERFILE.read_text().splitlines() if not re.match(r"\s*#", line))
    joined = re.sub(r"\\\n\s*", "", lines)
    return tuple(tuple(line.split(None, 1)) for line in joined.splitlines() if line.strip())


def last_stage() -> tuple:
    start = max(number for number, (keyword, _) in enumerate(instructions()) if keyword == "FROM")
    return instructions()[start + 1:]


def instruction(keyword: str) -> str:
    found, = (rest for name, rest in last_stage() if name == keyword)
    return found


def image_environment() -> dict:
    return dict(variable.split("=", 1) for variable in instruction("ENV").split())


def environment(role: str) -> dict:
    return image_environment() | services()[role]["environment"]


def health_command() -> list:
    return json.loads(instruction("HEALTHCHECK").split("CMD", 1)[1])


def print_config(binary, role: str, variables: dict):
    """Only these variables are set; the image's plugins, which have to be there, are those that were built."""
    image = image_environment()["STEPSTREAM_PLUGINS"]
    plugins = {"STEPSTREAM_PLUGINS": str(binary.plugins)} if variables.get("STEPSTREAM_PLUGINS") == image else {}
    answer = binary.run(role, "--print-config", env=variables | plugins, cwd="/")
    answer.stdout = answer.stdout.replace(str(binary.plugins), image)
    return answer


def config(binary, role: str) -> dict:
    answer = print_config(binary, role, environment(role))
    assert answer.returncode == 0, answer.stderr
    return json.loads(answer.stdout)


def milliseconds(duration: str) -> int:
    return int(duration.removesuffix("s")) * 1_000


def test_compose_is_valid_by_its_published_schema():
    subprocess.run(
        [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec", str(COMPOSE)],
        check=True, timeout=60)


@pytest.mark.parametrize("role", ROLES)
def test_every_variable_is_one_the_role_knows(binary, role):
    variables = {name: value for name, value in environment(role).items() if name.startswith("STEPSTREAM_")}
    assert all(isinstance(value, str) for value in variables.values()), "quote what YAML takes for something else"
    for name in variables:
        without = {key: value for key, value in variables.items() if key != name}
        # A setting that is known changes what is in force, or is refused by its name.
        answers = [print_config(binary, role, without | extra) for extra in ({}, {name: "probe:1"})]
        outcomes = [(answer.returncode, answer.stdout, answer.stderr) for answer in answers]
        assert outcomes[0] != outcomes[1], f"{role} takes no notice of {name}"


def test_every_variable_in_the_guide_is_in_the_binary(binary):
    names = set(re.findall(r"STEPSTREAM_[A-Z_]*[A-Z]", GUIDE.read_text()))
    assert names
    base = {"STEPSTREAM_BUS": "kafka", "STEPSTREAM_KAFKA_BOOTSTRAP": "kafka:1"}
    for name in names - {"STEPSTREAM_URL"}:  # the client's, not a role's
        without = {key: value for key, value in base.items() if key != name}
        answers = [print_config(binary, "serve", without | extra) for extra in ({}, {name: "probe:1"})]
        assert answers[0].stdout + answers[0].stderr != answers[1].stdout + answers[1].stderr, name


@pytest.mark.parametrize("role", ROLES)
def test_ports_volumes_and_paths_agree(binary, role):
    found, service = config(binary, role), services()[role]
    assert found["host"] == "0.0.0.0" and found["insecure"] and found["bus"] == "kafka"
    published, = service["ports"]
    assert re.fullmatch(rf"127\.0\.0\.1:\d+:{found['port']}", published)
    assert instruction("EXPOSE") == str(found["port"])
    assert instruction("VOLUME") == found["data_dir"]
    mounts = [volume.split(":")[1] for volume in service.get("volumes", [])] + [service.get("tmpfs")]
    assert found["data_dir"] in mounts, "the root file system is read-only"
    # Beside the executable, where `stepstream` looks by itself: a role that is not told finds the same ones.
    entry, = json.loads(instruction("ENTRYPOINT"))
    assert found["plugins"] == [os.path.dirname(entry) + "/plugins"]
    assert service["command"] == [role]
    bootstrap = found["kafka"]["bootstrap"]
    assert f"CONTAINERS://{bootstrap}" in services()["kafka"]["environment"]["KAFKA_ADVERTISED_LISTENERS"].split(",")
    # Steps get their grace, then 2 s to be cancelled, and the journal and the relay some to close.
    assert milliseconds(service["stop_grace_period"]) >= found["stop_grace_ms"] + 5_000
    # deploy/check-image.sh runs them like this.
    assert service["read_only"] is True and service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["depends_on"] == {"kafka": {"condition": "service_healthy"}}


def test_no_port_is_published_beyond_this_machine():
    for name, service in services().items():
        for port in service.get("ports", []):
            assert port.startswith("127.0.0.1:"), (name, port)


def test_prometheus_scrapes_every_role_where_compose_has_it(binary):
    """And what is mounted for it and for Grafana is there."""
    configuration = yaml.safe_load((COMPOSE.parent / "observability" / "prometheus.yml").read_text())
    job, = configuration["scrape_configs"]
    assert {target["labels"]["role"]: target["targets"] for target in job["static_configs"]} == {
        role: [f"{role}:{config(binary, role)['port']}"] for role in ROLES}
    for name in ("prometheus", "grafana"):
        assert services()[name]["profiles"] == ["observability"]
        for volume in services()[name]["volumes"]:
            source = volume.split(":")[0]
            assert not source.startswith(".") or (COMPOSE.parent / source).is_dir(), volume


def test_images_are_named_in_full_and_ours_by_the_version(binary):
    version = binary.run("--version").stdout.strip()
    for name, service in services().items():
        if name in ROLES:
            assert service["image"] == f"stepstream:{version}"
            build = service["build"]
            assert (COMPOSE.parent / build["context"] / build["dockerfile"]).resolve() == CONTAINERFILE
        else:
            assert re.fullmatch(r"[\w.]+\.\w+/[\w/.-]+:[\w.-]+", service["image"]), service["image"]
    for keyword, rest in instructions():
        if keyword == "ARG":
            assert re.fullmatch(r"\w+_IMAGE=[\w.]+\.\w+/[\w/.-]+:[\w.-]+", rest), rest


def test_the_image_is_nobody_special_and_lets_nobody_in_by_itself(binary, data_dir):
    user, group = instruction("USER").split(":")
    assert int(user) > 0 and int(group) > 0
    variables = image_environment() | {
        "STEPSTREAM_DATA_DIR": str(data_dir), "STEPSTREAM_PORT": "0",
        "STEPSTREAM_PLUGINS": str(binary.path.parent / "plugins")}
    answer = binary.run(*json.loads(instruction("CMD")), env=variables)
    assert answer.returncode == 78 and "--insecure" in answer.stderr


def health(port: int) -> int:
    return subprocess.run(
        health_command(), env={"PATH": os.environ["PATH"], "STEPSTREAM_PORT": str(port)}, capture_output=True,
        timeout=10).returncode


def test_the_health_check_says_whether_a_role_is_ready(server):
    port = int(server.url.rsplit(":", 1)[1])
    assert health(port) == 0
    server.stop()
    assert health(port) != 0


def test_the_health_check_refuses_every_status_but_200():
    class Unready(http.server.BaseHTTPRequestHandler):
        paths = []

        def do_GET(self):
            self.paths.append(self.path)
            self.send_response(200 if self.path == "/health" else 503)
            self.end_headers()

        def log_message(self, *_):
            pass

    with http.server.HTTPServer(("127.0.0.1", 0), Unready) as stub:
        thread = threading.Thread(target=stub.serve_forever)
        thread.start()
        try:
            assert health(stub.server_port) != 0
        finally:
            stub.shutdown()
            thread.join()
    assert Unready.paths == ["/health/ready"]


def test_the_guides_links_lead_somewhere():
    for link in re.findall(r"\]\(([^)#:]+)\)", GUIDE.read_text()):
        assert (GUIDE.parent / link).exists(), link
