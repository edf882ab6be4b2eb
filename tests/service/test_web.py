"""The website channel over HTTP, against running servers."""

import socket
import sqlite3
import time
from concurrent.futures import ThreadPoolExecutor

import jwt
import pytest
import requests

from assistant import database
from tests.support.servers import Visitor, spoken
from tests.support.waiting import until

KINDS = {
    "answer",
    "triage",
    "caution",
    "clarify",
    "fallback",
    "out_of_scope",
    "smalltalk",
    "form",
    "handoff",
    "crisis",
    "notice",
}


def problem(answer, status):
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    body = answer.json()
    assert body["status"] == status and body["title"] and body["detail"]
    assert "Traceback" not in answer.text
    return body


def test_a_session_opens_with_the_notice(assistant):
    opened = Visitor(assistant.url).opened
    assert opened["turn"]["kind"] == "notice" and opened["expires_in"] > 0
    assert "999" in spoken(opened["turn"]) and opened["turn"]["choices"]


def test_a_question_gets_its_answer_caution_and_source(visitor):
    turn = visitor.say("does microneedling hurt?")
    assert turn["kind"] == "answer" and turn["topics"] == ["pain"] and turn["urgency"] == "none"
    assert {"answer", "caveat"} <= {m["role"] for m in turn["messages"]}
    assert turn["sources"] and turn["reviewed_on"]
    assert all(set(choice) == {"id", "title", "topic"} for choice in turn["choices"])


def test_every_topic_answers_when_its_title_is_chosen(kb, visitor):
    silent = []
    for topic in kb.topics.values():
        turn = visitor.say(topic.question)
        if turn["kind"] not in KINDS or not spoken(turn).strip() or "{" in spoken(turn):
            silent.append(topic.id)
    assert not silent


def test_a_choice_is_carried_out_and_stays_valid(visitor):
    choice = visitor.say("does it hurt?")["choices"][0]
    assert visitor.choose(choice["id"])["topics"] == [choice["topic"]]
    visitor.say("how much is it?")
    assert visitor.choose(choice["id"])["topics"] == [choice["topic"]]


def test_a_forged_or_foreign_choice_does_nothing(assistant, visitor):
    other = Visitor(assistant.url).say("does it hurt?")["choices"][0]
    for choice in (other["id"], "0" * 16, "/restart"):
        problem(visitor.post("/messages", json={"choice": choice}), 400)


@pytest.mark.parametrize("text", ["", "   ", "\u200b\n\u00a0"])
def test_blank_text_is_answered_with_a_question(visitor, text):
    turn = visitor.say(text)
    assert turn["kind"] == "fallback" and turn["topics"] == [] and "?" in spoken(turn)


def test_emoji_alone_get_a_kind_reply(visitor):
    turn = visitor.say("🙈🙈")
    assert turn["kind"] in KINDS and spoken(turn).strip()


def test_twenty_thousand_characters_are_asked_to_be_shortened(visitor):
    turn = visitor.say("my skin and I have a long story to tell. " * 500)
    assert turn["kind"] == "fallback" and "+44" in spoken(turn)


def test_four_thousand_characters_are_answered(visitor):
    turn = visitor.say("I have been thinking about it for a long time now. " * 70 + "Does it hurt?")
    assert turn["kind"] != "fallback" or turn["choices"]


def test_two_hundred_kilobytes_are_refused(visitor):
    try:
        answer = visitor.post(
            "/messages",
            data=b'{"text": "' + b"a" * 200_000 + b'"}',
            headers={"Content-Type": "application/json"},
        )
    except requests.ConnectionError:  # the server may close before everything is sent
        return
    problem(answer, 413)


@pytest.mark.parametrize(
    "body, kind, status",
    [
        (b"{", "application/json", 400),
        (b"[1]", "application/json", 400),
        (b"", "application/json", 400),
        (b'"text"', "application/json", 400),
        (b"\xff\xfe", "application/json", 400),
        (b"{}", "application/json", 400),
        (b'{"text": 5}', "application/json", 400),
        (b'{"text": "a", "choice": "b"}', "application/json", 400),
        (b'{"text": "a", "client_id": ""}', "application/json", 400),
        (b'{"text": "a", "client_id": "\\ud800"}', "application/json", 400),
        (b'{"choice": "\\udfff"}', "application/json", 400),
        (b'{"text": "a", "client_id": "a\\u0000b"}', "application/json", 400),
        (b"text=hello", "application/x-www-form-urlencoded", 415),
        (b"[" * 50_000, "application/json", 400),
    ],
)
def test_malformed_requests_are_explained(visitor, body, kind, status):
    problem(visitor.post("/messages", data=body, headers={"Content-Type": kind}), status)


def test_unknown_addresses_and_methods(assistant):
    problem(requests.get(assistant.url + "/nothing", timeout=30), 404)
    problem(requests.put(assistant.url + "/messages", timeout=30), 405)


def test_the_same_client_id_is_answered_once(visitor):
    first = visitor.say("how much does it cost", client_id="a1")
    assert visitor.say("how much does it cost", client_id="a1") == first
    history = requests.get(visitor.url + "/messages", headers=visitor.headers, timeout=30).json()[
        "turns"
    ]
    assert sum(item["from"] == "visitor" for item in history) == 1


def test_history_restores_the_page(visitor):
    turn = visitor.say("does it hurt")
    turns = requests.get(visitor.url + "/messages", headers=visitor.headers, timeout=30).json()[
        "turns"
    ]
    assert [t["from"] for t in turns] == ["assistant", "visitor", "assistant"]
    assert turns[1]["text"] == "does it hurt" and turns[2]["turn"] == turn


def test_feedback(visitor):
    turn = visitor.say("does it hurt")
    assert (
        visitor.post(
            "/feedback", json={"turn": turn["id"], "topic": "pain", "vote": "up"}
        ).status_code
        == 204
    )
    problem(visitor.post("/feedback", json={"turn": "unknown", "vote": "up"}), 400)
    problem(visitor.post("/feedback", json={"turn": turn["id"], "vote": "sideways"}), 400)


def test_the_last_vote_for_a_turn_counts(assistant, visitor):
    turn = visitor.say("does it hurt")["id"]
    for vote in ({"vote": "up"}, {"vote": "down"}, {"vote": "down", "comment": "too long"}):
        assert visitor.post("/feedback", json={"turn": turn, **vote}).status_code == 204
    with sqlite3.connect(assistant.state / "assistant.sqlite") as connection:
        assert connection.execute(
            "SELECT vote, comment FROM feedback WHERE turn = ?", (turn,)
        ).fetchall() == [("down", "too long")]


def tokens(visitor, other, secret):
    session, now = visitor.opened["session"], int(time.time())
    good, (head, _, signature) = visitor.opened["token"], other.opened["token"].split(".")
    return {
        "another payload under a valid signature": (
            f"Bearer {head}.{good.split('.')[1]}.{signature}"
        ),
        **{
            f"alg {name}": "Bearer " + jwt.encode({"sub": session, "exp": now + 60}, secret, name)
            for name in ("HS384", "HS512")
        },
        "none": None,
        "empty": "Bearer ",
        "not a token": "Bearer nonsense",
        "another scheme": f"Basic {good}",
        "forged": (
            "Bearer " + jwt.encode({"sub": session, "exp": now + 60}, "another secret", "HS256")
        ),
        "alg none": "Bearer " + jwt.encode({"sub": session, "exp": now + 60}, None, "none"),
        "expired": "Bearer " + jwt.encode({"sub": session, "exp": now - 60}, secret, "HS256"),
        "no expiry": "Bearer " + jwt.encode({"sub": session}, secret, "HS256"),
        "unknown conversation": (
            "Bearer " + jwt.encode({"sub": "f" * 32, "exp": now + 60}, secret, "HS256")
        ),
    }


def test_only_the_conversations_own_token_opens_it(assistant, visitor):
    secret = (assistant.state / "secret").read_text("ascii")
    assert (assistant.state / "secret").stat().st_mode & 0o777 == 0o600
    for name, header in tokens(visitor, Visitor(assistant.url), secret).items():
        headers = {"Authorization": header} if header else {}
        for method, path in (
            ("POST", "/messages"),
            ("GET", "/messages"),
            ("POST", "/feedback"),
            ("DELETE", "/sessions"),
        ):
            answer = requests.request(
                method, visitor.url + path, json={"text": "hi"}, headers=headers, timeout=30
            )
            assert answer.status_code == 401, (name, method, path)
    assert visitor.say("hi")["kind"] in KINDS


def test_the_token_of_one_conversation_does_nothing_to_another(assistant):
    one, other = Visitor(assistant.url), Visitor(assistant.url)
    turn = other.say("does microneedling hurt on the forehead?")
    history = requests.get(one.url + "/messages", headers=one.headers, timeout=30).json()["turns"]
    assert "forehead" not in str(history) and len(history) == 1
    problem(one.post("/feedback", json={"turn": turn["id"], "topic": "pain", "vote": "down"}), 400)
    problem(one.post("/messages", json={"choice": turn["choices"][0]["id"]}), 400)
    with sqlite3.connect(assistant.state / "assistant.sqlite") as connection:
        assert (
            connection.execute("SELECT * FROM feedback WHERE turn = ?", (turn["id"],)).fetchall()
            == []
        )
    requests.delete(
        one.url + "/sessions",
        headers=one.headers,
        json={"session": other.opened["session"]},
        params={"session": other.opened["session"]},
        timeout=30,
    )
    assert (
        len(
            requests.get(other.url + "/messages", headers=other.headers, timeout=30).json()["turns"]
        )
        == 3
    )


def test_every_call_after_the_deletion_is_refused(assistant):
    visitor = Visitor(assistant.url)
    turn = visitor.say("does it hurt?")
    assert (
        requests.delete(visitor.url + "/sessions", headers=visitor.headers, timeout=30).status_code
        == 204
    )
    for method, path, body in (
        ("POST", "/messages", {"text": "hi"}),
        ("POST", "/messages", {"choice": turn["choices"][0]["id"]}),
        ("GET", "/messages", None),
        ("POST", "/feedback", {"turn": turn["id"], "vote": "up"}),
        ("DELETE", "/sessions", None),
    ):
        problem(
            requests.request(
                method, visitor.url + path, json=body, headers=visitor.headers, timeout=30
            ),
            401,
        )


def test_a_page_of_another_website_opens_and_changes_nothing(assistant, visitor):
    host = assistant.url.split("/webhooks")[0]
    for origin in (
        "https://evil.example",
        "null",
        "http://moonwort.example",
        "https://moonwort.example.evil.example",
    ):
        for method, path, headers in (
            ("POST", "/sessions", {}),
            ("POST", "/messages", visitor.headers),
            ("POST", "/feedback", visitor.headers),
            ("DELETE", "/sessions", visitor.headers),
        ):
            refused = requests.request(
                method, assistant.url + path, headers={**headers, "Origin": origin}, timeout=30
            )
            assert "Access-Control-Allow-Origin" not in refused.headers
            problem(refused, 403)
    for headers in (
        {},
        {"Origin": "https://moonwort.example"},
        {"Origin": host},
        {"Origin": "https://chat.example", "Sec-Fetch-Site": "same-origin"},
    ):
        assert (
            requests.post(assistant.url + "/sessions", headers=headers, timeout=30).status_code
            == 201
        ), headers
    assert visitor.say("hi")["kind"] in KINDS


def test_nothing_of_a_conversation_is_kept_on_the_way(assistant, visitor):
    answers = [
        requests.post(assistant.url + "/sessions", json={}, timeout=30),
        visitor.post("/messages", json={"text": "hi"}),
        visitor.post("/messages", json={}),
        requests.get(assistant.url + "/messages", headers=visitor.headers, timeout=30),
        requests.get(assistant.url + "/messages", timeout=30),
        requests.get(assistant.url + "/health", timeout=30),
    ]
    assert [answer.headers.get("Cache-Control") for answer in answers] == ["no-store"] * len(
        answers
    )


def test_a_reminder_of_an_emergency_says_its_own_level(assistant):
    visitor = Visitor(assistant.url)
    urgent = visitor.say("my throat is closing up and i cannot breathe")
    assert urgent["urgency"] == "emergency"
    turn = visitor.say("how much is it?")
    reminder = turn["messages"][0]
    assert (
        reminder["role"] == "triage"
        and reminder["level"] == "emergency"
        and turn["urgency"] == "none"
    )
    history = requests.get(visitor.url + "/messages", headers=visitor.headers, timeout=30).json()[
        "turns"
    ]
    assert history[-1]["turn"]["messages"][0]["level"] == "emergency"


def test_a_reply_in_another_language_says_which(assistant):
    visitor = Visitor(assistant.url)
    turn = visitor.say("Hola, quiero saber cuánto cuesta el tratamiento, por favor")
    assert turn["messages"][0]["language"] == "es" and "inglés" in spoken(turn)
    urgent = visitor.say("no puedo respirar y se me hincha la garganta")
    assert urgent["urgency"] == "emergency" and urgent["messages"][0]["language"] == "es"
    assert all(
        "language" not in message
        for message in Visitor(assistant.url).say("does it hurt?")["messages"]
    )


def test_erasing_leaves_nothing_in_any_file(assistant):
    visitor = Visitor(assistant.url)
    visitor.say("zanzibarquartz does it hurt")
    file = assistant.state / database.path().name
    assert b"zanzibarquartz" in file.read_bytes() + file.with_name(file.name + "-wal").read_bytes()
    assert (
        requests.delete(visitor.url + "/sessions", headers=visitor.headers, timeout=30).status_code
        == 204
    )
    problem(visitor.post("/messages", json={"text": "hello"}), 401)
    for path in assistant.state.iterdir():
        content = path.read_bytes()
        assert (
            b"zanzibarquartz" not in content and visitor.opened["session"].encode() not in content
        ), path.name


@pytest.mark.parametrize(
    "command",
    [
        "/restart",
        "/back",
        "/session_start",
        "/ask_cost",
        '  /ask_cost{"a": "b"}',
        "\uff0frestart",
        "\u200b/restart",
        "/ask_cost@1.0",
        "/\n/restart",
        "/\u2028/back",
        "/\u1680/session_start",
        "/\t /\n/restart",
    ],
)
def test_typed_commands_are_read_as_words(visitor, command):
    first = visitor.say("does it hurt")
    turn = visitor.say(command)
    assert spoken(turn).strip() and "Restart" not in spoken(turn)
    history = requests.get(visitor.url + "/messages", headers=visitor.headers, timeout=30).json()[
        "turns"
    ]
    assert history[2]["turn"] == first and history[-1]["turn"] == turn
    assert visitor.choose(first["choices"][0]["id"])["topics"] == [first["choices"][0]["topic"]]


def test_four_messages_at_once_are_answered_once_each(visitor):
    visitor.say("hello")
    with ThreadPoolExecutor(4) as pool:
        turns = list(pool.map(visitor.say, ["does it hurt"] * 4))
    assert all(turn["topics"] == ["pain"] for turn in turns)
    assert len({turn["id"] for turn in turns}) == 4


def test_a_visitor_who_disconnects_loses_no_turn(assistant, visitor):
    host, port = "127.0.0.1", assistant.port
    body = b'{"text": "does it hurt"}'
    head = (
        f"POST /webhooks/web/messages HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer"
        f" {visitor.opened['token']}\r\nContent-Type: application/json\r\nContent-Length:"
        f" {len(body)}\r\n\r\n"
    )
    with socket.create_connection((host, port)) as connection:
        connection.sendall(head.encode() + body)
    history = lambda: requests.get(
        visitor.url + "/messages", headers=visitor.headers, timeout=30
    ).json()["turns"]
    until(lambda: len(history()) >= 3, "the turn to be recorded")
    turns = history()
    assert len(turns) == 3
    assert turns[-1]["turn"]["topics"] == ["pain"]


def test_preflights_are_answered_for_the_clinics_origin_only(assistant):
    def preflight(origin):
        headers = {
            "Origin": origin,
            "Access-Control-Request-Method": "POST",
            "Access-Control-Request-Headers": "authorization,content-type",
        }
        return requests.options(assistant.url + "/messages", headers=headers, timeout=30)

    allowed = preflight("https://moonwort.example")
    assert (
        allowed.status_code == 204
        and allowed.headers["Access-Control-Allow-Origin"] == "https://moonwort.example"
    )
    assert (
        "Authorization" in allowed.headers["Access-Control-Allow-Headers"]
        and "Access-Control-Allow-Credentials" not in allowed.headers
    )
    assert "Access-Control-Allow-Origin" not in preflight("https://evil.example").headers


def test_health_and_pages(assistant):
    health = requests.get(assistant.url + "/health", timeout=30).json()
    assert (
        health["status"] == health["actions"] == health["store"] == health["knowledge"] == "ok"
        and health["model"] != "none"
    )
    assert requests.get(assistant.url + "/live", timeout=30).status_code == 200
    page = requests.get(assistant.url + "/demo", timeout=30)
    assert (
        page.status_code == 200 and "default-src 'none'" in page.headers["Content-Security-Policy"]
    )
