"""What the assistant stores, who reads it, and deleting it: answered from the configuration,
carried out after one confirmation."""

import datetime as dt
import re
from typing import Any, Dict, List, Optional

from assistant.handoff import requests
from assistant.hours import Opening, moment_words
from assistant.knowledge import Knowledge
from assistant.turn import Choice, Turn

_DATA = (
    r"(?:my (?:data|details|info\w*|chat|conversation|messages?|history|number|name|stuff|record)|"
    r"this (?:chat|conversation)|the (?:chat|conversation|history)|our (?:chat|conversation)|"
    r"(?:everything|anything|all|what(?:ever)?)(?: of)?(?: that| it)? (?:you|we)\b|"
    r"(?:everything|anything|all|whatever|what)(?: that)? i(?:'ve| have)? (?:said|told|wrote|"
    r"written|typed|gave|given|sent)|(?:everything|all|anything|whatever|stuff|"
    r"info\w*)\b.{0,20}\b(?:about|on) me)\b"
)
#: Deleting what is stored. Words that are also said of skin ("get rid of", "remove") need words for
#: what is stored; "delete everything" and "erase it all" need none.
ERASE = re.compile(
    r"\b(?:delete|erase|wipe|remove|clear|forget|destroy|get rid"
    rf" of|scrub|bin)\b.{{0,40}}\b{_DATA}|"
    r"\b(?:delete|erase|wipe|forget|destroy)\b(?: \w+){0,2} (?:everything|it all|"
    r"all (?:of )?(?:it|that|this))\b(?! (?:on|in|from|off|under|around|that) (?!me\b|here\b|"
    r"this chat|the chat))|"
    r"\bclear (?:everything|it all|all of it)\W*$|\b(?:details|data|info\w*|chat|"
    r"number) (?:\w+ ){0,2}(?:deleted|erased|wiped|removed)\b",
    re.I,
)
#: Words that are said of skin as well: without words for what is stored they ask for no deletion,
#: whatever the message was understood as.
SKIN = re.compile(r"\b(?:get(?:ting)? rid|remov\w+|clear\w*|bin)\b", re.I)
#: A question about deleting in general, or about what the treatment removes, and the wish that
#: nothing is deleted.
ASKING = re.compile(
    r"^\W*(?:how|when|do you|will you|is (?:it|there)|what happens|does|"
    r"(?:will|would|can|could) (?!(?:you|u|someone|somebody|i)\b)\w+)\b|\b(?:don'?t|do not|never|"
    r"without|please not|not to|not)\s+(?:\w+ )?(?:delet\w*|eras\w*|wip\w*|remov\w*|clear\w*|"
    r"forget\w*|destroy\w*|get rid|scrub|bin)\b",
    re.I,
)
YES = re.compile(
    r"^\W*(?:y(?:es|eah|ep|up)?|sure|ok(?:ay)?|do it|go ahead|please do|confirm(?:ed)?|"
    r"delete (?:it|everything|all)|erase (?:it|everything))\b",
    re.I,
)
KEEP = re.compile(
    r"^\W*(?:(?:ok|okay|sure|yes|yeah|well|oh|actually|wait|sorry|please)\b[\s,]*)*(?:no|nope|nah|"
    r"don'?t|do not|stop|cancel|keep|not|never ?mind|leave it|wait)\b",
    re.I,
)


def wanted(text: str) -> bool:
    """Whether a message asks to have the conversation deleted."""
    return bool(ERASE.search(text)) and not ASKING.search(text)


def asks_deletion(text: str, reading: Dict[str, Any]) -> bool:
    """Whether a message, as it was understood, is answered by the question whether everything
    should be deleted. "Forget what I told you" puts aside what the conversation knows of somebody
    and deletes nothing."""
    if reading.get("request") == "forget":
        return False
    return (
        reading.get("request") == "ask_erase"
        or wanted(text)
        or (
            "delete" in situations(reading)
            and not (ASKING.search(text) or SKIN.search(text) or "?" in text)
        )
    )


def situations(reading: Dict[str, Any]) -> List[str]:
    """The situations of a message about privacy."""
    questions = [
        question
        for question in reading.get("questions", [])
        if question["topic"] == "privacy" and question["decision"] == "answer"
    ]
    return [
        name
        for question in questions
        for name in (question.get("entities") or {}).get("situation", [])
    ]


def keeps(text: str, reading: Dict[str, Any], state: Dict[str, Any]) -> bool:
    """Whether a message says no to the question whether everything should be deleted."""
    return reading.get("request") == "keep" or (
        reading.get("request") != "erase"
        and state.get("pending") == "erase"
        and bool(KEEP.match(text))
    )


def turn_for(
    text: str, reading: Dict[str, Any], state: Dict[str, Any], session: str, kb: Knowledge
) -> Optional[Turn]:
    """The turn for a privacy request, or None when the message is none."""
    if keeps(text, reading, state):
        return plain("kept", kb)
    if reading.get("request") == "erase" or (state.get("pending") == "erase" and YES.match(text)):
        return erased(session, kb)
    found = situations(reading)
    if asks_deletion(text, reading):
        return confirmation(session, kb)
    if "what_stored" in found or "who_reads" in found:
        return explained(found, session, kb)
    return None


def plain(name: str, kb: Knowledge, **more: str) -> Turn:
    """A turn of one text of the part `privacy`."""
    turn = Turn("answer", topics=["privacy"])
    turn.say("answer", kb.talk("privacy", name, **more), "privacy")
    return turn


def delivered(session: str, kb: Knowledge) -> Optional[str]:
    """A sentence about a request that the clinic has received already, which deleting here does not
    take back."""
    opening = Opening(kb.clinic)
    for request in requests.of_session(session):
        if request["delivered"]:
            when = moment_words(
                opening.local(dt.datetime.fromtimestamp(request["delivered"], dt.timezone.utc)),
                opening.local(),
            )
            return kb.talk("privacy", "delivered", sent=when)
    return None


def confirmation(session: str, kb: Knowledge) -> Turn:
    """Asks once before everything is deleted, and says what that covers."""
    turn = plain(
        (
            "confirm_request"
            if requests.of_session(session) or requests.draft_of(session)
            else "confirm"
        ),
        kb,
    )
    late = delivered(session, kb)
    if late:
        turn.say("notice", late, "privacy")
    turn.choices = [
        Choice(kb.talk("privacy", "choice_erase"), "privacy", {"request": "erase"}),
        Choice(kb.talk("privacy", "choice_keep"), "privacy", {"request": "keep"}),
    ]
    return turn


def erased(session: str, kb: Knowledge) -> Turn:
    """Says that everything is deleted; the stores do it when they meet this turn."""
    late = delivered(session, kb)
    turn = plain("erased", kb)
    if late:
        turn.say("notice", late, "privacy")
    turn.erase = True
    return turn


def explained(found: List[str], session: str, kb: Knowledge) -> Turn:
    """What is stored and who reads it, from clinic.yml and from what this conversation holds."""
    turn = Turn("answer", topics=["privacy"])
    if "what_stored" in found:
        turn.say("answer", kb.talk("privacy", "stored"), "privacy")
        kept = (
            "request_kept"
            if requests.of_session(session)
            else "request_draft"
            if requests.draft_of(session)
            else "request_none"
        )
        turn.say("answer", kb.talk("privacy", kept), "privacy")
    if "who_reads" in found:
        turn.say("answer", kb.talk("privacy", "readers"), "privacy")
        turn.say("answer", kb.talk("privacy", f"deliver_{kb.clinic.handoff.deliver}"), "privacy")
    turn.choices = [
        Choice(kb.talk("privacy", "choice_delete"), "privacy", {"request": "ask_erase"})
    ]
    return turn
