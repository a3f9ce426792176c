"""The notifier's settings and what it tells, as an operator sees both."""

import base64
import pathlib
import secrets

import yaml

from support.server import Server

PUBLIC_URL = "https://flows.example"


class Settings:
    """Writes a settings file with channels; links are made, and taken, with its key."""

    def __init__(self, directory: pathlib.Path, channels: list, schedule=("100ms", "100ms"), **settings):
        directory.mkdir(parents=True, exist_ok=True)
        self.directory = directory
        self.secret = "whsec_" + base64.b64encode(secrets.token_bytes(32)).decode()
        (directory / "webhook.secret").write_text(self.secret + "\n")
        (directory / "link.key").write_text(secrets.token_hex(48) + "\n")
        self.settings = {
            "approvals": {"link_key_file": str(directory / "link.key"), "public_url": PUBLIC_URL},
            "notifier": {"channels": channels, "retry_schedule": list(schedule)}, **settings}
        for channel in channels:
            channel.setdefault("allow_private_addresses", True)
            if channel["type"] == "webhook":
                channel.setdefault("secret_files", [str(directory / "webhook.secret")])
        self.path = directory / "stepstream.yaml"
        self.write()

    def write(self) -> None:
        self.path.write_text(yaml.safe_dump(self.settings))

    def file(self, name: str, text: str) -> str:
        (self.directory / name).write_text(text + "\n")
        return str(self.directory / name)

    @property
    def arguments(self) -> list:
        return ["--config", str(self.path)]


def webhook(name: str, url: str, **settings) -> dict:
    return {"name": name, "type": "webhook", "url": url, **settings}


def dead_letters(server: Server) -> list:
    return server.get("/api/v1/notifier/deliveries?status=dead&limit=500")["items"]
