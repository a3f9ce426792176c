"""A TCP proxy between Kafka clients and the broker that makes the network bad.

Kafka clients follow the address that the broker advertises, so the proxy puts its own address into the answers that
carry it (Metadata, FindCoordinator, DescribeCluster); every other byte passes as it came. Both addresses are
`127.0.0.1`, thus of equal length: host and port are replaced in place and no length field changes.
"""

import asyncio
import contextlib
import socket
import struct
import threading

from support import sasl, versions
from support.broker import ReservedPort

METADATA, FIND_COORDINATOR, DESCRIBE_CLUSTER = 3, 10, 60
CARRYING_ADDRESSES = {METADATA, FIND_COORDINATOR, DESCRIBE_CLUSTER}
FRAME_BYTES_MAX = 64 << 20


class _Link:
    """One client's connection and its counterpart to the broker."""

    def __init__(self, proxy, reader, writer):
        self.proxy, self.reader, self.writer = proxy, reader, writer
        self.upstream = None
        self.session = proxy._accounts and sasl.Session(proxy._accounts)
        self.versions = proxy.floors and versions.Session(proxy.floors)
        self.kinds = {}  # correlation id of a request in flight → API key, for those that carry addresses

    async def run(self) -> None:
        try:
            await self.proxy._flowing.wait()
            reader, self.upstream = await asyncio.open_connection("127.0.0.1", self.proxy.broker_port)
            pumps = [asyncio.create_task(self._pump(self.reader, self.upstream, self._request)),
                     asyncio.create_task(self._pump(reader, self.writer, self._response))]
            # One side's end is the other's.
            done, pending = await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
            for task in pending:
                task.cancel()
            await asyncio.gather(*pumps, return_exceptions=True)
        except OSError:
            pass
        finally:
            self.end()

    def end(self, reset=False) -> None:
        for writer in (self.writer, self.upstream):
            if writer is None:
                continue
            if reset and (raw := writer.get_extra_info("socket")) is not None:
                with contextlib.suppress(OSError):
                    raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            writer.transport.abort()

    async def _pump(self, reader, writer, look) -> None:
        """Whole frames, one after the other: an order is kept, and a fault never tears a length field apart."""
        with contextlib.suppress(asyncio.IncompleteReadError, OSError, sasl.Refused):
            while True:
                head = await reader.readexactly(4)
                size = struct.unpack(">i", head)[0]
                if not 0 <= size <= FRAME_BYTES_MAX:
                    return  # not Kafka (a TLS hello, say)
                body = await reader.readexactly(size)
                if self.session and look == self._request and (answer := self.session.answer(body)) is not None:
                    self.writer.write(struct.pack(">i", len(answer)) + answer)
                    continue
                body = look(body)
                if self.proxy._latency_seconds:
                    await asyncio.sleep(self.proxy._latency_seconds)
                await self.proxy._flowing.wait()
                writer.write(struct.pack(">i", len(body)) + body)
                await writer.drain()

    def _request(self, body: bytes) -> bytes:
        key, _, correlation = struct.unpack_from(">hhi", body)
        if key in CARRYING_ADDRESSES:
            self.kinds[correlation] = key
        if self.versions:
            self.versions.request(body)
        return body

    def _response(self, body: bytes) -> bytes:
        if self.session:
            body = self.session.completed(body)
        if self.versions:
            body = self.versions.response(body)
        if self.kinds.pop(struct.unpack_from(">i", body)[0], None) is None:
            return body
        return body.replace(self.proxy._theirs, self.proxy._ours)


class FaultProxy:
    """Runs on a thread of its own; each method returns when the fault is in force."""

    def __init__(self, broker_port: int, tls=None, accounts: sasl.Accounts = None, floors: versions.Floors = None):
        """With an `ssl.SSLContext` clients speak TLS to the proxy, with accounts they prove by SASL who they are; the
        broker behind it never does either. With floors it tells them that it has no older request versions."""
        self.broker_port, self._tls, self._accounts, self.floors = broker_port, tls, accounts, floors
        self._links, self._latency_seconds = set(), 0.0
        self._ready = threading.Event()
        # Held all along, so that the port stays ours while nobody listens.
        self._port = ReservedPort()
        self._theirs = b"127.0.0.1" + struct.pack(">i", broker_port)
        self._ours = b"127.0.0.1" + struct.pack(">i", self._port.number)

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self._port.number}"

    @property
    def link_count(self) -> int:
        """Clients connected now."""
        return len(self._links)

    def __enter__(self) -> "FaultProxy":
        self._thread = threading.Thread(target=lambda: asyncio.run(self._main()), name="fault-proxy", daemon=True)
        self._thread.start()
        assert self._ready.wait(10), "the proxy did not start"
        return self

    def __exit__(self, *_):
        self._loop.call_soon_threadsafe(self._over.set)
        self._thread.join(10)
        self._port.release()

    async def _main(self) -> None:
        self._loop, self._over, self._flowing = asyncio.get_running_loop(), asyncio.Event(), asyncio.Event()
        self._flowing.set()
        self._listener, self._tasks = None, set()  # the loop itself keeps no task
        self._listen()
        self._ready.set()
        await self._over.wait()
        self._flowing.set()  # whoever waits in a black hole leaves it
        self._refuse()
        deadline = self._loop.time() + 5
        while (others := asyncio.all_tasks() - {asyncio.current_task()}) and self._loop.time() < deadline:
            await asyncio.wait(others, timeout=1)
        await asyncio.sleep(0)  # the last connection's end takes the loop one more turn

    def _listen(self) -> None:
        if self._listener is None:
            self._listener = socket.create_server(("127.0.0.1", self._port.number))
            self._listener.setblocking(False)
            self._loop.add_reader(self._listener, self._accept)

    def _refuse(self) -> None:
        if self._listener is not None:
            self._loop.remove_reader(self._listener)
            self._listener.close()
            self._listener = None
        self._drop(reset=False)

    # By hand, and in one turn of the loop: asyncio's Server of Python 3.11 and a cancelled sock_accept both lose, unclosed,
    # a connection that came right before.
    def _accept(self) -> None:
        with contextlib.suppress(BlockingIOError):
            connection, _ = self._listener.accept()
            connection.setblocking(False)
            task = self._loop.create_task(self._serve(self._listener, connection))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _serve(self, listener, connection) -> None:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        reader = asyncio.StreamReader(limit=1 << 20)
        protocol = asyncio.StreamReaderProtocol(reader)
        try:
            transport, _ = await self._loop.connect_accepted_socket(lambda: protocol, connection, ssl=self._tls)
        except OSError:  # no TLS
            connection.close()
            return
        link = _Link(self, reader, asyncio.StreamWriter(transport, protocol, reader, self._loop))
        if self._listener is not listener:  # cut since it was accepted
            link.end()
            return
        self._links.add(link)
        try:
            await link.run()
        finally:
            self._links.discard(link)

    def _drop(self, reset: bool) -> None:
        for link in list(self._links):
            link.end(reset)

    def _call(self, work) -> None:
        async def run():
            work()
        asyncio.run_coroutine_threadsafe(run(), self._loop).result(20)

    # Faults.

    def latency(self, seconds: float) -> None:
        """Each frame takes so much longer, either way; 0 ends it."""
        self._call(lambda: setattr(self, "_latency_seconds", seconds))

    def reset(self) -> None:
        """Every connection ends with RST; new ones are taken."""
        self._call(lambda: self._drop(reset=True))

    def black_hole(self) -> None:
        """Connections stay and are taken, and nothing gets through, until `heal`."""
        self._call(self._flowing.clear)

    def cut(self) -> None:
        """Every connection ends and new ones are refused, until `heal`."""
        self._call(self._refuse)

    def heal(self) -> None:
        """Everything flows again; what waited in a black hole goes on its way."""
        def run():
            self._latency_seconds = 0.0
            self._flowing.set()
            self._listen()
        self._call(run)
