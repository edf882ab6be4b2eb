"""A danger sign is answered whatever the record does."""

import asyncio

import pytest

from assistant.rasa import web
from assistant.rasa.web import Endpoints
from assistant.turn import Turn
from assistant.webstore import BadToken

URGENT = Turn("urgent", urgency="emergency")
SMALL_TALK = Turn("smalltalk").as_dict()


def answered(recorded):
    """The turn that a visitor gets, and the names under which it was recorded."""
    names = []

    async def record(name):
        names.append(name)
        return await recorded(name)

    async def visit():
        channel = Endpoints.__new__(Endpoints)
        channel.recording = {}
        return await channel.at_once("session", URGENT, "name", record)

    return asyncio.run(visit()), names


def test_a_record_that_hangs_is_not_waited_for(monkeypatch):
    monkeypatch.setattr(web, "RECORD_WAIT", 0.05)

    async def hangs(_name):
        await asyncio.Event().wait()

    turn, _ = answered(hangs)
    assert turn["urgency"] == "emergency" and turn["id"] == URGENT.as_dict()["id"]


def test_the_recorded_turn_stands():
    before = Turn("urgent", urgency="emergency").as_dict()

    async def recorded(_name):
        return before

    assert answered(recorded) == (before, ["name"])


def test_a_name_that_was_used_before_gives_no_old_small_talk():
    async def recorded(name):
        return SMALL_TALK if name == "name" else URGENT.as_dict()

    turn, names = answered(recorded)
    assert turn["urgency"] == "emergency" and names == ["name", "name-urgent"]


def test_a_conversation_that_is_gone_is_said():
    async def gone(_name):
        raise BadToken("gone")

    with pytest.raises(BadToken):
        answered(gone)
