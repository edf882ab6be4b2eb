"""Manners: greetings by the time of day, never the same sentence twice in a row, a way back into
the conversation, a person to turn to."""

import datetime as dt
import re
from typing import Any, Dict, List, Optional, Tuple

from assistant.conversation.memory import was_said
from assistant.hours import Opening
from assistant.knowledge import Knowledge, Topic
from assistant.turn import Choice, Turn

SMALL = ("smalltalk", "feedback")
#: What emoji alone say: topic, situation and the signs; those of feedback count only when there is
#: something to give feedback on.
EMOJI = (
    ("feedback", "helped", "\U0001f44d\U0001f44f\U0001f64f\U0001f44c\U0001f4af"),
    ("feedback", "not_helped", "\U0001f44e\U0001f612\U0001f644\U0001f621"),
    (
        "smalltalk",
        "laugh",
        "\U0001f602\U0001f923\U0001f606\U0001f605\U0001f604\U0001f601\U0001f600",
    ),
    ("smalltalk", "love", "\u2764\U0001f970\U0001f60d\U0001f618\U0001f495"),
    ("smalltalk", "goodbye", "\U0001f44b"),
    ("smalltalk", "thanks", "\U0001f64f"),
    ("smalltalk", "ok", "\U0001f44d\U0001f44c"),
)
#: What a circumstance asks for that a person at the clinic has to look at
#: (data/knowledge/cautions.yml).
NEEDS_A_PERSON = ("ask_first", "specialist_first", "treat_first")


def emoji(text: str, topics: List[str]) -> Optional[Tuple[str, str]]:
    """Topic and situation of a message of emoji alone, or None; `topics` are what was talked about
    last."""
    signs = set(re.sub("[\\s\U0001f3fb-\U0001f3ff\ufe0f]", "", text))
    for topic, situation, known in EMOJI:
        if signs and signs <= set(known) and (topics or topic != "feedback"):
            return topic, situation
    return None


def part_of_day(kb: Knowledge, now: Optional[dt.datetime] = None) -> Optional[str]:
    """Morning, afternoon or evening by the clinic's clock; None when clinic.yml names no time
    zone."""
    opening = Opening(kb.clinic)
    if opening.zone is None:
        return None
    hour = opening.local(now).hour
    return "morning" if 4 <= hour < 12 else "afternoon" if 12 <= hour < 18 else "evening"


def greeting(
    text: str,
    situation: Optional[str],
    state: Dict[str, Any],
    kb: Knowledge,
    now: Optional[dt.datetime] = None,
) -> Optional[str]:
    """The first greeting of a conversation, by the time of day (the visitor's own, when `text`
    names it); None when another text fits."""
    if situation != "greeting" or state["answered"] or state["replies"].get("greeting"):
        return None
    own = re.search(r"\b(morning|afternoon|evening)\b", text, re.I)
    part = own.group(1).lower() if own else part_of_day(kb, now)
    return kb.talk("manners", "greeting", part_of_day=part) if part else None


def known_situation(situation: Optional[str], state: Dict[str, Any]) -> Optional[str]:
    """A greeting in the middle of a conversation is a return."""
    return (
        "returning"
        if situation == "greeting" and (state["answered"] or state["replies"].get("greeting"))
        else situation
    )


def fresh(text: str, topic: Topic, state: Dict[str, Any], kb: Knowledge) -> str:
    """`text`, or other words for it when the conversation has had it already; of a boundary topic,
    when it was said just now."""
    said = [message["text"] for message in (state.get("last") or {}).get("messages", [])]
    if topic.id == "crisis" or not was_said(text, state):
        return text
    if topic.group != "boundaries":
        others = [topic.short, topic.more, topic.why, topic.answer]
        fresh_ones = (kb.phrases.fill(other) for other in others if other)
        return next(
            (other for other in fresh_ones if not was_said(other, state)),
            kb.talk("manners", "as_said", said=kb.phrases.fill(topic.short)),
        )
    if text not in said:
        return text
    others = [
        kb.phrases.fill(topic.short),
        kb.talk("manners", "again"),
        kb.talk("manners", "again_more"),
    ]
    return next((other for other in others if other not in said), text)


def way_back(topics: List[Topic], state: Dict[str, Any], kb: Knowledge) -> Optional[List[str]]:
    """After small talk: what could be asked next, from what the conversation was about; None after
    anything else."""
    if not topics or any(topic.id not in SMALL for topic in topics):
        return None
    suggested, turns = list(kb.replies["suggested_topics"]), sum(state["replies"].values())
    before = [
        name
        for name in reversed(state["answered"])
        if name in kb.topics and kb.topic(name).group != "boundaries"
    ][:2]
    return (
        [name for topic in before for name in kb.topic(topic).follow_ups]
        + suggested[turns % len(suggested) :]
        + suggested[: turns % len(suggested)]
    )


def contact_choice(kb: Knowledge) -> Choice:
    """The choice that begins the request form."""
    return Choice(kb.talk("handoff", "choice_contact"), "human_handoff", {"topic": "human_handoff"})


def offer(turn: Turn, reading: Dict[str, Any], state: Dict[str, Any], kb: Knowledge) -> None:
    """Offer a person where the answer alone may not be enough: after misses, after "that didn't
    help", with cautions that a clinician has to look at."""
    situations = [
        name
        for question in reading.get("questions", [])
        for name in (question.get("entities") or {}).get("situation", [])
    ]
    unhelped = "feedback" in turn.topics and "not_helped" in situations
    if unhelped and state.get("topics"):
        turn.choices = [
            Choice(kb.talk("manners", "choice_more"), state["topics"][0], {"request": "more"}),
            *turn.choices[:2],
        ]
    stated = [
        item["id"]
        for item in reading.get("circumstances", [])
        if not item["denied"] and item["id"] in kb.circumstances
    ]
    clinician = any(kb.circumstances[name].stance in NEEDS_A_PERSON for name in stated)
    missed = turn.kind in ("fallback", "clarify") and state["misses"] >= 1
    if (
        unhelped
        or clinician
        or missed
        or turn.urgency == "contact_clinic"
        or "diagnosis_request" in turn.topics
    ) and "minor" not in stated:
        if turn.kind == "clarify":
            turn.choices.insert(max(0, len(turn.choices) - 1), contact_choice(kb))
        else:
            turn.choices = [choice for choice in turn.choices if choice.topic != "human_handoff"][
                :3
            ] + [contact_choice(kb)]


def without_link(turn: Turn, known: Dict[str, Dict[str, str]], kb: Knowledge) -> None:
    """No booking link to somebody under age: the sentence with it is replaced."""
    link = kb.clinic.booking_link
    if link and "minor" in known:
        for message in turn.messages:
            if link in message.text:
                message.text = kb.talk("desk", "booking_minor")
