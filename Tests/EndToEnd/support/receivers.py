"""Receivers of the notifier's messages: a webhook's server and a mail server, which log what they acknowledged."""

import dataclasses
import email
import email.policy
import http.server
import json
import re
import threading
import time

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult

from support.broker import ReservedPort

WAIT_SECONDS_MAX = 90


@dataclasses.dataclass
class Request:
    path: str
    headers: dict
    body: bytes
    arrived: float
    #: When the whole answer was written; None when it was no acknowledgement or could not be written.
    acknowledged: float | None = None

    @property
    def id(self) -> str:
        return self.headers["webhook-id"]

    @property
    def channel(self) -> str:
        """The path without its query, in which a test may have its sender say who it is."""
        return self.path.split("?")[0]

    @property
    def message(self) -> dict:
        return json.loads(self.body)


class WebhookReceiver:
    """An HTTP server that logs requests; each path answers as it is told, 200 unless told otherwise."""

    def __init__(self):
        self.requests, self.changed, self.answers = [], threading.Condition(), {}
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                outer._take(self)

            def log_message(self, *_):
                pass

        class Server(http.server.ThreadingHTTPServer):
            daemon_threads = True
            request_queue_size = 128

            def handle_error(self, request, client_address):
                pass  # a client that was killed

        self.server = Server(("127.0.0.1", 0), Handler)
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.05})
        self.thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_address[1]}"

    def answer(self, path: str, what) -> None:
        """`what` gets the handler and the number of the request on that path, and answers; None: 200 again."""
        self.answers[path] = what

    def _take(self, handler) -> None:
        length = int(handler.headers["content-length"])
        headers = {name.lower(): value for name, value in handler.headers.items()}
        request = Request(handler.path, headers, handler.rfile.read(length), time.monotonic())
        if len(request.body) < length:
            return  # its sender is gone
        with self.changed:
            number = sum(other.path == request.path for other in self.requests)
            self.requests.append(request)
            self.changed.notify_all()
        answer = self.answers.get(handler.path) or ok
        try:
            accepted = answer(handler, number)
            handler.wfile.flush()
        except OSError:
            return
        if accepted:
            with self.changed:
                request.acknowledged = time.monotonic()
                self.changed.notify_all()

    def acknowledged(self, path=None) -> list:
        with self.changed:
            return [request for request in self.requests
                    if request.acknowledged is not None and path in (None, request.path)]

    def wait(self, what: str, condition, timeout=WAIT_SECONDS_MAX) -> None:
        """Until the condition over all requests so far holds."""
        with self.changed:
            assert self.changed.wait_for(lambda: condition(self.requests), timeout=timeout), (
                f"{what}: after {timeout} s only {[(r.path, r.id, r.acknowledged) for r in self.requests][-20:]}")

    def wait_for_acknowledged(self, count: int, timeout: float) -> bool:
        with self.changed:
            return self.changed.wait_for(
                lambda: sum(request.acknowledged is not None for request in self.requests) >= count, timeout=timeout)

    def __enter__(self) -> "WebhookReceiver":
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()


# How a receiver may answer.

def status(code: int, **headers):
    def answer(handler, _number) -> bool:
        handler.send_response(code)
        for name, value in headers.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.send_header("content-length", "0")
        handler.end_headers()
        return 200 <= code < 300
    return answer


ok = status(200)


def first(answer, then=ok):
    """One answer to the first request, another one to all others."""
    return lambda handler, number: (answer if number == 0 else then)(handler, number)


def garbage(handler, _number) -> bool:
    handler.wfile.write(b"\x00\xffthis is no HTTP\r\n\r\n" * 10)
    handler.close_connection = True
    return False


def huge(handler, _number) -> bool:
    handler.send_response(200)
    handler.send_header("content-length", str(10 << 20))
    handler.end_headers()
    handler.wfile.write(b"x" * (10 << 20))
    return False


def hang_until(event: threading.Event):
    def answer(handler, _number) -> bool:
        handler.close_connection = True
        event.wait(120)
        return False
    return answer


class MailReceiver:
    """A mail server (PyPI's aiosmtpd) that keeps what it accepted; it refuses all recipients or each by address.

    `quotes` refuses the message as a filter does, with the link that it does not like.
    """

    def __init__(self, tls=None, login=None, refuse=None, quotes=False):
        self.messages, self.changed, self.refuse, self.quotes = [], threading.Condition(), refuse, quotes
        self.port = ReservedPort()
        options = {}
        if tls:
            options |= {"tls_context": tls, "require_starttls": True}
        if login:
            def authenticate(_server, _session, _envelope, _mechanism, data):
                found = (data.login.decode(), data.password.decode())
                return AuthResult(success=found == login, handled=found == login)
            options |= {"authenticator": authenticate, "auth_required": True}
        self.controller = Controller(self, hostname="127.0.0.1", port=self.port.number, **options)

    async def handle_RCPT(self, _server, _session, envelope, address, _options):
        refusal = self.refuse.get(address) if isinstance(self.refuse, dict) else self.refuse
        if refusal:
            return refusal
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, _server, session, envelope):
        with self.changed:
            self.messages.append((envelope, session.ssl is not None))
            self.changed.notify_all()
        if self.quotes:
            text = email.message_from_bytes(envelope.content, policy=email.policy.default).get_content()
            return f"554 spam: {re.search('https://[!-~]*', text)[0]}"
        return "250 OK"

    def wait(self, count: int) -> list:
        with self.changed:
            assert self.changed.wait_for(lambda: len(self.messages) >= count, timeout=WAIT_SECONDS_MAX), "no mail came"
            return list(self.messages)

    def __enter__(self) -> "MailReceiver":
        self.controller.start()
        return self

    def __exit__(self, *_):
        self.controller.stop()
        self.port.release()
