"""What the assistant stores, who reads it, and deleting it: answered from the configuration, carried out after one confirmation."""
import datetime as dt
import re
from typing import Any, Dict, List, Optional

from assistant.handoff import requests
from assistant.hours import Opening, moment_words
from assistant.knowledge import Knowledge
from assistant.turn import Choice, Turn

ERASE = re.compile(
    r"\b(?:delete|erase|wipe|remove|clear(?= (?:my|the|this|our|all|everything)\b)|forget|destroy|get rid of|scrub|bin)\b.{0,40}\b(?:my (?:data|details|info\w*|chat|conversation|messages?|history|number|name|stuff|record)|this (?:chat|conversation)|the (?:chat|conversation|history)|(?:everything|anything|all|what(?:ever)?) (?:you|i|we|about|that|of)|"
    r"everything|(?:all )?(?:about|on) me|it all|our (?:chat|conversation))\b", re.I)
#: A question about deleting in general, which asks for nothing yet.
ASKING = re.compile(r"^\W*(?:how|when|do you|will you|is (?:it|there)|what happens|does)\b", re.I)
YES = re.compile(r"^\W*(?:y(?:es|eah|ep|up)?|sure|ok(?:ay)?|do it|go ahead|please do|confirm(?:ed)?|delete (?:it|everything|all)|erase (?:it|everything))\b", re.I)


def wanted(text: str) -> bool:
    """Whether a message asks to have the conversation deleted."""
    return bool(ERASE.search(text)) and not ASKING.search(text)


def situations(reading: Dict[str, Any]) -> List[str]:
    """The situations of a message about privacy."""
    questions = [question for question in reading.get("questions", []) if question["topic"] == "privacy" and question["decision"] == "answer"]
    return [name for question in questions for name in (question.get("entities") or {}).get("situation", [])]


def turn_for(text: str, reading: Dict[str, Any], state: Dict[str, Any], session: str, kb: Knowledge) -> Optional[Turn]:
    """The turn for a privacy request, or None when the message is none."""
    confirmed = reading.get("request") == "erase" or (state.get("pending") == "erase" and YES.match(text))
    if confirmed:
        return erased(session, kb)
    if reading.get("request") == "keep" or (state.get("pending") == "erase" and re.match(r"^\W*(?:no|nope|nah|don'?t|stop|cancel|keep)\b", text, re.I)):
        return plain("kept", kb)
    found = situations(reading)
    if reading.get("request") == "ask_erase" or wanted(text) or ("delete" in found and not ASKING.search(text) and "?" not in text):
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
    """A sentence about a request that the clinic has received already, which deleting here does not take back."""
    opening = Opening(kb.clinic)
    for request in requests.of_session(session):
        if request["delivered"]:
            when = moment_words(opening.local(dt.datetime.fromtimestamp(request["delivered"], dt.timezone.utc)), opening.local())
            return kb.talk("privacy", "delivered", sent=when)
    return None


def confirmation(session: str, kb: Knowledge) -> Turn:
    """Asks once before everything is deleted, and says what that covers."""
    turn = plain("confirm_request" if requests.of_session(session) else "confirm", kb)
    late = delivered(session, kb)
    if late:
        turn.say("notice", late, "privacy")
    turn.choices = [Choice(kb.talk("privacy", "choice_erase"), "privacy", {"request": "erase"}), Choice(kb.talk("privacy", "choice_keep"), "privacy", {"request": "keep"})]
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
        turn.say("answer", kb.talk("privacy", "request_kept" if requests.of_session(session) else "request_none"), "privacy")
    if "who_reads" in found:
        turn.say("answer", kb.talk("privacy", "readers"), "privacy")
        turn.say("answer", kb.talk("privacy", f"deliver_{kb.clinic.handoff.deliver}"), "privacy")
    turn.choices = [Choice(kb.talk("privacy", "choice_delete"), "privacy", {"request": "ask_erase"})]
    return turn
