"""The form that takes a request to be contacted, without Rasa: what a message fills in, and what is asked next.

Rasa's slots hold markers only ("given", "skipped"); the details are in assistant.handoff.requests. Details that come before the
visitor has agreed are held in this process's memory for a few minutes and written nowhere.
"""
import re
import time
from dataclasses import dataclass
from typing import Any, Dict, List, Optional

from assistant.conversation import privacy
from assistant.handoff import details, requests
from assistant.handoff.details import NotUsable
from assistant.knowledge import Knowledge
from assistant.understanding.text import QUESTION

SLOTS = ("handoff_consent", "handoff_name", "handoff_contact", "handoff_time", "handoff_question")
GIVEN, SKIPPED = "given", "skipped"
#: Failed tries at one question after which the form stops and names the phone.
MOST_TRIES = 3
#: Probability from which a message that answers nothing counts as a question of its own.
SURE = 0.5
#: Seconds for which details that came before consent are held, in memory only.
HELD_FOR = 600

YES = re.compile(r"^\W*(?:(?:oh|well|um+|ok|okay|hi|hello|and|thanks|please|that'?s)\b[\s,]*)*(?:y(?:es+|eah|ep|up|ea|a)?\b|ok(?:ay|ie|ey)?\b|k\b|alright\b|why not\b|if you (?:like|want)\b|i (?:don'?t|do not|wouldn'?t) mind\b|go on\b|sure\b|fine\b|go (?:ahead|for it|on)|of course|(?:i )?agreed?\b|i (?:consent|do)\b|happy (?:with|to|for)|sounds? (?:good|fine)|"
                 r"(?:all ?)?right\b|do (?:it|that|so)|please do|absolutely|definitely|certainly|no (?:problem|worries)|you (?:can|may)|contact me|call me|ring me|works for me|perfect|great)|^\W*👍", re.I)
NO = re.compile(r"^\W*(?:(?:oh|well|um+|ok|okay|actually|sorry|please|hm+)\b[\s,]*)*(?:no(?!\s+(?:problem|worries))\b|nope|nah|not? (?:now|yet|really|thanks)|don'?t|do not|i'?d rather (?:not|call|ring)|rather not|i (?:(?:don'?t|do not|wouldn'?t)(?! mind)|refuse|won'?t)|i'?m not (?:comfortable|happy|keen|ready|ok(?:ay)?)|leave it|never ?mind|👎)", re.I)
#: A yes that takes itself back within a few words: asked again rather than taken.
DOUBT = re.compile(r"^\W*\w+\W+(?:[\w']+\W+){0,2}(?:no(?! (?:problem|worries))|not|don'?t(?! mind)|won'?t|never)\b", re.I)
STOP = re.compile(r"^\W*(?:(?:please|ok|actually|sorry|no|oh|hm+|can (?:you|we)|i want to|i'?d like to|let'?s)\b[\s,]*)*(?:stop|cancel|quit|abort|forget (?:it|about it|that)|never ?mind|scrap (?:it|that)|leave it|i(?:'ve| have)? changed my mind|changed my mind|"
                  r"i don'?t want (?:this|that|a call|to be|it|anyone|you to)|don'?t (?:call|contact|ring) me)\b(?!.{0,12}\b(?:appointment|booking|visit)\b)", re.I)
SKIP = re.compile(r"^\W*(?:(?:i'?d|i|please|ok|just|you can|can we|no)\b[\s,]*)*(?:skip(?: (?:it|this|that))?|pass|no(?:ne|pe|thing)?|n/?a|rather not(?: say)?|prefer not(?: to)?(?: say)?|don'?t (?:mind|know|care)|no preference|doesn'?t matter|not sure|"
                  r"that'?s (?:all|everything|it)|thats (?:all|everything|it)|nothing (?:else|more)|no thanks?|no thank you|i'?m good|send it(?: now)?|done|finish(?:ed)?)\W*(?:thanks?|thank you|please|pls)?\W*$", re.I)
SEND = re.compile(r"\bsend it\b|\bthat'?s (?:all|everything|it)\b|\bfinish", re.I)
ENDING = re.compile(r"\b(?:ends?|ending|finishes)(?: (?:in|with|on))?\s*:?\s*(?P<a>\d[\d\s]{0,8})|\blast (?:\w+ )?(?:digits?|numbers?|ones?)(?: (?:is|are|should be|was|were))?\s*:?\s*(?P<b>\d[\d\s]{0,8})", re.I)
WHY = re.compile(r"\bwhy\b.{0,30}\b(?:need|want|ask|know|name|number|email|phone|details)\b|^\W*why\W*$|\bwhat (?:will|do|are|would) (?:you|they) (?:do|doing|want)\b.{0,20}\b(?:with|it|that|number|email|details|name)\b|\bwho (?:sees|gets|reads|has)\b|"
                 r"\b(?:do|will|would) you (?:sell|share|spam|pass)\b|\bis (?:it|that|this) (?:safe|private|confidential)\b", re.I)
HOLD_ON = re.compile(r"^\W*(?:(?:h+m+|um+|oh|ok|wait|sorry|actually|but)\b[\s,]*)*(?:hang on|hold on|wait|before (?:that|i)|first|quick question|one (?:sec|moment|question)|just (?:a|one) (?:sec|question))\b", re.I)
WHEN_CALL = re.compile(
    r"\b(?:when|how (?:soon|quickly|fast|long)|what time|which day)\b.{0,30}\b(?:(?:they|you|you guys|someone|somebody|anyone|the (?:team|clinic|nurse|lady))\b.{0,20}\b"
    r"(?:call|ring|phone|contact|get back|(?:be|get) in touch|reply|answer|write|email)|i\b.{0,16}\b(?:hear|get (?:a|my|the|that) (?:call|ring|reply|answer)))", re.I)
CONTACT_WORDS = re.compile(r"\b(?:number|phone|mobile|tel|email|e-mail|mail|address|reach)\b|@", re.I)


class Held:
    """Details that came before consent, by conversation, for a few minutes."""

    def __init__(self) -> None:
        self._found: Dict[str, Any] = {}

    def put(self, session: str, found: Dict[str, str]) -> None:
        """Hold `found` beside what is held already."""
        now = time.monotonic()
        self._found = {key: value for key, value in self._found.items() if value[0] > now}
        if found:
            self._found[session] = (now + HELD_FOR, {**self.get(session), **found})

    def get(self, session: str) -> Dict[str, str]:
        """What is held of a conversation."""
        until, found = self._found.get(session, (0, {}))
        return found if until > time.monotonic() else {}

    def take(self, session: str) -> Dict[str, str]:
        """What is held of a conversation, held no longer."""
        found = self.get(session)
        self._found.pop(session, None)
        return found


held = Held()


@dataclass
class Said:
    """One message to the form: the text, how it was understood, and whose conversation it is."""

    text: str
    meaning: Dict[str, Any]
    session: str
    kb: Knowledge

    @property
    def form(self) -> Dict[str, Any]:
        """What a picked choice of the form stands for."""
        return self.meaning.get("form") or {}

    @property
    def country(self) -> str:
        return self.kb.clinic.country

    def is_minor(self) -> bool:
        """Whether the visitor says that they are under age."""
        return any(item["id"] == "minor" and item["who"] == "self" and item["when"] == "now" and not item["denied"] for item in self.meaning.get("circumstances", []))

    def is_crisis(self) -> bool:
        """Whether the message is about a crisis; a plain refusal of a question is not."""
        return not SKIP.match(self.text) and any(question["topic"] == "crisis" and question["decision"] == "answer" for question in self.meaning.get("questions", []))

    def asks(self) -> bool:
        """Whether the message asks something that has nothing to do with the form."""
        if self.meaning.get("request") in ("more", "shorter", "why", "choice") or WHEN_CALL.search(self.text):
            return True
        for question in self.meaning.get("questions", []):
            if question["decision"] == "answer" and question["confidence"] >= SURE and question["topic"] not in ("human_handoff", "smalltalk", "feedback") and QUESTION.search(HOLD_ON.sub("", question["text"] or self.text).strip(" ,.!:-")):
                return True
        return False


def opened(said: Said, memory: Dict[str, Any], state: Dict[str, Any]) -> Dict[str, Any]:
    """The slots when the form begins. A request that this conversation has sent already, or a minor, ends it at once."""
    minor = said.is_minor() or (state.get("circumstances") or {}).get("minor", {}).get("who") == "self"
    request = memory.get("request") if memory.get("outcome") == "complete" else None
    slots: Dict[str, Any] = {name: None for name in SLOTS}
    if memory.get("quiet"):
        return ended("quiet", memory, keep=True)
    if minor:
        return ended("minor", {})
    if request and not said.form and requests.get(request):
        return ended("already", {"request": request})
    if memory.get("request") and memory.get("outcome") != "complete":  # a form that danger signs had closed
        requests.drop(memory["request"])
    memory = {"tries": {}, "topics": [topic for topic in state.get("answered", []) if topic != "human_handoff"][-3:]}
    if said.form.get("consent"):
        return {**slots, **agreed(said, memory)}
    held.put(said.session, found_in(said, memory, None, strict=True)[0])
    if held.get(said.session):
        memory["note"] = "held"
    return {**slots, "handoff": memory}


def ended(outcome: str, memory: Dict[str, Any], keep: bool = False) -> Dict[str, Any]:
    """The slots that end the form; a draft is deleted unless the request is complete (or `keep` says so)."""
    keep = keep or outcome in ("complete", "already")
    if not keep and memory.get("request"):
        if requests.drop(memory["request"]):
            outcome = "cancelled_late" if outcome == "cancelled" else outcome
        memory = {}
    kept = {"request": memory["request"]} if memory.get("request") else {}
    return {"handoff": {**kept, "outcome": outcome}, "requested_slot": None}


def answered(said: Said, asked: str, memory: Dict[str, Any]) -> Optional[Dict[str, Any]]:
    """The slots after a message while the question `asked` was open; None when the message is a question of its own."""
    memory = {**memory, "problem": None, "note": None}
    if said.is_minor() or said.is_crisis() or privacy.wanted(said.text) or said.meaning.get("request") in ("erase", "keep", "ask_erase"):
        return None
    if asked == "handoff_consent" and NO.match(said.text):
        return consent(said, memory)
    if said.form.get("stop") or STOP.match(said.text):
        held.take(said.session)
        return ended("cancelled", memory)
    if WHY.search(said.text):
        return {"handoff": {**memory, "problem": f"why_{asked[8:]}"}}
    if said.meaning.get("request") == "repeat":
        return {"handoff": memory}
    if asked == "handoff_consent":
        return consent(said, memory)
    return fields(said, asked, memory)


def resumed(said: Said, asked: str, memory: Dict[str, Any]) -> Dict[str, Any]:
    """The slots after a question in the middle was answered. An offer that is passed over twice is dropped without a word more."""
    if said.is_minor():
        return ended("minor", memory)
    if said.is_crisis():
        return ended("crisis", memory)
    if privacy.wanted(said.text) or said.meaning.get("request") in ("erase", "ask_erase"):
        held.take(said.session)
        return ended("erasing", memory)
    memory = {**memory, "problem": None, "note": "again", "drift": memory.get("drift", 0) + 1}
    if asked == "handoff_consent" and memory["drift"] > 1:
        held.take(said.session)
        return ended("dropped", memory)
    return {**markers(memory), "handoff": memory}


def consent(said: Said, memory: Dict[str, Any]) -> Optional[Dict[str, Any]]:
    """The visitor's yes or no; details that come without either are held until it is clear."""
    if said.form.get("consent") is False or (NO.match(said.text) and not said.form.get("consent")):
        held.take(said.session)
        return ended("refused", memory)
    if said.form.get("consent") or (YES.match(said.text) and not DOUBT.search(said.text)):
        return agreed(said, memory)
    if said.asks():
        return None
    found, problem = found_in(said, memory, None, strict=True)
    held.put(said.session, found)
    if found or problem:
        return {"handoff": {**memory, "note": "held"}}
    return failed("consent", "consent_unclear", memory)


def agreed(said: Said, memory: Dict[str, Any]) -> Dict[str, Any]:
    """The visitor said yes: from here on details are kept, beginning with those of this message and those that were held."""
    memory = {**memory, "request": requests.begin(said.session, memory.get("topics", []))}
    found, problem = found_in(said, memory, None)
    kept = {**held.take(said.session), **found}
    suggestion = memory.pop("suggest", None)
    if kept:
        requests.update(memory["request"], **kept)
    if suggestion:
        memory.update(suggest=suggestion, problem="email_typo")
    elif problem:
        memory["problem"] = problem
    memory["note"] = "agreed"
    return finish_or_go_on(said, memory)


def found_in(said: Said, memory: Dict[str, Any], asked: Optional[str], strict: bool = False) -> tuple:
    """Details in the message as fields of a request, and the reason why one of them cannot be used (or None).

    With `strict` only unmistakable ones count; `memory["suggest"]` becomes the domain that an address was probably meant to have.
    """
    found: Dict[str, str] = {}
    problem = None
    text = said.text
    if said.form:
        return found, problem
    try:
        phone = details.find_phone(text, said.country)
        if phone:
            found["phone"] = phone.number
    except NotUsable as error:
        problem = error.reason if asked == "handoff_contact" or CONTACT_WORDS.search(text) else None
    try:
        email = details.find_email(text)
        if email:
            found["email"] = email.address
            if email.suggestion:
                memory["suggest"] = email.suggestion
    except NotUsable as error:
        problem = error.reason
    ending = ENDING.search(text)
    if ending and "phone" not in found and memory.get("request"):
        known = (requests.get(memory["request"]) or {}).get("phone")
        if known:
            try:
                found["phone"], problem = details.with_ending(known, re.sub(r"\D", "", ending["a"] or ending["b"]), said.country).number, None
            except NotUsable as error:
                problem = error.reason
    after_yes = YES.sub("", text, count=1) if asked is None and not strict else text
    name = details.find_name(after_yes, asked == "handoff_name")
    if name and (asked in (None, "handoff_name") or re.search(r"\bname\b", text, re.I)):
        found["name"] = name
    if asked != "handoff_question":
        best = details.find_time(text)
        if best and not (strict and not found) and not said.asks():
            found["best_time"] = best
        about = details.find_question(text) if asked in (None, "handoff_contact") and {"phone", "email"} & set(found) else None
        if about:
            found["question"] = about
    return found, problem


def fields(said: Said, asked: str, memory: Dict[str, Any]) -> Optional[Dict[str, Any]]:
    """Fill in whatever the message gives, the open question first."""
    if not memory.get("request") or requests.get(memory["request"]) is None:  # erased meanwhile
        return ended("cancelled", {})
    if asked == "handoff_contact" and memory.get("suggest"):
        settled = domain(said, memory)
        if settled is not None:
            return settled
    waiting = memory.pop("suggest", None)
    open_text = asked in ("handoff_time", "handoff_question")
    if asked == "handoff_question" and HOLD_ON.match(said.text) and said.asks():
        return None
    found, problem = found_in(said, memory, asked)
    wordless = open_text and not re.search(r"\w", said.text)
    skip = bool(said.form.get("skip") or SKIP.match(said.text) or wordless) and not found
    if said.form.get("send") or (skip and open_text and SEND.search(said.text)):
        found.update({key: "" for key, slot in (("best_time", "handoff_time"), ("question", "handoff_question")) if not _has(memory, key)})
    elif skip and asked == "handoff_name":
        found["name"] = ""
    elif skip and asked == "handoff_contact":
        if memory["tries"].get("contact"):
            return ended("no_contact", memory)
        return failed("contact", "contact_needed", memory)
    elif skip:
        found["best_time" if asked == "handoff_time" else "question"] = ""
    elif asked == "handoff_question" and not (found and ENDING.search(said.text)):
        found = {"question": said.text[:details.MOST_QUESTION], **({key: value for key, value in found.items() if key in ("phone", "email") and len(said.text) < 80})}
    elif asked == "handoff_time" and "best_time" not in found and not said.asks() and not found:
        found["best_time"] = details.as_time(said.text)
    if found:
        requests.update(memory["request"], **found)
    elif problem is None and said.asks():
        if waiting:
            memory["suggest"] = waiting
        return None
    if memory.get("suggest"):
        return {**markers(memory), "handoff_contact": None, "handoff": {**memory, "problem": "email_typo"}}
    if problem and not found:
        return failed(asked[8:] if asked != "handoff_contact" else "contact", problem, memory)
    if not found:
        unclear = {"handoff_name": "name_unclear" if re.search(r"[^\W\d_]", said.text) else "name_letters", "handoff_contact": "contact_unclear"}
        return failed(asked[8:], unclear[asked], memory)
    if said.asks() and asked != "handoff_question":
        return None  # kept; the question is answered, and the form goes on after it
    return finish_or_go_on(said, memory)


def _has(memory: Dict[str, Any], field: str) -> bool:
    return (requests.get(memory["request"]) or {}).get(field) is not None


def domain(said: Said, memory: Dict[str, Any]) -> Optional[Dict[str, Any]]:
    """The answer to "did you mean gmail.com?"; None when the message is something else."""
    request = requests.get(memory["request"])
    meant = said.form.get("domain") or (memory["suggest"] if YES.match(said.text) and "@" not in said.text else None)
    keep = said.form.get("keep") or (NO.match(said.text) and "@" not in said.text and len(said.text.split()) < 6)
    if not meant and not keep:
        return None
    memory = {**memory, "suggest": None}
    if meant and request and request["email"]:
        requests.update(memory["request"], email=f"{request['email'].rsplit('@', 1)[0]}@{meant}")
    return finish_or_go_on(said, memory)


def failed(question: str, problem: str, memory: Dict[str, Any]) -> Dict[str, Any]:
    """The open question is asked again, with the reason; after MOST_TRIES the form ends with the phone."""
    tries = memory["tries"].get(question, 0) + 1
    if tries >= MOST_TRIES:
        return ended("failed", memory)
    return {**markers(memory), f"handoff_{question}": None, "handoff": {**memory, "problem": problem, "tries": {**memory["tries"], question: tries}}}


def markers(memory: Dict[str, Any]) -> Dict[str, Any]:
    """Which questions are settled, from what is kept of the request."""
    request = requests.get(memory["request"]) if memory.get("request") else None
    if request is None:
        return {name: None for name in SLOTS}
    mark = lambda value: None if value is None else GIVEN if value else SKIPPED
    return {
        "handoff_consent": True, "handoff_name": mark(request["name"]), "handoff_contact": GIVEN if request["phone"] or request["email"] else None,
        "handoff_time": mark(request["best_time"]), "handoff_question": mark(request["question"]),
    }


def finish_or_go_on(said: Said, memory: Dict[str, Any]) -> Dict[str, Any]:
    """The markers; when nothing is open any more, the request is complete and goes into the outbox."""
    slots = markers(memory)
    if memory.get("suggest"):
        slots["handoff_contact"] = None
    if all(slots[name] is not None for name in SLOTS):
        requests.submit(memory["request"], said.kb.clinic.handoff.deliver != "inbox")
        return {**slots, **ended("complete", memory)}
    return {**slots, "handoff": memory}


def still_open(slots: Dict[str, Any]) -> List[str]:
    """The questions that are not settled, in order."""
    return [name for name in SLOTS if slots.get(name) is None]
