"""Values pass through the server and a step as they are: no digit, no member, no spelling is lost on the way."""

import json

import pytest

from support.server import Server
from support.workflows import three_steps

# Canonically equivalent, different by their code points: an accent, ångström and Å, a Hangul syllable and its letters.
EQUIVALENT = {"é": 1, "e\u0301": 2, "\u212b": 3, "\u00c5": 4, "가": 5, "\u1100\u1161": 6}


@pytest.fixture(scope="module")
def server(binary, tmp_path_factory):
    with Server(binary, tmp_path_factory.mktemp("values") / "data") as running:
        running.put_workflow(three_steps())
        running.put_workflow(with_inputs(
            "table", "tabular.parse", "${{ steps.only.output }}", text="${{ inputs.csv }}", include_rows=True))
        running.put_workflow(with_inputs(
            "page", "document.render", "${{ steps.only.output.text }}", template="${{ inputs.template }}",
            data="${{ inputs.data }}"))
        yield running


def with_inputs(name, function, output, **given) -> dict:
    return {"name": name, "deliverable_type": "test", "output": output,
            "steps": [{"name": "only", "function": function, "with": given}]}


@pytest.mark.parametrize("value", [
    EQUIVALENT, [EQUIVALENT, {"deeper": EQUIVALENT}], list(EQUIVALENT), 9007199254740993, -(1 << 63), (1 << 63) - 1,
    1.8446744073709552e19, 0.1, "\ufeff", ""], ids=str)
def test_a_value_comes_out_of_three_steps_as_it_went_in(server, value):
    assert server.execute("three-steps", {"value": value})["output"] == value


def test_names_reach_a_type_of_a_step_s_own(server):
    template = "{{é}}{{e\u0301}}{{\u212b}}{{\u00c5}}{{가}}{{\u1100\u1161}} {{größe}}"
    assert server.execute("page", {"template": template, "data": EQUIVALENT | {"größe": 7}})["output"] == "123456 7"


def test_a_table_merges_no_two_values(server):
    rows = ["name,id,mixed", *(f"{name},1234567890123456789{number},{number}.5" for name, number in EQUIVALENT.items()),
            "x,1,9007199254740993"]
    output = server.execute("table", {"csv": "\n".join(rows)})["output"]
    columns = {column["name"]: column for column in output["profile"]["columns"]}
    assert [columns[name]["distinct"] for name in ("name", "id", "mixed")] == [7, 7, 7]
    assert [columns[name]["type"] for name in ("name", "id", "mixed")] == ["string", "string", "string"]
    assert [row[0] for row in output["rows"][:-1]] == list(EQUIVALENT)


@pytest.mark.parametrize("number", ["18446744073709551615", "9223372036854775808", "-9223372036854775809"])
def test_an_integer_that_would_lose_digits_is_refused_with_its_path(binary, server, tmp_path, number):
    def post(body: str):
        return server.session.post(f"{server.url}/api/v1/workflows/three-steps/execute", data=body,
                                   headers={"content-type": "application/json"}, timeout=30)

    answer = post('{"inputs": {"value": [1, {"n": %s}]}}' % number)
    assert answer.status_code == 400 and answer.json()["faults"][0]["path"] == "/inputs/value/1/n", answer.text
    assert "64 bits" in answer.json()["detail"]
    inputs = tmp_path / "inputs.json"
    inputs.write_text('{"value": %s}' % number)
    refused = binary.run("execute", "three-steps", "-i", inputs, "--url", server.url)
    assert refused.returncode == 2 and "/value: an integer beyond 64 bits" in refused.stderr, refused
    definition = json.dumps({**three_steps("wide"), "output": 0}).replace('"output": 0', f'"output": {number}')
    for media in ("application/json", "application/yaml"):
        answer = server.session.put(f"{server.url}/api/v1/workflows/wide", data=definition, timeout=30,
                                    headers={"content-type": media})
        assert answer.status_code == 422 and answer.json()["faults"][0]["line"] == 1, answer.text
    # Written as what it becomes, it is taken.
    assert post('{"inputs": {"value": %s.0}}' % number).status_code == 200
