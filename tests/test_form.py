"""The words that the request form listens for, and what is held before consent."""
import time

import pytest

from assistant.conversation import privacy, replying
from assistant.handoff import afterwards, form
from assistant.handoff.form import Held


@pytest.mark.parametrize("text", ["yes", "Yeah go on", "ok then", "sure thing", "please do", "that's fine by me", "alright", "of course", "no problem at all", "yes I agree", "👍", "y", "I consent", "happy for them to call", "sounds good", "yup", "fine, whatever", "okie", "why not", "if you like", "I don't mind", "absolutely"])
def test_yes(text):
    assert form.YES.match(text) and not form.NO.match(text)


@pytest.mark.parametrize("text", ["no", "Nope", "no thanks", "nah you're alright", "not now", "I'd rather call myself", "don't", "rather not", "I don't want that", "not really", "leave it", "no way", "please don't", "I'm not comfortable with that"])
def test_no(text):
    assert form.NO.match(text)


@pytest.mark.parametrize("text", ["ok no thanks", "yes but not really", "sure, I don't want that", "yeah no", "okay, actually don't"])
def test_a_yes_that_is_taken_back_is_no_consent(text):
    assert form.NO.match(text) or form.DOUBT.search(text)


@pytest.mark.parametrize("text", ["yes, no problem", "yes I don't mind", "ok that's fine", "yes please call after nine, not before", "sure, go ahead"])
def test_a_plain_yes_is_consent(text):
    assert form.YES.match(text) and not form.DOUBT.search(text) and not form.NO.match(text)


@pytest.mark.parametrize("text", ["stop", "cancel", "please stop", "forget it", "never mind", "I changed my mind", "actually cancel that", "i don't want a call any more", "can we stop", "don't call me"])
def test_stop(text):
    assert form.STOP.match(text)


@pytest.mark.parametrize("text", ["can I cancel my appointment", "I want to cancel my booking on Friday", "how do I stop the redness", "Stoppard", "please call in the morning"])
def test_not_stop(text):
    assert not form.STOP.match(text)


@pytest.mark.parametrize("text", ["skip", "Skip it please", "no", "none", "that's all", "nothing else", "n/a", "no preference", "I'd rather not say", "don't mind", "no thank you", "done"])
def test_skip(text):
    assert form.SKIP.match(text)


@pytest.mark.parametrize("text", ["no evenings please", "nothing hurts but it is red", "done twice before, is a third time too much?", "passing by on Friday"])
def test_not_skip(text):
    assert not form.SKIP.match(text)


@pytest.mark.parametrize("text, digits", [("the number ends in 7", "7"), ("sorry it ends with 42", "42"), ("last digit is 3", "3"), ("the last two digits should be 88", "88")])
def test_endings(text, digits):
    found = form.ENDING.search(text)
    assert (found["a"] or found["b"]).strip() == digits


@pytest.mark.parametrize("text", ["when will they call", "how soon will someone get back to me", "when am i going to hear back, when will they ring?", "what time will the clinic phone me"])
def test_when_they_call(text):
    assert afterwards.asks_when(text)


@pytest.mark.parametrize("text", ["when can I wash my face", "how soon does the redness go", "when should I call a doctor"])
def test_other_whens(text):
    assert not afterwards.asks_when(text)


@pytest.mark.parametrize("text", ["delete my data", "please erase everything you have on me", "forget everything about me", "wipe this chat", "can you delete our conversation please", "I want my details removed, delete all of it", "remove my number"])
def test_erasure_is_wanted(text):
    assert privacy.wanted(text)


@pytest.mark.parametrize("text", ["how do I delete my data", "does it remove scars", "forget that I said retinol", "can it erase wrinkles", "I want to remove my tattoo", "clear skin is all I want", "what happens if you delete my data", "get rid of my acne scars"])
def test_erasure_is_not_wanted(text):
    assert not privacy.wanted(text)


@pytest.mark.parametrize("text", ["can somebody check that for me", "could a nurse ring me", "is there someone I can talk to", "please call me back", "give me a ring"])
def test_a_person_is_wanted(text):
    assert replying.PERSON.search(text) or replying.CALL_ME.search(text)


@pytest.mark.parametrize("text", ["can anyone have it", "can I check the price", "call it off", "would a doctor do the treatment", "what do you call the red bits"])
def test_no_person_is_wanted(text):
    assert not replying.PERSON.search(text) and not replying.CALL_ME.search(text)


def test_details_before_consent_are_held_for_a_while_and_by_conversation(monkeypatch):
    held = Held()
    held.put("a", {"phone": "1"})
    held.put("a", {"name": "Bo"})
    assert held.get("b") == {} and held.get("a") == {"phone": "1", "name": "Bo"}
    later = time.monotonic() + form.HELD_FOR + 1
    monkeypatch.setattr(time, "monotonic", lambda: later)
    assert held.get("a") == {}
    monkeypatch.undo()
    assert held.take("a") == {"phone": "1", "name": "Bo"} and held.get("a") == {}
