"""Callers for tests: a settings file with tokens, and links as the settings' key makes them."""

import base64
import datetime
import hashlib
import hmac
import secrets

import requests
import yaml


class Callers:
    """Writes tokens and a settings file; gives each caller a session."""

    def __init__(self, directory, callers: dict, **settings):
        directory.mkdir(parents=True, exist_ok=True)
        self.tokens = {name: secrets.token_urlsafe(24) for name in callers}
        entries = []
        for name, extra in callers.items():
            file = directory / f"{name}.token"
            file.write_text(self.tokens[name] + "\n")
            entries.append({"name": name, "token_file": str(file), **extra})
        self.key = secrets.token_bytes(48).hex().encode()
        (directory / "link.key").write_bytes(self.key + b"\n")
        self.path = directory / "stepstream.yaml"
        self.path.write_text(yaml.safe_dump({
            "tokens": entries, "approvals": {"link_key_file": str(directory / "link.key")}, **settings}))

    @property
    def arguments(self) -> list:
        return ["--config", str(self.path)]

    def session(self, name) -> requests.Session:
        session = requests.Session()
        session.headers["authorization"] = f"Bearer {self.tokens[name]}"
        return session

    def link(self, approval_id, approver, expires, nonce=None, key=None) -> str:
        def encode(data: bytes) -> str:
            return base64.urlsafe_b64encode(data).decode().rstrip("=")
        claims = encode(f"{approval_id}|{approver}|{expires}|{nonce or secrets.token_hex(8)}".encode())
        return f"{claims}.{encode(hmac.digest(key or self.key, claims.encode(), hashlib.sha256))}"


def in_an_hour() -> str:
    return (datetime.datetime.now(datetime.UTC) + datetime.timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
