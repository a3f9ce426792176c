"""Approvals: who may decide, that one decision wins, and that neither a crash nor the clock changes it."""

import concurrent.futures
import json
import queue
import random
import re
import subprocess

import pytest
import requests

from support import files
from support.approvals import decide, gated, released
from support.binary import ROOT
from support.contract import check_transcript, types
from support.kafka import role
from support.server import Server
from support.tokens import Callers, in_an_hour
from support.workflows import three_steps

KILLS, KILLS_LONG = 8, 50
FORM = {"type": "object", "required": ["ticket"], "properties": {"ticket": {"type": "string", "pattern": "^T-[0-9]+$"}}}


@pytest.fixture
def server(shared_server):
    return shared_server


@pytest.fixture
def callers(tmp_path) -> Callers:
    return Callers(tmp_path / "callers", {
        "ann": {"groups": ["stewards"], "roles": ["viewer"]}, "bob": {"groups": ["stewards"], "roles": ["viewer"]},
        "carl": {"roles": ["viewer"]}, "olga": {"groups": ["stewards"], "roles": ["operator"]}})


@pytest.fixture
def office(binary, data_dir, callers):
    """A server that knows its callers; requests of its own are the operator's."""
    with Server(binary, data_dir, arguments=callers.arguments) as server:
        server.session.headers["authorization"] = callers.session("olga").headers["authorization"]
        yield server


# What everybody sees.

def test_a_release_ends_the_stream_with_its_decision(own_server):
    own_server.put_workflow(released(when="risk_score >= 0"))
    answer = own_server.execute("released", {"value": 1})
    execution = answer["execution_id"]
    assert answer["status"] == "completed" and answer["output"] == 1
    assert answer["approval"]["approval_id"] == f"{execution}:release"
    assert types(own_server.events(execution))[-2:] == ["approval_requested", "execution_completed"]
    waiting = own_server.get("/api/v1/approvals")["items"]
    assert [item["approval_id"] for item in waiting] == [f"{execution}:release"]
    # It has completed: what is left is not to be cancelled.
    again = own_server.session.post(f"{own_server.url}/api/v1/executions/{execution}/cancel", timeout=30)
    assert again.status_code == 409
    assert decide(own_server.session, own_server.url, execution, "reject", comment="not yet").status_code == 200
    events = own_server.events(execution)
    check_transcript(events)
    assert types(events)[-2:] == ["approval_vote", "approval_rejected"] and events[-1]["final"]
    report = own_server.get(f"/api/v1/executions/{execution}")
    assert report["status"] == "completed" and report["approvals"][0]["comment"] == "not yet"
    assert own_server.get("/api/v1/approvals")["items"] == []
    assert len(own_server.get("/api/v1/approvals?status=rejected")["items"]) == 1


def test_a_release_that_needs_none_asks_nobody(server):
    server.put_workflow(released(when="risk_score > 0"))
    answer = server.execute("released", {"value": 1})
    assert "approval" not in answer
    check_transcript(server.events(answer["execution_id"]))


@pytest.mark.parametrize("decision, on_failure, status, code", [
    ("approve", "fail", "completed", None), ("reject", "fail", "failed", "approval_rejected"),
    ("reject", "continue", "completed", None)])
def test_a_gate_holds_the_run_until_somebody_decides(server, decision, on_failure, status, code):
    server.put_workflow(gated(on_failure=on_failure))
    answer = server.execute("gated", wait="1s")
    execution = answer["execution_id"]
    assert answer["status"] == "waiting" and answer["approval"]["step_name"] == "review"
    assert server.get("/api/v1/executions?status=waiting")["items"][0]["execution_id"] == execution
    assert decide(server.session, server.url, execution, decision, comment="because").status_code == 200
    final = server.session.get(f"{server.url}/api/v1/workflows/stream/{execution}", timeout=30).text
    assert '"final":true' in final
    events = server.events(execution)
    check_transcript(events)
    report = server.get(f"/api/v1/executions/{execution}")
    assert ("step_failed" in types(events)) == (decision == "reject")
    assert report["status"] == status and (report["error"] or {}).get("code") == code
    if decision == "approve":
        assert report["output"]["decided"]["comment"] == "because"


def test_over_a_broker_a_stream_stays_open_for_the_decision(binary, data_dir, broker):
    """Of a client that was there, and of one that comes between completion and decision."""
    with role(binary, data_dir, broker.address) as server, concurrent.futures.ThreadPoolExecutor(2) as pool:
        server.put_workflow(released())

        def stream(execution):
            with requests.get(f"{server.url}/api/v1/workflows/stream/{execution}", stream=True, timeout=60) as answer:
                for line in answer.iter_lines():
                    if line.startswith(b"data:"):
                        event = json.loads(line[5:])
                        seen.put(event["type"])
                        yield event

        seen = queue.Queue()
        execution = server.execute("released", {"value": 1})["execution_id"]
        clients = []
        for _ in range(2):
            clients.append(pool.submit(lambda: list(stream(execution))))
            while seen.get(timeout=60) != "execution_completed":
                pass
        assert decide(server.session, server.url, execution).status_code == 200
        events = server.events(execution)
        check_transcript(events)
        assert [client.result(timeout=60) for client in clients] == [events, events]


# Who may decide.

def test_only_approvers_decide_and_with_four_eyes_not_who_started(office, callers):
    office.put_workflow(gated(four_eyes=True, quorum=2))
    execution = office.execute("gated", wait="1s")["execution_id"]
    assert office.get(f"/api/v1/executions/{execution}")["started_by"] == "olga"

    def refused(name, status, code, **body):
        answer = decide(callers.session(name), office.url, execution, **body)
        assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text

    refused("carl", 403, "not_an_approver")
    refused("olga", 403, "four_eyes")
    nobody = decide(requests, office.url, execution)
    assert (nobody.status_code, nobody.json()["code"]) == (401, "token_missing")
    assert decide(callers.session("ann"), office.url, execution, comment="a").json()["status"] == "pending"
    refused("ann", 409, "already_voted", decision="reject")
    assert decide(callers.session("ann"), office.url, execution, comment="a").status_code == 200  # the same again
    assert decide(callers.session("bob"), office.url, execution, comment="b").json()["status"] == "granted"
    late = decide(callers.session("ann"), office.url, execution, decision="reject").json()
    assert late["status"] == 409 and late["approval_status"] == "granted" and late["decided_by"] == "bob"
    votes = [event["data"] for event in office.events(execution) if event["type"] == "approval_vote"]
    assert [(vote["approver"], vote["comment"]) for vote in votes] == [("ann", "a"), ("bob", "b")]


def test_a_viewer_reads_and_starts_nothing(office, callers):
    office.put_workflow(gated())
    viewer = callers.session("carl")
    assert viewer.get(f"{office.url}/api/v1/approvals", timeout=30).status_code == 200
    for method, path in [("POST", "/api/v1/workflows/gated/execute"), ("PUT", "/api/v1/workflows/gated"),
                         ("DELETE", "/api/v1/workflows/gated")]:
        answer = viewer.request(method, office.url + path, json={}, timeout=30)
        assert (answer.status_code, answer.json()["code"]) == (403, "role_required"), path
    assert requests.get(f"{office.url}/health", timeout=30).status_code == 200
    assert requests.get(f"{office.url}/metrics", timeout=30).status_code == 401


def test_without_tokens_the_local_caller_decides_but_for_four_eyes(server):
    server.put_workflow(gated("plain"))
    server.put_workflow(gated("eyes", four_eyes=True))
    plain, eyes = (server.execute(name, wait="1s")["execution_id"] for name in ("plain", "eyes"))
    assert decide(server.session, server.url, plain).status_code == 200
    refused = decide(server.session, server.url, eyes)
    assert (refused.status_code, refused.json()["code"]) == (403, "four_eyes")


def test_a_form_is_checked_and_kept(office, callers):
    office.put_workflow(gated(form=FORM))
    execution = office.execute("gated", wait="1s")["execution_id"]
    ann = callers.session("ann")
    for form, faults in [(None, []), ({}, ["/form"]), ({"ticket": "7"}, ["/form/ticket"])]:
        answer = decide(ann, office.url, execution, form=form)
        assert (answer.status_code, answer.json()["code"]) == (422, "invalid_form"), answer.text
        assert [fault["path"] for fault in answer.json().get("faults", [])] == faults
    assert decide(ann, office.url, execution, form={"ticket": "T-7"}).status_code == 200
    assert office.get(f"/api/v1/executions/{execution}")["steps"][1]["output"]["form"] == {"ticket": "T-7"}
    requested = next(event for event in office.events(execution) if event["type"] == "approval_requested")
    assert requested["data"]["form_schema"] == FORM


@pytest.mark.parametrize("body, path", [
    ({}, "/decision"), ({"decision": "maybe"}, "/decision"), ({"decision": "approve", "comment": 1}, "/comment"),
    ({"decision": "approve", "why": ""}, "/why")])
def test_a_body_that_cannot_be_used_is_told_why(server, body, path):
    server.put_workflow(gated())
    execution = server.execute("gated", wait="1s")["execution_id"]
    answer = server.session.post(f"{server.url}/api/v1/executions/{execution}/approval", json=body, timeout=30)
    assert answer.status_code == 422 and path in [fault["path"] for fault in answer.json()["faults"]]


def test_what_is_not_there_is_not_decided(server, new_id):
    server.put_workflow(three_steps())
    execution = server.execute("three-steps", {"value": 1})["execution_id"]
    for name in (execution, new_id(), "x"):
        assert decide(server.session, server.url, name).status_code == 404


@pytest.mark.parametrize("on_failure", ["fail", "continue"])
def test_a_condition_without_an_answer_asks(server, on_failure):
    """Of a gate and of a release; what the step's failure would mean does not matter."""
    gate = gated(on_failure=on_failure)
    gate["steps"][1]["when"] = "inputs.value.missing"
    for definition, kind in [(gate, "gate"), (released(when="inputs.value.missing"), "release")]:
        server.put_workflow(definition)
        approval = server.execute(definition["name"], {"value": 1}, wait="1s")["approval"]
        assert approval["kind"] == kind and "missing" in approval["reason"], approval


def test_a_lost_answer_asked_for_again_decides_nothing_else(own_server):
    definition = gated()
    definition["steps"].insert(2, {"name": "second", "approval": {"approvers": ["stewards"]}})
    own_server.put_workflow(definition)
    execution = own_server.execute("gated", wait="1s")["execution_id"]
    first, second = f"{execution}:gate:review", f"{execution}:gate:second"
    assert decide(own_server.session, own_server.url, execution).json()["approval_id"] == first
    again = decide(own_server.session, own_server.url, execution)
    assert (again.status_code, again.json()["code"]) == (409, "approval_ambiguous")
    assert again.json()["approvals"] == [first, second]
    assert decide(own_server.session, own_server.url, execution, approval_id=first).json()["status"] == "granted"
    assert own_server.get("/api/v1/approvals")["items"][0]["approval_id"] == second
    assert decide(own_server.session, own_server.url, execution, comment="this too").json()["approval_id"] == second


def test_approvals_are_listed_in_pages(own_server):
    own_server.put_workflow(released())
    expected = [own_server.execute("released", {"value": 1})["approval"]["approval_id"] for _ in range(5)][::-1]
    listed, cursor = [], ""
    while cursor is not None:
        page = own_server.get(f"/api/v1/approvals?limit=2{cursor and '&cursor=' + cursor}")
        assert len(page["items"]) <= 2
        listed += [item["approval_id"] for item in page["items"]]
        cursor = page["next"]
    assert listed == expected
    for query in ("cursor=x", "status=x", "limit=0"):
        answer = own_server.session.get(f"{own_server.url}/api/v1/approvals?{query}", timeout=30)
        assert answer.status_code == 400, query


def test_a_definition_with_faults_in_its_approvals_is_told_all_of_them(server):
    definition = gated(quorum=0, on_expiry="wait", escalate_after="1 h", approvers=["a", "a"])
    definition["approval"] = {"required_when": "risk >= 70", "approvers": []}
    answer = server.session.put(f"{server.url}/api/v1/workflows/gated", json=definition, timeout=30)
    faults = {fault["path"] for fault in answer.json()["faults"]}
    assert answer.status_code == 422 and faults >= {
        "steps[1].approval.quorum", "steps[1].approval.on_expiry", "steps[1].approval.escalate_after",
        "steps[1].approval.approvers[1]", "approval.required_when", "approval.approvers"}, answer.text


# One decision wins.

def test_of_a_thousand_decisions_at_once_one_wins(binary, data_dir, tmp_path):
    names = [f"approver-{number}" for number in range(1_000)]
    callers = Callers(tmp_path / "callers", {
        **{name: {"groups": ["stewards"]} for name in names}, "olga": {"roles": ["operator"]}})
    with Server(binary, data_dir, arguments=callers.arguments) as server:
        server.session.headers["authorization"] = callers.session("olga").headers["authorization"]
        server.put_workflow(gated())
        execution = server.execute("gated", wait="1s")["execution_id"]

        def vote(name):
            with callers.session(name) as session:
                return name, decide(session, server.url, execution, comment=f"by {name}")

        with concurrent.futures.ThreadPoolExecutor(48) as pool:
            answers = list(pool.map(vote, names))
        winners = [name for name, answer in answers if answer.status_code == 200]
        assert len(winners) == 1
        for name, answer in answers:
            if name not in winners:
                body = answer.json()
                assert (answer.status_code, body["code"]) == (409, "approval_decided"), body
                assert (body["decided_by"], body["comment"]) == (winners[0], f"by {winners[0]}")
        votes = [event for event in server.events(execution) if event["type"] == "approval_vote"]
        assert len(votes) == 1
        # The winner's own answer may have been lost: asking again gives it.
        assert vote(winners[0])[1].status_code == 200


# Links.

def test_a_link_shows_a_page_and_only_post_decides_once(office, callers):
    office.put_workflow(gated(reason="<b>look</b> & see"))
    execution = office.execute("gated", wait="1s")["execution_id"]
    link = f"{office.url}/approvals/{callers.link(f'{execution}:gate:review', 'stewards', in_an_hour())}"
    page = requests.get(link, headers={"accept": "text/html"}, timeout=30)
    assert page.status_code == 200 and page.headers["content-type"].startswith("text/html")
    assert "&lt;b&gt;look&lt;/b&gt; &amp; see" in page.text and "<b>look" not in page.text
    assert "default-src 'none'" in page.headers["content-security-policy"]
    for _ in range(3):
        requests.get(link, timeout=30)
        requests.head(link, timeout=30)
    assert "approval_vote" not in types(office.events(execution))
    posted = requests.post(
        link, data={"decision": "approve", "comment": "by link"}, headers={"accept": "text/html"}, timeout=30)
    assert posted.status_code == 200 and "granted" in posted.text
    for answer in (requests.post(link, json={"decision": "approve"}, timeout=30), requests.get(link, timeout=30)):
        assert (answer.status_code, answer.json()["code"]) == (410, "link_used")
        assert answer.json()["approval_status"] == "granted"
    vote = next(event for event in office.events(execution) if event["type"] == "approval_vote")
    assert (vote["data"]["approver"], vote["data"]["comment"]) == ("stewards", "by link")


def test_a_link_that_is_forged_expired_or_too_late_decides_nothing(office, callers):
    office.put_workflow(gated())
    office.put_workflow(gated("eyes", four_eyes=True, approvers=["stewards", "ann", "board"]))
    execution = office.execute("gated", wait="1s")["execution_id"]
    approval = f"{execution}:gate:review"

    def post(token):
        answer = requests.post(f"{office.url}/approvals/{token}", json={"decision": "approve"}, timeout=30)
        return answer.status_code, answer.json()["code"]

    good = callers.link(approval, "ann", in_an_hour())
    assert post(callers.link(approval, "ann", in_an_hour(), key=b"x" * 32)) == (404, "link_not_valid")
    assert post(good[:-1] + ("A" if good[-1] != "A" else "B")) == (404, "link_not_valid")
    assert post("x") == (404, "link_not_valid")
    assert post(callers.link(approval, "ann", "2026-01-01T00:00:00.000000Z")) == (410, "link_expired")
    assert post(callers.link(approval, "carl", in_an_hour())) == (403, "not_an_approver")
    assert office.get(f"/api/v1/executions/{execution}")["status"] == "waiting", "one of them decided"
    late = callers.link(approval, "ann", in_an_hour())
    assert decide(callers.session("bob"), office.url, execution).status_code == 200
    assert post(late) == (410, "approval_decided")
    eyes = office.execute("eyes", wait="1s")["execution_id"]
    # Nor does a name that no caller has and no token names as a group: it may be several people's.
    for approver in ("stewards", "board"):
        assert post(callers.link(f"{eyes}:gate:review", approver, in_an_hour())) == (403, "four_eyes")
    assert office.get(f"/api/v1/executions/{eyes}")["status"] == "waiting"


@pytest.mark.parametrize("public", [None, "https://flows.example.org"])
def test_a_browser_can_send_the_page_s_form(binary, data_dir, tmp_path, public):
    """Directly, and through a proxy that keeps the name the browser knows."""
    approvals = {"link_key_file": str(tmp_path / "callers" / "link.key")}
    if public:
        approvals["public_url"] = f"{public}/"
    callers = Callers(tmp_path / "callers", {"olga": {"roles": ["operator"]}}, approvals=approvals)
    with Server(binary, data_dir, arguments=callers.arguments) as server:
        server.session.headers["authorization"] = callers.session("olga").headers["authorization"]
        server.put_workflow(gated(approvers=["ann"]))
        execution = server.execute("gated", wait="1s")["execution_id"]
        link = f"{server.url}/approvals/{callers.link(f'{execution}:gate:review', 'ann', in_an_hour())}"
        own = public or server.url
        headers = {"accept": "text/html", "host": own.split("://")[1]}
        page = requests.get(link, headers=headers, timeout=30)
        assert page.status_code == 200, page.text
        # Fetch, "append a request Origin header": a page that tells nobody where it is has no origin for its form.
        origin = "null" if page.headers["referrer-policy"] == "no-referrer" else own
        form = {"decision": "approve"}
        foreign = requests.post(link, data=form, headers=headers | {"origin": "https://evil.example"}, timeout=30)
        assert (foreign.status_code, foreign.json()["code"]) == (403, "origin_refused")
        sent = requests.post(link, data=form, headers=headers | {"origin": origin}, timeout=30)
        assert sent.status_code == 200 and "granted" in sent.text, sent.text


def test_nobody_counts_twice_by_the_link_of_a_group(office, callers):
    office.put_workflow(gated(quorum=2, approvers=["stewards", "carl"]))
    execution = office.execute("gated", wait="1s")["execution_id"]
    link = f"{office.url}/approvals/{callers.link(f'{execution}:gate:review', 'stewards', in_an_hour())}"
    for answer in (requests.get(link, timeout=30), requests.post(link, json={"decision": "approve"}, timeout=30)):
        assert (answer.status_code, answer.json()["code"]) == (403, "group_link"), answer.text
    assert decide(callers.session("ann"), office.url, execution).json()["status"] == "pending"
    by_name = callers.link(f"{execution}:gate:review", "carl", in_an_hour())
    answer = requests.post(f"{office.url}/approvals/{by_name}", json={"decision": "approve"}, timeout=30)
    assert answer.json()["status"] == "granted"


# The clock and crashes.

def test_a_deadline_that_passes_while_the_server_is_down_has_passed(binary, data_dir):
    with Server(binary, data_dir) as server:
        server.put_workflow(gated(deadline="300ms", on_expiry="reject", remind_every="100ms"))
        execution = server.execute("gated", wait=None)["execution_id"]
        server.kill()
    with Server(binary, data_dir) as server:
        server.session.get(f"{server.url}/api/v1/workflows/stream/{execution}", timeout=30)  # to its end
        events = server.events(execution)
        check_transcript(events)
        outcome = next(event for event in events if event["type"] == "approval_rejected")
        requested = next(event for event in events if event["type"] == "approval_requested")
        assert outcome["data"]["policy"] == "deadline" and outcome["time"] >= requested["data"]["deadline_at"]


def test_reminders_and_an_escalation_come_in_their_time(server):
    server.put_workflow(gated(
        deadline="400ms", remind_every="150ms", escalate_to=["boss"], on_expiry="escalate"))
    execution = server.execute("gated", wait="10s")["execution_id"]
    events = server.events(execution)
    check_transcript(events)
    told = [event for event in events if event["type"] in ("approval_reminder", "approval_escalated")]
    assert [event["type"] for event in told].count("approval_escalated") == 1
    escalated = next(event for event in told if event["type"] == "approval_escalated")
    assert escalated["data"]["approvers"] == ["stewards", "boss"]
    assert types(events)[-3:] == ["approval_expired", "step_failed", "execution_failed"]


def test_kills_cost_no_decision(binary, data_dir, seed, is_long):
    """Executions with a gate and a release, votes and deadlines all along; whoever got a 2xx finds the vote counted."""
    rng = random.Random(seed)
    started, counted = [], {}
    for _ in range(KILLS_LONG if is_long else KILLS):
        with Server(binary, data_dir) as server:
            server.put_workflow(gated(deadline="3s", remind_every="200ms", on_expiry="approve") | {
                "approval": {"required_when": "true", "approvers": ["stewards"], "deadline": "3s"}})
            moment = rng.randint(20, 120)
            for count in range(moment):
                if rng.random() < 0.5 or not started:
                    started.append(server.execute("gated", wait=None)["execution_id"])
                execution = rng.choice(started[-20:])
                comment = f"comment {len(started)} {count}"
                answer = decide(server.session, server.url, execution, rng.choice(["approve", "reject"]), comment=comment)
                assert answer.status_code in (200, 409, 404), answer.text
                if answer.status_code == 200:
                    counted.setdefault((execution, answer.json()["approval_id"]), []).append(comment)
            server.kill()
    with Server(binary, data_dir) as server:
        for execution in started:
            with server.session.get(
                    f"{server.url}/api/v1/workflows/stream/{execution}", timeout=60, stream=True) as stream:
                for _ in stream.iter_content(65536):
                    pass
            events = server.events(execution)
            check_transcript(events)
            for approval in {event["data"]["approval_id"] for event in events if "approval_id" in event["data"]}:
                told = [event["data"]["comment"] for event in events
                        if event["type"] == "approval_vote" and event["data"]["approval_id"] == approval]
                assert told == counted.get((execution, approval), told), (execution, approval)
        assert server.stop() == 0
    files.assert_same_events(data_dir)
    assert files.open_executions(data_dir) == set()
    print(f"{len(started)} executions, {len(counted)} decisions")


# The command line.

def test_run_ends_with_4_while_it_waits_and_goes_on_on_a_server(binary, data_dir, tmp_path):
    file = tmp_path / "gated.json"
    file.write_text(json.dumps(gated(form=FORM)))
    (tmp_path / "form.json").write_text('{"ticket": "T-1"}')
    ran = binary.run("run", file, "--data-dir", data_dir, "--plugins", binary.plugins)
    assert ran.returncode == 4 and "approval_requested" in ran.stdout, ran
    execution = re.search(r"approve ([0-9a-f-]{36})", ran.stderr)[1]
    with Server(binary, data_dir) as server:
        def command(*arguments):
            return binary.run(*arguments, "--url", server.url)

        listed = command("approvals").stdout
        assert execution in listed and "review (gate)" in listed and "stewards" in listed
        refused = command("approve", execution)
        assert refused.returncode == 2 and "invalid_form" in refused.stderr
        granted = command("approve", execution, "--form", tmp_path / "form.json", "--comment", "fine")
        assert granted.returncode == 0 and "granted  1 of 1 approvals" in granted.stdout
        watched = command("watch", execution)
        assert watched.returncode == 0 and "approval_granted" in watched.stdout and "fine" in watched.stdout
        refused = command("reject", execution)
        assert refused.returncode == 1 and "granted by local" in refused.stderr and "comment: fine" in refused.stderr
        shown = command("show", execution).stdout
        assert "approval of review  granted by quorum" in shown and "local  approve  fine" in shown
        assert command("approvals").stdout == ""


def test_the_demo_with_a_dirtier_table_waits_for_its_release(binary, data_dir, tmp_path):
    demo = ROOT / "deploy" / "demo"
    table = subprocess.run(
        ["awk", "-f", demo / "dirtier.awk", demo / "penguins.csv"], capture_output=True, text=True, check=True).stdout
    inputs = tmp_path / "inputs.json"
    inputs.write_text(json.dumps({"csv": table, "rules": json.loads((demo / "rules.json").read_text())}))
    ran = binary.run("run", demo / "dataset-review.yaml", "-i", inputs, "--data-dir", data_dir, "--plugins", binary.plugins)
    assert ran.returncode == 4 and "data-stewards" in ran.stdout, ran
    execution = re.search(r"approve ([0-9a-f-]{36})", ran.stderr)[1]
    with Server(binary, data_dir) as server:
        granted = binary.run("approve", execution, "--comment", "known and noted", "--url", server.url)
        assert granted.returncode == 0, granted
        stream = server.session.get(f"{server.url}/api/v1/workflows/stream/{execution}", timeout=30).text
        assert '"comment":"known and noted"' in stream and '"type":"approval_granted"' in stream
        report = server.get(f"/api/v1/executions/{execution}")
        assert report["status"] == "completed" and "unexpected_species" in report["output"]["text"]


def test_commands_show_their_token(binary, office, callers, tmp_path):
    office.put_workflow(gated())
    execution = office.execute("gated", wait="1s")["execution_id"]
    assert "token_missing" in binary.run("approve", execution, "--url", office.url).stderr
    file = tmp_path / "callers" / "ann.token"
    done = binary.run("approve", execution, "--url", office.url, "--token-file", file)
    assert done.returncode == 0 and "granted" in done.stdout, done
    environment = {"STEPSTREAM_TOKEN_FILE": str(file), "STEPSTREAM_URL": office.url, "PATH": "/usr/bin:/bin"}
    assert execution in binary.run("list", env=environment).stdout


def test_tokens_that_cannot_be_used_are_told_all_at_once(binary, data_dir, tmp_path):
    short = tmp_path / "short"
    short.write_text("secret-secret\n")
    long, other = tmp_path / "long", tmp_path / "other"
    long.write_text("secret-secret-secret-1\n")
    other.write_text("secret-secret-secret-2\n")
    settings = tmp_path / "stepstream.yaml"
    settings.write_text(json.dumps({"tokens": [
        {"name": "a", "token_file": str(short), "roles": ["king"]}, {"token_file": "/nowhere"},
        {"name": "b", "file": "x"}, {"name": "c", "token_file": str(long), "groups": ["d"]}, {"name": "d", "token_file": str(other)}]}))
    answer = binary.run("serve", "--config", settings, "--data-dir", data_dir, "--port", "0")
    assert answer.returncode == 78
    for part in ("no role \"king\"", "fewer than 16", "has no name", "/nowhere cannot be read", "unknown setting \"file\"",
                 "d is a caller and a group"):
        assert part in answer.stderr, answer.stderr
    assert "secret-secret" not in answer.stderr
