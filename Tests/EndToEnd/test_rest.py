"""The REST surface: contracts, and what bad input gets."""

import concurrent.futures

import jsonschema
import openapi_spec_validator
import pytest

from support.approvals import decide, released
from support.contract import check_transcript
from support.workflows import one_step, three_steps


@pytest.fixture
def server(shared_server):
    return shared_server


def problem(answer, status, code) -> dict:
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    body = answer.json()
    assert body["status"] == status and body["code"] == code, body
    return body


def test_the_openapi_document_is_valid_and_names_what_is_served(server):
    document = server.get("/openapi.json")
    openapi_spec_validator.validate(document)
    for path, item in document["paths"].items():
        if "get" in item and "{" not in path:
            assert server.session.get(server.url + path, timeout=10).status_code == 200, path


def test_answers_fit_the_openapi_schemas(server):
    document = server.get("/openapi.json")

    def check(value, name):
        schema = {"$ref": f"#/components/schemas/{name}", "components": document["components"]}
        jsonschema.Draft202012Validator(schema).validate(value)

    stored = server.put_workflow(three_steps())
    check(stored, "Workflow")
    started = server.execute("three-steps", {"value": {"deep": [1, "é", None]}})
    check(started, "Started")
    assert started["output"] == {"deep": [1, "é", None]}
    check(server.get(f"/api/v1/executions/{started['execution_id']}"), "Execution")
    for item in server.get("/api/v1/executions")["items"]:
        check(item, "ExecutionItem")
    for item in server.get("/api/v1/functions")["items"]:
        check(item, "Plugin")
    check(server.get("/health"), "Health")
    check(problem(server.session.get(server.url + "/api/v1/workflows/none"), 404, "unknown_workflow"), "Problem")
    server.put_workflow(released(form={"type": "object"}, deadline="1h"))
    waiting = server.execute("released", {"value": 1}, wait="1s")
    check(waiting, "Started")
    assert waiting["approval"]["status"] == "pending"
    check(server.get("/api/v1/approvals")["items"][0], "ApprovalItem")
    vote = {"decision": "approve", "comment": "fine", "form": {}}
    check(vote, "Vote")
    decided = decide(server.session, server.url, waiting["execution_id"], **vote)
    assert decided.status_code == 200, decided.text
    check(decided.json(), "Approval")
    whole = server.get(f"/api/v1/executions/{waiting['execution_id']}")
    check(whole, "Execution")
    assert whole["approvals"] == [decided.json()]
    check(problem(decide(server.session, server.url, waiting["execution_id"], "reject"), 409, "approval_decided"), "Problem")


def test_definitions_fit_the_published_schema(server):
    validator = jsonschema.Draft202012Validator(server.get("/schemas/workflow.json"))
    validator.validate(three_steps())
    assert not validator.is_valid({"name": "x"})


def test_a_definition_gets_all_its_faults_with_positions(server):
    text = "name: Not A Label\nsteps:\n  - name: a\n    function: no.such\n    timeout: soon\n  - name: a\n    function: bench.echo\n    with: \"${{ steps.later.output }}\"\n"
    answer = server.session.put(
        f"{server.url}/api/v1/workflows/bad", data=text, headers={"content-type": "application/yaml"})
    faults = problem(answer, 422, "invalid_definition")["faults"]
    codes = {(fault["code"], fault["line"]) for fault in faults}
    assert {("invalid_name", 1), ("unknown_function", 4), ("invalid_duration", 5), ("duplicate_name", 6),
            ("unknown_reference", 8)} <= codes, faults
    assert all(fault["column"] >= 1 and fault["message"] for fault in faults)


def test_inputs_get_every_path_that_does_not_fit(server):
    workflow = one_step("bench.echo")
    workflow["inputs"] = {"type": "object", "required": ["a"], "properties": {"b": {"type": "integer"}},
                          "additionalProperties": False}
    server.put_workflow(workflow)
    answer = server.session.post(
        f"{server.url}/api/v1/workflows/one-step/execute", json={"inputs": {"b": "x", "c": 1}})
    paths = {fault["path"] for fault in problem(answer, 422, "invalid_inputs")["faults"]}
    assert "/inputs/b" in paths and len(paths) >= 2


@pytest.mark.parametrize("method, path, status, code", [
    ("get", "/api/v1/workflows/none", 404, "unknown_workflow"),
    ("post", "/api/v1/workflows/none/execute", 404, "unknown_workflow"),
    ("get", "/api/v1/executions/nonsense", 404, "unknown_execution"),
    ("get", "/api/v1/executions/01970f00-0000-7000-8000-000000000000", 404, "unknown_execution"),
    ("get", "/nowhere", 404, "not_found"),
    ("delete", "/api/v1/executions", 405, "method_not_allowed"),
    ("get", "/api/v1/executions?status=sleeping", 400, "invalid_parameter"),
    ("get", "/api/v1/executions?limit=501", 400, "invalid_parameter"),
])
def test_what_is_not_there_gets_a_plain_problem(server, method, path, status, code):
    options = {"json": {}} if method == "post" else {}
    problem(getattr(server.session, method)(server.url + path, **options), status, code)


def test_a_body_over_the_limit_is_413_and_broken_json_is_400(server):
    server.put_workflow(one_step("bench.echo"))
    url = f"{server.url}/api/v1/workflows/one-step/execute"
    problem(server.session.post(url, json={"inputs": {"x": "y" * (4 << 20)}}), 413, "body_too_large")
    faults = problem(
        server.session.post(url, data='{"inputs": ', headers={"content-type": "application/json"}), 400,
        "invalid_json")["faults"]
    assert faults[0]["line"] == 1
    problem(server.session.post(url, json={"input": {}, "inputs": 3}), 422, "invalid_body")


def test_one_idempotency_key_starts_one_execution(server):
    server.put_workflow(one_step("bench.sleep"))
    url = f"{server.url}/api/v1/workflows/one-step/execute"

    def start(_):
        return server.session.post(
            url, json={"inputs": {"ms": 20}}, headers={"idempotency-key": "k-1"}, timeout=30).json()["execution_id"]

    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        assert len(set(pool.map(start, range(64)))) == 1
    problem(server.session.post(url, json={"inputs": {"ms": 21}}, headers={"idempotency-key": "k-1"}), 422,
            "idempotency_key_reused")


def test_a_given_execution_id_starts_once(server, new_id):
    server.put_workflow(one_step("bench.echo"))
    execution = new_id()
    first = server.execute("one-step", {"n": 1}, execution_id=execution)
    again = server.execute("one-step", {"n": 1}, execution_id=execution)
    assert first == again
    url = f"{server.url}/api/v1/workflows/one-step/execute"
    problem(server.session.post(url, json={"inputs": {"n": 2}, "execution_id": execution}), 409,
            "execution_id_conflict")
    problem(server.session.post(
        url, json={"inputs": {}, "execution_id": "01900000-0000-7000-8000-000000000000"}), 422, "invalid_body")


def test_cancel_ends_a_running_step_and_says_so_once(server):
    server.put_workflow(one_step("bench.sleep"))
    execution = server.execute("one-step", {"ms": 600_000}, wait=None)["execution_id"]
    stream = server.session.get(f"{server.url}/api/v1/workflows/stream/{execution}", stream=True, timeout=30)
    next(line for line in stream.iter_lines() if b"step_started" in line)
    stream.close()
    url = f"{server.url}/api/v1/executions/{execution}/cancel"
    assert server.session.post(url, json={"reason": "enough"}).json()["cancel_requested"] is True
    server.session.get(f"{server.url}/api/v1/workflows/stream/{execution}", timeout=30)
    events = server.events(execution)
    check_transcript(events)
    assert [event["type"] for event in events][2:] == ["step_failed", "execution_cancelled"]
    assert events[2]["data"]["error_code"] == "cancelled" and events[3]["data"]["reason"] == "enough"
    assert problem(server.session.post(url), 409, "already_ended")["status"] == 409


def test_lists_come_in_pages_newest_first(own_server):
    own_server.put_workflow(one_step("bench.echo"))
    started = [own_server.execute("one-step", {})["execution_id"] for _ in range(5)]
    seen, cursor = [], ""
    while True:
        page = own_server.get(f"/api/v1/executions?limit=2{cursor}")
        seen += [item["execution_id"] for item in page["items"]]
        if page["next"] is None:
            break
        cursor = f"&cursor={page['next']}"
    assert seen == sorted(started, reverse=True)
    assert own_server.get("/api/v1/executions?status=failed")["items"] == []


def test_a_revision_is_kept_and_a_deleted_name_is_gone(own_server):
    assert own_server.put_workflow(one_step("bench.echo"))["revision"] == 1
    assert own_server.put_workflow(one_step("bench.echo"))["revision"] == 1
    assert own_server.put_workflow(one_step("bench.noop"))["revision"] == 2
    assert own_server.get("/api/v1/workflows/one-step?revision=1")["steps"][0]["function"] == "bench.echo"
    assert own_server.session.delete(f"{own_server.url}/api/v1/workflows/one-step").status_code == 204
    problem(own_server.session.get(f"{own_server.url}/api/v1/workflows/one-step"), 404, "unknown_workflow")


def test_a_foreign_host_is_refused_on_loopback(server):
    assert server.session.get(f"{server.url}/health", headers={"host": "evil.example"}).status_code == 421
