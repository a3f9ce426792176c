"""The event contract, checked without the project's own code."""

import re

from support import schemas

PROGRESS_STEP = {"step_completed", "step_failed", "step_skipped"}
OUTCOMES = {"execution_completed", "execution_failed", "execution_cancelled"}
KEYS = ["id", "type", "execution_id", "workflow", "sequence", "time", "progress", "final", "data"]
DATA = {
    "execution_started": ["deliverable_type", "total_steps", "started_at", "definition_revision"],
    "step_started": ["step_number", "step_name", "function", "attempt"],
    "step_completed": ["step_number", "step_name", "status", "execution_time_ms", "error_message", "progress",
                       "attempt", "queued_ms"],
    "step_failed": ["step_number", "step_name", "status", "execution_time_ms", "error_message", "progress", "attempt",
                    "queued_ms", "error_code"],
    "execution_completed": ["status", "risk_score", "requires_approval", "total_steps", "successful_steps",
                            "progress"],
    "execution_failed": ["error_message", "progress", "failed_step", "error_code"],
    "step_retrying": ["step_number", "step_name", "attempt", "error_code", "error_message", "execution_time_ms",
                      "next_attempt_at"],
    "step_skipped": ["step_number", "step_name", "reason", "progress"],
    "execution_cancelled": ["reason", "requested_by", "progress"],
    "approval_requested": ["approval_id", "kind", "step_name", "approvers", "quorum", "four_eyes", "deadline_at",
                           "risk_score", "reason", "form_schema"],
    "approval_vote": ["approval_id", "approver", "decision", "comment", "at"],
    "approval_reminder": ["approval_id", "stage", "approvers", "deadline_at"],
    "approval_escalated": ["approval_id", "stage", "approvers", "deadline_at"],
    "approval_granted": ["approval_id", "decided_by", "comment", "policy"],
    "approval_rejected": ["approval_id", "decided_by", "comment", "policy"],
    "approval_expired": ["approval_id", "decided_by", "comment", "policy"],
}
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z")


def check_transcript(events: list) -> None:
    """A whole execution: sequence without hole, one outcome, final last, progress and time that never fall.

    Each event also fits its published schema.
    """
    assert [event["sequence"] for event in events] == list(range(1, len(events) + 1))
    assert events[0]["type"] == "execution_started"
    assert [event["final"] for event in events] == [False] * (len(events) - 1) + [True]
    assert [event["type"] in OUTCOMES for event in events].count(True) == 1
    total = events[0]["data"]["total_steps"]
    finished, last = 0, events[0]
    for event in events:
        schemas.check(event)
        assert list(event) == KEYS, event
        assert list(event["data"]) == DATA[event["type"]], event
        assert event["id"] == f"{event['execution_id']}:{event['sequence']}"
        assert event["execution_id"] == events[0]["execution_id"]
        assert TIME.fullmatch(event["time"])
        assert event["time"] >= last["time"] and event["progress"] >= last["progress"], (last, event)
        if event["type"] in PROGRESS_STEP:
            finished += 1
            assert event["data"]["progress"] == event["progress"] == int(float(finished) / float(total) * 100)
        last = event
    check_approvals(events)


def check_approvals(events: list) -> None:
    """One approval at a time, each settled once; nothing else happens meanwhile but a release's completion."""
    pending, completed = None, None
    for event in events:
        kind, data = event["type"], event["data"]
        if kind == "approval_requested":
            assert pending is None, event
            pending, stage, voters = data, 0, []
            name = "release" if data["kind"] == "release" else f"gate:{data['step_name']}"
            assert data["approval_id"] == f"{event['execution_id']}:{name}"
        elif kind.startswith("approval_"):
            assert pending and data["approval_id"] == pending["approval_id"], event
            if kind == "approval_vote":
                assert data["approver"] not in voters, event
                voters.append(data["approver"])
                last_vote = data
            elif kind in ("approval_reminder", "approval_escalated"):
                stage += 1
                assert data["stage"] == stage, event
            else:
                if data["policy"] in ("quorum", "rejection"):
                    assert (data["decided_by"], data["comment"]) == (last_vote["approver"], last_vote["comment"]), event
                else:
                    assert data["decided_by"] is None, event
                assert event["final"] == (pending["kind"] == "release"), event
                pending = None
        else:
            assert completed is None, event
            assert pending is None or pending["kind"] == "release" and kind == "execution_completed", event
            if kind == "execution_completed":
                completed = event
                assert data["requires_approval"] == (pending is not None), event
    assert pending is None


def types(events: list) -> list:
    return [event["type"] for event in events]
