"""The notifier, with receivers nobody here wrote the client of: at least once, one ID, nothing of what is decided."""

import collections
import concurrent.futures
import email
import email.policy
import json
import random
import re
import ssl
import threading

import pytest
import requests
from standardwebhooks.webhooks import Webhook

from support import files, topic
from support.approvals import decide, released
from support.broker import Broker
from support.notifier import PUBLIC_URL, Settings, dead_letters, webhook
from support.receivers import (
    MailReceiver, WebhookReceiver, first, garbage, hang_until, huge, status)
from support.server import Server
from support.waiting import wait_until

APPROVALS, APPROVALS_LONG = 100, 500
KILLS, KILLS_LONG = 10, 50
#: Attempts at a time to one channel: no more acknowledgements than that can be lost in a kill.
CONCURRENCY = 8
DEAD_LETTER = "stepstream.dead-letter.v1"


@pytest.fixture
def receiver():
    with WebhookReceiver() as running:
        yield running


@pytest.fixture(params=["embedded", "kafka"])
def bus(request, tmp_path):
    """Flags of a bus, and its broker if there is one."""
    if request.param == "embedded":
        yield [], None
        return
    with Broker(tmp_path / "broker") as broker:
        yield ["--bus", "kafka", "--kafka-bootstrap", broker.address], broker


class Office:
    """An orchestrator and a notifier, each a process of its own, on one bus."""

    def __init__(self, binary, directory, settings, bus=((), None)):
        self.settings, (flags, self.broker) = settings, bus
        arguments = [*settings.arguments, *flags]
        self.orchestrator = Server(binary, directory / "data", role="orchestrator", arguments=arguments)
        # On a cluster the two share nothing but the bus.
        data = directory / ("data" if self.broker is None else "notifier")
        self.notifier = Server(binary, data, role="notifier", arguments=arguments)

    def __enter__(self) -> "Office":
        self.orchestrator.start()
        self.orchestrator.put_workflow(released())
        return self

    def __exit__(self, *_):
        if self.notifier.process:
            self.notifier.__exit__()
        self.orchestrator.__exit__()

    def ask(self, count: int, workflow="released") -> list:
        """So many executions that wait for approval; gives the approvals' IDs."""
        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            started = list(pool.map(lambda number: self.orchestrator.execute(workflow, {"value": number}), range(count)))
        return [answer["approval"]["approval_id"] for answer in started]

    def decide(self, approval: str, decision="approve") -> None:
        execution = approval.split(":")[0]
        answer = decide(self.orchestrator.session, self.orchestrator.url, execution, decision, comment="done")
        assert answer.status_code == 200, answer.text

    def stop_notifier(self) -> None:
        assert self.notifier.stop(timeout=15) == 0
        self.notifier.__exit__()

    def dead_records(self) -> list:
        """What the dead-letter topic holds."""
        if self.broker is None:
            path = self.orchestrator.data_dir / "topics" / f"{DEAD_LETTER}.sqlite"
            with files.connect(path) as database:
                return [json.loads(row[0]) for row in database.execute("SELECT bytes FROM event ORDER BY offset")]
        return [record.event for record in topic.read(self.broker.address, DEAD_LETTER)]


def announced(requests) -> collections.Counter:
    """Acknowledged requests by approval and type."""
    return collections.Counter(
        (request.message["data"]["approval_id"], request.message["type"])
        for request in requests if request.acknowledged is not None)


def verify(settings: Settings, requests) -> None:
    """Every request is signed, by a verifier nobody here wrote; an ID is of one message, always the same bytes."""
    bodies, ids = {}, {}
    for request in requests:
        Webhook(settings.secret).verify(request.body, request.headers)
        assert bodies.setdefault((request.channel, request.id), request.body) == request.body
        data = request.message["data"]
        what = (request.channel, data["approval_id"], request.message["type"], data.get("stage"))
        assert ids.setdefault(what, request.id) == request.id, f"{what} came with two IDs"


# At least once, whatever happens to the notifier.

def test_every_destination_hears_of_every_approval_over_kill_9(binary, tmp_path, bus, receiver, seed, is_long):
    rng = random.Random(seed)
    count, kills = (APPROVALS_LONG, KILLS_LONG) if is_long else (APPROVALS, KILLS)
    settings = Settings(tmp_path / "settings", [webhook(name, f"{receiver.url}/{name}") for name in ("one", "two")])
    asked = []

    def begin_life(number: int) -> None:
        """Starts the notifier; what it sends says in the path's query which life of it that was."""
        for channel in settings.settings["notifier"]["channels"]:
            channel["url"] = f"{receiver.url}/{channel['name']}?life={number}"
        settings.write()
        office.notifier.start()

    with Office(binary, tmp_path, settings, bus) as office:
        def ask_all():
            for _ in range(0, count, 10):
                asked.extend(office.ask(10))
        asking = threading.Thread(target=ask_all)
        asking.start()
        for kill in range(kills):
            before = len(receiver.acknowledged())
            begin_life(kill)
            # Some while it catches up, some amid deliveries, some when there is nothing left to send.
            receiver.wait_for_acknowledged(before + rng.randint(1, 4 * count // kills), timeout=rng.uniform(0.2, 3))
            office.notifier.kill()
            office.notifier.__exit__()
        asking.join()
        assert len(asked) == count
        begin_life(kills)
        paths = ("/one", "/two")
        wanted = {(path, approval) for path in paths for approval in asked}
        receiver.wait("every approval at both", lambda requests: wanted <= {
            (request.channel, request.message["data"]["approval_id"])
            for request in requests if request.acknowledged is not None})
        verify(settings, receiver.requests)
        duplicates = check_duplicates(receiver.acknowledged())
        print(f"{count} approvals, {kills} kills: {len(receiver.requests)} requests, {duplicates} after a lost acknowledgement")

        # Who was told hears of the end, once, and nothing else comes.
        for approval in asked[:count // 4]:
            office.decide(approval)
        ends = {(path, approval) for path in paths for approval in asked[:count // 4]}
        receiver.wait("every end at both", lambda requests: ends <= {
            (request.channel, request.message["data"]["approval_id"]) for request in requests
            if request.acknowledged is not None and request.message["type"] == "approval.granted"})
        verify(settings, receiver.requests)
        assert dead_letters(office.notifier) == []
        assert office.notifier.stop(timeout=15) == 0


def check_duplicates(acknowledged: list) -> int:
    """No life of the notifier sends a message again that was acknowledged to it, and a kill takes no more
    acknowledgements than a channel has attempts at a time."""
    lives = collections.defaultdict(list)
    for request in acknowledged:
        lives[request.channel, request.id].append(request.path)
    lost = collections.Counter()
    for (channel, message), paths in lives.items():
        assert len(paths) == len(set(paths)), f"{message} came twice to {channel} within one life of the notifier: {paths}"
        # Each life but the last one that sent it lost its acknowledgement.
        lost.update(sorted(paths, key=lambda path: int(path.rsplit("=", 1)[1]))[:-1])
    assert all(count <= CONCURRENCY for count in lost.values()), f"more acknowledgements were lost than can be: {lost}"
    return sum(lost.values())


def test_nothing_that_was_decided_while_it_was_away_is_announced(binary, tmp_path, bus, receiver):
    settings = Settings(tmp_path / "settings", [webhook("one", f"{receiver.url}/one")])
    with Office(binary, tmp_path, settings, bus) as office:
        asked = office.ask(30)
        for approval in asked[:20]:
            office.decide(approval, "reject")
        office.notifier.start()
        receiver.wait("those that wait", lambda requests: len(announced(requests)) >= 10)
        # Whatever came of the backlog came before this one.
        last = office.ask(1)[0]
        receiver.wait("a new one", lambda requests: (last, "approval.requested") in announced(requests))
        assert {approval for approval, _ in announced(receiver.requests)} == {*asked[20:], last}
        assert {kind for _, kind in announced(receiver.requests)} == {"approval.requested"}


def test_what_fails_until_the_decision_is_not_sent_after_it(binary, tmp_path, receiver):
    receiver.answer("/one", status(500))
    settings = Settings(
        tmp_path / "settings", [webhook("one", f"{receiver.url}/one")], schedule=("50ms",) * 50)
    with Office(binary, tmp_path, settings) as office:
        office.notifier.start()
        approval, = office.ask(1)
        receiver.wait("some attempts", lambda requests: len(requests) >= 3)
        office.decide(approval)
        receiver.answer("/one", None)
        receiver.wait("the end", lambda requests: any(r.message["type"] == "approval.granted" for r in requests))
        other, = office.ask(1)
        receiver.wait("another", lambda requests: (other, "approval.requested") in announced(requests))
        kinds = [r.message["type"] for r in receiver.requests if r.message["data"]["approval_id"] == approval]
        assert kinds.count("approval.granted") == 1 and kinds[-1] == "approval.granted"


# Receivers that misbehave.

def test_what_receivers_may_not_be_asked_again_before_is_kept_to(binary, tmp_path, receiver):
    """By a gateway in front of the receiver, too; an HTTPS receiver's failure names nothing of the program."""
    codes = (429, 502, 503, 504)
    for code in codes:
        receiver.answer(f"/{code}", first(status(code, retry_after="1")))
    channels = [webhook(f"answers-{code}", f"{receiver.url}/{code}") for code in codes]
    channels.append(webhook("no-tls", receiver.url.replace("http:", "https:")))
    with Office(binary, tmp_path, Settings(tmp_path / "settings", channels)) as office:
        office.notifier.start()
        office.ask(1)
        receiver.wait("every channel is told", lambda requests: {f"/{code}" for code in codes} <= {
            request.path for request in requests if request.acknowledged is not None})
        for code in codes:
            one, two = (request for request in receiver.requests if request.path == f"/{code}")
            assert two.arrived - one.arrived >= 1, f"asked again sooner than {code} allowed"
        letter, = wait_until("given up", lambda: dead_letters(office.notifier))
        assert letter["reason"] == "no TLS with the receiver: wrong version number"


def test_receivers_that_misbehave_fail_their_own_attempts_alone(binary, tmp_path, bus, receiver):
    over = threading.Event()
    with WebhookReceiver() as elsewhere:
        answers = {
            "hang": hang_until(over), "redirect": status(302, location=f"{elsewhere.url}/"), "garbage": garbage,
            "huge": huge, "gone": status(410), "busy": first(status(429, retry_after="1")),
            "away": first(status(503, retry_after="1")), "good": None}
        for name, answer in answers.items():
            receiver.answer(f"/{name}", answer)
        channels = [webhook(name, f"{receiver.url}/{name}", timeout="500ms") for name in answers]
        channels.append(webhook("local", f"{receiver.url.replace('127.0.0.1', 'localhost')}/local") | {
            "allow_private_addresses": False})
        settings = Settings(tmp_path / "settings", channels)
        with Office(binary, tmp_path, settings, bus) as office:
            office.notifier.start()
            approval, = office.ask(1)
            receiver.wait("the good, the busy and the away", lambda requests: {"/good", "/busy", "/away"} <= {
                request.path for request in requests if request.acknowledged is not None})
            letters = wait_until("five are given up", lambda: (
                lambda found: len(found) == 5 and {letter["channel"]: letter for letter in found})(
                    dead_letters(office.notifier)))
            # The status decides: what said 200 has the message, however much it says besides.
            assert set(letters) == {"hang", "redirect", "garbage", "gone", "local"}
            assert [request.path for request in receiver.requests].count("/huge") == 1
            attempts = {name: letter["attempts"] for name, letter in letters.items()}
            assert attempts == {"hang": 3, "redirect": 3, "garbage": 3, "gone": 1, "local": 1}
            assert "in time" in letters["hang"]["reason"] and "302" in letters["redirect"]["reason"]
            assert "HTTP" in letters["garbage"]["reason"]
            assert "address_refused" in letters["local"]["reason"]
            assert elsewhere.requests == [] and not any(request.path == "/local" for request in receiver.requests)
            for path in ("/busy", "/away"):
                one, two = (request for request in receiver.requests if request.path == path)
                assert two.arrived - one.arrived >= 1, f"{path} was asked again sooner than it allowed"
                assert one.id == two.id
            verify(settings, receiver.requests)

            health = office.notifier.get("/health/ready")
            part = health["parts"]["notifier"]
            assert health["ready"] and part["status"] == "degraded" and part["dead_letters"] == 5, part
            assert "gone is disabled" in part["detail"] and "hang fails" in part["detail"]
            metrics = office.notifier.session.get(office.notifier.url + "/metrics", timeout=30).text
            assert 'stepstream_notifier_dead_letters_total{channel="hang"} 1' in metrics
            assert 'stepstream_notifier_deliveries_total{channel="good",outcome="delivered"} 1' in metrics
            records = wait_until("five records", lambda: (
                lambda found: len(found) >= 5 and found)(office.dead_records()))
            assert {record["data"]["channel"] for record in records} == set(letters)
            for record in records:
                assert record["type"] == "dead_letter" and record["data"]["approval_id"] == approval
                assert "links" not in record["data"]["message"]["data"] and PUBLIC_URL not in json.dumps(record)

            # Mended, they get the same message, by command.
            over.set()
            for name in answers:
                receiver.answer(f"/{name}", None)
            url = ["--url", office.notifier.url]
            listed = binary.run("notifier", "dead-letters", "--json", *url)
            assert {json.loads(line)["channel"] for line in listed.stdout.splitlines()} == set(letters)
            answer = binary.run("notifier", "resend", "--all", *url)
            assert "4 sent again" in answer.stdout and "gone" not in answer.stdout, answer
            assert letters["gone"]["id"] in answer.stderr and "disabled" in answer.stderr
            receiver.wait("what was given up", lambda requests: {"/hang", "/redirect", "/garbage"} <= {
                request.path for request in requests if request.acknowledged is not None})
            assert binary.run("notifier", "enable", "gone", *url).returncode == 0
            assert binary.run("notifier", "resend", letters["gone"]["id"], *url).returncode == 0
            receiver.wait("the one that had gone", lambda requests: any(
                request.path == "/gone" and request.acknowledged is not None for request in requests))
            verify(settings, receiver.requests)
            again = wait_until("the local one is given up again", lambda: dead_letters(office.notifier))
            assert [letter["channel"] for letter in again] == ["local"]
            assert binary.run("notifier", "resend", "msg_unknown", *url).returncode == 1


def test_a_receiver_that_has_gone_stays_disabled_until_its_url_changes(binary, tmp_path, receiver):
    receiver.answer("/old", status(410))
    settings = Settings(tmp_path / "settings", [webhook("one", f"{receiver.url}/old")])
    with Office(binary, tmp_path, settings) as office:
        office.notifier.start()
        office.ask(1)
        wait_until("given up", lambda: dead_letters(office.notifier))
        office.stop_notifier()
        office.notifier.start()
        office.ask(1)
        wait_until("given up unsent", lambda: len(dead_letters(office.notifier)) == 2)
        assert len(receiver.requests) == 1
        office.stop_notifier()
        settings.settings["notifier"]["channels"][0]["url"] = f"{receiver.url}/new"
        settings.write()
        office.notifier.start()
        approval, = office.ask(1)
        receiver.wait("the new address", lambda requests: (approval, "approval.requested") in announced(requests))


def test_sigterm_ends_it_while_a_receiver_hangs(binary, tmp_path, receiver):
    over = threading.Event()
    receiver.answer("/one", hang_until(over))
    settings = Settings(tmp_path / "settings", [webhook("one", f"{receiver.url}/one", timeout="60s")])
    with Office(binary, tmp_path, settings) as office:
        office.notifier.start()
        office.ask(3)
        receiver.wait("attempts", lambda requests: len(requests) == 3)
        office.stop_notifier()
        over.set()
        receiver.answer("/one", None)
        office.notifier.start()
        receiver.wait("the same again", lambda requests: len(announced(requests)) == 3)
        verify(settings, receiver.requests)


# What a message says.

def test_a_link_from_a_message_decides_once(binary, tmp_path, receiver):
    settings = Settings(tmp_path / "settings", [
        webhook("all", f"{receiver.url}/all"), webhook("boss", f"{receiver.url}/boss", approvers=["boss"])])
    with Office(binary, tmp_path, settings) as office:
        office.orchestrator.put_workflow(released(approvers=["ann", "boss"], reason="<look> & see", deadline="1h"))
        office.notifier.start()
        approval, = office.ask(1)
        receiver.wait("both", lambda requests: sum(request.acknowledged is not None for request in requests) == 2)
        messages = {request.path: request.message for request in receiver.requests}
        data = messages["/all"]["data"]
        assert data["approval_id"] == approval and data["reason"] == "<look> & see" and data["stage"] == 0
        assert [link["approver"] for link in data["links"]] == ["ann", "boss"]
        assert [link["approver"] for link in messages["/boss"]["data"]["links"]] == ["boss"]
        link = data["links"][0]["url"].replace(PUBLIC_URL, office.orchestrator.url)
        page = requests.get(link, headers={"accept": "text/html"}, timeout=30)
        assert page.status_code == 200 and "&lt;look&gt; &amp; see" in page.text
        assert requests.post(link, json={"decision": "approve"}, timeout=30).json()["status"] == "granted"
        assert requests.post(link, json={"decision": "approve"}, timeout=30).status_code == 410
        receiver.wait("the end at both", lambda requests: sum(
            request.message["type"] == "approval.granted" for request in requests) == 2)
        end = receiver.requests[-1].message["data"]
        assert end["decided_by"] == "ann" and "links" not in end


def test_reminders_and_escalations_are_messages_of_their_own(binary, tmp_path, receiver):
    settings = Settings(tmp_path / "settings", [webhook("boss", f"{receiver.url}/boss", approvers=["boss"]),
                                               webhook("all", f"{receiver.url}/all")])
    with Office(binary, tmp_path, settings) as office:
        office.orchestrator.put_workflow(released(
            approvers=["ann"], escalate_to=["boss"], escalate_after="600ms", remind_every="250ms", deadline="1h"))
        office.notifier.start()
        office.ask(1)
        receiver.wait("the escalation", lambda requests: any(
            request.path == "/boss" and request.message["type"] == "approval.escalated" for request in requests))
        receiver.wait("the same at the other", lambda requests: any(
            request.path == "/all" and request.message["type"] == "approval.escalated" for request in requests))
        told = [request.message for request in receiver.requests if request.path == "/all"]
        assert {"approval.requested", "approval.reminder"} <= {message["type"] for message in told}
        escalated = next(message for message in told if message["type"] == "approval.escalated")["data"]
        assert set(escalated["approvers"]) == {"ann", "boss"} and escalated["risk_score"] == 0
        assert not any(request.path == "/boss" and request.message["type"] == "approval.requested"
                       for request in receiver.requests)
        verify(settings, receiver.requests)


def test_two_secrets_sign_while_one_is_replaced(binary, tmp_path, receiver):
    settings = Settings(tmp_path / "settings", [webhook("one", f"{receiver.url}/one")])
    new = "whsec_" + "A" * 40
    settings.settings["notifier"]["channels"][0]["secret_files"].append(settings.file("new.secret", new))
    settings.write()
    with Office(binary, tmp_path, settings) as office:
        office.notifier.start()
        office.ask(1)
        receiver.wait("the message", lambda requests: len(announced(requests)) == 1)
        request, = receiver.requests
        for secret in (settings.secret, new):
            Webhook(secret).verify(request.body, request.headers)


def test_slack_gets_text_it_cannot_misread_and_a_button(binary, tmp_path, receiver):
    settings = Settings(tmp_path / "settings", [])
    settings.settings["notifier"]["channels"] = [{
        "name": "slack", "type": "slack", "allow_private_addresses": True,
        "url_file": settings.file("slack.url", f"{receiver.url}/services/T0/B0/secret")}]
    settings.write()
    with Office(binary, tmp_path, settings) as office:
        office.orchestrator.put_workflow(released(reason="<!channel> & more"))
        office.notifier.start()
        office.ask(1)
        receiver.wait("the message", lambda requests: len(requests) == 1)
        body = receiver.requests[0].message
        text = body["blocks"][0]["text"]["text"]
        assert "&lt;!channel&gt; &amp; more" in text and "<" not in text
        assert body["blocks"][1]["elements"][0]["url"].startswith(f"{PUBLIC_URL}/approvals/")
    shown = binary.run("notifier", "--print-config", *settings.arguments)
    assert shown.returncode == 0 and "T0/B0" not in shown.stdout and "slack.url" in shown.stdout


# Mail.

def mail_channel(port: int, **settings) -> dict:
    return {"name": "mail", "type": "email", "host": "127.0.0.1", "port": port, "from": "flows@example.org",
            "to": ["ann@example.org", "bob@example.org"], **settings}


def text_of(envelope) -> tuple:
    message = email.message_from_bytes(envelope.content, policy=email.policy.default)
    return message, message.get_content()


def test_mail_goes_over_tls_with_a_password(binary, tmp_path, certificates):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificates / "server.pem", certificates / "server.key")
    settings = Settings(tmp_path / "settings", [])
    with MailReceiver(tls=context, login=("flows", "geheim")) as server:
        channel = mail_channel(
            server.port.number, username="flows", password_file=settings.file("mail.password", "geheim"),
            tls_ca=str(certificates / "ca.pem"), allow_private_addresses=True)
        settings.settings["notifier"]["channels"] = [channel]
        settings.write()
        with Office(binary, tmp_path, settings) as office:
            office.orchestrator.put_workflow(released(reason="prüfen\nBcc: all@example.org"))
            office.notifier.start()
            approval, = office.ask(1)
            envelope, is_secure = server.wait(1)[0]
            message, text = text_of(envelope)
            assert is_secure and envelope.rcpt_tos == ["ann@example.org", "bob@example.org"]
            assert "prüfen" in text and f"{PUBLIC_URL}/approvals/" in text and approval.split(":")[0] in text
            assert message["Bcc"] is None and message["Subject"] == "Approval asked for: released"
            assert message["Date"].datetime is not None and message["Message-ID"].startswith("<msg_")
            office.decide(approval)
            assert "No longer needed" in text_of(server.wait(2)[1][0])[0]["Subject"]
    shown = binary.run("notifier", "--print-config", *settings.arguments)
    assert "geheim" not in shown.stdout and "mail.password" in shown.stdout


@pytest.mark.parametrize("fault, attempts, reason", [
    ("550 no such user", 1, "550"), ("451 later", 3, "451"), ("stranger", 3, "certificate verify failed"),
    ("plain", 1, "STARTTLS")])
def test_mail_that_is_refused_is_a_dead_letter(binary, tmp_path, certificates, fault, attempts, reason):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificates / "stranger.pem", certificates / "stranger.key")
    options = {"stranger": {"tls": context}, "plain": {}}.get(fault, {"refuse": fault})
    settings = Settings(tmp_path / "settings", [])
    with MailReceiver(**options) as server:
        security = {"security": "none"} if "refuse" in options else {"tls_ca": str(certificates / "ca.pem")}
        settings.settings["notifier"]["channels"] = [
            mail_channel(server.port.number, allow_private_addresses=True, **security)]
        settings.write()
        with Office(binary, tmp_path, settings) as office:
            office.notifier.start()
            office.ask(1)
            letter, = wait_until("given up", lambda: dead_letters(office.notifier))
            assert letter["attempts"] == attempts and reason in letter["reason"], letter
            assert not re.search(r"/|\.cc|NIO|Error\(", letter["reason"]), "no word of where and how this was built"
            assert server.messages == []


def published(server: Server) -> list:
    """Dead letters that the topic has, too."""
    return [letter for letter in dead_letters(server) if letter["published"]]


def test_mail_that_some_are_refused_goes_to_the_others_once(binary, tmp_path):
    settings = Settings(tmp_path / "settings", [])
    with MailReceiver(refuse={"bob@example.org": "550 no such user"}) as server:
        settings.settings["notifier"]["channels"] = [
            mail_channel(server.port.number, allow_private_addresses=True, security="none")]
        settings.write()
        with Office(binary, tmp_path, settings) as office:
            office.notifier.start()
            approval, = office.ask(1)
            first, _ = server.wait(1)[0]
            assert first.rcpt_tos == ["ann@example.org"]
            letter, = wait_until("given up", lambda: published(office.notifier))
            assert letter["recipients"] == ["bob@example.org"] and letter["attempts"] == 1, letter
            assert "bob@example.org: the server answered 550 no such user" == letter["reason"]
            record, = office.dead_records()
            assert record["data"]["recipients"] == letter["recipients"]
            assert record["data"]["reason"] == letter["reason"] and PUBLIC_URL not in json.dumps(record)
            metrics = office.notifier.session.get(office.notifier.url + "/metrics", timeout=30).text
            assert 'stepstream_notifier_dead_letters_total{channel="mail"} 1' in metrics
            assert 'stepstream_notifier_deliveries_total{channel="mail",outcome="partly"} 1' in metrics

            # Mended, it goes to the one who has not got it.
            server.refuse = None
            resend = ["notifier", "resend", letter["id"], "--url", office.notifier.url]
            wait_until("sent again", lambda: binary.run(*resend).returncode == 0)
            second, _ = server.wait(2)[1]
            assert second.rcpt_tos == ["bob@example.org"] and second.content == first.content
            office.decide(approval)
            end, _ = server.wait(3)[2]
            assert end.rcpt_tos == ["ann@example.org", "bob@example.org"]
            assert "No longer needed" in text_of(end)[0]["Subject"]
            assert dead_letters(office.notifier) == [] and len(office.dead_records()) == 1


def test_a_link_that_a_mail_server_quotes_is_kept_out_of_the_dead_letter(binary, tmp_path):
    settings = Settings(tmp_path / "settings", [])
    with MailReceiver(quotes=True) as server:
        settings.settings["notifier"]["channels"] = [
            mail_channel(server.port.number, allow_private_addresses=True, security="none")]
        settings.write()
        with Office(binary, tmp_path, settings) as office:
            office.notifier.start()
            office.ask(1)
            letter, = wait_until("given up", lambda: published(office.notifier))
            assert letter["reason"] == "the server answered 554 spam: …"
            record, = office.dead_records()
            health = office.notifier.get("/health")
            assert "spam" in json.dumps(health) and "554" in record["data"]["reason"]
            assert PUBLIC_URL not in json.dumps([record, health, letter])


# Settings and roles.

def test_settings_with_faults_are_told_all_of_them(binary, tmp_path):
    settings = Settings(tmp_path / "settings", [
        webhook("one", "ftp://x"), webhook("one two", "https://user@example.org/", secret_files=[]),
        webhook("three", "https://example.org", secret_files=["/nowhere"], timeout="2h", colour="red"),
        {"name": "four", "type": "pigeon"},
        mail_channel(25, security="none", username="u", password_file="/nowhere", **{"from": "x", "to": ["a b@c"]})],
        schedule=("soon",))
    answer = binary.run("notifier", "--port", "0", "--data-dir", tmp_path / "data", *settings.arguments)
    assert answer.returncode == 78
    for words in ("retry_schedule", "channels[0]", "its URL", "letters, digits", "names the file of the secret",
                  "/nowhere", "timeout is", "colour", "pigeon", "a password is not sent without TLS", "from is no mail",
                  "a b@c"):
        assert words in answer.stderr, f"{words} in:\n{answer.stderr}"


def test_without_channels_it_is_idle_and_serve_has_it(server):
    part = server.get("/health/ready")["parts"]["notifier"]
    assert part["status"] == "ok" and part["channels"] == 0
    assert server.get("/api/v1/notifier/channels")["items"] == []
    assert not (server.data_dir / "groups" / "stores" / "notifier.sqlite").exists()


def test_serve_tells_approvers_too(binary, data_dir, tmp_path, receiver):
    settings = Settings(tmp_path / "settings", [webhook("one", f"{receiver.url}/one")])
    with Server(binary, data_dir, arguments=settings.arguments) as server:
        server.put_workflow(released())
        execution = server.execute("released", {"value": 1})["execution_id"]
        receiver.wait("the message", lambda requests: len(announced(requests)) == 1)
        assert decide(server.session, server.url, execution).status_code == 200
        receiver.wait("the end", lambda requests: len(announced(requests)) == 2)
        assert server.get("/health")["parts"]["notifier"]["status"] == "ok"
        assert server.stop(timeout=20) == 0
