"""A client of bytes: what no library would send, and a look at what really comes back."""

import pathlib
import re
import select
import socket
import time
import urllib.parse

HANDSHAKE = {"connection": "Upgrade", "upgrade": "websocket", "sec-websocket-version": "13",
             "sec-websocket-key": "dGhlIHNhbXBsZSBub25jZQ=="}


class Answer:
    """A status line, headers by name in lower case, and the body."""

    def __init__(self, version, status, headers, body=b""):
        self.version, self.status, self.headers, self.body = version, status, headers, body


class Raw:
    """One connection, blocking, with a time limit on each wait."""

    def __init__(self, url: str, timeout=30):
        address = urllib.parse.urlsplit(url)
        self.host = address.netloc
        self.socket = socket.create_connection((address.hostname, address.port), timeout=timeout)
        self.buffer = b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def send(self, data):
        self.socket.sendall(data.encode() if isinstance(data, str) else data)

    def request(self, method, target, headers=None, body=b"", version="1.1", host=True):
        """Sends a request with exactly these headers, `Host` and a length of the body put before them."""
        lines = [f"{method} {target} HTTP/{version}"]
        if host:
            lines.append(f"host: {self.host}")
        given = {name.lower() for name, _ in pairs(headers)}
        if body and not given & {"content-length", "transfer-encoding"}:
            lines.append(f"content-length: {len(body)}")
        lines += [f"{name}: {value}" for name, value in pairs(headers)]
        self.send("\r\n".join(lines).encode() + b"\r\n\r\n" + body)

    def more(self) -> bool:
        data = self.socket.recv(1 << 16)
        self.buffer += data
        return bool(data)

    def until(self, mark: bytes) -> bytes:
        while mark not in self.buffer:
            assert self.more(), f"the server closed the connection after {self.buffer!r}"
        data, self.buffer = self.buffer.split(mark, 1)
        return data

    def take(self, count: int) -> bytes:
        while len(self.buffer) < count:
            assert self.more(), f"the server closed the connection after {self.buffer!r}"
        data, self.buffer = self.buffer[:count], self.buffer[count:]
        return data

    def head(self) -> Answer:
        status, *lines = self.until(b"\r\n\r\n").decode().split("\r\n")
        version, code = re.match(r"HTTP/(\S+) (\d{3})", status).groups()
        headers = {}
        for line in lines:
            name, value = line.split(":", 1)
            name = name.lower()
            headers[name] = f"{headers[name]}, {value.strip()}" if name in headers else value.strip()
        return Answer(version, int(code), headers)

    def answer(self, has_body=True) -> Answer:
        """One whole answer, its body by whatever framing it has; informational ones are answers of their own."""
        answer = self.head()
        if not has_body or answer.status < 200 or answer.status in (204, 304):
            return answer
        if answer.headers.get("transfer-encoding") == "chunked":
            while size := int(self.until(b"\r\n"), 16):
                answer.body += self.take(size)
                self.take(2)
            self.take(2)
        elif "content-length" in answer.headers:
            answer.body = self.take(int(answer.headers["content-length"]))
        else:
            answer.body = self.rest()
        return answer

    def rest(self) -> bytes:
        """Everything up to the server's end of the connection."""
        while self.more():
            pass
        data, self.buffer = self.buffer, b""
        return data

    def is_ended(self, within=5) -> bool:
        """Whether the server ends the connection, all that it sent having been read."""
        self.socket.settimeout(within)
        try:
            return not self.socket.recv(1)
        except TimeoutError:
            return False
        except ConnectionResetError:
            return True

    # WebSocket.

    def upgrade(self, target, headers=None, version="1.1") -> Answer:
        self.request("GET", target, {**HANDSHAKE, **dict(pairs(headers))}, version=version)
        return self.answer()

    def frame(self):
        """The next frame: opcode and payload."""
        first, second = self.take(2)
        length = second & 0x7F
        if length >= 126:
            length = int.from_bytes(self.take(2 if length == 126 else 8))
        return first & 0x0F, self.take(length)

    def send_until_held_back(self, block: bytes, bytes_max: int, stall=2.0) -> int:
        """Sends the block again and again until the server takes no more for a while; gives how many bytes it took."""
        sent = 0
        self.unsent = b""
        self.socket.setblocking(False)
        while sent < bytes_max and select.select([], [self.socket], [], stall)[1]:
            self.unsent = self.unsent or block
            count = self.socket.send(self.unsent)
            sent, self.unsent = sent + count, self.unsent[count:]
        return sent

    def send_until_reset(self, block: bytes, bytes_max=1 << 62, within=15) -> int | None:
        """Sends the block again and again; None when the server has reset the connection, else the bytes sent."""
        sent, end = 0, time.monotonic() + within
        try:
            while sent < bytes_max and time.monotonic() < end:
                self.socket.sendall(block)
                sent += len(block)
        except (ConnectionResetError, BrokenPipeError):
            return None
        return sent

    def send_rest_reading(self, data: bytes) -> None:
        """Sends what was held back, and `data`, while it reads whatever comes."""
        data = self.unsent + data
        while data:
            readable, writable, _ = select.select([self.socket], [self.socket], [], 30)
            assert readable or writable, "the server neither reads nor writes"
            if readable:
                assert self.more(), "the server closed the connection"
            if writable:
                data = data[self.socket.send(data):]
        self.socket.settimeout(30)


def ping(payload: bytes) -> bytes:
    """A client's ping, masked with zeros."""
    assert len(payload) < 126
    return bytes([0x89, 0x80 | len(payload), 0, 0, 0, 0]) + payload


def pairs(headers):
    return list((headers.items() if isinstance(headers, dict) else headers) or [])


def memory(pid: int) -> int:
    """The most memory the process ever had resident, in bytes."""
    status = pathlib.Path(f"/proc/{pid}/status").read_text()
    return int(re.search(r"VmHWM:\s+(\d+) kB", status)[1]) << 10
