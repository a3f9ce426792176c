"""Waiting for what gives no signal: the state of another process."""

import time

WAIT_SECONDS_MAX = 90
PAUSE_SECONDS = 0.02


def comes_true(condition, seconds=WAIT_SECONDS_MAX):
    """What the condition gives once it is something; what it gave last when that is not within the seconds."""
    deadline = time.monotonic() + seconds
    while not (found := condition()) and time.monotonic() < deadline:
        time.sleep(PAUSE_SECONDS)
    return found


def wait_until(what: str, condition, seconds=WAIT_SECONDS_MAX):
    """What the condition gives once it is something."""
    found = comes_true(condition, seconds)
    assert found, f"not within {seconds} s: {what}"
    return found
