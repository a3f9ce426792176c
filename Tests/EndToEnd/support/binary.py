"""Where the built binary and the plugins are."""

import dataclasses
import os
import pathlib
import subprocess

ROOT = pathlib.Path(__file__).resolve().parents[3]


@dataclasses.dataclass(frozen=True)
class Binary:
    path: pathlib.Path
    plugins: pathlib.Path

    @classmethod
    def from_environment(cls) -> "Binary":
        path = pathlib.Path(os.environ.get("STEPSTREAM_BINARY", ROOT / ".build/debug/stepstream"))
        plugins = pathlib.Path(os.environ.get("STEPSTREAM_TEST_PLUGINS", path.parent / "plugins"))
        assert path.exists(), f"{path} is not built; run deploy/build.sh debug"
        assert list(plugins.glob("*.so")), f"{plugins} has no plugins; run deploy/build.sh debug"
        return cls(path, plugins)

    def run(self, *arguments, **options) -> subprocess.CompletedProcess:
        """Runs a command to its end; the caller judges the exit status."""
        return subprocess.run(
            [str(self.path), *map(str, arguments)], capture_output=True, text=True, timeout=60, **options)
