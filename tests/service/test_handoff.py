"""The request form through the running servers: what is stored where, erasure, a killed process,
strange input."""

import os
import re
import signal
import sqlite3

import pytest
import requests as http
from ruamel.yaml import YAML

from assistant import launch, paths
from tests.support.receivers import MailServer
from tests.support.servers import Assistant, Visitor, free_port, spoken
from tests.support.waiting import until

NAME, NUMBER, MAIL = "Philippa Zundel", "07700 900734", "philippa.z@posteo.example"


@pytest.fixture(scope="module")
def mail_port():
    return free_port()


@pytest.fixture(scope="module")
def clinic_file(tmp_path_factory, mail_port):
    data = YAML().load((paths.ROOT / "clinic.yml").read_text("utf-8"))
    data["handoff"] = {
        "deliver": "email",
        "email": {
            "to": ["desk@clinic.example"],
            "sender": "chat@clinic.example",
            "server": "127.0.0.1",
            "port": mail_port,
            "security": "none",
        },
    }
    path = tmp_path_factory.mktemp("clinic") / "clinic.yml"
    with path.open("w", encoding="utf-8") as handle:
        YAML().dump(data, handle)
    return path


@pytest.fixture(scope="module")
def service(tmp_path_factory, clinic_file):
    launch.train()
    running = Assistant(
        tmp_path_factory.mktemp("handoff"),
        CLINIC_FILE=str(clinic_file),
        HANDOFF_EVERY="0.2",
        HANDOFF_FIRST_PAUSE="0.3",
        HANDOFF_CLAIM="2",
    )
    try:
        yield running.wait()
    finally:
        running.end()


def asked(service):
    """A visitor who has said yes."""
    visitor = Visitor(service.url)
    visitor.say("can a person help me please")
    visitor.say("yes")
    return visitor


def everything(service):
    """Name of table and text of every value in the database."""
    with sqlite3.connect(service.state / "assistant.sqlite") as connection:
        tables = [
            row[0]
            for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
        ]
        return [
            (table, str(value))
            for table in tables
            for row in connection.execute(f"SELECT * FROM {table}")
            for value in row
        ]


def requests_of(service):
    with sqlite3.connect(service.state / "assistant.sqlite") as connection:
        connection.row_factory = sqlite3.Row
        return [dict(row) for row in connection.execute("SELECT * FROM contact_requests")]


def delivered(service, request):
    """Whether every entry of the outbox for a request has arrived."""
    with sqlite3.connect(service.state / "assistant.sqlite") as connection:
        rows = connection.execute(
            "SELECT sent FROM contact_outbox WHERE request = ?", (request,)
        ).fetchall()
    return rows and all(sent for (sent,) in rows)


def complete(visitor, name=NAME, number=NUMBER, about="the scars on my temple"):
    visitor.say(name)
    visitor.say(number)
    visitor.say("weekday afternoons")
    return visitor.say(f"I want to know whether {about} can be treated")


def test_details_are_kept_with_the_request_and_nowhere_else(service):
    visitor = asked(service)
    visitor.say(f"{NAME}, my email is {MAIL}, what about parking?")
    visitor.say(f"and my number is {NUMBER}")
    visitor.say("after lunch")
    turn = visitor.say("no questions")
    assert turn["kind"] == "handoff"
    assert all(words in spoken(turn) for words in (NAME, MAIL, NUMBER, "after lunch"))
    assert "no appointment is booked" in spoken(turn)
    places = {
        table
        for table, text in everything(service)
        for word in ("zundel", "900734", "philippa")
        if word in text.lower()
    }
    assert places == {"contact_requests"}
    history = http.get(service.url + "/messages", headers=visitor.headers, timeout=30).json()[
        "turns"
    ]
    assert any("[phone]" in item.get("text", "") for item in history) and not any(
        word in str(history) for word in (NUMBER, MAIL, "Zundel")
    )


def test_nothing_is_kept_before_consent_or_after_a_no(service):
    visitor = Visitor(service.url)
    visitor.say("please phone Ottilie on 07700 900888 after 3pm")
    assert not any("900888" in text or "ottilie" in text.lower() for _, text in everything(service))
    turn = visitor.say("no, better not")
    assert turn["kind"] == "handoff" and "keep nothing" in spoken(turn)
    assert not any(row["session"] == visitor.opened["session"] for row in requests_of(service))
    visitor.say("can a person help me please")
    visitor.say("yes")
    assert not any("900888" in str(row) for row in requests_of(service))


def test_details_that_came_before_the_yes_count_after_it(service):
    visitor = Visitor(service.url)
    visitor.say("please phone Hedwig on 07700 900887 after 3pm")
    turn = visitor.say("yes, fine")
    assert "help you with" in spoken(turn)
    (row,) = [row for row in requests_of(service) if row["session"] == visitor.opened["session"]]
    assert (row["name"], row["phone"], row["best_time"], row["status"]) == (
        "Hedwig",
        "+447700900887",
        "after 3pm",
        "draft",
    )


def test_after_cancelling_nothing_is_left(service):
    visitor = asked(service)
    visitor.say("Walburga")
    visitor.say("07700 900889")
    assert "kept nothing" in spoken(visitor.say("actually forget it"))
    assert not any(
        "900889" in text or "walburga" in text.lower() for _, text in everything(service)
    )


def test_deleting_my_data_leaves_nothing_in_the_file_and_its_log(service):
    visitor = asked(service)
    complete(visitor, "Quirina Obermoser", "07700 900735", "the dents on my clavicle")
    visitor.say("does it hurt on a spleenwort tattoo")
    question = visitor.say("delete my data")
    assert question["topics"] == ["privacy"] and requests_of(service)
    visitor.say("no")
    assert any("spleenwort" in text for _, text in everything(service))
    question = visitor.say("please delete everything about me")
    turn = visitor.choose(
        next(choice["id"] for choice in question["choices"] if choice["title"].startswith("Yes"))
    )
    assert "deleted" in spoken(turn)
    folder = service.state
    left = b"".join(path.read_bytes() for path in folder.glob("assistant.sqlite*"))
    for word in (b"spleenwort", b"Quirina", b"Obermoser", b"900735", b"dents on my clavicle"):
        assert word not in left, word
    assert (
        http.get(service.url + "/messages", headers=visitor.headers, timeout=30).json()["turns"]
        == []
    )
    assert visitor.say("does it hurt")["topics"] == ["pain"]


def test_deleting_the_session_deletes_its_request(service):
    visitor = asked(service)
    complete(visitor, "Irmengard Toll", "07700 900738")
    assert (
        http.delete(service.url + "/sessions", headers=visitor.headers, timeout=30).status_code
        == 204
    )
    assert not any(
        "900738" in text or "irmengard" in text.lower() for _, text in everything(service)
    )
    assert visitor.post("/messages", json={"text": "hello"}).status_code == 401


def test_a_request_survives_a_killed_process_and_arrives_once(service, mail_port):
    """The mail server is down; the action server, which delivers, is killed after the form has
    ended; both come back."""
    visitor = asked(service)
    assert complete(visitor, "Ferdinand Kessler", "07700 900736")["kind"] == "handoff"
    os.killpg(service.actions.pid, signal.SIGKILL)
    service.actions.wait(10)
    with MailServer(mail_port) as messages:
        service.actions = service.start_actions()
        service.wait()
        (row,) = [row for row in requests_of(service) if row["name"] == "Ferdinand Kessler"]
        mine = lambda: [message for message in messages if row["id"] in message["Message-ID"]]
        until(mine)
        until(lambda: delivered(service, row["id"]), "the delivery to be noted")
        question = visitor.say("delete my data")
        assert "was passed to" in spoken(question), "the clinic has it already, and that is said"
        assert len(mine()) == 1 and "07700 900736" in mine()[0].get_content()
        erased = http.delete(service.url + "/sessions", headers=visitor.headers, timeout=30)
        assert erased.status_code == 204 and re.fullmatch(
            r"20\d\d-\d\d-\d\dT[\d:]+\+00:00", erased.headers["Delivered"]
        )


def test_a_long_question_is_kept_whole(service):
    visitor = asked(service)
    visitor.say("Bo")
    visitor.say("bo@posteo.example")
    visitor.say("skip")
    question = ("I had a peel in spring and wonder about the marks. " * 60)[:3000]
    turn = visitor.say(question)
    assert turn["kind"] == "handoff" and "..." in spoken(turn)
    (row,) = [row for row in requests_of(service) if row["session"] == visitor.opened["session"]]
    assert row["question"] == question.strip() and row["status"] == "open"


def test_an_address_with_a_slip_is_asked_about(service):
    visitor = asked(service)
    visitor.say("Bo")
    turn = visitor.say("bo.k@gmial.com")
    assert turn["kind"] == "form" and "gmail.com" in spoken(turn)
    visitor.choose(turn["choices"][0]["id"])
    (row,) = [row for row in requests_of(service) if row["session"] == visitor.opened["session"]]
    assert row["email"] == "bo.k@gmail.com"


def test_words_of_a_visitor_are_never_markup(service):
    visitor = asked(service)
    visitor.say("Bo")
    visitor.say("07700 900737")
    visitor.say("<img src=x onerror=alert(1)> evenings")
    turn = visitor.say("[click](javascript:alert(1)) **now** <b>x</b>")
    assert turn["kind"] == "handoff" and not any(
        sign in spoken(turn) for sign in ("<img", "](javascript", "**", "<b>")
    )


def test_an_emergency_ends_the_form(service):
    visitor = asked(service)
    turn = visitor.say("my throat is closing up and i cannot breathe")
    assert turn["urgency"] == "emergency"
    assert visitor.say("does it hurt")["kind"] != "form"


def test_a_late_detail_and_a_correction_change_the_request(service):
    visitor = asked(service)
    visitor.say("Bo")
    visitor.say("07700 900737")
    visitor.say("send it now")
    assert "only on saturdays" in spoken(visitor.say("oh and only on saturdays please"))
    turn = visitor.say("sorry, the number ends in 9")
    assert "07700 900739" in spoken(turn)
    (row,) = [row for row in requests_of(service) if row["session"] == visitor.opened["session"]]
    assert row["phone"] == "+447700900739" and "saturdays" in row["best_time"]


def test_a_thumb_in_words_is_kept_with_its_topic(service):
    visitor = Visitor(service.url)
    turn = visitor.say("does it hurt")
    visitor.say("👍")
    with sqlite3.connect(service.state / "assistant.sqlite") as connection:
        rows = connection.execute(
            "SELECT turn, topic, vote FROM feedback WHERE session = ?", (visitor.opened["session"],)
        ).fetchall()
    assert len(rows) == 1 and rows[0][1:] == ("pain", "up") and turn["topics"] == ["pain"]
