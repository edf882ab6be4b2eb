"""What answers a message: a request that was sent, a privacy request, or the knowledge base. The
state after it."""

import re
from typing import Any, Dict, List, Optional, Tuple

from assistant import compose
from assistant.conversation import aside, counting_back, desk, manners, privacy
from assistant.handoff import afterwards, agreement, details
from assistant.handoff.form import Said
from assistant.handoff.veil import veil
from assistant.turn import Turn
from assistant.understanding.reading import certain
from assistant.webstore import WebStore

CALL_ME = re.compile(
    r"\b(?:call|phone|ring|text|contact|email|reach|message|buzz)\s+(?:me|us|back|my \w+|"
    r"[A-Z][a-z]+)\b|\bcall ?-?back\b|\b(?:like|want|need|get|prefer) a (?:quick |phone )?call\b|"
    r"\bget (?:in touch|back) (?:to|with) me\b|"
    r"\bgive me a (?:call|ring|bell|buzz)\b"
)
PERSON = re.compile(
    r"\b(?:can|could|may|would|is there)\b (?:(?:a|an|the|your|some|any|one of (?:your|the)|"
    r"real) ?)*(?:nurses?|doctors?|clinicians?|practitioners?|person|human|member of staff|staff|"
    r"team|somebody|someone|anybody|anyone)\b.{0,12}\b"
    r"(?:check|look into|call me|ring me|contact me|get back to me|(?:speak|talk) to me|"
    r"i (?:can|could) (?:talk|speak) to)\b",
    re.I,
)
#: Words of a message that is nothing but a yes.
FEW_WORDS = 4
DONT = re.compile(
    r"\b(?:don'?t|do not|never|stop|no need to)\b.{0,12}\b(?:call|phone|ring|text|contact|email|"
    r"message)",
    re.I,
)


def reply(
    said: Said, before: Optional[Dict[str, Any]], memory: Dict[str, Any], in_form: bool
) -> Tuple[Turn, Dict[str, Any]]:
    """The turn for a message and the state after it. `before` is the state so far, `memory` that of
    the request form, `in_form` whether the form is open."""
    state = {**compose.new_state(), **(before or {})}
    about_detail = not in_form and (
        afterwards.forgets(said, memory) or afterwards.asks_to_change(said, memory)
    )
    turn = (
        None
        if about_detail
        else privacy.turn_for(said.text, said.meaning, state, said.session, said.kb)
    )
    if turn is not None:
        turn.settles = True
        if turn.erase:
            return turn, {"erase": True}
        # The form that the question about deleting had set aside.
        if memory.get("outcome") == "erasing" and privacy.keeps(said.text, said.meaning, state):
            turn.begins_form, turn.settles = True, False
        pending = (
            "erase"
            if any(choice.meaning.get("request") == "erase" for choice in turn.choices)
            else None
        )
        return turn, {**compose.remember(turn, [], state), "pending": pending}
    turn = about_request(said, memory, in_form)
    if turn is not None:
        turn.begins_form = bool(said.form.get("consent") or said.form.get("again"))
        turn.settles = not turn.begins_form
        state = aside.carry(turn, said, state)
        masked = Turn.from_dict(veil(turn.as_dict(), turn.masks))
        return turn, compose.remember(masked, [], state)
    meaning = said.meaning
    named = None if in_form else said.kb.named(said.text)
    if named:  # as if its choice had been picked: it tells nothing of the visitor
        asks = [certain(said.text, named.id)]
        meaning = {**meaning, "language": "en", "request": "choice", "questions": asks}
        meaning["circumstances"] = []
    elif not in_form and (wants_call(said) or comes_back(said, memory)):
        meaning = {
            **meaning,
            "questions": [certain(said.text, "human_handoff")],
            "request": None,
        }
    elif not in_form and "human_handoff" in topics_of(meaning) and said.has("complaint"):
        # What went wrong is for the team; a word in it is no question about a topic.
        meaning = {**meaning, "questions": [certain(said.text, "human_handoff", "complaint")]}
    staff = not in_form and desk.about_staff(said.text) and "human_handoff" in topics_of(meaning)
    if staff:
        meaning = {**meaning, "questions": [certain(said.text, "clinic_info")]}
    sign = manners.emoji(said.text, state["topics"])
    if sign:
        meaning = {**meaning, "questions": [certain(said.text, *sign)]}
    turn, after = compose.compose(meaning, state, said.kb)
    after = counting_back.add(said.text, meaning, turn, after, said.kb)
    if not in_form and only_mentions(said, turn):
        turn.choices = [*turn.choices, manners.contact_choice(said.kb)]
        staff = True
    keep_vote(said, turn, meaning, state)
    turn.settles = staff
    turn.begins_form = (
        "human_handoff" in turn.topics
        and not staff
        and turn.urgency not in ("same_day", "emergency")
        and "minor" not in after["circumstances"]
    )
    return turn, after


def topics_of(meaning: Dict[str, Any]) -> List[str]:
    """The topics of a message's questions."""
    return [question["topic"] for question in meaning.get("questions", [])]


def comes_back(said: Said, memory: Dict[str, Any]) -> bool:
    """Whether a message takes up the form that danger signs had closed, or says yes to the offer
    that was left aside a message ago."""
    if memory.get("outcome") == "dropped":
        return len(said.text.split()) <= FEW_WORDS and agreement.reading(said.text) is True
    return bool(memory.get("request")) and not memory.get("outcome") and said.has("go_on")


def only_mentions(said: Said, turn: Turn) -> bool:
    """Whether a message that was taken for a wish to reach the team only mentions a person, a call
    or a phone ("I spoke to a nurse yesterday")."""
    return (
        "human_handoff" in turn.topics
        and not said.form
        and said.has("mention")
        and not said.has("request")
        and not said.complains()
    )


def wants_call(said: Said) -> bool:
    """Whether a message asks in plain words for a person or a call, gives hardly more than a number
    or an address, or asks for a call and nothing else that is sure."""
    text = said.text
    sure = any(question["decision"] == "answer" for question in said.meaning.get("questions", []))
    if (
        (DONT.search(text) and not said.prefers_a_way())
        or said.meaning.get("request")
        or said.meaning.get("language", "en") != "en"
    ):
        return False
    try:
        contact = bool(details.find_phone(text, said.country) or details.find_email(text))
    except details.NotUsable:
        contact = bool(CALL_ME.search(text))
    rest = len(details.EMAIL.sub(" ", details.DIGITS.sub(" ", text)).split())
    return (
        bool(PERSON.search(text))
        or (contact and (rest <= 6 or bool(CALL_ME.search(text))))
        or (not sure and bool(CALL_ME.search(text)))
    )


def about_request(said: Said, memory: Dict[str, Any], in_form: bool) -> Optional[Turn]:
    """The turn for a message about a request: when the team calls, a late detail, a withdrawal."""
    if not in_form:
        return afterwards.follow_up(said, memory) or (
            afterwards.closed(said) if said.form else None
        )
    return afterwards.when_call(said.kb, said.text) if afterwards.asks_when(said.text) else None


def keep_vote(said: Said, turn: Turn, meaning: Dict[str, Any], state: Dict[str, Any]) -> None:
    """A thumb or a "that helped" in words is kept like a click on a thumb, with the turn and the
    topic that it is about."""
    names = [
        name
        for question in meaning.get("questions", [])
        if question["topic"] == "feedback"
        for name in (question.get("entities") or {}).get("situation", [])
    ]
    vote = "up" if "helped" in names else "down" if "not_helped" in names else None
    if vote and turn.topics == ["feedback"] and state.get("last_id") and state["topic"]:
        WebStore().vote(said.session, state["last_id"], state["topic"], vote, None)
