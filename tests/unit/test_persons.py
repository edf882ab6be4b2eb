"""Whom the talk is about, and what was put right."""

import pytest

from assistant import compose, knowledge
from assistant.understanding import persons

SELF = {"who": "self", "when": "now"}
OTHER = {"who": "other", "when": "now"}


@pytest.fixture(scope="module")
def kb():
    return knowledge.load()


def state_with(**circumstances):
    last = {"kind": "answer", "topics": ["pain"], "sources": []}
    known = {
        **compose.new_state(),
        "last": last,
        "topic": "pain",
        "topics": ["pain"],
        "circumstances": circumstances,
        "stated_last": list(circumstances),
    }
    return known


@pytest.mark.parametrize(
    "text, request_",
    [
        ("and what about me?", "about_me"),
        ("ok and for my dad", "about_other"),
        ("so none of us then", "about_both"),
        ("no, not me - my aunt", "not_me"),
        ("that was about my cousin, not me", "not_me"),
        ("it's me, not her", "not_other"),
        ("does it hurt me", None),
        ("my sister had it last year and loved it", None),
    ],
)
def test_short_messages_about_persons(text, request_):
    assert persons.request(text, state_with(isotretinoin=SELF)) == request_


def test_nobody_is_corrected_before_anything_was_told():
    assert persons.request("not me, my aunt", state_with()) is None


def said(reading, state, kb):
    turn, after = compose.compose({"questions": [], "language": "en", **reading}, state, kb)
    return " ".join(message.text for message in turn.messages), turn, after


def test_each_person_is_told_what_was_told_of_them(kb):
    state = state_with(isotretinoin=SELF, blood_thinner=OTHER)
    _, mine, _ = said({"request": "about_me"}, state, kb)
    _, theirs, _ = said({"request": "about_other"}, state, kb)
    _, both, _ = said({"request": "about_both"}, state, kb)
    assert mine.cautions == ["isotretinoin"] and theirs.cautions == ["blood_thinner"]
    assert set(both.cautions) == {"isotretinoin", "blood_thinner"}


def test_of_whom_nothing_was_told_gets_the_last_answer_in_short(kb):
    text, turn, _ = said({"request": "about_me"}, state_with(breastfeeding=OTHER), kb)
    assert "told me nothing" in text and turn.topics == ["pain"] and not turn.cautions


def test_what_was_told_goes_over_to_the_right_person(kb):
    _, turn, after = said({"request": "not_me"}, state_with(breastfeeding=SELF), kb)
    assert after["circumstances"]["breastfeeding"]["who"] == "other" and not turn.cautions
    _, _, after = said({"request": "not_other"}, state_with(breastfeeding=OTHER), kb)
    assert after["circumstances"]["breastfeeding"]["who"] == "self"


def test_an_age_of_age_takes_back_a_minor(kb):
    state = state_with(minor=SELF)
    denied = persons.taken_back("oops, I meant 34", state["circumstances"])
    text, _, after = said({"circumstances": denied}, state, kb)
    assert "minor" not in after["circumstances"] and "put that right" in text
    assert persons.taken_back("i'm 16, nearly 17", state["circumstances"]) == []
    assert persons.taken_back("I'm 30 weeks along", state["circumstances"]) == []
    assert persons.taken_back("I'm 34", {"minor": OTHER}) == []


def test_a_denial_takes_back_only_what_was_told_of_the_same_person(kb):
    denied = [{"id": "breastfeeding", "who": "self", "when": "now", "denied": True}]
    _, _, after = said({"circumstances": denied}, state_with(breastfeeding=OTHER), kb)
    assert after["circumstances"]["breastfeeding"]["who"] == "other"


def test_a_reminder_is_said_twice_at_most(kb):
    state, texts = state_with(isotretinoin=SELF), []
    question = {"topic": "pain", "decision": "answer", "text": "", "entities": {}}
    for _ in range(4):
        turn, state = compose.compose({"questions": [question], "language": "en"}, state, kb)
        texts += [message.text for message in turn.messages if message.role == "caution"]
    assert len(texts) <= 2
