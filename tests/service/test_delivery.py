"""Requests reach the clinic: once, with the mail server down, with a failing webhook, with the
process killed; as text only."""

import json
import socket
import threading
import time

import pytest

from assistant import clinic as clinics
from assistant import database
from assistant.handoff import delivery, outbox, requests
from assistant.handoff.outbox import Outbox
from tests.support.ports import free_port
from tests.support.receivers import Hook, MailServer
from tests.support.waiting import until


@pytest.fixture(autouse=True)
def store(tmp_path, monkeypatch):
    monkeypatch.setenv("ASSISTANT_STATE", str(tmp_path / "state"))
    monkeypatch.setattr(outbox, "EVERY", 0.05)
    monkeypatch.setattr(outbox, "FIRST_PAUSE", 0.1)
    monkeypatch.setattr(outbox, "LONGEST_PAUSE", 0.2)
    database.engine.cache_clear()
    yield
    database.engine().dispose()
    database.engine.cache_clear()


def clinic(**handoff):
    return clinics.Clinic(
        name="Test Clinic",
        phone="+44 20 7946 0000",
        country="GB",
        timezone="Europe/London",
        handoff=handoff,
    )


def by_email(port):
    return clinic(
        deliver="email",
        email={
            "to": ["desk@clinic.example"],
            "sender": "chat@clinic.example",
            "server": "127.0.0.1",
            "port": port,
            "security": "none",
        },
    )


def by_webhook(port):
    return clinic(deliver="webhook", webhook={"url": f"http://127.0.0.1:{port}/requests"})


def request(**fields):
    name = requests.begin("session", ["pain"])
    requests.update(
        name,
        **{
            "name": "Nadia Quill",
            "phone": "+447700900461",
            "best_time": "evenings",
            "question": "Is it my turn?",
            "email": "",
            **fields,
        },
    )
    requests.submit(name, True)
    return name


def delivered(*names):
    return all(item["delivered"] for item in requests.listing() if item["id"] in names)


@pytest.fixture
def worker():
    started = []

    def start(settings):
        started.append(Outbox(lambda: settings).start())
        return started[-1]

    yield start
    for one in started:
        one.stop()


def test_mail_server_down_then_up_each_request_arrives_once(worker):
    port = free_port()
    names = [request(name=f"Visitor {letter}") for letter in "ABCDE"]
    worker(by_email(port))
    worker(by_email(port))  # a second worker must not deliver the same again
    until(
        lambda: all(
            (item["problem"] or "").startswith("mail server") for item in requests.listing()
        )
    )
    assert not any(item["delivered"] for item in requests.listing())
    with MailServer(port) as messages:
        until(lambda: delivered(*names))
        threading.Event().wait(0.5)
    assert sorted(message["Message-ID"] for message in messages) == sorted(
        f"<{name}-1@clinic.example>" for name in names
    )
    assert all(item["problem"] is None for item in requests.listing())


def test_webhook_failing_five_times_then_once(worker, monkeypatch):
    monkeypatch.setenv(delivery.SECRET, "between us")
    name = request()
    with Hook(failures=5) as hook:
        worker(by_webhook(hook.server.server_port))
        until(lambda: delivered(name))
        threading.Event().wait(0.5)
    assert len(hook.calls) == 6
    assert {headers["Idempotency-Key"] for headers, _ in hook.calls} == {f"{name}-1"}
    headers, data = hook.calls[-1]
    assert headers["X-Signature"] == "sha256=" + delivery.signature(
        "between us", headers["X-Timestamp"], data
    )
    assert headers["X-Signature"] != "sha256=" + delivery.signature(
        "between us", headers["X-Timestamp"], data + b" "
    )
    assert json.loads(data)["phone"] == "+447700900461" and json.loads(data)["request"] == name


def test_a_signature_is_hmac_sha256_of_timestamp_and_body():
    # Counted with: printf '1700000000.{}' | openssl dgst -sha256 -hmac key
    assert (
        delivery.signature("key", "1700000000", b"{}")
        == "9d713ed406bb7076d4123f0dc2c39d2df5c654ed4b0cd56b52c8b4c940bd63ae"
    )


def test_a_worker_that_dies_holding_a_claim_loses_nothing(monkeypatch):
    """The claim of a killed process ends; another worker delivers under the same id."""
    name, sent = request(), []
    dead = Outbox(lambda: clinic())
    assert dead.claim(time.time())["request"] == name
    alive = Outbox(lambda: clinic(), lambda item, transaction, _: sent.append(transaction))
    assert not alive.work(), "claimed by another worker"
    monkeypatch.setattr(time, "time", lambda now=time.time() + outbox.CLAIM + 1: now)
    assert alive.work() and sent == [f"{name}-1"]
    assert not alive.work()


def test_submitting_again_makes_no_second_delivery():
    name, sent = request(), []
    requests.submit(name, True)
    worker = Outbox(lambda: clinic(), lambda item, transaction, _: sent.append(transaction))
    while worker.work():
        pass
    assert sent == [f"{name}-1"]


def test_a_change_after_delivery_is_sent_as_a_change_and_before_it_is_not_sent_twice():
    name, sent = request(), []
    worker = Outbox(
        lambda: clinic(), lambda item, transaction, _: sent.append((transaction, item["phone"]))
    )
    requests.update(name, phone="+447700900462")
    while worker.work():
        pass
    assert sent == [(f"{name}-1", "+447700900462")]
    requests.update(name, phone="+447700900463")
    while worker.work():
        pass
    assert sent[1:] == [(f"{name}-2", "+447700900463")]


def test_whatever_fails_is_tried_again_and_pauses_grow():
    def broken(*_):
        raise ZeroDivisionError("a visitor's words")

    request()
    worker = Outbox(lambda: clinic(), broken)
    assert worker.work()
    (item,) = requests.listing()
    assert item["waiting"] == 1 and item["problem"] == "unexpected ZeroDivisionError"


def test_pauses_grow_to_a_limit(monkeypatch):
    monkeypatch.setattr(outbox, "FIRST_PAUSE", 5)
    monkeypatch.setattr(outbox, "LONGEST_PAUSE", 1800)
    assert [outbox.pause(n) for n in (1, 2, 3, 50)] == [5, 15, 45, 1800]


def test_an_erased_request_is_not_delivered():
    name, sent = request(), []
    requests.drop(name)
    worker = Outbox(lambda: clinic(), lambda *arguments: sent.append(arguments))
    assert not worker.work() and not sent


def test_the_email_is_text_and_takes_no_headers_from_the_visitor():
    port = free_port()
    question = (
        "<script>alert(1)</script>\nBcc: everyone@evil.example\n\n=cmd|' /C calc'!A0 \u202eüß 你好"
    )
    with MailServer(port) as messages:
        name = request(
            question=question, name="Eve\r\nBcc: everyone@evil.example", email="eve@visitor.example"
        )
        assert Outbox(lambda: by_email(port)).work()
    (mail,) = messages
    assert mail.get_content_type() == "text/plain" and mail["Bcc"] is None
    assert mail["To"] == "desk@clinic.example" and mail["Reply-To"] == "eve@visitor.example"
    assert name in mail["Subject"] and "Eve" not in mail["Subject"]
    assert question.splitlines()[0] in mail.get_content() and "07700 900461" in mail.get_content()


@pytest.mark.parametrize(
    "refuse, arrives",
    [(["nobody@clinic.example"], True), (["nobody@clinic.example", "desk@clinic.example"], False)],
)
def test_an_address_that_is_refused_does_not_make_the_others_get_it_twice(refuse, arrives):
    port = free_port()
    settings = by_email(port)
    settings.handoff.email.to.append("nobody@clinic.example")
    server = MailServer(port)

    async def handle_RCPT(server, session, envelope, address, options):
        if address in refuse:
            return "550 no such person"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    server.mailbox.handle_RCPT = handle_RCPT
    with server as messages:
        name = request()
        worker = Outbox(lambda: settings)
        assert worker.work()
        threading.Event().wait(0.3)
        worker.work()
    assert bool(delivered(name)) is arrives and len(messages) == int(arrives)


def test_a_rude_goodbye_after_the_mail_is_taken_sends_nothing_again():
    """The server takes the mail and breaks the connection at QUIT."""
    port = free_port()
    server = MailServer(port)

    async def handle_QUIT(server, session, envelope):
        session.rude = True
        server.transport.abort()
        return "221 Bye"

    server.mailbox.handle_QUIT = handle_QUIT
    with server as messages:
        name = request()
        assert Outbox(lambda: by_email(port)).work()
    assert delivered(name) and len(messages) == 1


def test_secrets_that_are_missing_are_named(monkeypatch):
    monkeypatch.delenv(delivery.SECRET, raising=False)
    assert delivery.SECRET in delivery.missing_settings(by_webhook(1))
    with pytest.raises(delivery.NotDelivered, match=delivery.SECRET):
        delivery.deliver({}, "x-1", by_webhook(1))


def test_a_webhook_that_answers_with_a_redirect_gets_nothing_more(monkeypatch):
    monkeypatch.setenv(delivery.SECRET, "s")
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()

        def answer():
            connection, _ = server.accept()
            connection.recv(65536)
            connection.sendall(
                b"HTTP/1.1 302 Found\r\nLocation: http://elsewhere.example/\r\nContent-Length:"
                b" 0\r\n\r\n"
            )
            connection.close()

        threading.Thread(target=answer, daemon=True).start()
        with pytest.raises(delivery.NotDelivered, match="HTTP 302"):
            delivery.call_webhook(
                b"{}",
                "x-1",
                clinics.WebhookDelivery(url=f"http://127.0.0.1:{server.getsockname()[1]}/"),
            )


@pytest.mark.parametrize(
    "handoff, words",
    [
        ({"deliver": "fax"}, "inbox, email or webhook"),
        ({"deliver": "email"}, "needs `email:`"),
        ({"deliver": "webhook", "webhook": {"url": "http://clinic.example/x"}}, "https://"),
        (
            {
                "deliver": "email",
                "email": {
                    "to": ["a@b.example"],
                    "sender": "c@b.example",
                    "server": "mail.b.example",
                    "security": "none",
                },
            },
            "in the clear",
        ),
        (
            {
                "deliver": "email",
                "email": {
                    "to": ["a@b.example\nBcc: x@y.example"],
                    "sender": "c@b.example",
                    "server": "mail.b.example",
                },
            },
            "is not an email address",
        ),
    ],
)
def test_wrong_settings_are_explained(handoff, words):
    with pytest.raises(ValueError, match=words):
        clinic(**handoff)
