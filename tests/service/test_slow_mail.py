"""A mail server that keeps answering, too slowly: the try ends before the claim on it does."""

import socket
import threading

import pytest

from assistant.clinic import EmailDelivery
from assistant.handoff import delivery, outbox
from assistant.handoff.delivery import NotDelivered, send_email


@pytest.fixture
def dripping():
    """The port of a server whose greeting has no end."""
    listening, ended = socket.create_server(("127.0.0.1", 0)), threading.Event()

    def serve():
        connection, _ = listening.accept()
        with connection:
            while not ended.wait(0.02):
                try:
                    connection.sendall(b"220-one more line\r\n")
                except OSError:
                    return

    server = threading.Thread(target=serve, daemon=True)
    server.start()
    yield listening.getsockname()[1]
    ended.set()
    server.join(5)
    listening.close()


def test_a_whole_send_ends_before_the_claim(dripping, monkeypatch):
    monkeypatch.setattr(delivery, "WHOLE", 0.3)
    settings = EmailDelivery(
        to=["desk@clinic.example"],
        sender="chat@clinic.example",
        server="127.0.0.1",
        port=dripping,
        security="none",
    )
    with pytest.raises(NotDelivered, match="took too long"):
        send_email(delivery.EmailMessage(), settings)


def test_the_claim_outlasts_a_send_and_its_last_step():
    assert outbox.CLAIM >= delivery.WHOLE + delivery.TIMEOUT
