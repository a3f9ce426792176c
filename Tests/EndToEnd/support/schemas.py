"""The published JSON Schemas, as the server hands them out, and the check that every event of every test passes."""

import functools
import json
import pathlib
import tempfile

import jsonschema


class EventSchemas:
    """`/schemas/events.json` and one document per type; one validator for each, made once."""

    def __init__(self, documents: dict):
        self.union = jsonschema.Draft202012Validator(documents["events"])
        self.of_type = {name: jsonschema.Draft202012Validator(document)
                        for name, document in documents.items() if name != "events"}

    @classmethod
    def from_server(cls, server) -> "EventSchemas":
        union = server.get("/schemas/events.json")
        return cls({"events": union} | {name: server.get(f"/schemas/events/{name}.json") for name in union["$defs"]})

    def check(self, event: dict) -> None:
        """An event fits the schema of its type."""
        assert event["type"] in self.of_type, f"no schema for the type {event['type']}"
        error = jsonschema.exceptions.best_match(self.of_type[event["type"]].iter_errors(event))
        assert error is None, f"{error.json_path}: {error.message}\n{json.dumps(event)}"


class _Published:
    """The schemas of the binary under test. A session has one binary, so they are read once."""

    binary = None

    @functools.cached_property
    def schemas(self) -> EventSchemas:
        # Here, since servers check what they read by this module.
        from support.server import Server

        with tempfile.TemporaryDirectory(prefix="stepstream-schemas-") as directory:
            pathlib.Path(directory).chmod(0o755)
            with Server(self.binary, pathlib.Path(directory) / "data", role="orchestrator") as server:
                return EventSchemas.from_server(server)


_published = _Published()


def use(binary) -> None:
    _published.binary = binary


def published() -> EventSchemas:
    assert _published.binary is not None, "no binary is known yet: the `binary` fixture names it"
    return _published.schemas


def check(event: dict) -> dict:
    """Holds one event against the published schema of its type, and gives it back."""
    published().check(event)
    return event
