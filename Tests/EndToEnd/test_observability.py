"""deploy/observability: the alerts fire and clear when they should, and every query finds what the roles show."""

import base64
import collections
import contextlib
import functools
import http.server
import json
import re
import secrets
import threading

import pytest
import requests
import yaml

from support import kafka, outcomes
from support.approvals import gated
from support.binary import ROOT
from support.broker import Broker
from support.prometheus import Prometheus, promtool
from support.server import Server
from support.waiting import comes_true

DIRECTORY = ROOT / "deploy" / "observability"
RULES = DIRECTORY / "alerts.yml"
RULE_TESTS = [DIRECTORY / "alerts.test.yml", DIRECTORY / "failures.test.yml"]
DASHBOARD = DIRECTORY / "grafana" / "dashboards" / "stepstream.json"
GUIDE = ROOT / "deploy" / "guide" / "observability.md"
ROLES = ("orchestrator", "gateway", "metrics", "notifier")
RESOLVE_SECONDS_MAX = 60


@functools.cache
def rules() -> list:
    return [rule for group in yaml.safe_load(RULES.read_text())["groups"] for rule in group["rules"]]


def alerts() -> dict:
    return {rule["alert"]: rule for rule in rules() if "alert" in rule}


@functools.cache
def panels() -> list:
    return [panel for panel in json.loads(DASHBOARD.read_text())["panels"] if panel["type"] != "row"]


def queries() -> list:
    """(panel, expression, labels of its legend) with Grafana's variables as it fills them in."""
    found = []
    for panel in panels():
        for target in panel["targets"]:
            text = target["expr"].replace("$workflow", ".*").replace("$__rate_interval", "1m").replace("$__range", "1h")
            assert "$" not in text, text
            found.append((panel["title"], text, re.findall(r"{{(\w+)}}", target["legendFormat"])))
    return found


# The rules alone.

def test_prometheus_takes_the_configuration():
    # With the rules that it names.
    checked = promtool("check", "config", DIRECTORY / "prometheus.yml")
    assert checked.returncode == 0 and f"{len(rules())} rules found" in checked.stdout, checked.stdout


def test_every_alert_fires_clears_and_stays_quiet_below_its_threshold():
    tested = promtool("test", "rules", *RULE_TESTS)
    assert tested.returncode == 0, tested.stdout
    seen = collections.defaultdict(list)
    for file in RULE_TESTS:
        for test in yaml.safe_load(file.read_text())["tests"]:
            for case in test["alert_rule_test"]:
                assert test["name"].startswith(case["alertname"] + " ")
                seen[case["alertname"], test["name"].split(" ", 1)[1][:5]].append(bool(case.get("exp_alerts")))
    for name in alerts():
        fires, quiet = seen.pop((name, "fires")), seen.pop((name, "stays"))
        assert any(fires) and fires[-1] is False and not any(quiet), name
    assert not seen


def mutations(rule: dict) -> list:
    """The rule with each of its thresholds and its time a little lower and a little higher."""
    found = []
    for match in re.finditer(r"(==|[<>]) ([\d.]+)", rule["expr"]):
        sign, number = match[1], float(match[2])
        if number:
            others = [f"{sign} {number * factor}" for factor in (0.8, 1.25)]
        else:
            others = [{"==": "<= 1.5", ">": ">= 0"}[sign], f"{sign} 1.5"]
        before, after = rule["expr"][:match.start()], rule["expr"][match.end():]
        found += [rule | {"expr": before + other + after} for other in others]
    if "for" in rule:
        minutes = int(rule["for"].removesuffix("m"))
        found += [rule | {"for": f"{minutes * 60 - 15}s"}, rule | {"for": f"{minutes * 60 + 15}s"}]
    return found


@pytest.mark.parametrize("name", alerts())
def test_the_tests_of_an_alert_tell_it_from_one_with_another_threshold(name, tmp_path):
    groups = yaml.safe_load(RULES.read_text())["groups"]
    group = next(group for group in groups if any(rule.get("alert") == name for rule in group["rules"]))
    paths = []
    for number, file in enumerate(RULE_TESTS):
        suite = yaml.safe_load(file.read_text())
        suite["tests"] = [test for test in suite["tests"] if test["name"].startswith(name + " ")]
        if suite["tests"]:
            paths.append(tmp_path / f"{number}.yml")
            paths[-1].write_text(yaml.safe_dump(suite))

    def outcome(rule):
        records = [one for one in group["rules"] if "record" in one]
        changed = {"groups": [{"name": "one", "rules": [*records, rule]}]}
        (tmp_path / "alerts.yml").write_text(yaml.safe_dump(changed))
        return promtool("test", "rules", *paths)

    rule = alerts()[name]
    unchanged = outcome(rule)
    assert unchanged.returncode == 0, unchanged.stdout
    changed = mutations(rule)
    assert changed
    for other in changed:
        assert outcome(other).returncode != 0, (other["expr"], other.get("for"))


def test_the_guide_says_what_to_do_about_every_alert():
    headings = re.findall(r"^### (Stepstream\w+)$", GUIDE.read_text(), re.M)
    assert headings == list(alerts())


def test_the_guides_links_lead_somewhere():
    for link in re.findall(r"\]\(([^)#:]+)\)", GUIDE.read_text()):
        assert (GUIDE.parent / link).exists(), link


def test_the_dashboards_panels_stand_side_by_side():
    taken, numbers = set(), set()
    for panel in json.loads(DASHBOARD.read_text())["panels"]:
        place = panel["gridPos"]
        assert place["x"] + place["w"] <= 24, panel["title"]
        cells = {(place["x"] + x, place["y"] + y) for x in range(place["w"]) for y in range(place["h"])}
        assert not cells & taken and panel["id"] not in numbers, panel["title"]
        taken |= cells
        numbers.add(panel["id"])


# The rules and the dashboard on running roles.

class Receiver(http.server.BaseHTTPRequestHandler):
    """Takes what comes to /good, and has no use for anything else."""

    def do_POST(self):
        self.rfile.read(int(self.headers["content-length"]))
        self.send_response(204 if self.path == "/good" else 500)
        self.end_headers()

    def log_message(self, *_):
        pass


@contextlib.contextmanager
def receiver():
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Receiver) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


def channels(directory, url: str) -> list:
    """Flags of a settings file with a channel that works and one that does not."""
    directory.mkdir()
    secret = directory / "secret"
    secret.write_text("whsec_" + base64.b64encode(secrets.token_bytes(32)).decode())
    settings = {"notifier": {"retry_schedule": ["10ms"], "channels": [
        {"name": name, "type": "webhook", "url": f"{url}/{name}", "secret_files": [str(secret)],
         "allow_private_addresses": True} for name in ("good", "broken")]}}
    (directory / "stepstream.yaml").write_text(yaml.safe_dump(settings))
    return ["--config", str(directory / "stepstream.yaml")]


def retargeted(addresses: dict) -> dict:
    """The configuration with the addresses of running roles in place of Compose's."""
    configuration = yaml.safe_load((DIRECTORY / "prometheus.yml").read_text())
    configuration["rule_files"] = [str(DIRECTORY / name) for name in configuration["rule_files"]]
    job, = configuration["scrape_configs"]
    targets = {target["labels"]["role"]: target for target in job["static_configs"]}
    assert set(targets) == set(ROLES)
    job["static_configs"] = [
        targets.get(role, {"labels": {"role": role}}) | {"targets": [url.removeprefix("http://")]}
        for role, url in addresses.items()]
    return configuration


class Scene:
    """Running roles with executions of every outcome, before Prometheus began to watch and after."""

    def __init__(self, stack, binary, directory, kind):
        directory.chmod(0o755)
        flags = channels(directory / "settings", stack.enter_context(receiver()))
        if kind == "kafka":
            self.broker = stack.enter_context(Broker(directory / "broker"))
            names, bus = ROLES, kafka.arguments(directory, self.broker.address)
        else:
            names, bus = ["serve"], []
        self.roles = {
            name: stack.enter_context(Server(binary, directory / name, role=name, arguments=[*bus, *flags]))
            for name in names}
        front = next(iter(self.roles.values()))
        outcomes.run_all(front, stream=self.roles.get("gateway", front))
        front.put_workflow(gated("waiting", deadline="24h"))
        front.execute("waiting", wait=None)
        self.prometheus = stack.enter_context(Prometheus(
            directory / "prometheus", retargeted({name: role.url for name, role in self.roles.items()})))
        # Every role's counters are known before they rise.
        assert self.wait(lambda: [value for _, value in self.prometheus.query("up")] == [1.0] * len(names))
        outcomes.run_all(front, stream=self.roles.get("gateway", front))

    def wait(self, holds) -> bool:
        """Whether it comes to hold: what is counted and scraped shows some seconds later, and nothing tells when."""
        return comes_true(holds, RESOLVE_SECONDS_MAX)


@pytest.fixture(scope="module", params=["kafka", "serve"])
def scene(request, binary, tmp_path_factory):
    with contextlib.ExitStack() as stack:
        yield Scene(stack, binary, tmp_path_factory.mktemp("scene"), request.param)


def expected_here(scene, expression: str) -> bool:
    return "stepstream_bus_" not in expression or "serve" not in scene.roles


def test_every_query_of_the_dashboard_gives_numbers(scene):
    asked = [query for query in queries() if expected_here(scene, query[1])]

    def faults():
        return [(title, fault) for title, text, labels in asked for fault in scene.prometheus.faults(text, labels)]

    assert scene.wait(lambda: not faults()), faults()


def test_every_rule_asks_for_what_there_is(scene):
    asked = [rule["expr"] for rule in rules() if expected_here(scene, rule["expr"])]

    def faults():
        return [fault for text in asked for fault in scene.prometheus.faults(text, whole=False)]

    assert scene.wait(lambda: not faults()), faults()
    known = [rule for group in scene.prometheus.get("rules")["groups"] for rule in group["rules"]]
    assert len(known) == len(rules()) and {rule["health"] for rule in known} == {"ok"}, known


def test_of_the_alerts_only_the_one_about_what_was_given_up_fires(scene):
    def firing():
        return {(alert["labels"]["alertname"], alert["labels"].get("channel"))
                for alert in scene.prometheus.get("alerts")["alerts"]}

    assert scene.wait(lambda: firing() == {("StepstreamDeadLetters", "broken")}), firing()


@pytest.mark.parametrize("expression, labels, fault", [
    ("sum(stepstream_relay_backlog_event)", [], "no series stepstream_relay_backlog_event{}"),
    ('stepstream_events_missing{place="within"} > 0', [], 'no series stepstream_events_missing{place="within"}'),
    ("sum by (workflows) (stepstream_executions_open)", [], "no label workflows on stepstream_executions_open{}"),
    ("sum(stepstream_executions_open)", ["workflow"], "no label workflow on sum(stepstream_executions_open)"),
    ("stepstream_executions_open > 1e9", [], "no number from stepstream_executions_open > 1e9")])
def test_a_query_in_vain_is_found(scene, expression, labels, fault):
    assert scene.prometheus.faults(expression, labels) == [fault]


def test_promtool_finds_nothing_to_say_about_any_role(scene):
    for role in scene.roles.values():
        text = requests.get(role.url + "/metrics", timeout=30).text
        checked = promtool("check", "metrics", input=text)
        assert (checked.returncode, checked.stdout) == (0, ""), (role.role, checked.stdout)


@pytest.mark.parametrize("scene", ["kafka"], indirect=True)
def test_a_broker_that_is_away_shows_as_such(scene):
    scene.broker.kill()
    try:
        front = scene.roles["orchestrator"]
        front.execute("plain", {"value": 1})
        for expression in (alerts()["StepstreamBusDown"]["expr"], "stepstream_relay_backlog_age_seconds > 0"):
            assert scene.wait(lambda: "orchestrator" in {
                labels["role"] for labels, _ in scene.prometheus.query(expression)}), expression
    finally:
        scene.broker.start()
    assert scene.wait(lambda: not scene.prometheus.query(alerts()["StepstreamBusDown"]["expr"]))
    assert scene.wait(lambda: not scene.prometheus.query("stepstream_relay_backlog_age_seconds > 0"))
