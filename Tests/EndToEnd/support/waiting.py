"""Waiting for what gives no signal."""

import time

WAIT_SECONDS_MAX = 90


def wait_until(what: str, condition):
    """What the condition gives once it is something: the state of a process has no signal of its own."""
    deadline = time.monotonic() + WAIT_SECONDS_MAX
    while not (found := condition()):
        assert time.monotonic() < deadline, f"not within {WAIT_SECONDS_MAX} s: {what}"
        time.sleep(0.02)
    return found
