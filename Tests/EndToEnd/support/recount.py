"""Counts the events of a topic again, independently of the product, and holds an exposition to it."""

import collections
import datetime
import math

from prometheus_client import parser as text_parser
from prometheus_client.openmetrics import parser as openmetrics_parser

OPENMETRICS = "application/openmetrics-text; version=1.0.0"
OUTCOMES = {"execution_completed": "completed", "execution_failed": "failed", "execution_cancelled": "cancelled"}
SETTLED = {"approval_granted": "granted", "approval_rejected": "rejected", "approval_expired": "expired"}
# Those that say how the role itself is doing.
STANDING = {"stepstream_metrics_following", "stepstream_metrics_lag_events", "stepstream_metrics_lag_seconds"}
OTHERS = ("stepstream_bus_", "stepstream_gateway_", "stepstream_relay_", "stepstream_hosting_")


def microseconds(time: str) -> int:
    moment = datetime.datetime.fromisoformat(time.replace("Z", "+00:00"))
    epoch = datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)
    return (moment - epoch) // datetime.timedelta(microseconds=1)


def distinct(events: list) -> list:
    """Each event once, by execution in order of sequence."""
    first = {}
    for event in events:
        first.setdefault((event["execution_id"], event["sequence"]), event)
    return [first[key] for key in sorted(first)]


def recount(events: list) -> tuple:
    """(series → value, series → durations in µs) of everything on the topic, copies included in `events`.

    A series is a name and its labels; what no event gave a value has no entry.
    """
    values, durations = collections.Counter(), collections.defaultdict(list)

    def series(name, **labels):
        return ("stepstream_" + name, frozenset(labels.items()))

    once = distinct(events)
    values[series("events_duplicate_total")] = len(events) - len(once)
    executions = collections.defaultdict(list)
    for event in once:
        executions[event["execution_id"]].append(event)
        values[series("events_total", type=event["type"])] += 1
    oldest, deadline = [], []
    for run in executions.values():
        workflow, functions, approvals, started = run[0]["workflow"], {}, {}, None
        assert [event["sequence"] for event in run] == list(range(1, len(run) + 1)), "the topic has a gap"
        values[series("executions_open", workflow=workflow)] += not run[-1]["final"]
        for event in run:
            kind, data, time = event["type"], event["data"], microseconds(event["time"])
            if kind == "execution_started":
                started = time
                values[series("executions_started_total", workflow=workflow)] += 1
            elif kind in OUTCOMES:
                labels = {"workflow": workflow, "status": OUTCOMES[kind]}
                values[series("executions_finished_total", **labels)] += 1
                durations[series("execution_duration_seconds", **labels)].append(time - started)
            elif kind == "step_started":
                functions[data["step_name"]] = data["function"]
            elif kind in ("step_completed", "step_failed"):
                function = functions[data["step_name"]]
                values[series("steps_finished_total", function=function, result=kind[5:])] += 1
                durations[series("step_duration_seconds", function=function)].append(
                    round(data["execution_time_ms"] * 1000))
                durations[series("step_queue_seconds")].append(round(data["queued_ms"] * 1000))
            elif kind == "step_retrying":
                values[series("step_retries_total", function=functions[data["step_name"]])] += 1
            elif kind == "step_skipped":
                values[series("steps_skipped_total", workflow=workflow)] += 1
            elif kind == "approval_requested":
                approvals[data["approval_id"]] = [data["kind"], time, data["deadline_at"]]
                labels = {"workflow": workflow, "kind": data["kind"]}
                values[series("approvals_requested_total", **labels)] += 1
                values[series("approvals_pending", **labels)] += 1
            elif kind in ("approval_reminder", "approval_escalated"):
                approvals[data["approval_id"]][2] = data["deadline_at"]
            elif kind in SETTLED:
                of, asked, _ = approvals.pop(data["approval_id"])
                values[series("approvals_pending", workflow=workflow, kind=of)] -= 1
                values[series("approvals_decided_total", workflow=workflow, kind=of, outcome=SETTLED[kind])] += 1
                durations[series("approval_wait_seconds", kind=of)].append(time - asked)
        oldest += [asked for _, asked, _ in approvals.values()]
        deadline += [microseconds(at) for _, _, at in approvals.values() if at]
    moments = {"approvals_oldest_pending": min(oldest, default=0), "approvals_next_deadline": min(deadline, default=0),
               "metrics_up_to": max((microseconds(event["time"]) for event in once), default=0)}
    for name, moment in moments.items():
        values[series(name + "_timestamp_seconds")] = moment / 1e6
    return values, durations


def scrape(server) -> dict:
    """(name, labels) → value of every sample, the same in both formats, each family once; both texts are parsed."""
    texts = []
    for accept in ("text/plain", OPENMETRICS, "text/plain"):
        answer = server.session.get(server.url + "/metrics", headers={"accept": accept}, timeout=30)
        assert answer.status_code == 200 and answer.headers["content-type"].startswith(accept.split(";")[0])
        texts.append(answer.text)
    parsers = (text_parser, openmetrics_parser, text_parser)
    found = [list(parser.text_string_to_metric_families(text)) for parser, text in zip(parsers, texts)]
    for families in found:
        names = [family.name for family in families]
        assert len(names) == len(set(names)), f"families come twice: {names}"
        assert all(family.documentation for family in families), [f.name for f in families if not f.documentation]
    # Series only ever appear, also between two of these answers.
    before, strict, samples = map(samples_of, found)
    assert before.keys() <= strict.keys() <= samples.keys(), (before.keys() - strict.keys(), strict.keys() - samples.keys())
    return samples


def samples_of(families) -> dict:
    samples = {}
    for family in families:
        for sample in family.samples:
            key = (sample.name, frozenset(sample.labels.items()))
            assert key not in samples, f"{key} comes twice"
            samples[key] = sample.value
    return samples


def counted(samples: dict) -> int:
    """How many records of the topic are counted, copies included."""
    return int(sum(value for (name, _), value in samples.items()
                   if name in ("stepstream_events_total", "stepstream_events_duplicate_total")))


def assert_equal(samples: dict, events: list) -> int:
    """Every sample that comes from the topic is what the recount says, and nothing of the recount is missing."""
    values, durations = recount(events)
    wrong, compared = [], 0
    left = {key for key, value in values.items() if value} | {
        (name + suffix, labels) for name, labels in durations for suffix in ("_sum", "_count")}
    for (name, labels), value in samples.items():
        if name in STANDING or name.startswith(OTHERS):
            continue
        bare = frozenset(pair for pair in labels if pair[0] != "le")
        compared += 1
        if name.endswith("_bucket"):
            bound = float(dict(labels)["le"])
            expected = sum(each <= bound * 1e6 + 0.5 for each in durations.get((name[:-7], bare), []))
        elif name.endswith("_seconds_count"):
            expected = len(durations.get((name[:-6], bare), []))
        elif name.endswith("_seconds_sum"):
            expected = sum(durations.get((name[:-4], bare), [])) / 1e6
        else:
            expected = values.get((name, labels), 0)
        left.discard((name, labels))
        if not math.isclose(value, expected, rel_tol=1e-12, abs_tol=1e-9):
            wrong.append(f"{name}{dict(labels)} is {value}, recounted {expected}")
    assert not wrong, f"{len(wrong)} of {compared} samples differ:\n" + "\n".join(wrong[:10])
    assert not left, f"{len(left)} series of the recount are not shown: {sorted(map(str, left))[:5]}"
    return compared
