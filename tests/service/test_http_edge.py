"""Requests that Sanic takes wrongly, as bytes on a socket, to Rasa's server and the action server:
refused at once, and the server goes on."""

import json
import socket

import pytest
import requests

from tests.support.servers import EMERGENCY, Visitor

MALFORMED = {
    "a negative length": "Content-Length: -1\r\n",
    "a length with a sign": "Content-Length: +6\r\n",
    "a length with a line in it": "Content-Length: 1_6\r\n",
    "a length that is a word": "Content-Length: abc\r\n",
    "an empty length": "Content-Length: \r\n",
    "a length in other digits": "Content-Length: ٦\r\n",
    "a length without end": f"Content-Length: {'9' * 400}\r\n",
    "two lengths": "Content-Length: 6\r\nContent-Length: 5\r\n",
    "a list of lengths": "Content-Length: 6, 6\r\n",
    "a length and chunks": "Content-Length: 6\r\nTransfer-Encoding: chunked\r\n",
    "another coding": "Transfer-Encoding: identity\r\n",
    "chunks of something": "Transfer-Encoding: gzip, chunked\r\n",
    "a blank in a name": "Content-Length : 6\r\n",
}


def answer_to(port, path, headers, body="hello!"):
    """The first line of the answer to a request with these headers, and whether the server closed
    the connection."""
    head = f"POST {path} HTTP/1.1\r\nHost: localhost\r\n{headers}\r\n{body}"
    with socket.create_connection(("127.0.0.1", port), timeout=30) as connection:
        connection.sendall(head.encode())
        received = b""
        while True:
            try:
                piece = connection.recv(65536)
            except ConnectionResetError:
                break
            if not piece:
                break
            received += piece
    return received.split(b"\r\n", 1)[0].decode()


@pytest.mark.parametrize("case", MALFORMED)
@pytest.mark.parametrize("path", ["/nope", "/webhooks/web/sessions", "/webhooks/web/live"])
def test_rasas_server_refuses_a_malformed_head_and_goes_on(assistant, path, case):
    assert " 400 " in answer_to(assistant.port, path, MALFORMED[case])
    assert requests.get(assistant.url + "/live", timeout=30).status_code == 200


@pytest.mark.parametrize("case", MALFORMED)
def test_the_action_server_refuses_a_malformed_head_and_goes_on(assistant, case):
    refused = answer_to(assistant.action_port, "/webhook", MALFORMED[case])
    assert refused.split()[1] in ("400", "401"), "the key is asked for first"
    health = f"http://127.0.0.1:{assistant.action_port}/health"
    assert requests.get(health, timeout=30).status_code == 200


@pytest.mark.parametrize("size", ["+5", "0x5", "1_0", " 5", "-5", "", "5\x0b", "f" * 20])
def test_a_chunk_whose_size_can_be_read_in_two_ways_is_refused(assistant, size):
    body, chunked = f"{size}\r\nhello\r\n0\r\n\r\n", "Transfer-Encoding: chunked\r\n"
    for port, path in (
        (assistant.port, "/webhooks/web/sessions"),
        (assistant.action_port, "/webhook"),
    ):
        assert answer_to(port, path, chunked, body).split()[1] in ("400", "401", "413")


def test_a_refusal_is_said_like_every_other(assistant):
    body = b"POST /webhooks/web/messages HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\nhello!"
    with socket.create_connection(("127.0.0.1", assistant.port), timeout=30) as connection:
        connection.sendall(body)
        answer = b"".join(iter(lambda: connection.recv(65536), b""))
    assert b"application/problem+json" in answer and b"Traceback" not in answer


def test_bodies_in_chunks_and_with_a_length_are_read(assistant):
    visitor = Visitor(assistant.url)
    assert visitor.say("does it hurt")["topics"] == ["pain"]
    chunked = visitor.post(
        "/messages",
        data=iter([b'{"text": "does ', b'it hurt"}']),
        headers={"Content-Type": "application/json"},
    )
    assert chunked.status_code == 200 and chunked.json()["turn"]["topics"] == ["pain"]


@pytest.mark.parametrize("piece", ["no pus ", "pas de pus ", "ﷺ", "i am not pregnant "])
def test_a_text_as_large_as_a_body_may_be_is_answered_and_its_end_is_read(assistant, piece):
    """128 KB of what costs most: the text is answered, and an emergency at its end is found."""
    visitor, size = Visitor(assistant.url), 120_000 // len(piece.encode())

    def say(text):
        body = json.dumps({"text": text}, ensure_ascii=False).encode()
        headers = {"Content-Type": "application/json"}
        answer = visitor.post("/messages", data=body, headers=headers)
        assert answer.status_code == 200, answer.text
        return answer.json()["turn"]

    assert say(piece * size)["messages"]
    assert say(f"{piece * size}. {EMERGENCY}.")["urgency"] == "emergency"
