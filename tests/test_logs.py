"""The logs: one line a turn, errors with type and place, and not a word of what a visitor wrote."""

import hashlib
import hmac
import json
import logging
import sys
import time

import pytest
import requests
import structlog

from assistant import logs
from tests.servers import Assistant, Visitor, end

MARKERS = ["zebrafish", "quokka", "narwhal", "axolotl", "okapi", "pangolin"]


def entries(assistant):
    """The JSON lines that the servers wrote."""
    return [
        json.loads(line)
        for line in assistant.log.read_text("utf-8").splitlines()
        if line.startswith("{")
    ]


@pytest.fixture(scope="module")
def own(tmp_path_factory):
    running = Assistant(tmp_path_factory.mktemp("logs"), ASSISTANT_LOGS="json", LOG_LEVEL="DEBUG")
    try:
        yield running.wait()
    finally:
        running.end()


def test_no_word_of_a_visitor_is_logged_whatever_breaks(own):
    visitor = Visitor(own.url)
    visitor.say("does microneedling hurt", client_id="quokka-1")
    visitor.say("does it hurt, zebrafish")
    visitor.say('my name is Zebrafish, /zebrafish{"quokka": 1}')
    visitor.say("/quokka{broken zebrafish")
    assert (
        visitor.say("my face is swollen and I can't breathe, zebrafish")["urgency"] == "emergency"
    )
    for body in (
        '{"text": "narwhal"',
        '["narwhal"]',
        '{"text": {"narwhal": 1}}',
        '{"choice": "narwhal"}',
    ):
        assert (
            requests.post(
                own.url + "/messages",
                data=body,
                headers={**visitor.headers, "Content-Type": "application/json"},
                timeout=30,
            ).status_code
            == 400
        )
    assert requests.get(own.url + "/narwhal?narwhal=narwhal", timeout=30).status_code == 404
    crash = {
        "next_action": "action_answer",
        "sender_id": "x",
        "version": "3.6.21",
        "tracker": {
            "sender_id": "x",
            "latest_input_channel": "web",
            "slots": {"conversation": "axolotl"},
            "latest_message": {"text": "axolotl", "meaning": "axolotl"},
            "events": [],
        },
        "domain": {},
    }
    refused = requests.post(f"http://127.0.0.1:{own.action_port}/webhook", json=crash, timeout=30)
    assert refused.status_code == 401
    key = hmac.new(
        (own.state / "secret").read_bytes(), b"action server", hashlib.sha256
    ).hexdigest()
    answered = requests.post(
        f"http://127.0.0.1:{own.action_port}/webhook",
        json=crash,
        headers={"X-Assistant-Key": key},
        timeout=30,
    )
    assert answered.status_code == 200 and answered.json()["responses"], (
        "an action that crashes says the kind sentence"
    )
    requests.post(
        f"http://127.0.0.1:{own.action_port}/webhook",
        data="{okapi",
        headers={"X-Assistant-Key": key},
        timeout=30,
    )
    end(own.actions)
    assert visitor.say("how long will I be red, pangolin")["kind"] == "fallback"
    assert visitor.say("I can't breathe after needling, pangolin")["urgency"] == "emergency"
    own.restart()
    own.wait()
    time.sleep(0.5)
    written = own.log.read_text("utf-8").lower()
    assert [word for word in MARKERS if word in written] == []
    said = [entry for entry in entries(own) if entry["event"] == "turn"]
    assert len(said) == 7
    first = said[0]
    assert (
        first["conversation"] == visitor.opened["session"]
        and first["topics"] == ["pain"]
        and first["kind"] == "answer"
        and first["urgency"] == "none"
    )
    assert (
        first["confidence"] in ("high", "medium", "low")
        and first["milliseconds"] > 0
        and first["model"] not in ("", "none")
        and first["worker"] == own.rasa.pid
    )
    assert {entry["urgency"] for entry in said} >= {"none", "emergency"}
    wrong = [entry for entry in entries(own) if entry.get("error")]
    assert any(
        entry["process"] == "actions"
        and entry["logger"] == "actions.answer"
        and entry["place"].startswith("assistant/")
        for entry in wrong
    ), wrong
    assert all(set(entry) <= logs.KEYS for entry in entries(own))


@pytest.fixture
def own_logging(monkeypatch):
    """Switches the project's logging on in this process when it is called; taken back
    afterwards."""
    monkeypatch.setenv("ASSISTANT_LOGS", "json")
    root = list(logging.root.handlers)
    hook = sys.excepthook
    levels = {name: logging.getLogger(name).level for name in ("", *logs.OWN)}
    yield lambda: logs.configure("test")
    logging.captureWarnings(False)
    logging.root.handlers, sys.excepthook = root, hook
    for name, level in levels.items():
        logging.getLogger(name).setLevel(level)
    structlog.reset_defaults()


def lines(capsys):
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_lines_of_libraries_keep_their_place_and_lose_their_words(own_logging, capsys):
    own_logging()
    logging.getLogger("rasa.core.processor").warning("failed to parse zebrafish")
    structlog.get_logger("rasa.core.processor").warning(
        "processor.message.parse", text="quokka", event_info="narwhal"
    )
    structlog.get_logger("rasa.core.processor").warning("Message okapi", rasa_events=["axolotl"])
    plain, named, sentence = lines(capsys)
    assert "test_logs.py" in plain["place"] and plain["logger"] == "rasa.core.processor"
    assert named["event"] == "processor.message.parse" and set(named) == {
        "event",
        "logger",
        "level",
        "time",
        "process",
    }
    assert sentence["event"] == "line of a library"


def test_an_error_is_its_type_and_place(own_logging, capsys):
    own_logging()
    try:
        try:
            int("zebrafish")
        except ValueError as error:
            raise RuntimeError("quokka said zebrafish") from error
    except RuntimeError:
        logging.getLogger("assistant.rasa.web").exception("web channel")
    (line,) = lines(capsys)
    assert (
        line["error"] == "RuntimeError < ValueError"
        and "tests/test_logs.py" in line["place"]
        and "zebrafish" not in str(line)
        and "quokka" not in str(line)
    )


def test_own_lines_lose_personal_data_and_unknown_keys(own_logging, capsys):
    own_logging()
    structlog.get_logger("assistant.turns").info(
        "refused nadia@posteo.example", topics=["pain"], text="zebrafish"
    )
    (line,) = lines(capsys)
    assert line["event"] == "refused [email]" and line["topics"] == ["pain"] and "text" not in line


def test_a_terminal_gets_readable_lines(own_logging, monkeypatch, capsys):
    monkeypatch.setenv("ASSISTANT_LOGS", "console")
    own_logging()
    structlog.get_logger("assistant.turns").info(
        "turn", topics=["pain"], milliseconds=4.2, conversation="abc"
    )
    out = capsys.readouterr().out
    assert (
        "topics=['pain']" in out
        and "milliseconds=4.2" in out
        and "abc" not in out
        and not out.startswith("{")
    )


def test_a_wrong_format_is_refused(monkeypatch):
    monkeypatch.setenv("ASSISTANT_LOGS", "xml")
    with pytest.raises(SystemExit, match="json or console"):
        logs.as_json()
