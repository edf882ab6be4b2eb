"""What the form says: its questions, its summary, and what happens next. Texts are in
data/knowledge/conversation.yml under `handoff`."""

import datetime as dt
import re
from typing import Any, Dict, List, Optional

from assistant.conversation import desk, manners
from assistant.handoff import details, requests
from assistant.handoff.fields import FIELDS, LABELS
from assistant.handoff.veil import NAME, masks
from assistant.hours import Opening, clock, moment_words
from assistant.knowledge import Knowledge
from assistant.turn import Choice, Turn

TOPIC = "human_handoff"
#: Characters of a long question that the summary shows.
MOST_SHOWN = 200


def plain_words(text: str) -> str:
    """A visitor's words for a markdown text: on one line, without signs that would turn into links,
    emphasis or HTML."""
    return re.sub(r"[\[\]()<>*_`#|~\\]", " ", " ".join(text.split())).strip()


def form_choice(kb: Knowledge, title: str, values: Dict[str, Any], **more: str) -> Choice:
    """A choice that answers the form."""
    return Choice(kb.talk("handoff", title, **more), TOPIC, {"form": values})


def ask(asked: str, memory: Dict[str, Any], kb: Knowledge, text: str) -> Turn:
    """The open question as a turn: the reason for asking again, if any, then the question, its
    choices, and the masks of what was just said."""
    name = asked[len("handoff_") :]
    request = (requests.get(memory["request"]) if memory.get("request") else None) or {}
    problem, note = memory.get("problem"), memory.get("note")
    turn = Turn("form", topics=[TOPIC])
    say = lambda key, **more: turn.say("question", kb.talk("handoff", key, **more), TOPIC)
    if memory.get("need"):
        say("need_noted")
    if problem and problem != "email_typo":
        say(problem)
    if problem == "email_typo":
        say("email_typo", domain=memory["suggest"])
        turn.choices = [
            form_choice(
                kb, "choice_domain", {"domain": memory["suggest"]}, domain=memory["suggest"]
            ),
            form_choice(kb, "choice_keep", {"keep": True}),
        ]
    elif name == "consent":
        say(
            "ask_consent_held"
            if note == "held"
            else "ask_consent_short"
            if note == "again" or problem
            else "ask_consent"
        )
        turn.choices = [
            form_choice(kb, "choice_yes", {"consent": True}),
            form_choice(kb, "choice_no", {"consent": False}),
        ]
    elif (
        problem is None
        or problem.startswith("why")
        or problem in ("complaint", "complaint_again", "forgotten")
        or problem.endswith("unclear")
        or name != "contact"
        and problem.startswith(("phone", "email"))
    ):
        short = note == "again" or problem
        if name == "contact" and request.get("name") and not short:
            say("ask_contact_named", name=plain_words(details.first_name(request["name"])))
        else:
            say(f"ask_{name}_short" if short and name != "contact" else f"ask_{name}")
    if any(one.slot == asked and one.skip for one in FIELDS) and problem != "email_typo":
        turn.choices.append(form_choice(kb, "choice_skip", {"skip": name}))
    if name == "time" and problem != "email_typo":
        turn.choices.append(form_choice(kb, "choice_send", {"send": True}))
    if name != "consent":
        turn.choices.append(form_choice(kb, "choice_stop", {"stop": True}))
    turn.masks = hidden(text, request, kb)
    return turn


def hidden(text: str, request: Dict[str, Any], kb: Knowledge) -> Dict[str, str]:
    """The masks of a turn of the form: contact details in `text` and those of the request in every
    spelling that a turn shows."""
    spellings = [details.shown(request["phone"], kb.clinic.country)] if request.get("phone") else []
    names = [
        name
        for name in (details.find_name(text, False), plain_words(request.get("name") or ""))
        if name
    ]
    return {**masks(text, request, spellings), **{name: NAME for name in names}}


def summary(request: Dict[str, Any], kb: Knowledge) -> str:
    """What a request holds, as one phrase."""
    parts: List[str] = []
    shown = {
        **request,
        "phone": (
            details.shown(request["phone"], kb.clinic.country) if request.get("phone") else None
        ),
    }
    for key, label in LABELS.items():
        value = shown.get(key)
        if value:
            value = value.replace("\n", "; ")
            value = value if key in ("phone", "email") else plain_words(value)
            parts.append(
                kb.talk(
                    "handoff",
                    f"detail_{label}",
                    value=(
                        value
                        if len(value) <= MOST_SHOWN
                        else value[:MOST_SHOWN].rsplit(" ", 1)[0] + " ..."
                    ),
                )
            )
    return "; ".join(parts)


def next_steps(kb: Knowledge, now: Optional[dt.datetime] = None) -> str:
    """What happens after a request, in the clinic's hours."""
    opening = Opening(kb.clinic)
    if not opening.known:
        return kb.talk("handoff", "next_unknown")
    status, here = opening.status(now), opening.local(now)
    if status.open:
        return kb.talk("handoff", "next_open", until=clock(status.until))
    if status.next is None:
        return kb.talk("handoff", "next_unknown")
    return kb.talk("handoff", "next_closed", when=moment_words(status.next, here))


def outcome(memory: Dict[str, Any], kb: Knowledge, text: str) -> Optional[Turn]:
    """The turn that ends the form; None when nothing is left to say."""
    result = memory.get("outcome")
    request = requests.get(memory["request"]) if memory.get("request") else None
    if result == "complete" and request:
        return completed(request, kb, text)
    if result == "already" and request:
        return already(request, kb, text)
    if result in (None, "complete", "already", "erasing", "quiet"):
        return None
    turn = Turn("handoff", topics=[TOPIC])
    turn.say("answer", kb.talk("handoff", result), TOPIC)
    if result in ("failed", "store_down", "no_contact", "dropped"):
        turn.choices = [manners.contact_choice(kb)]
    turn.masks = hidden(text, {}, kb)
    return turn


def completed(request: Dict[str, Any], kb: Knowledge, text: str) -> Turn:
    """The summary of a request and what happens next."""
    turn = Turn("handoff", topics=[TOPIC])
    named = (
        {"name": plain_words(details.first_name(request["name"]))} if request.get("name") else {}
    )
    turn.say(
        "answer",
        kb.talk(
            "handoff",
            "complete" if named else "complete_nameless",
            details=summary(request, kb),
            **named,
        ),
        TOPIC,
    )
    turn.say("answer", next_steps(kb), TOPIC)
    turn.say("notice", kb.talk("handoff", "not_booked"), TOPIC)
    turn.choices = after_choices(kb)
    turn.masks = hidden(text, request, kb)
    return turn


def after_choices(kb: Knowledge) -> List[Choice]:
    """What can be done with a request that was sent."""
    return [
        form_choice(kb, "choice_change", {"change": True}),
        form_choice(kb, "choice_withdraw", {"withdraw": True}),
    ]


def already(request: Dict[str, Any], kb: Knowledge, text: str) -> Turn:
    """The request that this conversation has sent before."""
    turn = Turn("handoff", topics=[TOPIC])
    turn.say(
        "answer",
        kb.talk(
            "handoff",
            "already",
            details=summary(request, kb),
            open_now=desk.now_words(text, kb, None),
        ),
        TOPIC,
    )
    turn.choices = [*after_choices(kb), form_choice(kb, "choice_again", {"again": True})]
    turn.masks = hidden(text, request, kb)
    return turn
