"""Safety through the running servers."""

import sqlite3

from tests.support.servers import Visitor, spoken


def test_a_crisis_ends_the_form_and_deletes_what_it_has(assistant):
    visitor = Visitor(assistant.url)

    def drafts():
        with sqlite3.connect(assistant.state / "assistant.sqlite") as connection:
            return connection.execute(
                "SELECT count(*) FROM contact_requests WHERE session = ?",
                (visitor.opened["session"],),
            ).fetchone()[0]

    visitor.say("can a person help me please")
    visitor.say("yes")
    visitor.say("Ottilie Zundel, 07700 900888")
    assert drafts() == 1
    turn = visitor.say("I want to kill myself")
    assert (turn["kind"], turn["urgency"], turn["choices"]) == (
        "crisis",
        "emergency",
        [],
    ) and "116 123" in spoken(turn)
    assert visitor.say("what does one visit cost")["kind"] == "answer"
    assert drafts() == 0


def test_what_a_very_long_message_tells_is_not_forgotten(assistant):
    visitor = Visitor(assistant.url)
    filler = "We walked to the market and bought bread, and then we came home again. " * 70
    turn = visitor.say(f"{filler} By the way, I take warfarin. {filler}")
    assert "blood_thinner" in turn["cautions"] and "more than I can read" in spoken(turn)
    assert "blood_thinner" in visitor.say("what does one visit cost")["cautions"]
    visitor = Visitor(assistant.url)
    assert (
        visitor.say(f"{filler} Pus is coming out of my cheek since yesterday.")["urgency"]
        == "same_day"
    )
    assert "First: please get help today" in spoken(visitor.say("what does one visit cost"))
