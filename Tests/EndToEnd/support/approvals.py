"""Workflows that ask for approval, and the decision."""

import requests

from support.workflows import three_steps


def gated(name="gated", on_failure="fail", **approval) -> dict:
    """A step, a gate, and a step that reads what was decided."""
    return {"name": name, "deliverable_type": "test", "steps": [
        {"name": "before", "function": "bench.echo", "with": {}},
        {"name": "review", "approval": {"approvers": ["stewards"], **approval}, "on_failure": on_failure},
        {"name": "after", "function": "bench.echo", "with": {"decided": "${{ steps.review.output }}"}}],
        "output": "${{ steps.after.output }}"}


def released(name="released", when="true", **approval) -> dict:
    return three_steps(name) | {"approval": {"required_when": when, "approvers": ["stewards"], **approval}}


def decide(session, url, execution, decision="approve", **body) -> requests.Response:
    return session.post(
        f"{url}/api/v1/executions/{execution}/approval", json={"decision": decision, **body}, timeout=30)
