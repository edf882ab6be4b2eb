"""What a running assistant keeps of personal data."""

import re
import sqlite3

import pytest

from assistant import launch
from tests.support.servers import Assistant, Visitor, spoken

MARKED = [
    "Nadia Wexcombe",
    "nadia@wrenfield.example",
    "07700 900733",
    "4111 1111 1111 1111",
    "SW1A 1AA",
    "221b Baker Street",
    "12/05/1985",
    "QQ123456C",
    "Zebulon",
]


@pytest.fixture
def assistant(tmp_path):
    """A server of this test's own: it reads every file of the state folder, to which others write
    names and addresses that belong there."""
    launch.train()
    running = Assistant(tmp_path)
    try:
        yield running.wait()
    finally:
        running.end()


def test_nothing_personal_is_left_in_the_files_outside_of_the_request(assistant):
    visitor = Visitor(assistant.url)
    visitor.say("hi, my name is Nadia Wexcombe and I'm pregnant, born 12/05/1985")
    visitor.say("I live at 221b Baker Street, SW1A 1AA. how long will I be red?")
    visitor.say("can I pay with 4111 1111 1111 1111? my ni number is QQ123456C")
    answered = visitor.say(
        "my face is swollen shut and I can't breathe, I'm called Zebulon, nadia@wrenfield.example"
    )
    assert answered["urgency"] == "emergency"
    visitor.say("please call me on 07700 900733")
    told = spoken(visitor.say("does it hurt?"))
    vote = {
        "turn": visitor.say("how many sessions do I need")["id"],
        "vote": "up",
        "comment": "thanks, email nadia@wrenfield.example",
    }
    assert visitor.post("/feedback", json=vote).status_code == 204
    assert told
    files = [path for path in assistant.state.rglob("*") if path.is_file()]
    assert any(path.name.endswith("-wal") for path in files)
    kept = b"".join(path.read_bytes() for path in files).decode("utf-8", "replace")
    kept = re.sub(r"\\u([0-9a-f]{4})", lambda match: chr(int(match[1], 16)), kept)
    assert "[date of birth]" in kept and "how long will I be red" in kept
    assert [
        word
        for word in [*MARKED, "900733", "Wexcombe", "wrenfield"]
        if word.lower() in kept.lower()
    ] == []
    request = Visitor(assistant.url)
    for text in (
        "I want to talk to a person",
        "yes",
        "Xanthippe Vane",
        "07700 900743",
        "does it hurt?",
        "mornings",
        "Xanthippe here, can I come with a tattoo?",
    ):
        request.say(text)
    holding = set()
    with sqlite3.connect(assistant.state / "assistant.sqlite") as database:
        for (table,) in database.execute(
            "SELECT name FROM sqlite_master WHERE type = 'table'"
        ).fetchall():
            text = str(database.execute(f"SELECT * FROM {table}").fetchall())
            holding |= {table} if "Xanthippe" in text or "900743" in text else set()
    assert holding == {"contact_requests"}
    assert "pregnancy" in kept or "pregnant" in kept, "the caution's flag stays"
