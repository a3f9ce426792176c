"""The broker's side of SASL, for a proxy in front of a broker that knows none.

Written from the Kafka protocol guide (ApiVersions, SaslHandshake, SaslAuthenticate), RFC 4616 (PLAIN), RFC 5802 and
RFC 7677 (SCRAM) and RFC 7628 (OAUTHBEARER). A client may ask for ApiVersions before it is known, and for nothing else.
"""

import base64
import dataclasses
import hashlib
import hmac
import os
import struct

API_VERSIONS, HANDSHAKE, AUTHENTICATE = 18, 17, 36
UNSUPPORTED_MECHANISM, ILLEGAL_STATE, AUTHENTICATION_FAILED = 33, 34, 58
SCRAM_ITERATIONS = 4096


class Refused(Exception):
    """What the client sent proves nothing."""


@dataclasses.dataclass(frozen=True)
class Accounts:
    """Who may come in, and how."""

    mechanism: str
    passwords: dict = dataclasses.field(default_factory=dict)
    tokens: frozenset = frozenset()


class Session:
    """One connection, from its first request on."""

    def __init__(self, accounts: Accounts):
        self.accounts, self.is_known = accounts, False
        self.exchange = None
        self.api_versions = {}  # correlation id → version asked for

    def answer(self, body: bytes):
        """The response to a request that is SASL's; None for one that may pass.

        Raises Refused for what a broker ends the connection on.
        """
        key, version, correlation = struct.unpack_from(">hhi", body)
        if key == API_VERSIONS:
            self.api_versions[correlation] = version
            return None
        if key not in (HANDSHAKE, AUTHENTICATE):
            if not self.is_known:
                raise Refused("a request before authentication")
            return None
        name_bytes = struct.unpack_from(">h", body, 8)[0]
        payload = body[10 + max(0, name_bytes):]  # neither request is of a flexible version here
        if key == HANDSHAKE:
            return struct.pack(">i", correlation) + self._handshake(payload)
        return struct.pack(">i", correlation) + self._authenticate(payload, version)

    def completed(self, response: bytes) -> bytes:
        """The broker's list of requests with SASL's two added."""
        version = self.api_versions.pop(struct.unpack_from(">i", response)[0], None)
        if version is None or struct.unpack_from(">h", response, 4)[0] != 0:
            return response
        added = [(HANDSHAKE, 0, 1), (AUTHENTICATE, 0, 1)]
        if version >= 3:  # compact arrays: their length plus one as a variable-length number
            count, place = 0, 6
            while True:
                byte = response[place]
                count |= (byte & 0x7F) << 7 * (place - 6)
                place += 1
                if not byte & 0x80:
                    break
            entries = b"".join(struct.pack(">hhhB", *entry, 0) for entry in added)
            count += len(added)
            head = bytes([count & 0x7F | 0x80, count >> 7]) if count > 0x7F else bytes([count])
            return response[:6] + head + entries + response[place:]
        count = struct.unpack_from(">i", response, 6)[0] + len(added)
        entries = b"".join(struct.pack(">hhh", *entry) for entry in added)
        return response[:6] + struct.pack(">i", count) + entries + response[10:]

    def _handshake(self, payload: bytes) -> bytes:
        size = struct.unpack_from(">h", payload)[0]
        asked, offered = payload[2:2 + size].decode(), self.accounts.mechanism
        error = 0 if asked == offered else UNSUPPORTED_MECHANISM
        self.exchange = None
        if not error:
            self.exchange = {"PLAIN": self._plain, "OAUTHBEARER": self._bearer}.get(asked) or self._scram(asked)
        return struct.pack(f">hih{len(offered)}s", error, 1, len(offered), offered.encode())

    def _authenticate(self, payload: bytes, version: int) -> bytes:
        size = struct.unpack_from(">i", payload)[0]
        error, message, answer = 0, None, b""
        if self.exchange is None:
            error, message = ILLEGAL_STATE, "no handshake came before"
        else:
            try:
                answer = self.exchange(payload[4:4 + size])
            except Refused as refusal:
                error, message = AUTHENTICATION_FAILED, str(refusal)
        text = struct.pack(">h", -1) if message is None else struct.pack(">h", len(message)) + message.encode()
        lifetime = struct.pack(">q", 0) if version >= 1 else b""
        return struct.pack(">h", error) + text + struct.pack(">i", len(answer)) + answer + lifetime

    def _plain(self, message: bytes) -> bytes:
        _, user, password = message.decode().split("\0")
        if self.accounts.passwords.get(user) != password:
            raise Refused("Authentication failed: Invalid username or password")
        self.is_known = True
        return b""

    def _bearer(self, message: bytes) -> bytes:
        fields = message.decode().split("\x01")
        token = next((field.removeprefix("auth=Bearer ") for field in fields if field.startswith("auth=")), "")
        if token not in self.accounts.tokens:
            raise Refused("Authentication failed: the token is not accepted")
        self.is_known = True
        return b""

    def _scram(self, mechanism: str):
        digest = {"SCRAM-SHA-256": "sha256", "SCRAM-SHA-512": "sha512"}[mechanism]
        salt, state = os.urandom(16), {}

        def mac(key: bytes, text: bytes) -> bytes:
            return hmac.new(key, text, digest).digest()

        def first(message: bytes) -> bytes:
            bare = message.decode().split(",", 2)[2]
            fields = dict(field.split("=", 1) for field in bare.split(","))
            nonce = fields["r"] + base64.b64encode(os.urandom(18)).decode()
            state["user"], state["nonce"] = fields["n"], nonce
            answer = f"r={nonce},s={base64.b64encode(salt).decode()},i={SCRAM_ITERATIONS}"
            state["log"] = f"{bare},{answer}"
            self.exchange = final
            return answer.encode()

        def final(message: bytes) -> bytes:
            without, proof = message.decode().rsplit(",p=", 1)
            password = self.accounts.passwords.get(state["user"])
            fields = dict(field.split("=", 1) for field in without.split(","))
            # As Apache Kafka has it: librdkafka 2.0.2 sends its own nonce once more before the whole one.
            if password is None or not fields["r"].endswith(state["nonce"]):
                raise Refused("Authentication failed during authentication due to invalid credentials")
            salted = hashlib.pbkdf2_hmac(digest, password.encode(), salt, SCRAM_ITERATIONS)
            log = f"{state['log']},{without}".encode()
            stored = hashlib.new(digest, mac(salted, b"Client Key")).digest()
            signature = mac(stored, log)
            client_key = bytes(a ^ b for a, b in zip(base64.b64decode(proof), signature))
            if hashlib.new(digest, client_key).digest() != stored:
                raise Refused("Authentication failed during authentication due to invalid credentials")
            self.is_known = True
            return b"v=" + base64.b64encode(mac(mac(salted, b"Server Key"), log))

        return first
