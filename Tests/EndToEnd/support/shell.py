"""The command line as a person uses it: in a shell, with pipes, redirections and process substitution."""

import os
import subprocess

from support.binary import Binary


def shell(binary: Binary, script: str, timeout=30, **variables) -> subprocess.CompletedProcess:
    """Runs a bash script in which `stepstream` is the built binary; variables are its environment."""
    environment = os.environ | {name: str(value) for name, value in variables.items()}
    return subprocess.run(
        ["bash", "-c", 'stepstream() { "$STEPSTREAM" "$@"; }\n' + script], capture_output=True, text=True,
        timeout=timeout, env=environment | {"STEPSTREAM": str(binary.path)})
