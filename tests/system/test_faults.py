"""What a visitor gets when something is broken: always a sentence, never silence or a stack
trace."""

import ctypes
import errno
import json
import os
import resource
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import requests

from assistant import database, launch, paths, watchdog
from tests.support.ports import free_port
from tests.support.processes import go_on, namespaces, stopped, unread
from tests.support.servers import EMERGENCY, NOTES, Assistant, Visitor, end, process, spoken
from tests.support.waiting import until

FAKETIME = Path("/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1")


@pytest.fixture
def start(tmp_path):
    """Starts an assistant of this test's own."""
    running = []

    def begin(**options):
        launch.train()
        running.append(Assistant(tmp_path, **options))
        return running[-1]

    yield begin
    for assistant in running:
        assistant.end()


@pytest.fixture(scope="module")
def lasting(tmp_path_factory):
    """One assistant for the tests that leave it as they found it. An action call may take so long
    (PATIENCE) that whatever is answered meanwhile did not wait for it."""
    launch.train()
    assistant = Assistant(tmp_path_factory.mktemp("lasting"))
    try:
        yield assistant.wait()
    finally:
        assistant.end()


def whole(assistant):
    """The lasting assistant with everything that an earlier test ended started again."""
    go_on(assistant.actions)
    assistant.restart()
    return assistant.wait()


def called(assistant):
    """Wait until the stopped action server has been sent a call."""
    until(lambda: unread(assistant.action_port), "a call of the action server")


def kind_and_phone(turn):
    assert turn["kind"] == "fallback" and "+44 20 7946 0958" in spoken(turn), turn


def test_the_action_server_stops_hangs_and_comes_back(start):
    """With the patience of real life (4 s): on a busy machine the first answer of an action server
    that was just started may come too late."""
    assistant = start(ASSISTANT_ACTION_TIMEOUT="4")
    assistant.wait()
    visitor = Visitor(assistant.url)
    answered = lambda: visitor.say("does it hurt")["topics"] == ["pain"]
    until(answered, "an answer")

    end(assistant.actions)
    kind_and_phone(visitor.say("does it hurt"))
    health = requests.get(assistant.url + "/health", timeout=30)
    assert health.status_code == 503 and health.json()["actions"] == "down"
    assert requests.get(assistant.url + "/live", timeout=30).status_code == 200

    with socket.socket() as hung:  # accepts, never answers
        hung.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        hung.bind(("127.0.0.1", assistant.action_port))
        hung.listen(16)
        kind_and_phone(visitor.say("does it hurt"))
        emergency(visitor)

    emergency(visitor)
    assistant.actions = assistant.start_actions()
    assistant.wait()
    until(answered, "an answer once it is back")
    with stopped(assistant.actions):
        kind_and_phone(visitor.say("does it hurt"))
        emergency(visitor)
    heard = said(assistant, visitor)
    assert heard.count(EMERGENCY) == 3 and heard[-2:] == ["does it hurt", EMERGENCY]


def emergency(visitor):
    """An emergency is answered as such."""
    turn = visitor.say(EMERGENCY)
    assert turn["urgency"] == "emergency" and turn["kind"] == "triage" and "999" in spoken(turn)


def said(assistant, visitor):
    """What the visitor said, by the history; nothing while there is none to be had."""
    got = requests.get(assistant.url + "/messages", headers=visitor.headers, timeout=30).json()
    return [turn["text"] for turn in got.get("turns", []) if turn["from"] == "visitor"]


def utterances(assistant, visitor, folder=None):
    """How many messages Rasa recorded of the visitor."""
    with sqlite3.connect((folder or assistant.state) / "assistant.sqlite") as connection:
        return connection.execute(
            "SELECT COUNT(*) FROM events WHERE sender_id = ? AND type_name = 'user'",
            (visitor.opened["session"],),
        ).fetchone()[0]


def test_an_emergency_while_the_action_server_is_away(lasting):
    """Slow, with an earlier message of the same visitor waiting for it, ended, and after it came
    back. Hung for longer than it is waited for: the test before, whose server waits less long."""
    assistant = whole(lasting)
    visitor = Visitor(assistant.url)
    assert visitor.say("does it hurt")["topics"] == ["pain"]
    with ThreadPoolExecutor(1) as pool, stopped(assistant.actions):
        waiting = pool.submit(visitor.say, "how long will i be red")
        called(assistant)
        emergency(visitor)
        assert not waiting.done(), "it did not wait for the action server"
        go_on(assistant.actions)  # it was slow: the answer comes after all
        assert waiting.result()["topics"] == ["downtime"]
    end(assistant.actions)
    kind_and_phone(visitor.say("does it hurt"))
    emergency(visitor)
    assistant.restart()
    assistant.wait()
    assert "pain" in visitor.say("does it hurt")["topics"]
    assert said(assistant, visitor) == [
        "does it hurt",
        "how long will i be red",
        EMERGENCY,
        "does it hurt",
        EMERGENCY,
        "does it hurt",
    ]


class FullDisk:
    """A file system of 8 MB in place of the assistant's state folder, which only its processes see,
    filled to the last byte."""

    def __init__(self, start, folder):
        self.folder = folder / "state"
        self.folder.mkdir()
        # A thread can have mounts of its own, which the processes that it starts share.
        with ThreadPoolExecutor(1) as pool:
            self.assistant = pool.submit(self._within, start).result()
        self.seen = Path(f"/proc/{self.assistant.rasa.pid}/root{self.folder}")

    def _within(self, start):
        new_mounts = 0x00020000
        assert ctypes.CDLL(None, use_errno=True).unshare(new_mounts) == 0
        for command in (
            ["mount", "--make-rprivate", "/"],
            ["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", str(self.folder)],
        ):
            subprocess.run(command, check=True)
        return start()

    def fill(self):
        with (self.seen / "filler").open("wb", buffering=0) as filler:
            for size in (65536, 4096, 1):
                try:
                    while filler.write(b"x" * size) == size:
                        pass
                except OSError as error:
                    assert error.errno == errno.ENOSPC

    def free(self):
        (self.seen / "filler").unlink()


class NoFileGrows:
    """Where nobody may mount: no file of the running process may grow any more (RLIMIT_FSIZE)."""

    def __init__(self, start, _folder):
        self.assistant = start()
        self.seen, self.unlimited = self.assistant.state, None

    def fill(self):
        self.unlimited = resource.prlimit(self.assistant.rasa.pid, resource.RLIMIT_FSIZE)
        resource.prlimit(
            self.assistant.rasa.pid, resource.RLIMIT_FSIZE, (200_000, self.unlimited[1])
        )

    def free(self):
        resource.prlimit(self.assistant.rasa.pid, resource.RLIMIT_FSIZE, self.unlimited)


def test_the_disk_is_full(start, tmp_path):
    """Nothing can be written, then it can again; who comes meanwhile has a way in, too."""
    disk = (FullDisk if namespaces() else NoFileGrows)(start, tmp_path)
    assistant = disk.assistant.wait()
    visitor, log = Visitor(assistant.url), disk.seen / "assistant.sqlite-wal"
    visitor.say("I am pregnant")
    while log.stat().st_size < 300_000:
        visitor.say("does it hurt")
    before = said(assistant, visitor)
    disk.fill()
    told = visitor.say("I take blood thinners, does it hurt", client_id="full")
    assert NOTES in spoken(told) and {"pregnancy", "blood_thinner"} & set(told["cautions"])
    assert visitor.say("I take blood thinners, does it hurt", client_id="full")["id"] == told["id"]
    emergency(visitor)
    late = Visitor(assistant.url)
    emergency(late)
    assert NOTES in spoken(late.say("does it hurt"))
    assert {"pregnancy", "blood_thinner"} <= set(
        visitor.say("how much does it cost")["cautions"]
    ), "remembered as long as the process lives"
    disk.free()
    until(
        lambda: len(said(assistant, visitor)) + len(said(assistant, late)) >= len(before) + 5,
        "the turns to be written",
    )
    assert said(assistant, late) == [EMERGENCY, "does it hurt"]
    assert said(assistant, visitor) == [
        *before,
        "I take blood thinners, does it hurt",
        EMERGENCY,
        "how much does it cost",
    ]
    after = visitor.say("how much does it cost")
    assert {"pregnancy", "blood_thinner"} <= set(after["cautions"]) and NOTES not in spoken(after)
    # SQLite looks a path up in the mounts of this process.
    copy = shutil.copytree(disk.seen, tmp_path / "copy")
    assert utterances(assistant, visitor, copy) == len(before) + 4
    assert "Traceback" not in assistant.words()


def test_the_database_file_is_damaged_while_it_runs(start):
    assistant = start()
    assistant.wait()
    visitor = Visitor(assistant.url)
    visitor.say("I am pregnant")
    for file in assistant.state.glob("assistant.sqlite*"):
        file.write_bytes(b"damaged " * 4096)
    turn = visitor.say("does it hurt")
    assert NOTES in spoken(turn) and turn["topics"] == ["pain"]
    emergency(visitor)
    emergency(Visitor(assistant.url))
    assert requests.get(assistant.url + "/health", timeout=30).json()["store"] == "down"


def test_the_database_file_is_damaged_and_the_process_starts_anew(start, tmp_path):
    (tmp_path / "state").mkdir()
    (tmp_path / "state" / "assistant.sqlite").write_bytes(b"damaged " * 4096)
    assistant = start().wait("/live")
    until(
        lambda: requests.get(assistant.url + "/health", timeout=30).json()["model"] != "none",
        "the model",
    )
    visitor = Visitor(assistant.url)
    emergency(visitor)
    assert NOTES in spoken(visitor.say("does it hurt"))
    assert requests.get(assistant.url + "/health", timeout=30).json()["store"] == "down"
    assert "started without a conversation store" in assistant.log.read_text("utf-8")


def test_another_program_holds_the_lock_of_the_file(lasting):
    """As long as it likes: nobody waits for the end of it."""
    assistant = whole(lasting)
    visitor = Visitor(assistant.url)
    visitor.say("I am pregnant")
    other = sqlite3.connect(assistant.state / "assistant.sqlite", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    try:
        emergency(visitor)
        newcomer = Visitor(assistant.url)
        emergency(newcomer)
        told = newcomer.say("does it hurt")
        assert NOTES in spoken(told) and told["topics"] == ["pain"]
        # What was told before cannot be looked up: the answer says so, and keeps the emergency.
        answer = spoken(visitor.say("how much does it cost"))
        assert NOTES in answer and "999" in answer
    finally:
        other.execute("ROLLBACK")
        other.close()
    until(lambda: len(said(assistant, newcomer)) == 2, "the turns to be written")
    until(lambda: len(said(assistant, visitor)) == 3, "the turns to be written")


def test_the_model_file_is_damaged(start, tmp_path):
    """Cut off in the middle: emergencies are answered, questions get 503 with a sentence; a whole
    file and a new start heal it."""
    broken = tmp_path / "assistant.tar.gz"
    broken.write_bytes(launch.MODEL.read_bytes()[:500_000])
    assistant = start(model=broken)
    assistant.wait("/health", 503)
    visitor = Visitor(assistant.url)
    emergency(visitor)
    answer = visitor.post("/messages", json={"text": "does it hurt", "client_id": "again"})
    assert answer.status_code == 503 and "no trained model" in answer.json()["detail"]
    end(assistant.rasa)
    broken.write_bytes(launch.MODEL.read_bytes())
    assistant.restart()
    assistant.wait()
    assert "pain" in visitor.say("does it hurt", client_id="again")["topics"]


@pytest.mark.skipif(not FAKETIME.exists(), reason="needs libfaketime: apt-get install faketime")
def test_the_clock_jumps(start, tmp_path):
    """Two days back, then two hours ahead, while a conversation goes on: nothing is forgotten, lost
    or repeated."""
    clock = tmp_path / "clock"
    clock.write_text("+0\n", "ascii")
    assistant = start(
        LD_PRELOAD=str(FAKETIME),
        FAKETIME_TIMESTAMP_FILE=str(clock),
        FAKETIME_NO_CACHE="1",
        FAKETIME_DONT_FAKE_MONOTONIC="1",
    )
    assistant.wait()
    visitor = Visitor(assistant.url)
    assert visitor.say("I am pregnant")["cautions"] == ["pregnancy"]
    for number, jump in enumerate(("-2d", "+2h", "-1h")):
        clock.write_text(f"{jump}\n", "ascii")
        assert "pregnancy" in visitor.say(f"how much does it cost, {number}")["cautions"], jump
        assert "pregnancy" in visitor.say(f"what does a course cost, {number}")["cautions"], jump
        emergency(visitor)
        assert "pregnancy" in visitor.say("how much does it cost")["cautions"], jump
    wanted = ["I am pregnant"]
    for number in range(3):
        wanted += [
            f"how much does it cost, {number}",
            f"what does a course cost, {number}",
            EMERGENCY,
            "how much does it cost",
        ]
    assert said(assistant, visitor) == wanted
    assert utterances(assistant, visitor) == len(wanted)
    clock.write_text("+25h\n", "ascii")  # the token has expired
    emergency(visitor)
    assert visitor.post("/messages", json={"text": "does it hurt"}).status_code == 401
    forged = {"Authorization": visitor.headers["Authorization"][:-4] + "AAAA"}
    assert (
        requests.post(
            assistant.url + "/messages", headers=forged, json={"text": EMERGENCY}, timeout=30
        ).status_code
        == 401
    )
    emergency(Visitor(assistant.url))


def test_a_conversation_that_is_gone_answers_an_emergency_all_the_same(lasting):
    """Erased, purged, or left behind by a restored backup."""
    assistant = whole(lasting)
    visitor = Visitor(assistant.url)
    assert (
        requests.delete(
            assistant.url + "/sessions", headers=visitor.headers, timeout=30
        ).status_code
        == 204
    )
    emergency(visitor)
    assert visitor.post("/messages", json={"text": "does it hurt"}).status_code == 401
    assert utterances(assistant, visitor) == 0


def test_erasing_with_a_message_at_work(lasting):
    """It waits for the message; of one that takes too long nothing is written afterwards."""
    assistant = whole(lasting)
    visitor = Visitor(assistant.url)
    visitor.say("I am pregnant")
    with ThreadPoolExecutor(3) as pool, stopped(assistant.actions):
        at_work = pool.submit(visitor.post, "/messages", json={"text": "does it hurt"})
        called(assistant)
        erasing = pool.submit(
            requests.delete, assistant.url + "/sessions", headers=visitor.headers, timeout=60
        )
        behind = pool.submit(visitor.post, "/messages", json={"text": "how long will i be red"})
        emergency(visitor)
        assert not at_work.done() and not erasing.done()
        go_on(assistant.actions)
        assert erasing.result().status_code == 204
        assert at_work.result().status_code in (200, 401)
        assert behind.result().status_code in (200, 401)
    assert visitor.post("/messages", json={"text": "hello"}).status_code == 401
    with sqlite3.connect(assistant.state / "assistant.sqlite") as connection:
        for table, column in (
            ("events", "sender_id"),
            ("web_turns", "session"),
            ("web_choices", "session"),
            ("web_sessions", "id"),
        ):
            assert (
                connection.execute(
                    f"SELECT COUNT(*) FROM {table} WHERE {column} = ?", (visitor.opened["session"],)
                ).fetchone()[0]
                == 0
            ), table
    assert "Falling back" not in assistant.words() and "AttributeError" not in assistant.words()


def test_a_large_file_is_purged_while_visitors_write(start, state):
    """Emergencies and answers come in time, all the while 60 MB of old conversations are deleted
    and their space is given back."""
    database.engine().dispose()  # the tables are made
    then = time.time() - 60 * 86400
    names = [f"old-{number}" for number in range(2500)]
    file = state / "assistant.sqlite"
    with sqlite3.connect(file) as connection:
        connection.executemany(
            "INSERT INTO web_sessions (id, created, expires) VALUES (?, ?, ?)",
            [(name, then, then) for name in names],
        )
        connection.executemany(
            "INSERT INTO events (sender_id, type_name, timestamp, data) VALUES (?, 'user', ?, ?)",
            [(name, then, "x" * 1200) for name in names for _ in range(20)],
        )
    assistant = start(ASSISTANT_PURGE_EVERY="2")
    assert assistant.state == state
    assistant.wait()
    visitor, during = Visitor(assistant.url), 0

    def left():
        with sqlite3.connect(file) as connection:
            return connection.execute(
                "SELECT COUNT(*) FROM web_sessions WHERE id LIKE 'old-%'"
            ).fetchone()[0]

    limit = time.monotonic() + 240
    while (left() or file.stat().st_size > 10_000_000) and time.monotonic() < limit:
        emergency(visitor)
        assert NOTES not in spoken(visitor.say("does it hurt"))
        during += 0 < left() < len(names)
    assert during >= 3 and not left() and file.stat().st_size < 10_000_000, during


def send_and_leave(assistant, visitor, message):
    """Send a message and close the connection before anything can have been answered."""
    body = json.dumps(message).encode()
    head = (
        "POST /webhooks/web/messages HTTP/1.1\r\nHost: localhost\r\n"
        f"Authorization: {visitor.headers['Authorization']}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    with socket.create_connection(("127.0.0.1", assistant.port)) as connection:
        connection.sendall(head.encode() + body)


def test_a_visitor_disconnects(lasting):
    """The turn goes on and is recorded; the same message sent again gets it, without being answered
    twice."""
    assistant = whole(lasting)
    visitor = Visitor(assistant.url)
    with stopped(assistant.actions):
        with pytest.raises(requests.Timeout):
            requests.post(
                assistant.url + "/messages",
                headers=visitor.headers,
                json={"text": "does it hurt", "client_id": "gone"},
                timeout=2,
            )
        called(assistant)
        emergency(visitor)
    turn = visitor.say("does it hurt", client_id="gone")
    assert turn["topics"] == ["pain"]
    send_and_leave(assistant, visitor, {"text": EMERGENCY, "client_id": "gone too"})
    assert visitor.say(EMERGENCY, client_id="gone too")["urgency"] == "emergency"
    assert said(assistant, visitor) == ["does it hurt", EMERGENCY, EMERGENCY]


def test_the_same_message_twice(lasting):
    """At once, one after the other, as an emergency, as a choice: answered once each."""
    assistant = whole(lasting)
    visitor = Visitor(assistant.url)
    with ThreadPoolExecutor(5) as pool:
        turns = list(pool.map(lambda _: visitor.say("does it hurt", client_id="a"), range(5)))
    assert len({turn["id"] for turn in turns}) == 1
    assert visitor.say("does it hurt", client_id="a") == turns[0]
    with ThreadPoolExecutor(3) as pool:
        assert (
            len(
                {
                    turn["id"]
                    for turn in pool.map(lambda _: visitor.say(EMERGENCY, client_id="b"), range(3))
                }
            )
            == 1
        )
    picked = {"choice": turns[0]["choices"][0]["id"], "client_id": "c"}
    assert (
        visitor.post("/messages", json=picked).json()
        == visitor.post("/messages", json=picked).json()
    )
    assert (
        said(assistant, visitor)[:2] == ["does it hurt", EMERGENCY]
        and len(said(assistant, visitor)) == 3
    )
    until(lambda: utterances(assistant, visitor) >= 3, "the emergency to be noted in Rasa")
    assert utterances(assistant, visitor) == 3


def test_the_process_is_killed_with_a_message_at_hand(lasting):
    """The only process: the message is answered, once, when it is sent again after the new
    start."""
    assistant = whole(lasting)
    visitor = Visitor(assistant.url)
    visitor.say("I am pregnant")
    with ThreadPoolExecutor(1) as pool, stopped(assistant.actions):
        lost = pool.submit(
            visitor.post, "/messages", json={"text": "how much does it cost", "client_id": "killed"}
        )
        called(assistant)
        os.killpg(assistant.rasa.pid, signal.SIGKILL)
        with pytest.raises(requests.ConnectionError):
            lost.result()
    assistant.rasa.wait()
    assistant.restart()
    assistant.wait()
    emergency(visitor)
    turn = visitor.say("how much does it cost", client_id="killed")
    assert turn["topics"] == ["cost"] and "pregnancy" in turn["cautions"]
    wanted = sorted(["I am pregnant", EMERGENCY, "how much does it cost"])
    assert sorted(said(assistant, visitor)) == wanted
    until(lambda: utterances(assistant, visitor) >= 3, "the emergency to be noted in Rasa")
    assert utterances(assistant, visitor) == 3


def refuses(port):
    """Whether nobody listens on a port."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) != 0


def test_make_run_replaces_a_hung_server(tmp_path):
    """The keeper of a server from outside: one that stops is killed and started again, and the new
    one ends with its keeper."""
    port = free_port()
    env = {
        **launch.environment(),
        "ACTION_PORT": str(port),
        "ASSISTANT_STATE": str(tmp_path / "state"),
    }
    keeper = process("assistant.launch", "serve-actions", env=env, log=tmp_path / "log")
    children = Path(f"/proc/{keeper.pid}/task/{keeper.pid}/children")
    alive = lambda: watchdog.answers(f"http://127.0.0.1:{port}/health")
    try:
        until(alive, "the action server")
        (hung,) = children.read_text().split()
        # The keeper has to have seen it alive, too: before that it may take its time.
        until(lambda: "the action server answers" in (tmp_path / "log").read_text(), "the keeper")
        os.kill(int(hung), signal.SIGSTOP)
        until(lambda: children.read_text().split() not in ([], [hung]) and alive(), "a new one")
        assert "does not answer any more" in (tmp_path / "log").read_text()
    finally:
        end(keeper)
    until(lambda: not launch.port_taken(port), "the end of the action server")


def test_the_process_is_asked_to_end_with_a_message_at_hand(lasting):
    """SIGTERM, as at a restart: the message is answered first."""
    assistant = whole(lasting)
    visitor = Visitor(assistant.url)
    with ThreadPoolExecutor(1) as pool, stopped(assistant.actions):
        at_hand = pool.submit(visitor.say, "does it hurt")
        called(assistant)
        emergency(visitor)
        assistant.rasa.send_signal(signal.SIGTERM)
        until(lambda: refuses(assistant.port), "the server to take nobody any more")
        go_on(assistant.actions)
        assert at_hand.result()["topics"] == ["pain"]
    assistant.rasa.wait(120)
    assistant.restart()
    assistant.wait()
    emergency(visitor)
    assert sorted(said(assistant, visitor)) == sorted(["does it hurt", EMERGENCY, EMERGENCY])


def test_an_action_that_raises(start, tmp_path):
    """The knowledge base becomes unreadable before the action server has loaded it once."""
    knowledge = shutil.copytree(paths.KNOWLEDGE, tmp_path / "knowledge")
    assistant = start(actions=False, KNOWLEDGE_DIR=str(knowledge))
    assistant.wait("/live")
    visitor = Visitor(assistant.url)
    broken = knowledge / "treatment.yml"
    broken.write_text("topics: [", "utf-8")
    assistant.actions = assistant.start_actions()
    assistant.wait("/health")
    kind_and_phone(visitor.say("does it hurt"))
    emergency(visitor)


def health(assistant):
    return requests.get(assistant.url + "/health", timeout=30).json()


def test_a_broken_edit_keeps_the_last_good_version_and_is_reported(start, tmp_path):
    knowledge = shutil.copytree(paths.KNOWLEDGE, tmp_path / "knowledge")
    assistant = start(KNOWLEDGE_DIR=str(knowledge))
    assistant.wait()
    visitor = Visitor(assistant.url)
    before = spoken(visitor.say("does it hurt"))
    file = knowledge / "treatment.yml"
    good = file.read_text("utf-8")
    file.write_text(good.replace("follow_ups: [", "follow_ups: [typo, ", 1), "utf-8")
    until(lambda: "problem" in health(assistant)["knowledge"], "the edit to be noticed")
    another = Visitor(assistant.url)  # in one conversation nothing is said twice
    assert spoken(another.say("does it hurt")) == before
    emergency(visitor)
    assert "`typo` is not in the topic files" in assistant.words()


def test_without_a_model_the_channel_says_so(start, tmp_path):
    broken = tmp_path / "assistant.tar.gz"
    broken.write_bytes(b"not a model")
    assistant = start(model=broken)
    assistant.wait("/health", 503)
    visitor = Visitor(assistant.url)
    emergency(visitor)
    answer = visitor.post("/messages", json={"text": "does it hurt"})
    assert (
        answer.status_code == 503
        and "no trained model" in answer.json()["detail"]
        and answer.headers["Retry-After"]
    )
    assert requests.get(assistant.url + "/health", timeout=30).json()["model"] == "none"


def make_run(**environment):
    env = {**launch.environment(), "PORT": "0", **environment}
    return subprocess.run(
        [sys.executable, "-m", "assistant.launch", "run"],
        cwd=paths.ROOT,
        env=env,
        capture_output=True,
        text=True,
        timeout=120,
    )


def test_a_taken_port_is_named():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        done = make_run(PORT=str(port))
    assert (
        done.returncode == 1
        and f"port {port} is taken" in done.stderr
        and "Traceback" not in done.stderr
    )


def test_a_missing_clinic_field_is_named(tmp_path):
    clinic = tmp_path / "clinic.yml"
    clinic.write_text("name: Test\ncountry: GB\n", "utf-8")
    done = make_run(CLINIC_FILE=str(clinic), PORT=str(free_port()))
    assert (
        done.returncode == 1
        and "clinic.yml:1: `phone` is missing" in done.stderr
        and "Traceback" not in done.stderr
    )


def test_failed_training_is_told(tmp_path):
    """A copy of the project with a broken rule: `make train` says that training failed, with Rasa's
    words."""
    copy = tmp_path / "copy"
    # What other processes may be writing to just now is not copied either.
    ignore = shutil.ignore_patterns(
        *(".venv", ".uv", ".git", ".rasa", "models", "var", "widget", "results", "__pycache__")
    )
    shutil.copytree(paths.ROOT, copy, ignore=ignore)
    rules = copy / "data" / "rules.yml"
    rules.write_text(
        rules.read_text("utf-8").replace("action: action_answer", "akcion: action_answer", 1),
        "utf-8",
    )
    done = subprocess.run(
        [sys.executable, "-m", "assistant.launch", "train"],
        cwd=copy,
        env={**os.environ, **launch.ENVIRONMENT, "PYTHONPATH": str(copy)},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 1 and "training failed" in done.stderr and "akcion" in done.stderr
