"""`make drill`: attacks on an assistant of its own, bounded and over loopback alone, and a table of
what each did to another visitor's emergency.

    python -m tests.support.drill
"""

import contextlib
import http.client
import json
import socket
import sqlite3
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Callable, Dict, Iterator, List

import requests

from assistant import launch
from tests.support.servers import EMERGENCY, Assistant, Visitor

#: Seconds within which another visitor's emergency has to be answered.
BAR = 1.0
Attack = Callable[[Assistant], bool]
ATTACKS: Dict[str, Attack] = {}


def attack(name: str) -> Callable[[Attack], Attack]:
    """Enter an attack under its name; it says whether the assistant held."""

    def enter(work: Attack) -> Attack:
        ATTACKS[name] = work
        return work

    return enter


@dataclass
class Outcome:
    """What an attack did: whether the assistant held, and the slowest emergency of another visitor
    meanwhile, in seconds."""

    name: str
    held: bool
    slowest: float


def send(port: int, head: str, body: str = "hello!") -> int:
    """The status that a request as bytes gets; 0 for a closed connection."""
    with socket.create_connection(("127.0.0.1", port), timeout=30) as connection:
        connection.sendall(f"POST {head}\r\n\r\n{body}".encode("utf-8", "surrogateescape"))
        line = connection.makefile("rb").readline().split()
    return int(line[1]) if len(line) > 1 else 0


def post(assistant: Assistant, path: str, data: Any, **headers: str) -> requests.Response:
    """POST as JSON, which may hold lone surrogates."""
    return requests.post(
        assistant.url + path,
        data=json.dumps(data).encode(),
        headers={"Content-Type": "application/json", **headers},
        timeout=60,
    )


@attack("malformed heads")
def heads(assistant: Assistant) -> bool:
    lengths = (
        "Content-Length: -1",
        "Content-Length: +6",
        "Content-Length: 1_6",
        "Content-Length: abc",
        "Content-Length: 6\r\nContent-Length: 5",
        "Content-Length: 6\r\nTransfer-Encoding: chunked",
        "Transfer-Encoding: gzip, chunked",
    )
    paths = ("/nope", "/webhooks/web/sessions", "/webhooks/web/live")
    return all(
        send(assistant.port, f"{path} HTTP/1.1\r\nHost: x\r\n{length}") == 400
        for path in paths
        for length in lengths
    )


@attack("chunk sizes of two readings")
def chunks(assistant: Assistant) -> bool:
    head = "/webhooks/web/sessions HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked"
    return all(
        send(assistant.port, head, f"{size}\r\nhello\r\n0\r\n\r\n") == 400
        for size in ("+5", "0x5", "1_0", "-5")
    )


@attack("texts of 128 KB, four at once")
def large_texts(assistant: Assistant) -> bool:
    def say(piece: str) -> bool:
        text = piece * (120_000 // len(piece.encode()))
        body = json.dumps({"text": text}, ensure_ascii=False).encode()
        headers = {"Content-Type": "application/json"}
        return Visitor(assistant.url).post("/messages", data=body, headers=headers).ok

    with ThreadPoolExecutor(4) as pool:
        return all(pool.map(say, ("no pus ", "no fever ", "ﷺ", "i used to faint ")))


@attack("300 connections that say nothing more")
def slow_sockets(assistant: Assistant) -> bool:
    with contextlib.ExitStack() as held:
        for _ in range(300):
            connection = socket.create_connection(("127.0.0.1", assistant.port), timeout=30)
            held.enter_context(connection).sendall(b"POST /webhooks/web/messages HTTP/1.1\r\nHo")
        return Visitor(assistant.url).say(EMERGENCY)["urgency"] == "emergency"


@attack("the lock of the SQLite file, held")
def held_lock(assistant: Assistant) -> bool:
    other = sqlite3.connect(assistant.state / "assistant.sqlite", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    try:
        visitor = Visitor(assistant.url)
        urgent = visitor.say(EMERGENCY)["urgency"] == "emergency"
        return urgent and bool(Visitor(assistant.url).say("does it hurt")["messages"])
    finally:
        other.execute("ROLLBACK")
        other.close()


@attack("typed commands behind line breaks")
def commands(assistant: Assistant) -> bool:
    visitor = Visitor(assistant.url)
    visitor.say("I am pregnant")
    for typed in ("/\n/restart", "/\u2028/restart", "/\u1680/back", "/\n/session_start"):
        visitor.say(typed)
    return "pregnancy" in visitor.say("how much does it cost")["cautions"]


@attack("characters that no store keeps")
def characters(assistant: Assistant) -> bool:
    visitor = Visitor(assistant.url)
    odd = [{"text": "hello", "client_id": "\ud800"}, {"choice": "\udfff"}]
    answers = [post(assistant, "/messages", data, **visitor.headers).status_code for data in odd]
    token = "/webhooks/web/messages HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer \udcff"
    answers.append(send(assistant.port, f"{token}\r\nContent-Length: 6"))
    return answers == [400, 400, 401]


@attack("a message's name used again for an emergency")
def old_name(assistant: Assistant) -> bool:
    visitor = Visitor(assistant.url)
    visitor.say("hello", client_id="again")
    return visitor.say(EMERGENCY, client_id="again")["urgency"] == "emergency"


@attack("forged and foreign tokens")
def tokens(assistant: Assistant) -> bool:
    head, claims, sign = Visitor(assistant.url).opened["token"].split(".")
    other = Visitor(assistant.url).opened["token"].split(".")[1]
    forged = (f"{head}.{claims}.", f"{head}.{other}.{sign}", "eyJhbGciOiJub25lIn0." + claims + ".")
    return all(
        post(assistant, "/messages", {"text": "hello"}, Authorization=f"Bearer {token}").status_code
        == 401
        for token in forged
    )


#: Conversations that the flood opens: more than `sessions_a_minute` of clinic.yml.
OPENED = 75


@attack("a flood behind an unreadable X-Forwarded-For")
def flood(assistant: Assistant) -> bool:
    said = [
        post(assistant, "/sessions", {}, **{"X-Forwarded-For": f"unknown, garbage-{number}"})
        for number in range(OPENED)
    ]
    return {answer.status_code for answer in said} == {201, 429}


@attack("an emergency beyond the limit")
def beyond(assistant: Assistant) -> bool:
    visitor, through = Visitor(assistant.url), {"X-Forwarded-For": "203.0.113.77"}
    answers = [
        visitor.post("/messages", json={"text": "hello"}, headers=through).status_code
        for _ in range(40)
    ]
    urgent = visitor.post("/messages", json={"text": EMERGENCY}, headers=through)
    return 429 in answers and urgent.json()["turn"]["urgency"] == "emergency"


@attack("erasing while a message is answered")
def erasing(assistant: Assistant) -> bool:
    left = []
    for _ in range(5):
        visitor = Visitor(assistant.url)
        with ThreadPoolExecutor(1) as pool:
            told = pool.submit(visitor.post, "/messages", json={"text": "I take warfarin zzmark"})
            requests.delete(assistant.url + "/sessions", headers=visitor.headers, timeout=60)
            told.result()
        left.append(visitor.opened["session"])
    with sqlite3.connect(assistant.state / "assistant.sqlite") as database:
        found = database.execute(
            f"SELECT COUNT(*) FROM events WHERE sender_id IN ({','.join('?' * len(left))})", left
        ).fetchone()
    return found == (0,)


@attack("reading the files as another user")
def files(assistant: Assistant) -> bool:
    return not any(
        file.stat().st_mode & 0o77
        for file in assistant.state.rglob("*")
        if file.is_file() and file.name != "endpoints.yml"
    )


@attack("Rasa's own API and the metrics through a proxy")
def closed_doors(assistant: Assistant) -> bool:
    base = f"http://127.0.0.1:{assistant.port}"
    hidden = [
        f"{base}/model/parse",
        f"{base}/conversations/x/tracker",
        f"{base}/webhooks/rest/webhook",
    ]
    answers = [requests.get(address, timeout=30).status_code for address in hidden]
    through = requests.get(assistant.url + "/metrics", headers={"Via": "1.1 front"}, timeout=30)
    return {*answers, through.status_code} == {404}


@contextlib.contextmanager
def bystander(assistant: Assistant) -> Iterator[List[float]]:
    """Another visitor who says an emergency again and again; gives the seconds of each answer."""
    connection = http.client.HTTPConnection("127.0.0.1", assistant.port, timeout=60)
    visitor, done, seconds = Visitor(assistant.url), threading.Event(), []
    headers = {**visitor.headers, "Content-Type": "application/json"}

    def ask() -> None:
        while True:
            last, begun = done.is_set(), time.monotonic()
            connection.request(
                "POST", "/webhooks/web/messages", json.dumps({"text": EMERGENCY}), headers
            )
            turn = json.loads(connection.getresponse().read())["turn"]
            seconds.append(
                time.monotonic() - begun if turn["urgency"] == "emergency" else float("inf")
            )
            if last:
                return
            done.wait(0.1)

    with ThreadPoolExecutor(1) as pool:
        asking = pool.submit(ask)
        try:
            yield seconds
        finally:
            done.set()
            asking.result()
            connection.close()


def run(assistant: Assistant) -> List[Outcome]:
    """Every attack, one after the other."""
    outcomes = []
    for name, work in ATTACKS.items():
        with bystander(assistant) as seconds:
            held = work(assistant)
        outcomes.append(Outcome(name, held, max(seconds)))
    return outcomes


def table(outcomes: List[Outcome]) -> str:
    """The outcomes as a table in Markdown."""
    rows = [
        f"| {o.name} | {'holds' if o.held else 'DOES NOT HOLD'} | {o.slowest:.2f} s |"
        for o in outcomes
    ]
    head = "| attack | the assistant | slowest emergency of another visitor meanwhile |"
    return "\n".join([head, "|---|---|---|", *rows])


def main() -> None:
    launch.train()
    with tempfile.TemporaryDirectory() as folder:
        assistant = Assistant(Path(folder))
        try:
            outcomes = run(assistant.wait())
        finally:
            assistant.end()
    print(table(outcomes))
    if not all(outcome.held and outcome.slowest <= BAR for outcome in outcomes):
        sys.exit(f"!! not every attack is held, or an emergency took more than {BAR:.0f} s")


if __name__ == "__main__":
    main()
