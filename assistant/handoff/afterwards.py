"""After a request was sent: a late detail, a correction, "when will they ring", withdrawing it."""
import datetime as dt
import re
from typing import Any, Dict, Optional

from assistant.conversation import desk
from assistant.handoff import details, requests, words
from assistant.handoff.form import CONTACT_WORDS, ENDING, WHEN_CALL, Said, found_in
from assistant.hours import Opening, moment_words
from assistant.knowledge import Knowledge
from assistant.turn import Turn

CORRECTION = re.compile(r"\b(?:sorry|actually|wrong|mistake|typo|correct(?:ion)?|change|instead|should (?:be|have been)|not \d|meant|i mean|no,)\b|^\W*(?:oh|and|also|ps|ah)\b", re.I)
ADDITION = re.compile(r"^\W*(?:oh|and|also|ps|p\.s\.|by the way|btw|only|please (?:only|not|call|ring|tell|add))\b", re.I)
WITHDRAW = re.compile(r"\b(?:withdraw|cancel|delete|scrap|forget|stop|take back)\b.{0,20}\b(?:request|call ?back|callback|message|call|contact)\b|\bdon'?t (?:call|ring|contact|phone) me\b|\bno need to (?:call|ring|contact)", re.I)



def asks_when(text: str) -> bool:
    """Whether somebody wants to know when the team will get in touch."""
    return bool(WHEN_CALL.search(text))


def when_call(kb: Knowledge, text: str) -> Turn:
    """No promise, but the clinic's hours."""
    turn = Turn("handoff", topics=[words.TOPIC])
    turn.say("answer", kb.talk("handoff", "when_call", open_now=desk.now_words(text, kb, None)), words.TOPIC)
    turn.masks = words.hidden(text, {}, kb)
    return turn


def follow_up(said: Said, memory: Dict[str, Any]) -> Optional[Turn]:
    """The turn for a message about the request that this conversation has sent, or None when the message is about something else."""
    request = requests.get(memory["request"]) if memory.get("request") and memory.get("outcome") == "complete" else None
    if request is None:
        return None
    if said.form.get("withdraw") or (WITHDRAW.search(said.text) and "?" not in said.text and not re.search(r"\bappointment|booking|visit\b", said.text, re.I)):
        return withdraw(said, request)
    if said.form.get("change"):
        turn = Turn("handoff", topics=[words.TOPIC])
        turn.say("question", said.kb.talk("handoff", "ask_change"), words.TOPIC)
        return turn
    if asks_when(said.text):
        return when_call(said.kb, said.text)
    if said.asks() or said.form:
        return None
    return change(said, request, memory)


def closed(said: Said) -> Turn:
    """An answer to the form that comes when the form is closed: a yes begins it (again), anything else has nothing to answer."""
    begins = said.form.get("consent") or said.form.get("again")
    turn = Turn("handoff", topics=[words.TOPIC])
    turn.say("answer", desk.reach(said.text, said.kb) if begins else said.kb.talk("handoff", "closed"), words.TOPIC)
    return turn


def change(said: Said, request: Dict[str, Any], memory: Dict[str, Any]) -> Optional[Turn]:
    """A corrected or added detail, written into the request."""
    correcting = bool(CORRECTION.search(said.text) or ENDING.search(said.text) or (CONTACT_WORDS.search(said.text) and len(said.text.split()) < 14) or memory.get("changing"))
    found, problem = found_in(said, {**memory}, None if correcting else "handoff_question", strict=not correcting)
    best = details.find_time(said.text) if ADDITION.search(said.text) or correcting or len(said.text.split()) < 7 else None
    if best and not found.get("phone"):
        found["best_time"] = best
    if "name" in found and not re.search(r"\bname\b|\bcalled\b", said.text, re.I):
        del found["name"]
    if problem and correcting and not found:
        turn = Turn("handoff", topics=[words.TOPIC])
        turn.say("question", said.kb.talk("handoff", problem), words.TOPIC)
        turn.masks = words.hidden(said.text, request, said.kb)
        return turn
    if not found:
        return None
    requests.update(request["id"], **found)
    turn = Turn("handoff", topics=[words.TOPIC])
    fresh = requests.get(request["id"])
    turn.say("answer", said.kb.talk("handoff", "added" if set(found) == {"best_time"} and not request["best_time"] else "changed", details=words.summary(fresh, said.kb)), words.TOPIC)
    turn.choices = words.after_choices(said.kb)
    turn.masks = {**words.hidden(said.text, request, said.kb), **words.hidden(said.text, fresh, said.kb)}
    return turn


def withdraw(said: Said, request: Dict[str, Any]) -> Turn:
    """The request is deleted; when the clinic has it already, that is said."""
    sent = next((item["delivered"] for item in requests.of_session(said.session) if item["id"] == request["id"]), None)
    requests.drop(request["id"])
    turn = Turn("handoff", topics=[words.TOPIC])
    if sent:
        opening = Opening(said.kb.clinic)
        when = moment_words(opening.local(dt.datetime.fromtimestamp(sent, dt.timezone.utc)), opening.local())
        turn.say("answer", said.kb.talk("handoff", "withdrawn_late", when=when), words.TOPIC)
    else:
        turn.say("answer", said.kb.talk("handoff", "withdrawn"), words.TOPIC)
    turn.masks = words.hidden(said.text, request, said.kb)
    return turn
