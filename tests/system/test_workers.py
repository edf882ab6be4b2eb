"""Two workers, PostgreSQL and Redis: one conversation whoever answers, and what happens when a part
of it is away."""

import json
import os
import signal
import threading
from concurrent.futures import ThreadPoolExecutor

import psycopg2
import pytest
import requests
from redis import Redis

from tests.support.processes import go_on, stopped, unread
from tests.support.servers import EMERGENCY, NOTES, Visitor, end, spoken
from tests.support.waiting import until


@pytest.fixture
def visitor(pair):
    return Visitor(pair[0].url)


def at(worker, visitor):
    """The same visitor, talking to another worker."""
    other = object.__new__(Visitor)
    other.url, other.opened, other.headers = worker.url, visitor.opened, visitor.headers
    return other


def texts(worker, visitor):
    """What the visitor said, by the history that a worker gives."""
    found = requests.get(worker.url + "/messages", headers=visitor.headers, timeout=30)
    assert found.status_code == 200, found.text
    return [turn["text"] for turn in found.json()["turns"] if turn["from"] == "visitor"]


def utterances(url, visitor):
    """What the visitor said, by Rasa's events."""
    connection = psycopg2.connect(url)
    with connection, connection.cursor() as cursor:
        cursor.execute(
            "SELECT data FROM events WHERE sender_id = %s AND type_name = 'user' ORDER BY id",
            (visitor.opened["session"],),
        )
        found = [json.loads(row[0])["text"] for row in cursor]
    connection.close()
    return found


def healthy(worker):
    worker.wait("/health", 200)


@pytest.fixture(autouse=True)
def both_well(pair, postgresql, redis_server):
    """Whatever an earlier test left stopped or ended runs again."""
    for server in (postgresql, redis_server):
        server.revive()
    for worker in pair:
        go_on(worker.actions)
        worker.restart()
    for worker in pair:
        healthy(worker)


def called(worker):
    """Wait until a worker's stopped action server has been sent a call."""
    until(lambda: unread(worker.action_port), "a call of the action server")


def test_a_conversation_is_one_whoever_answers(pair, visitor):
    assert visitor.say("I am pregnant")["cautions"] == ["pregnancy"]
    for worker in (pair[1], pair[0], pair[1]):
        turn = at(worker, visitor).say("does microneedling hurt")
        assert turn["topics"] == ["pain"] and NOTES not in spoken(turn)
    assert "pregnancy" in at(pair[1], visitor).say("how much does it cost")["cautions"]
    assert texts(pair[0], visitor) == texts(pair[1], visitor) and len(texts(pair[0], visitor)) == 5
    choice = visitor.say("does it hurt")["choices"][0]
    assert at(pair[1], visitor).choose(choice["id"])["kind"] == "answer"


def test_messages_at_once_are_answered_in_their_order(pair, visitor, redis_server, postgresql):
    """Twelve messages, to both workers in turn, while the first is not answered yet: each is
    answered once, in the order in which they came."""
    for worker in pair * 4:  # connections are open, files are read
        at(worker, visitor).say("hello")
    said = [f"does it hurt, question number {number}" for number in range(12)]
    queue = Redis.from_url(redis_server.program.url)
    name = f"microneedling:queue:{visitor.opened['session']}"
    with ThreadPoolExecutor(12) as pool, stopped(*(worker.actions for worker in pair)):
        waiting = []
        for number, text in enumerate(said):
            waiting.append(pool.submit(at(pair[number % 2], visitor).say, text))
            # a message's place is the one it has in the queue
            until(lambda n=number: queue.llen(name) > n, "the place in the queue", pause=0.01)
        go_on(*(worker.actions for worker in pair))
        turns = [w.result() for w in waiting]
    assert len({turn["id"] for turn in turns}) == 12 and all(
        turn["topics"][0] == "pain" and NOTES not in spoken(turn) for turn in turns
    )
    assert utterances(postgresql.program.url, visitor)[8:] == said


def test_the_same_message_twice_at_once_is_answered_once(pair, visitor, postgresql):
    with ThreadPoolExecutor(6) as pool:
        turns = list(
            pool.map(
                lambda n: at(pair[n % 2], visitor).say("does it hurt", client_id="once"), range(6)
            )
        )
    assert len({turn["id"] for turn in turns}) == 1, [turn["id"] for turn in turns]
    assert (
        texts(pair[0], visitor) == ["does it hurt"] == utterances(postgresql.program.url, visitor)
    )


def test_a_worker_is_killed_with_a_message_at_hand(pair, visitor, postgresql):
    """The message is sent again, as nginx does, to the other worker: it waits for the dead one's
    lock to expire, and is answered once."""
    visitor.say("I am pregnant")
    victim = pair[1]
    with ThreadPoolExecutor(1) as pool, stopped(victim.actions):
        lost = pool.submit(
            at(victim, visitor).post,
            "/messages",
            json={"text": "how much does it cost", "client_id": "killed"},
        )
        called(victim)
        os.killpg(victim.rasa.pid, signal.SIGKILL)
        with pytest.raises(requests.ConnectionError):
            lost.result()
    end(victim.actions)
    assert visitor.say(EMERGENCY)["urgency"] == "emergency"
    turn = visitor.say("how much does it cost", client_id="killed")
    assert turn["topics"] == ["cost"] and "pregnancy" in turn["cautions"]
    wanted = sorted(["I am pregnant", EMERGENCY, "how much does it cost"])
    until(
        lambda: len(utterances(postgresql.program.url, visitor)) >= len(wanted),
        "the emergency to be noted in Rasa",
    )
    assert sorted(utterances(postgresql.program.url, visitor)) == wanted
    assert visitor.say("how much does it cost", client_id="killed")["id"] == turn["id"]
    victim.restart()
    healthy(victim)


def test_a_message_that_was_answered_but_not_recorded_is_said_again(pair, visitor, postgresql):
    """The worker died between Rasa's record and ours: the same turn comes from Rasa's record, and
    Rasa hears the message once."""
    first = visitor.say("does it hurt", client_id="half")
    connection = psycopg2.connect(postgresql.program.url)
    with connection, connection.cursor() as cursor:
        cursor.execute(
            "UPDATE web_turns SET turn = '', visitor = NULL WHERE session = %s AND client_id ="
            " 'half'",
            (visitor.opened["session"],),
        )
    connection.close()
    again = at(pair[1], visitor).say("does it hurt", client_id="half")
    assert spoken(again) == spoken(first) and again["id"] == first["id"]
    assert (
        utterances(postgresql.program.url, visitor) == ["does it hurt"] == texts(pair[0], visitor)
    )


def test_postgresql_stops_and_starts(pair, visitor, postgresql):
    visitor.say("does it hurt")
    postgresql.stop()
    try:
        assert visitor.say(EMERGENCY)["urgency"] == "emergency"
        told = visitor.say("i take blood thinners, does it hurt", client_id="outage")
        assert told["kind"] == "caution" and spoken(told).startswith(NOTES)
        assert (
            visitor.say("i take blood thinners, does it hurt", client_id="outage")["id"]
            == told["id"]
        )
        assert (
            visitor.choose(told["choices"][0]["id"])["kind"] in ("answer", "caution")
            if told["choices"]
            else True
        )
        newcomer = Visitor(pair[0].url)
        assert newcomer.say(EMERGENCY)["urgency"] == "emergency"
        assert at(pair[1], newcomer).say("does it hurt", client_id="elsewhere")["topics"] == [
            "pain"
        ]
        assert requests.get(pair[0].url + "/live", timeout=60).status_code == 200
        assert requests.get(pair[0].url + "/health", timeout=30).json()["store"] == "down"
    finally:
        postgresql.start()
    for worker in pair:
        healthy(worker)
    until(lambda: len(texts(pair[1], visitor)) >= 3, "late writing, once a second")
    assert texts(pair[1], visitor)[:3] == [
        "does it hurt",
        EMERGENCY,
        "i take blood thinners, does it hurt",
    ]
    # Each of the workers writes its part.
    until(lambda: len(texts(pair[1], newcomer)) >= 2, "late writing, once a second")
    assert sorted(texts(pair[0], newcomer)) == sorted([EMERGENCY, "does it hurt"])
    # What was told during the outage is known again once its worker has written it.
    after = visitor.say("how much does it cost")
    assert "blood_thinner" in after["cautions"]
    later = at(pair[1], visitor).say("what about my neck")
    assert NOTES not in spoken(later)


def test_the_same_message_at_two_workers_without_a_database_is_answered_once(
    pair, visitor, postgresql
):
    """At once, one after the other, and when the database is just back: Redis says who answered,
    and with what."""
    visitor.say("does it hurt")
    postgresql.stop()
    try:
        with ThreadPoolExecutor(4) as pool:
            turns = list(
                pool.map(
                    lambda n: at(pair[n % 2], visitor).say(
                        "how long will i be red", client_id="both"
                    ),
                    range(4),
                )
            )
        assert len({turn["id"] for turn in turns}) == 1 and "downtime" in turns[0]["topics"]
        first = visitor.say(EMERGENCY, client_id="urgent")
        assert at(pair[1], visitor).say(EMERGENCY, client_id="urgent")["id"] == first["id"]
    finally:
        postgresql.start()
    assert {
        at(worker, visitor).say("how long will i be red", client_id="both")["id"] for worker in pair
    } == {turns[0]["id"]}
    for worker in pair:
        healthy(worker)
    until(lambda: len(texts(pair[0], visitor)) >= 3, "late writing, once a second")
    assert sorted(texts(pair[0], visitor)) == sorted(
        ["does it hurt", "how long will i be red", EMERGENCY]
    )
    visitor.say("does it hurt")  # whoever kept events writes them now
    at(pair[1], visitor).say("does it hurt")
    assert utterances(postgresql.program.url, visitor).count("how long will i be red") == 1


def test_postgresql_hangs(pair, visitor, postgresql):
    """It takes connections and answers nothing: other visitors and the emergency do not wait for
    it."""
    visitor.say("does it hurt")
    postgresql.hang()
    try:
        with ThreadPoolExecutor(2) as pool:
            slow = pool.submit(visitor.say, "how long will I be red")
            urgent = pool.submit(visitor.say, EMERGENCY)
            assert requests.get(pair[0].url + "/live", timeout=60).status_code == 200
            assert urgent.result()["urgency"] == "emergency"
            assert spoken(slow.result()).startswith(NOTES)
            assert postgresql.hangs(), "all of it while PostgreSQL answered nothing"
    finally:
        postgresql.hang(False)
    healthy(pair[0])
    until(lambda: len(texts(pair[0], visitor)) >= 3, "late writing, once a second")
    assert sorted(texts(pair[0], visitor)) == sorted(
        ["does it hurt", "how long will I be red", EMERGENCY]
    )


@pytest.mark.parametrize("how", ["stopped", "hung"])
def test_redis_stops_or_hangs(pair, visitor, redis_server, postgresql, how):
    (redis_server.stop if how == "stopped" else redis_server.hang)()
    try:
        assert visitor.say(EMERGENCY)["urgency"] == "emergency"
        said = [f"does it hurt, {number}" for number in range(4)]
        with ThreadPoolExecutor(4) as pool:
            waiting = [pool.submit(visitor.say, text) for text in said]
            assert [w.result()["topics"] for w in waiting] == [["pain"]] * 4
        assert requests.get(pair[0].url + "/health", timeout=30).json()["locks"] == "down"
    finally:
        redis_server.start() if how == "stopped" else redis_server.hang(False)
    for worker in pair:
        healthy(worker)
    # Each once; messages that come within the second in which a hung Redis is given up may change
    # places.
    assert (
        sorted(text for text in utterances(postgresql.program.url, visitor) if text != EMERGENCY)
        == said
    )
    assert at(pair[1], visitor).say("does it hurt")["topics"] == ["pain"]


def test_two_workers_that_write_at_once_forget_no_circumstance(
    pair, visitor, redis_server, postgresql
):
    """Without Redis both answer at once: what each was told is put together, and the visitor is
    told that notes may be missing."""
    visitor.say("does it hurt")
    redis_server.stop()
    try:
        barrier = threading.Barrier(2)

        def say(worker, text):
            barrier.wait()
            return at(worker, visitor).say(text)

        with ThreadPoolExecutor(2) as pool:
            both = [
                pool.submit(say, pair[0], "I am pregnant"),
                pool.submit(say, pair[1], "I take blood thinners"),
            ]
            turns = [future.result() for future in both]
        assert {name for turn in turns for name in turn["cautions"]} == {
            "pregnancy",
            "blood_thinner",
        }
        assert Visitor(pair[1].url).say(EMERGENCY)["urgency"] == "emergency"
        assert {"pregnancy", "blood_thinner"} <= set(
            visitor.say("how much does it cost")["cautions"]
        )
    finally:
        redis_server.start()
    for worker in pair:
        healthy(worker)
    assert sorted(utterances(postgresql.program.url, visitor)) == sorted(
        ["does it hurt", "I am pregnant", "I take blood thinners", "how much does it cost"]
    )


def test_erasing_leaves_nothing_in_postgresql(pair, visitor, postgresql):
    visitor.say("does it hurt, zebra-seven")
    assert (
        requests.delete(pair[1].url + "/sessions", headers=visitor.headers, timeout=30).status_code
        == 204
    )
    assert visitor.post("/messages", json={"text": "hello"}).status_code == 401
    connection = psycopg2.connect(postgresql.program.url)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT table_name FROM information_schema.tables WHERE table_schema = 'public'"
        )
        for (table,) in cursor.fetchall():
            cursor.execute(
                f"SELECT count(*) FROM {table} AS x WHERE x::text LIKE %s OR x::text LIKE"
                " '%%zebra-seven%%'",
                (f"%{visitor.opened['session']}%",),
            )
            assert cursor.fetchone()[0] == 0, table
    connection.close()
