"""An emergency whose sign has eased stays one until somebody has looked at it."""

import pytest

from assistant import compose, knowledge
from assistant.safety.settled import eased


@pytest.mark.parametrize(
    "text, better",
    [
        ("ok it is easing a bit", True),
        ("swelling went down after the tablet", True),
        ("I can see again now, so all fine?", True),
        ("feeling much better", True),
        ("is a laser better for scars?", False),
        ("it has not eased at all", False),
        ("what does it cost", False),
    ],
)
def test_whether_a_sign_has_eased(text, better):
    assert eased(text) == better


def test_an_eased_emergency_is_said_again_and_the_rest_after_it():
    kb = knowledge.load()
    state = {**compose.new_state(), "urgent": "emergency", "topics": ["urgent_symptom"]}
    question = {"topic": "cost", "decision": "answer", "text": "", "entities": {}}
    reading = {"questions": [question], "language": "en", "triage": {"eased": True}}
    turn, after = compose.compose(reading, state, kb)
    assert (turn.urgency, turn.kind, turn.topics) == (
        "emergency",
        "triage",
        ["urgent_symptom", "cost"],
    )
    assert "999" in turn.messages[0].text and "does not settle it" in turn.messages[1].text
    assert after["urgent"] == "emergency"


def test_what_was_seen_to_is_settled():
    kb = knowledge.load()
    state = {**compose.new_state(), "urgent": "emergency"}
    question = {"topic": "cost", "decision": "answer", "text": "", "entities": {}}
    reading = {"questions": [question], "triage": {"eased": True, "settled": True}}
    turn, after = compose.compose(reading, state, kb)
    assert turn.urgency == "none" and after["urgent"] is None
