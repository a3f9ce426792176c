"""TLS, client certificates and SASL, over real handshakes: a proxy speaks them in the broker's stead."""

import asyncio
import base64
import json
import ssl
import time

import pytest

from support import files
from support.fault_proxy import FaultProxy
from support.kafka import role, wait_until_published, wait_until_said
from support.sasl import Accounts
from support.topic import EVENTS, assert_holds_journal, read
from support.workflows import three_steps
from test_stream import events_of, transcript

USER, PASSWORD = "orchestrator", "päss,w=rd"


def server_context(certificates) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificates / "server.pem", certificates / "server.key")
    return context


def assert_streams(binary, data_dir, broker, proxy, **settings) -> None:
    """A run goes out through the proxy and comes back through it."""
    with role(binary, data_dir, proxy.address, **settings) as server:
        server.put_workflow(three_steps())
        execution = server.execute("three-steps", {"value": 1})["execution_id"]
        wait_until_published(broker.address, data_dir)
        assert events_of(asyncio.run(transcript(server, execution))) == server.events(execution)
    assert_holds_journal(read(broker.address), files.journal_events(data_dir))


def assert_says(binary, data_dir, broker, proxy, *words, secret=None, **settings) -> None:
    """Nobody gets in: the run goes on, nothing is published, and what is said names the settings to change."""
    with role(binary, data_dir, proxy.address, **settings) as server:
        server.put_workflow(three_steps())
        assert server.execute("three-steps", {"value": 1})["status"] == "completed"
        text = wait_until_said(server, *words)
        assert secret is None or secret not in text
        assert EVENTS not in broker.partition_counts()
        assert server.stop() == 0


@pytest.fixture
def tls_proxy(broker, certificates):
    with FaultProxy(broker.port.number, tls=server_context(certificates)) as proxy:
        yield proxy


@pytest.fixture
def mutual_tls_proxy(broker, certificates):
    context = server_context(certificates)
    context.load_verify_locations(certificates / "ca.pem")
    context.verify_mode = ssl.CERT_REQUIRED
    with FaultProxy(broker.port.number, tls=context) as proxy:
        yield proxy


def test_events_go_out_over_tls(binary, data_dir, broker, tls_proxy, certificates):
    assert_streams(binary, data_dir, broker, tls_proxy, security="ssl", tls_ca=str(certificates / "ca.pem"))


def test_a_wrong_ca_is_said_with_its_setting(binary, data_dir, broker, tls_proxy, certificates):
    assert_says(binary, data_dir, broker, tls_proxy, "tls_ca", security="ssl", tls_ca=str(certificates / "other.pem"))


def test_a_client_certificate_lets_events_through(binary, data_dir, broker, mutual_tls_proxy, certificates):
    assert_streams(
        binary, data_dir, broker, mutual_tls_proxy, security="ssl", tls_ca=str(certificates / "ca.pem"),
        tls_certificate=str(certificates / "client.pem"), tls_key=str(certificates / "client.key"))


@pytest.mark.parametrize("certificate", [None, "stranger"])
def test_a_client_without_a_trusted_certificate_is_told_which_setting(
        binary, data_dir, broker, mutual_tls_proxy, certificates, certificate):
    own = {} if certificate is None else {
        "tls_certificate": str(certificates / f"{certificate}.pem"), "tls_key": str(certificates / f"{certificate}.key")}
    assert_says(
        binary, data_dir, broker, mutual_tls_proxy, "tls_certificate", security="ssl",
        tls_ca=str(certificates / "ca.pem"), **own)


def token(subject="orchestrator", seconds=3600) -> str:
    """A JWT as an identity provider gives it; who checks the signature is the broker."""
    def part(value) -> str:
        return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()
    claims = {"sub": subject, "exp": int(time.time()) + seconds}
    return f"{part({'alg': 'none'})}.{part(claims)}.c2lnbmF0dXJl"


def credentials(mechanism: str, directory, password=PASSWORD, bearer=None) -> dict:
    settings = {"security": "sasl_plaintext", "sasl_mechanism": mechanism}
    if mechanism == "OAUTHBEARER":
        directory.mkdir(parents=True, exist_ok=True)
        (directory / "token").write_text(bearer + "\n")
        return settings | {"oauth_token_file": str(directory / "token")}
    return settings | {"sasl_username": USER, "sasl_password": password}


MECHANISMS = ["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512", "OAUTHBEARER"]


@pytest.mark.parametrize("mechanism", MECHANISMS)
def test_events_go_out_to_a_broker_that_asks_who_we_are(binary, data_dir, broker, mechanism):
    bearer = token()
    accounts = Accounts(mechanism, {USER: PASSWORD}, frozenset({bearer}))
    with FaultProxy(broker.port.number, accounts=accounts) as proxy:
        assert_streams(binary, data_dir, broker, proxy, **credentials(mechanism, data_dir, bearer=bearer))


@pytest.mark.parametrize("mechanism", MECHANISMS)
def test_a_refused_credential_is_said_with_its_setting(binary, data_dir, broker, mechanism):
    refused = token("somebody-else")
    accounts = Accounts(mechanism, {USER: PASSWORD}, frozenset({token()}))
    setting = "oauth_token_file" if mechanism == "OAUTHBEARER" else "sasl_password"
    with FaultProxy(broker.port.number, accounts=accounts) as proxy:
        assert_says(
            binary, data_dir, broker, proxy, setting, secret=refused if mechanism == "OAUTHBEARER" else "wr0ng-secret",
            **credentials(mechanism, data_dir, "wr0ng-secret", refused))


def test_a_mechanism_the_broker_has_not_is_said_with_its_setting(binary, data_dir, broker):
    with FaultProxy(broker.port.number, accounts=Accounts("SCRAM-SHA-512", {USER: PASSWORD})) as proxy:
        assert_says(
            binary, data_dir, broker, proxy, "sasl_mechanism", "SCRAM-SHA-512", **credentials("PLAIN", data_dir))


def test_credentials_and_events_go_over_tls(binary, data_dir, broker, certificates):
    accounts = Accounts("SCRAM-SHA-256", {USER: PASSWORD})
    with FaultProxy(broker.port.number, tls=server_context(certificates), accounts=accounts) as proxy:
        settings = credentials("SCRAM-SHA-256", data_dir) | {
            "security": "sasl_ssl", "tls_ca": str(certificates / "ca.pem")}
        assert_streams(binary, data_dir, broker, proxy, **settings)
