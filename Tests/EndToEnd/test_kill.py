"""kill -9 at seeded moments while starts go on: what got its 2xx ends, nothing completed runs again, no event is lost."""

import collections
import json
import random
import threading

import pytest
import requests

from support import files
from support.contract import check_transcript
from support.server import Server
from support.waiting import wait_until

KILLS, KILLS_LONG = 20, 200
STARTERS = 8


class Starters:
    """Threads that start executions as long as the server answers, and remember every 2xx."""

    def __init__(self, url, trace, seed):
        self.url, self.trace = url, trace
        self.accepted, self.lock = [], threading.Condition()
        self.stopped = threading.Event()
        self.threads = [threading.Thread(target=self.run, args=(random.Random(seed + n),)) for n in range(STARTERS)]
        for thread in self.threads:
            thread.start()

    def run(self, rng):
        session = requests.Session()
        while not self.stopped.is_set():
            inputs = {"path": str(self.trace), "ms": [rng.randint(1, 50) for _ in range(3)]}
            try:
                answer = session.post(
                    f"{self.url}/api/v1/workflows/traced/execute", json={"inputs": inputs}, timeout=30)
            except requests.RequestException:
                return  # killed: this start has no answer, so nothing was promised
            assert answer.status_code == 200, answer.text
            with self.lock:
                self.accepted.append(answer.json()["execution_id"])
                self.lock.notify_all()
            # Paced, so that the backlog stays bounded: starts go on throughout, at what the hosts can run.
            self.stopped.wait(rng.uniform(0.02, 0.12))

    def wait_for(self, count) -> None:
        with self.lock:
            assert self.lock.wait_for(lambda: len(self.accepted) >= count, timeout=60), "starts do not get through"

    def stop(self) -> list:
        self.stopped.set()
        for thread in self.threads:
            thread.join()
        return self.accepted


def definition() -> dict:
    steps = [{"name": f"step{n}", "function": "bench.trace",
              "with": {"path": "${{ inputs.path }}", "ms": "${{ inputs.ms[%d] }}" % n}} for n in range(3)]
    return {"name": "traced", "deliverable_type": "test", "steps": steps}


def traced(trace) -> list:
    """(execution, path, attempt) of every line the steps appended."""
    lines = trace.read_text().splitlines() if trace.exists() else []
    return [(*line.rsplit(",", 1)[0].split(":"), int(line.rsplit(",", 1)[1])) for line in lines]


def in_hosts(data_dir, trace) -> int:
    """Attempts that began in a host and have no verdict in the journal."""
    ended = {record[1:2] + record[3:] for record in files.attempts(data_dir) if record[2] != files.ATTEMPT_STARTED}
    return len(set(traced(trace)) - ended)


def highest_versions(data_dir) -> dict:
    with files.connect(data_dir / "journal.sqlite") as journal:
        return dict(journal.execute("SELECT execution, max(version) FROM record GROUP BY execution"))


def test_executions_survive_kill_9(binary, data_dir, outside, seed, is_long):
    rng = random.Random(seed)
    trace = outside / "trace.csv"
    arguments = ["--plugin-files", str(outside), "--log-level", "error"]
    accepted, kills = [], KILLS_LONG if is_long else KILLS
    opens, busy, inside_recovery, interrupted = [], 0, 0, 0
    for kill in range(kills):
        before = highest_versions(data_dir) if kill else {}
        open_before = files.open_executions(data_dir) if kill else set()
        server = Server(binary, data_dir, arguments=arguments).start()
        if kill == 0:
            server.put_workflow(definition())
        # Every fourth kill comes right after the ready line, while recovery is at work.
        at_once = kill > 0 and kill % 4 == 3
        starters = Starters(server.url, trace, seed * 1_000 + kill * STARTERS)
        starters.wait_for(1 if at_once else rng.randint(15, 60))
        if not at_once:
            # How many run at a time is the machine's affair: on a busy one the starts come slowly, too.
            wait_until("ten executions are open", lambda: len(files.open_executions(data_dir)) >= 10)
        server.kill()
        accepted += starters.stop()
        server.__exit__()
        still_open = files.open_executions(data_dir)
        opens.append(len(still_open))
        busy += in_hosts(data_dir, trace) > 0
        if at_once:
            after = highest_versions(data_dir)
            untouched = sum(after[number] == version for number, version in before.items())
            inside_recovery += 0 < len(open_before & still_open) and untouched > 0
        assert still_open, f"seed {seed}: nothing is open at kill {kill}"
    print(f"{kills} kills, {len(accepted)} starts; open at a kill {min(opens)}…{max(opens)}; "
          f"with a step in a host {busy}; inside recovery {inside_recovery}")
    assert busy >= 0.3 * kills, f"seed {seed}: only {busy} of {kills} kills hit a step in a host"

    with Server(binary, data_dir, arguments=arguments) as server:
        for execution in accepted:
            # The stream ends with the final event: waiting is reading it.
            lines = server.session.get(
                f"{server.url}/api/v1/workflows/stream/{execution}", timeout=120).text.splitlines()
            events = [json.loads(line[6:]) for line in lines if line.startswith("data: ")]
            check_transcript(events)
            interrupted += check_outcome(events, seed)
        assert server.stop() == 0
    print(f"{interrupted} of {len(accepted)} ended as `interrupted` after ten attempts in doubt in a row")

    count = files.assert_same_events(data_dir)
    print(f"{count} events equal in journal and topic")
    check_no_completed_step_ran_again(data_dir, trace)


def check_outcome(events, seed) -> bool:
    """Completed; or, as the contract has it, failed after ten attempts in a row were in doubt. Gives which."""
    if events[-1]["type"] == "execution_completed":
        return False
    assert events[-1]["data"]["error_code"] == "interrupted", f"seed {seed}: {events[-1]}"
    ends = [event for event in events if event["type"] in ("step_retrying", "step_failed")][-10:]
    assert [event["data"]["error_code"] for event in ends] == ["interrupted"] * 10, f"seed {seed}: {ends}"
    assert len({event["data"]["step_name"] for event in ends}) == 1
    return True


def check_no_completed_step_ran_again(data_dir, trace) -> None:
    """Joins what the steps wrote with what the journal says."""
    completed = {}
    for position, execution, kind, path, attempt in files.attempts(data_dir):
        if kind == files.ATTEMPT_COMPLETED:
            assert (execution, path) not in completed, f"{execution}:{path} completed twice"
            completed[execution, path] = attempt
    runs = collections.Counter(traced(trace))
    assert runs, "the steps left no trace"
    for (execution, path, attempt), count in runs.items():
        assert count == 1, f"attempt {attempt} of {execution}:{path} ran {count} times"
        if (execution, path) in completed:
            assert attempt <= completed[execution, path], (
                f"{execution}:{path} ran attempt {attempt} after attempt {completed[execution, path]} completed")
    missing = [key for key, attempt in completed.items() if (*key, attempt) not in runs]
    assert not missing, f"completed without having run: {missing[:3]}"


@pytest.mark.parametrize("role", ["serve"])
def test_a_second_orchestrator_on_the_same_directory_is_refused(server, binary, data_dir, role):
    second = binary.run(role, "--port", "0", "--data-dir", data_dir, "--plugins", binary.plugins)
    assert second.returncode == 78, second
    assert str(server.pid) in second.stderr and "Traceback" not in second.stderr


def test_sigterm_gives_running_steps_their_grace_and_the_rest_resumes(binary, data_dir):
    workflow = {"name": "slow", "deliverable_type": "test", "steps": [
        {"name": name, "function": "bench.sleep", "with": {"ms": 400}} for name in ("one", "two")]}
    with Server(binary, data_dir) as server:
        server.put_workflow(workflow)
        execution = server.execute("slow", wait=None)["execution_id"]
        stream = server.session.get(
            f"{server.url}/api/v1/workflows/stream/{execution}", stream=True, timeout=30)
        next(line for line in stream.iter_lines() if b"step_started" in line)
        stream.close()
        assert server.stop() == 0
    kinds = [record[2:] for record in files.attempts(data_dir)]
    assert (files.ATTEMPT_COMPLETED, "one", 1) in kinds, "the running step did not get its grace"
    with Server(binary, data_dir) as server:
        text = server.session.get(f"{server.url}/api/v1/workflows/stream/{execution}", timeout=30).text
        events = [json.loads(line[6:]) for line in text.splitlines() if line.startswith("data: ")]
    check_transcript(events)
    assert [event["type"] for event in events] == [
        "execution_started", *["step_started", "step_completed"] * 2, "execution_completed"], "no attempt was in doubt"
