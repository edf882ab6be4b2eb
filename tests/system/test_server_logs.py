"""The servers' logs: one line a turn, and not a word of what a visitor wrote, whatever breaks."""

import hashlib
import hmac
import json

import pytest
import requests

from assistant import logs
from tests.support.servers import Assistant, Visitor, end
from tests.support.waiting import until

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
    turns = lambda: [entry for entry in entries(own) if entry["event"] == "turn"]
    until(lambda: len(turns()) >= 7, "the lines of all turns")
    written = own.log.read_text("utf-8").lower()
    assert [word for word in MARKERS if word in written] == []
    said = turns()
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
