"""The published contracts: a schema for each type of event, and AsyncAPI for the topics and the stream."""

import copy
import json

import jsonschema
import pytest

from support import asyncapi, schemas
from support.approvals import decide, gated, released
from support.binary import ROOT
from support.contract import DATA, KEYS, check_transcript, types
from support.workflows import one_step, three_steps

GOLDEN = sorted((ROOT / "Tests" / "WorkflowModelTests" / "Golden").glob("*.json"))


@pytest.fixture
def server(shared_server):
    return shared_server


@pytest.fixture
def goldens() -> dict:
    assert len(GOLDEN) >= 9
    return {path.stem: json.loads(path.read_text()) for path in GOLDEN}


def test_every_event_of_every_kind_of_run_fits_the_published_schemas(server):
    ways = {
        "completed": (three_steps("completed"), {"value": 1}, "completed"),
        "failed": (three_steps("failed", ("bench.echo", "bench.fail", "bench.echo")), {"value": {}}, "failed"),
        "retried": (one_step("bench.fail", "retried", retry={"max_attempts": 3, "initial_interval": "1ms"}),
                    {"times": 2}, "completed"),
        "given-up": (one_step("bench.fail", "given-up", retry={"max_attempts": 2, "initial_interval": "1ms"}),
                     {}, "failed"),
        "skipped": (three_steps("skipped", when="inputs.value > 1"), {"value": 1}, "completed"),
        "continued": (one_step("bench.fail", "continued", on_failure="continue"), {}, "completed"),
        "no-output": (one_step("bench.echo", "no-output") | {"output": "${{ inputs.none }}"}, {}, "failed"),
    }
    seen = set()
    union = jsonschema.Draft202012Validator(server.get("/schemas/events.json"))
    for name, (definition, inputs, status) in ways.items():
        server.put_workflow(definition)
        answer = server.execute(name, inputs)
        assert answer["status"] == status, (name, answer)
        events = server.events(answer["execution_id"])  # held against the type's schema there
        check_transcript(events)
        for event in events:
            union.validate(event)
        seen.update(types(events))
    server.put_workflow(one_step("bench.sleep", "cancelled"))
    execution = server.execute("cancelled", {"ms": 600_000}, wait=None)["execution_id"]
    url = f"{server.url}/api/v1/executions/{execution}/cancel"
    assert server.session.post(url, json={"reason": "über"}, timeout=30).status_code == 200
    server.session.get(f"{server.url}/api/v1/workflows/stream/{execution}", timeout=30)
    events = server.events(execution)
    check_transcript(events)
    seen.update(types(events))
    server.put_workflow(gated(deadline="400ms", remind_every="150ms", escalate_to=["boss"], on_expiry="escalate"))
    server.put_workflow(released(form={"type": "object"}))
    runs = [server.execute("gated", wait="10s")["execution_id"]]
    for decision in ("approve", "reject"):
        runs.append(server.execute("released", {"value": 1}, wait="1s")["execution_id"])
        assert decide(server.session, server.url, runs[-1], decision, form={}).status_code == 200
    for execution in runs:
        events = server.events(execution)
        check_transcript(events)
        for event in events:
            union.validate(event)
        seen.update(types(events))
    assert seen == set(DATA), f"no run showed {set(DATA) - seen}"


def test_the_schemas_are_valid_and_ask_for_every_member_in_order(server):
    union = server.get("/schemas/events.json")
    jsonschema.Draft202012Validator.check_schema(union)
    assert set(union["$defs"]) == set(DATA)
    for name, members in DATA.items():
        answer = server.session.get(f"{server.url}/schemas/events/{name}.json", timeout=30)
        assert answer.headers["content-type"] == "application/schema+json"
        schema = answer.json()
        jsonschema.Draft202012Validator.check_schema(schema)
        assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
        assert schema["required"] == KEYS
        assert schema["properties"]["data"]["required"] == members


def test_golden_events_fit_and_broken_ones_do_not(binary, goldens):
    assert set(goldens) == set(DATA)
    published = schemas.published()
    for name, event in goldens.items():
        published.check(event)
        published.union.validate(event)
        # Within v1 members are added: a reader of this version takes them.
        published.check(event | {"later": 1, "data": event["data"] | {"later": []}})
        for path in [(key,) for key in KEYS] + [("data", key) for key in DATA[name]]:
            for change in ("remove", "replace"):
                broken = copy.deepcopy(event)
                parent = broken if len(path) == 1 else broken["data"]
                if change == "remove":
                    del parent[path[-1]]
                else:
                    takes_objects = path[-1] in ("data", "form_schema")
                    parent[path[-1]] = [["neither"]] if takes_objects else {"an": "object"}
                assert not published.of_type[name].is_valid(broken), (name, path, change)
                assert not published.union.is_valid(broken), (name, path, change)


@pytest.mark.parametrize("path, value", [
    (("id",), "01970f00-7a3b-7c4d-8e5f-0123456789ab:0"), (("id",), "nonsense"),
    (("execution_id",), "01970F00-7A3B-7C4D-8E5F-0123456789AB"),
    (("execution_id",), "01970f00-7a3b-4c4d-8e5f-0123456789ab"), (("sequence",), 0), (("sequence",), 1.5),
    (("sequence",), "5"), (("time",), "2026-01-05T10:00:00Z"), (("time",), "2026-01-05T10:00:00.123456+01:00"),
    (("progress",), 101), (("progress",), -1), (("final",), True), (("type",), "step_finished"),
    (("data", "step_number"), 0), (("data", "status"), "failed"), (("data", "error_message"), "none"),
    (("data", "execution_time_ms"), -0.1), (("data", "attempt"), 0),
])
def test_values_out_of_the_contract_do_not_fit(binary, goldens, path, value):
    event = goldens["step_completed"]
    schemas.check(event)
    (event if len(path) == 1 else event["data"])[path[-1]] = value
    with pytest.raises(AssertionError):
        schemas.check(event)
    assert not schemas.published().union.is_valid(event)


def test_the_asyncapi_document_is_valid_and_names_our_topics(server):
    document = server.get("/asyncapi.json")
    asyncapi.check(document)
    channels = document["channels"]
    assert {channel["address"] for channel in channels.values()} == {
        "stepstream.events.v1", "stepstream.activity.v1", "stepstream.dead-letter.v1",
        "/api/v1/workflows/stream/{execution_id}"}
    for channel in channels.values():
        kafka = channel["bindings"].get("kafka")
        assert kafka is None or kafka["topic"] == channel["address"]
    assert channels["events"]["bindings"]["kafka"]["partitions"] == 12
    assert set(channels["events"]["messages"]) == set(DATA)


def test_the_asyncapi_payloads_are_the_published_schemas(server, goldens):
    document = server.get("/asyncapi.json")
    for name, event in goldens.items():
        message = asyncapi.resolve(document, document["channels"]["events"]["messages"][name]["$ref"])
        payload = asyncapi.resolve(document, message["payload"]["$ref"])
        published = server.get(f"/schemas/events/{name}.json")
        assert payload == {key: value for key, value in published.items() if key not in ("$schema", "$id")}
        jsonschema.Draft7Validator(payload).validate(event)
        assert message["headers"]["properties"]["ce_type"]["const"] == f"io.stepstream.{name}.v1"


@pytest.mark.parametrize("change", [
    lambda d: d.pop("info"), lambda d: d["channels"]["events"].update(adress="x"),
    lambda d: d["channels"]["stream"].pop("parameters"), lambda d: d["operations"]["publishEvents"].update(action="pub"),
    lambda d: d["components"]["messages"].pop("step_started"),
    lambda d: d["channels"]["events"]["bindings"]["kafka"].update(partitions="12"),
    lambda d: d["components"]["schemas"]["step_started"].update(type="thing"),
])
def test_the_check_of_the_asyncapi_document_finds_faults(server, change):
    document = server.get("/asyncapi.json")
    change(document)
    with pytest.raises((AssertionError, KeyError, jsonschema.ValidationError, jsonschema.SchemaError)):
        asyncapi.check(document)
