"""Fixtures of the end-to-end suite: the built binary, driven from outside by clients nobody here wrote."""

import importlib.metadata
import os
import pathlib
import re
import subprocess
import tempfile
import time

import pytest
import requests

from support import schemas
from support.binary import Binary
from support.broker import Broker
from support.server import Server


def pytest_addoption(parser):
    parser.addoption("--long", action="store_true", help="run the long form of bounded loops")
    parser.addoption("--librdkafka", choices=["system", "wheel"], default="system",
                     help="which librdkafka the binary runs on: the system's, or the newer one in confluent-kafka's wheel")
    parser.addoption("--seed", type=int, default=20260105, help="seed of everything drawn by chance")


@pytest.fixture(scope="session")
def librdkafka(request, tmp_path_factory):
    """Puts the chosen library before the system's, for every process that the session starts; None: the system's."""
    if request.config.getoption("--librdkafka") == "system":
        return None
    package = importlib.metadata.distribution("confluent-kafka")
    library, = (file.locate() for file in package.files if re.fullmatch(r"librdkafka-\w+\.so\.1", file.name))
    directory = tmp_path_factory.mktemp("librdkafka")
    directory.chmod(0o755)
    (directory / "librdkafka.so.1").symlink_to(library)
    os.environ["LD_LIBRARY_PATH"] = str(directory)
    return pathlib.Path(library).resolve()


@pytest.fixture(scope="session")
def binary(librdkafka) -> Binary:
    found = Binary.from_environment()
    schemas.use(found)
    return found


@pytest.fixture
def data_dir(tmp_path) -> pathlib.Path:
    return tmp_path / "data"


@pytest.fixture
def outside():
    """A directory that steps can reach: they run as nobody, whom pytest's own directories keep out."""
    with tempfile.TemporaryDirectory(prefix="stepstream-outside-") as directory:
        os.chmod(directory, 0o777)
        yield pathlib.Path(directory)


@pytest.fixture
def own_server(binary, data_dir):
    """`stepstream serve` on a port of its own, stopped by its process id."""
    with Server(binary, data_dir) as running:
        yield running


@pytest.fixture
def server(own_server) -> Server:
    """A server of the test's own; modules whose tests can share one say so."""
    return own_server


@pytest.fixture(scope="session")
def session_server(binary, tmp_path_factory):
    with Server(binary, tmp_path_factory.mktemp("shared") / "data") as running:
        yield running


@pytest.fixture
def shared_server(session_server) -> Server:
    """The session's server: a start costs more than most tests. For tests that neither stop it nor ask how much it
    holds; each stores what it runs, under a name that others may have stored something else under before."""
    ended = session_server.process.poll() is not None
    assert not ended, f"an earlier test ended the shared server:\n{session_server.log_text()}"
    session_server.session.close()
    session_server.session = requests.Session()
    return session_server


@pytest.fixture
def broker(tmp_path):
    """A Kafka broker of its own, stopped by its process id."""
    with Broker(tmp_path / "broker") as running:
        yield running


@pytest.fixture(scope="session")
def certificates(tmp_path_factory):
    """A CA with a server's and a client's certificate, and another CA that signed a stranger's."""
    directory = tmp_path_factory.mktemp("tls")

    def openssl(*arguments):
        subprocess.run(["openssl", *arguments], cwd=directory, check=True, capture_output=True)

    for name in ("ca", "other"):
        openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
                "-subj", f"/CN={name}", "-keyout", f"{name}.key", "-out", f"{name}.pem")
    (directory / "names").write_text("subjectAltName=IP:127.0.0.1,DNS:localhost\n")
    for authority, name in (("ca", "server"), ("ca", "client"), ("other", "stranger")):
        openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", f"/CN={name}",
                "-keyout", f"{name}.key", "-out", f"{name}.csr")
        openssl("x509", "-req", "-in", f"{name}.csr", "-CA", f"{authority}.pem", "-CAkey", f"{authority}.key",
                "-CAcreateserial", "-days", "2", "-extfile", "names", "-out", f"{name}.pem")
    return directory


@pytest.fixture
def seed(request) -> int:
    value = request.config.getoption("--seed")
    print(f"seed {value}")
    return value


@pytest.fixture
def is_long(request) -> bool:
    return request.config.getoption("--long")


@pytest.fixture
def new_id():
    """Makes execution identifiers as a client would: UUID version 7, lower case."""
    def make() -> str:
        bits = (time.time_ns() // 1_000_000) << 80 | int.from_bytes(os.urandom(10), "big")
        bits = bits & ~(0xF << 76) | 7 << 76
        bits = bits & ~(0x3 << 62) | 2 << 62
        text = f"{bits:032x}"
        return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"
    return make
