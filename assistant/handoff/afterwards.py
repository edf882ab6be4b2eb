"""After a request was sent: a late detail, a correction, "when will they ring", withdrawing it."""

import datetime as dt
import re
from typing import Any, Dict, Optional

from assistant.conversation import desk, privacy
from assistant.handoff import details, requests, words
from assistant.handoff.form import with_paper
from assistant.handoff.machine import (
    AROUND_DETAIL,
    CONTACT_WORDS,
    ENDING,
    MY_EMAIL,
    MY_PHONE,
    WHEN_CALL,
    Said,
    detail_to_forget,
    found_in,
)
from assistant.hours import Opening, moment_words
from assistant.knowledge import Knowledge
from assistant.turn import Turn

CORRECTION = re.compile(
    r"\b(?:sorry|actually|wrong|mistake|typo|correct(?:ion)?|change|instead|"
    r"should (?:be|have been)|not \d|meant|i mean|no,)\b",
    re.I,
)
#: A detail that comes late: words of adding, or of calling, or of what suits better. Without them a
#: time belongs to something else ("it stings every morning").
ADDITION = re.compile(
    r"^\W*(?:(?:oh|and|also|ps|p\.s\.|btw|by the way)\b[\s,:]*)+(?:only|just|not|after|before|"
    r"from|between|on|in|any ?time|evenings?|mornings?|afternoons?|week\w+|\w+days?)\b|"
    r"^\W*(?:only|please (?:only|not|call|ring|tell))\b|"
    r"\b(?:call|ring|phone|contact|reach|text|email) (?:me|us|back)\b|\b(?:best time|better|"
    r"suits?|works? (?:best|better|for me)|prefer\w*|(?:i'?m|i am) (?:free|available|around|off|"
    r"not free|busy)|only please|instead)\b",
    re.I,
)
WISHES = re.compile(
    r"\b(?:have a|good (?:night|morning|evening|afternoon|day)|see (?:you|u|ya)|enjoy|happy|"
    r"thanks for)\b",
    re.I,
)
#: Words from which a message after "change my request" is something to add to the question.
FEWEST_ADDED = 3
#: Something for the clinic beside the question.
ADD = re.compile(
    r"^\W*(?:(?:oh|and|also|ps|please|can you|could you|i forgot|"
    r"sorry)\b[\s,:]*)*(?:add(?: to (?:my|the) (?:question|request|message))?|"
    r"(?:also )?(?:tell|ask|let) (?:them|the team|the clinic)(?: know)?|mention(?: to them)?|"
    r"i (?:also )?(?:want|wanted) to (?:add|ask them))\b[\s,:]*(?:that|about|if|"
    r"whether)?[\s,:]*(?P<more>.{3,})",
    re.I | re.S,
)
#: "Actually it's Rory", and nothing more.
ITS = re.compile(r"\b(?:it'?s|it is|i'?m|i am)(?: [A-Z]\S*){1,3}\W*$")
#: A detail by its name, and the text that asks for it.
FIELD_WORD = re.compile(r"\b(?:name|number|phone|mobile|e-?mail|time)\b", re.I)
FIELD_ALONE = re.compile(
    r"^\W*(?:(?:the|my|just|only|please)\s+)*(?:name|(?:phone |mobile )?number|phone|mobile|"
    r"e-?mail(?: address)?|(?:best )?time)(?: please)?\W*$",
    re.I,
)
FIELD_TEXT = {
    "name": "name",
    "number": "phone",
    "phone": "phone",
    "mobile": "phone",
    "email": "email",
    "time": "time",
}
NOTHING = re.compile(
    r"^\W*(?:(?:oh|ok|okay|actually|sorry|no)\b[\s,]*)*(?:nothing|never ?mind|no|nope|"
    r"it'?s (?:fine|ok|okay|right)|leave it|forget it|all good|keep it|"
    r"as it is)(?:[\s,]+(?:thanks?|thank you|please|as it is|really|then|it|is))*\W*$",
    re.I,
)
#: Taking a request back, as nearly the whole message: it is deleted without another question.
WITHDRAW = re.compile(
    r"^\W*(?:(?:please|ok(?:ay)?|actually|sorry|no|oh|hm+|well|hi|can (?:you|we|i)|"
    r"could (?:you|i)|i (?:want|would like|need|have decided) to|i'?d like to|"
    r"i'?ve changed my mind|just)\b[\s,.]*)*"
    r"(?:(?:withdraw|cancel|delete|scrap|forget|stop|take back|drop|remove) (?:about )?(?:my|the|"
    r"that|this|it|your) ?(?:request|call ?-?back|message|call|contact request|"
    r"being contacted)?(?: (?:request|to be (?:called|contacted)))?|"
    r"(?:don'?t|do not) (?:call|ring|contact|phone|email|text)(?: me)?(?: back)?|"
    r"(?:there'?s )?no need (?:to|for (?:them|you|anyone) to) (?:call|ring|contact|"
    r"phone)(?: me)?(?: back)?|i (?:don'?t|do not) want (?:you|them|anyone|the team) to (?:call|"
    r"contact|ring|phone)(?: me)?|"
    r"i (?:don'?t|do not|no longer) (?:want|need) (?:a|the|that|this|my) (?:call|call ?-?back|"
    r"request))"
    r"(?:[\s,.;!-]+(?:please|pls|thanks?|thank you|now|then|after all|any ?more|again|at all|"
    r"sorry|ok|back|i'?ve changed my mind|i'?ll (?:just )?(?:call|ring|phone)(?: (?:them|you|"
    r"the clinic))?(?: myself)?))*\W*$",
    re.I,
)


def asks_when(text: str) -> bool:
    """Whether somebody wants to know when the team will get in touch."""
    return bool(WHEN_CALL.search(text))


def when_call(kb: Knowledge, text: str) -> Turn:
    """No promise, but the clinic's hours."""
    turn = Turn("handoff", topics=[words.TOPIC])
    turn.say(
        "answer",
        kb.talk("handoff", "when_call", open_now=desk.now_words(text, kb, None)),
        words.TOPIC,
    )
    turn.masks = words.hidden(text, {}, kb)
    return turn


def follow_up(said: Said, memory: Dict[str, Any]) -> Optional[Turn]:
    """The turn for a message about the request that this conversation has sent, or None when the
    message is about something else."""
    request = sent(memory)
    if request is None:
        return None
    if said.is_minor():
        return withdraw(said, request, "minor_withdrawn")
    if said.form.get("withdraw") or WITHDRAW.match(said.text):
        return withdraw(said, request)
    field = forgets(said, memory)
    if field:
        return written(said, request, {field: None})
    if asks_to_change(said, memory):
        turn = Turn("handoff", topics=[words.TOPIC])
        asked = f"change_{named_field(said.text)}" if named_field(said.text) else "ask_change"
        turn.say("question", said.kb.talk("handoff", asked), words.TOPIC)
        turn.masks = words.hidden(said.text, request, said.kb)
        return turn
    if asks_when(said.text):
        return when_call(said.kb, said.text)
    if said.form or privacy.asks_deletion(said.text, said.meaning):
        return None
    more = added_question(said, memory)
    if more:
        return written(
            said,
            request,
            {
                "question": "\n".join(part for part in (request["question"], more) if part)[
                    : details.MOST_QUESTION
                ]
            },
        )
    return None if said.asks() else change(said, request, memory)


def sent(memory: Dict[str, Any]) -> Optional[Dict[str, Any]]:
    """The request that this conversation has sent, or None."""
    request = requests.get(memory["request"]) if memory.get("request") else None
    complete = memory.get("outcome") == "complete"
    return request if request and complete and request["status"] != "draft" else None


def forgets(said: Said, memory: Dict[str, Any]) -> Optional[str]:
    """The field of the sent request that a message asks to have deleted, where somebody can still
    be reached without it; None otherwise."""
    request, field = sent(memory), detail_to_forget(said.text)
    if request is None or field is None or not request[field]:
        return None
    ways = {key for key in ("phone", "email") if request[key]} - {field}
    return field if ways else None


def named_field(text: str) -> Optional[str]:
    """The detail that a message names ("the number is wrong"), as the texts `change_...` call
    it."""
    found = FIELD_WORD.search(text)
    return FIELD_TEXT[found.group().lower().replace("-", "")] if found else None


def asks_to_change(said: Said, memory: Dict[str, Any]) -> bool:
    """Whether a message says that something in the request that was sent is wrong, and not what is
    right."""
    if sent(memory) is None:
        return False
    if said.form.get("change"):
        return True
    names_one = memory.get("changing") and FIELD_ALONE.match(said.text)
    if not (said.has("change") or said.has("wrong") or names_one):
        return False
    found, problem = found_in(with_paper(said, memory), dict(memory), None)
    return not found and problem is None


def closed(said: Said) -> Turn:
    """An answer to the form that comes when the form is closed: a yes begins it (again), anything
    else has nothing to answer."""
    begins = said.form.get("consent") or said.form.get("again")
    turn = Turn("handoff", topics=[words.TOPIC])
    turn.say(
        "answer",
        desk.reach(said.text, said.kb) if begins else said.kb.talk("handoff", "closed"),
        words.TOPIC,
    )
    return turn


def added_question(said: Said, memory: Dict[str, Any]) -> Optional[str]:
    """What a message adds to the question: after "please add", or whatever follows the choice to
    change the request and is no detail."""
    adds = ADD.match(said.text)
    found = found_in(with_paper(said, memory), dict(memory), None)[0]
    if adds and not {"phone", "email", "name"} & set(found):
        return adds["more"].strip()
    if (
        memory.get("changing")
        and not found
        and not NOTHING.match(said.text)
        and not CONTACT_WORDS.search(said.text)
        and len(said.text.split()) >= FEWEST_ADDED
    ):
        return said.text.strip()
    return None


def tells(said: Said) -> bool:
    """Whether a message tells of the visitor's health, so that a time in it is no time for a
    call."""
    return (
        bool(said.meaning.get("circumstances"))
        or (said.meaning.get("triage") or {}).get("level", "none") != "none"
    )


def change(said: Said, request: Dict[str, Any], memory: Dict[str, Any]) -> Optional[Turn]:
    """The turn for a corrected or added detail, which is written into the request."""
    text = said.text
    if memory.get("changing") and NOTHING.match(text):
        turn = Turn("handoff", topics=[words.TOPIC])
        turn.say("answer", said.kb.talk("handoff", "nothing_changed"), words.TOPIC)
        return turn
    correcting = bool(
        CORRECTION.search(text)
        or ENDING.search(text)
        or (CONTACT_WORDS.search(text) and len(text.split()) < 14)
        or memory.get("changing")
        or is_bare_way(text)
    )
    found, problem = found_in(
        with_paper(said, memory),
        {**memory},
        None if correcting else "handoff_question",
        strict=not correcting,
    )
    found.pop("best_time", None)
    if memory.get("changing") and not found and problem is None and not said.is_keyword():
        name = details.find_name(text, True)
        if name and not details.find_time(text):
            found["name"] = name
    best = (
        details.find_time(text)
        if (ADDITION.search(text) or correcting) and not WISHES.search(text) and not tells(said)
        else None
    )
    if best and not found.get("phone"):
        found["best_time"] = best
    if (
        "name" in found
        and not re.search(r"\bname\b|\bcalled\b", text, re.I)
        and not (CORRECTION.search(text) and ITS.search(text))
        and not memory.get("changing")
    ):
        del found["name"]
    for key, named in (("phone", MY_PHONE), ("email", MY_EMAIL)):
        if found.get(key) and request[key] and not correcting and not named.search(text):
            del found[key]
    if problem and correcting and not found:
        turn = Turn("handoff", topics=[words.TOPIC])
        turn.say("question", said.kb.talk("handoff", problem), words.TOPIC)
        turn.masks = words.hidden(text, request, said.kb)
        return turn
    return written(said, request, found) if found else None


def is_bare_way(text: str) -> bool:
    """Whether a message is a number or an address and hardly a word more."""
    bare = details.EMAIL.sub(" ", details.DIGITS.sub(" ", text))
    return bare != text and not re.search(r"\w", AROUND_DETAIL.sub(" ", bare))


def written(said: Said, request: Dict[str, Any], found: Dict[str, Optional[str]]) -> Turn:
    """Write details into the request (None: delete it); the turn that says how it reads now."""
    requests.update(request["id"], **found)
    turn = Turn("handoff", topics=[words.TOPIC])
    fresh = requests.get(request["id"])
    added = all(not request[key] or key == "question" for key in found)
    text = "detail_deleted" if None in found.values() else "added" if added else "changed"
    turn.say(
        "answer",
        said.kb.talk("handoff", text, details=words.summary(fresh, said.kb)),
        words.TOPIC,
    )
    turn.choices = words.after_choices(said.kb)
    turn.masks = {
        **words.hidden(said.text, request, said.kb),
        **words.hidden(said.text, fresh, said.kb),
    }
    return turn


def withdraw(said: Said, request: Dict[str, Any], text: str = "withdrawn") -> Turn:
    """The request is deleted; when the clinic has it already, that is said (the text
    `text`_late)."""
    sent = next(
        (
            item["delivered"]
            for item in requests.of_session(said.session)
            if item["id"] == request["id"]
        ),
        None,
    )
    requests.drop(request["id"])
    turn = Turn("handoff", topics=[words.TOPIC])
    if sent:
        opening = Opening(said.kb.clinic)
        when = moment_words(
            opening.local(dt.datetime.fromtimestamp(sent, dt.timezone.utc)), opening.local()
        )
        turn.say("answer", said.kb.talk("handoff", f"{text}_late", when=when), words.TOPIC)
    else:
        turn.say("answer", said.kb.talk("handoff", text), words.TOPIC)
    turn.masks = words.hidden(said.text, request, said.kb)
    return turn
