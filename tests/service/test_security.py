"""docs/security.md keeps its word: the running servers."""

import socket

import pytest
import requests

from tests.support.servers import Visitor


def test_the_action_server_refuses_whoever_is_not_its_rasa(assistant):
    address = f"http://127.0.0.1:{assistant.action_port}"
    for headers in ({}, {"X-Assistant-Key": "guess"}, {"X-Assistant-Key": ""}):
        for path in ("/webhook", "/actions"):
            assert (
                requests.request(
                    "GET" if path == "/actions" else "POST",
                    address + path,
                    json={} if path == "/webhook" else None,
                    headers=headers,
                    timeout=30,
                ).status_code
                == 401
            )
    assert requests.get(address + "/health", timeout=30).json() == {"status": "ok"}


def own_addresses():
    """Addresses of this machine other than loopback."""
    try:
        found = {
            info[4][0] for info in socket.getaddrinfo(socket.gethostname(), None, socket.AF_INET)
        }
    except OSError:
        found = set()
    return sorted(address for address in found if not address.startswith("127."))


def test_the_action_server_listens_on_loopback_alone(assistant):
    with open("/proc/net/tcp", encoding="ascii") as table:
        listening = [line.split()[1] for line in table if line.split()[3] == "0A"]
    at = [
        address.split(":")[0]
        for address in listening
        if int(address.split(":")[1], 16) == assistant.action_port
    ]
    assert at == ["0100007F"], "127.0.0.1 as the kernel writes it"
    for address in own_addresses():
        with pytest.raises(OSError):
            socket.create_connection((address, assistant.action_port), timeout=2).close()


@pytest.mark.parametrize(
    "path",
    [
        "/conversations/x/tracker",
        "/conversations/x/messages",
        "/model",
        "/model/parse",
        "/model/train",
        "/domain",
        "/status",
        "/webhooks/rest/webhook",
        "/webhooks/callback/webhook",
    ],
)
def test_rasas_own_api_is_off(assistant, path):
    address = f"http://127.0.0.1:{assistant.port}{path}"
    for answer in (requests.get(address, timeout=30), requests.post(address, json={}, timeout=30)):
        assert answer.status_code in (404, 405), f"{path}: {answer.status_code}"


def test_sql_in_a_message_is_a_message(assistant):
    visitor, bad = Visitor(assistant.url), "'; DROP TABLE web_turns; --"
    visitor.say(bad, client_id=bad)
    assert visitor.post("/messages", json={"choice": bad}).status_code == 400
    said = requests.get(assistant.url + "/messages", headers=visitor.headers, timeout=30).json()[
        "turns"
    ]
    assert [turn["text"] for turn in said if turn["from"] == "visitor"] == [bad]
