"""The form that takes a request to be contacted, as a pure machine: what a message fills in, what
is asked next, and what is to be done with the request. No Rasa, no database, no clock.

`step(state, message)` gives the state after a message and the effects that the caller carries out
(assistant.handoff.form). Rasa's slots hold markers only ("given", "skipped"); the details are in
the paper: the request as it is kept, and what is held before the visitor has agreed.
"""

import re
from dataclasses import dataclass, field, replace
from typing import Any, Dict, List, Optional, Tuple

from assistant.conversation import privacy
from assistant.handoff import agreement, details, patterns
from assistant.handoff.details import NotUsable
from assistant.handoff.fields import FIELDS, SLOTS
from assistant.knowledge import Knowledge
from assistant.understanding.text import QUESTION

#: Failed tries at one question after which the form stops and names the phone.
MOST_TRIES = 3
#: Probability from which a message that answers nothing counts as a question of its own.
SURE = 0.5
#: The same for one that does not read like a question.
VERY_SURE = 0.8
#: Probability from which a bare word at the question for the name is a topic and no name.
CERTAIN = 0.6
#: Stopping the form, as nearly the whole message: "I want to cancel my session on Friday" is about
#: something else.
STOP = re.compile(
    r"^\W*(?:(?:please|ok(?:ay)?|actually|sorry|no|oh|hm+|well|yeah|can (?:you|we)|"
    r"i (?:want|would like) to|i'?d like to|let'?s|just)\b[\s,]*)*"
    r"(?:(?:stop|cancel|quit|abort|scrap|end|drop|leave|forget(?: about)?)(?: (?:it|this|that|"
    r"asking|the (?:form|call|chat)|(?:my|the|this|that) (?:request|call ?-?back|message)|"
    r"everything|all (?:of )?(?:it|this|that)))*|never ?mind|(?:i(?:'ve| have)? )?changed my mind|"
    r"i (?:don'?t|do not) want (?:this|that|it|a call|a call ?back|to be (?:called|contacted|"
    r"rung)|anyone to (?:call|contact|ring)(?: me)?|(?:you|them) to (?:call|contact|ring|have|"
    r"keep)(?: me| my \w+| it| that)?)|(?:don'?t|do not) (?:call|contact|ring|phone) me)"
    r"(?:[\s,.;!-]+(?:please|pls|thanks?|thank you|cheers|now|then|actually|sorry|ok|after all|"
    r"any ?more|again|at all|it|this|that|bye|about (?:it|this|that)|"
    r"i (?:don'?t|do not) want (?:this|that|it|to)|i'?ll (?:just )?(?:call|ring|"
    r"phone)(?: (?:them|you|the clinic))?(?: myself)?|i(?:'ve| have)? changed my mind))*\W*$",
    re.I,
)
#: A wish about the way, with the way itself in the message: no refusal of being contacted.
CHANNEL = re.compile(
    r"\b(?:don'?t|do not|no|not|never|rather not|without|instead of)\b.{0,20}\b(?:call\w*|ring\w*|"
    r"phone\w*|text\w*|email\w*|mail\w*)\b",
    re.I,
)
#: Courtesy, which at the last question says that there is none.
THANKS = re.compile(r"^\W*(?:thanks?|thank you|cheers|ta)(?: (?:so|very) much)?\W*$", re.I)
#: Words of preferring one way over another.
RATHER = re.compile(r"\b(?:only|instead|rather|prefer\w*)\b", re.I)
SKIP = re.compile(
    r"^\W*(?:(?:i'?d|i|please|ok|just|you can|can we|no)\b[\s,]*)*(?:skip(?: (?:it|this|that))?|"
    r"pass|no(?:ne|pe|thing)?|n/?a|rather not(?: say)?|prefer not(?: to)?(?: say)?|"
    r"whatever|don'?t (?:mind|know|care)|no preference|doesn'?t matter|not sure|"
    r"that'?s (?:all|everything|it)|thats (?:all|everything|it)|nothing (?:else|more)|no thanks?|"
    r"no thank you|i'?m good|send it(?: now)?|done|finish(?:ed)?)\W*(?:whatever|thanks?|"
    r"thank you|please|pls)?\W*$",
    re.I,
)
SEND = re.compile(r"\bsend it\b|\bthat'?s (?:all|everything|it)\b|\bfinish", re.I)
ENDING = re.compile(
    r"\b(?:ends?|ending|finishes)(?: (?:in|with|on))?\s*:?\s*(?P<a>\d[\d\s]{0,8})|"
    r"\blast (?:\w+ )?(?:digits?|numbers?|ones?)(?: (?:is|are|should be|was|"
    r"were))?\s*:?\s*(?P<b>\d[\d\s]{0,8})",
    re.I,
)
HOLD_ON = re.compile(
    r"^\W*(?:(?:h+m+|um+|oh|ok|wait|sorry|actually|but)\b[\s,]*)*(?:hang on|hold on|wait|"
    r"before (?:that|i)|first|quick question|one (?:sec|moment|question)|just (?:a|one) (?:sec|"
    r"question))\b",
    re.I,
)
WHEN_CALL = re.compile(
    r"\b(?:when|how (?:soon|quickly|fast|long)|what time|which day)\b.{0,30}\b(?:(?:they|you|"
    r"you guys|someone|somebody|anyone|the (?:team|clinic|nurse|lady))\b.{0,20}\b"
    r"(?:call|ring|phone|contact|get back|(?:be|get) in touch|reply|answer|write|email)|"
    r"i\b.{0,16}\b(?:hear|get (?:a|my|the|that) (?:call|ring|reply|answer)))",
    re.I,
)
#: A detail that is put right, or one that is given by its name.
CORRECTING = re.compile(
    r"^\W*(?:(?:oh|ah|ok|and|but|no)\b[\s,]*)*(?:sorry|actually|wait|oops|correction|my mistake|"
    r"i meant|i mean|change)\b|\b(?:wrong|typo|instead|should (?:be|have been)|not \d|meant)\b",
    re.I,
)
MY_PHONE = re.compile(
    r"\b(?:phone|mobile|cell|tel|whatsapp|call me|ring me|reach me|"
    r"(?:my|the|new|right|correct) number)\b",
    re.I,
)
MY_EMAIL = re.compile(
    r"\b(?:my|the|new|right|correct) (?:e-?mail|address)\b|\be-?mail(?: me|:| is)\b", re.I
)
MY_NAME = re.compile(
    r"\b(?:my|the|full|first|last) name\b|\bname(?:'s| is|:)|\bcall me (?!on\b|at\b|back\b|after|"
    r"before|in\b)|\bi'?m called\b",
    re.I,
)
#: Answers to "did you mean gmail.com?": the address as it was written, the suggestion, and one that
#: may be either.
AS_WRITTEN = re.compile(
    r"\bas i (?:wrote|typed|said|gave)\b|\b(?:keep|leave) (?:it|mine|that)\b|"
    r"\b(?:mine|my (?:address|e-?mail)|the address|what i (?:wrote|typed)) (?:is|was) (?:right|"
    r"correct|fine)\b|^\W*no\b.{0,12}\b(?:it'?s|it is|that'?s) (?:right|correct|fine)\b",
    re.I,
)
THAT_ONE = re.compile(
    r"^\W*(?:that'?s (?:right|it|correct|the one)|correct|right|exactly|indeed|i did|"
    r"that one)\W*(?:thanks?|please|yes)?\W*$",
    re.I,
)
IT_IS_RIGHT = re.compile(
    r"^\W*(?:yes|yeah|yep)?\W*(?:it'?s|it is|its) (?:all )?(?:right|correct|fine|"
    r"ok(?:ay)?)\W*(?:thanks?)?\W*$",
    re.I,
)
MOST_ABOUT_DOMAIN = 8
#: Words around a detail from which a message says more than that.
MOST_AROUND = 12
#: Figures of something else.
REFERENCE = re.compile(
    r"\b(?:booking|reference|ref|order|invoice|voucher|account|card|customer|receipt|appointment|"
    r"serial|code)\b[^.,;\d]{0,25}#?\d{5}",
    re.I,
)
#: Whether a message that has a question open says nothing but a time.
AROUND_TIME = re.compile(
    r"\b(?:only|please|pls|thanks?|sorry|actually|oh|and|but|or|is|are|best|better|works?|for|me|"
    r"the|on|in|at|any|not|no|just|after|before|from|until|between|to|best time|time|make|it|"
    r"instead|call|ring|phone|then)\b",
    re.I,
)
#: Where one thing that is said ends.
SENTENCE = re.compile(r"(?<=[a-z\d])[.!?;]+(?:\s+|$)|\n|,\s+(?=my |ring |call |phone )")
#: Words of a name that reads like the beginning of a question ("May Summer").
MOST_NAMES = 3
#: What stands around a number or an address that is given by itself.
AROUND_DETAIL = re.compile(
    r"\b(?:it'?s|its|is|my|the|here|this|that|number|phone|mobile|e-?mail|address|please|pls|"
    r"thanks?|thank|you|and|or|on|at|use|sorry|no|call|ring|text|me)\b",
    re.I,
)
#: "I'd rather not give it", said of the name.
NAMELESS = re.compile(
    r"\banonym\w*\b|\bno names?\b|\bwithout (?:a|my) name\b|\b(?:rather|prefer|want) (?:not|"
    r"to not) (?:to )?(?:give|say|tell|share)\b|\bnot (?:giving|telling|saying|sharing)\b",
    re.I,
)
CONTACT_WORDS = re.compile(
    r"\b(?:number|phone|mobile|tel|email|e-mail|mail|address|reach)\b|@", re.I
)


@dataclass(frozen=True)
class Effect:
    """Something to be done with a request: `begin`, `update`, `submit`, `drop` (of the request
    `name`), or `hold` (what came before consent, `values`; nothing: hold no longer)."""

    kind: str
    name: Optional[str] = None
    values: Dict[str, Any] = field(default_factory=dict)


@dataclass
class Paper:
    """What the form has before it while it reads one message: the request that the conversation
    remembers (its columns, or None), whether the clinic has received it, what is held before
    consent, and the name that a new request gets. Every change becomes an effect."""

    request: Optional[Dict[str, Any]] = None
    delivered: bool = False
    held: Dict[str, str] = field(default_factory=dict)
    new_name: str = "new"
    effects: List[Effect] = field(default_factory=list)

    def get(self, name: Optional[str]) -> Optional[Dict[str, Any]]:
        """The request called `name`, or None when there is none."""
        return self.request if name and self.request and self.request["id"] == name else None

    def begin(self, topics: List[str]) -> str:
        """A new draft; its name."""
        self.request = {
            "id": self.new_name,
            "status": "draft",
            **{column: None for one in FIELDS for column in one.columns},
        }
        self.delivered = False
        self.effects.append(Effect("begin", self.new_name, {"topics": list(topics)}))
        return self.new_name

    def update(self, name: str, /, **values: Optional[str]) -> None:
        """Write details into the request."""
        if self.request is not None:
            self.request = {**self.request, **values}
        self.effects.append(Effect("update", name, values))

    def submit(self, name: str, deliver: bool) -> None:
        """Hand the draft over, by the outbox where the clinic wants that."""
        if self.request is not None:
            self.request = {**self.request, "status": "open"}
        self.effects.append(Effect("submit", name, {"deliver": deliver}))

    def drop(self, name: str) -> bool:
        """Delete the request; whether the clinic had received it."""
        self.effects.append(Effect("drop", name))
        known, self.request = self.request is not None, None
        return known and self.delivered

    def hold(self, found: Dict[str, str]) -> None:
        """Hold `found` beside what is held already."""
        if found:
            self.held = {**self.held, **found}
            self.effects.append(Effect("hold", values=self.held))

    def release(self) -> Dict[str, str]:
        """What is held, held no longer."""
        found, self.held = self.held, {}
        if found:
            self.effects.append(Effect("hold"))
        return found


@dataclass
class Said:
    """One message to the form: the text, how it was understood, and whose conversation it is."""

    text: str
    meaning: Dict[str, Any]
    session: str
    kb: Knowledge
    paper: Paper = field(default_factory=Paper)

    @property
    def form(self) -> Dict[str, Any]:
        """What a picked choice of the form stands for."""
        return self.meaning.get("form") or {}

    @property
    def country(self) -> str:
        return self.kb.clinic.country

    def is_minor(self) -> bool:
        """Whether the visitor says that they are under age."""
        return any(
            item["id"] == "minor"
            and item["who"] == "self"
            and item["when"] == "now"
            and not item["denied"]
            for item in self.meaning.get("circumstances", [])
        )

    def is_crisis(self) -> bool:
        """Whether the message is about a crisis; a plain refusal of a question is not."""
        return not SKIP.match(self.text) and any(
            question["topic"] == "crisis" and question["decision"] == "answer"
            for question in self.meaning.get("questions", [])
        )

    def is_plain_detail(self) -> bool:
        """Whether the message is a number, an address or a name, and nothing else: "May Summer"
        asks nothing, whatever it was understood as."""
        bare = details.EMAIL.sub(" ", details.DIGITS.sub(" ", self.text))
        if bare != self.text and not re.search(r"\w", AROUND_DETAIL.sub(" ", bare)):
            return True
        words = [word.strip(".,!") for word in self.text.split()]
        return (
            0 < len(words) <= MOST_NAMES
            and all(word[:1].isupper() for word in words)
            and words[0].lower() in patterns.shared().names
            and details.find_name(self.text, True) is not None
        )

    def others(self) -> List[Dict[str, Any]]:
        """Questions of the message, surely understood, that have nothing to do with the form."""
        if self.is_plain_detail():
            return []
        return [
            question
            for question in self.meaning.get("questions", [])
            if question["decision"] == "answer"
            and question["confidence"] >= SURE
            and question["topic"] not in ("human_handoff", "smalltalk", "feedback")
        ]

    def asks(self) -> bool:
        """Whether the message asks something that has nothing to do with the form."""
        if self.is_plain_detail():
            return False
        if self.meaning.get("request") in ("more", "shorter", "why", "choice") or WHEN_CALL.search(
            self.text
        ):
            return True
        return any(
            QUESTION.search(HOLD_ON.sub("", question["text"] or self.text).strip(" ,.!:-"))
            for question in self.others()
        )

    def wanders(self) -> bool:
        """Whether the message is about something else, asked or not ("prices")."""
        return self.asks() or any(
            question["confidence"] >= VERY_SURE
            and question["topic"] not in ("booking", "clinic_info")
            for question in self.others()
        )

    def is_keyword(self) -> bool:
        """Whether a message that could be a name names a topic ("prices", "opening hours"). Two
        words with capitals are a name, such as Penny Price."""
        words = self.text.split()
        if len(words) > 1 and all(word[0].isupper() for word in words):
            return False
        if words and all(word.strip(".,!").lower() in patterns.shared().names for word in words):
            return False
        return any(
            question["confidence"] >= CERTAIN
            and self.kb.topic(question["topic"]).group != "boundaries"
            for question in self.others()
        )

    def has_way(self) -> bool:
        """Whether the message holds a usable number or address."""
        try:
            return bool(
                details.find_phone(self.text, self.country) or details.find_email(self.text)
            )
        except NotUsable:
            return False

    def has(self, pattern: str) -> bool:
        """Whether a pattern of data/language/contact_form.yml is in the message."""
        return patterns.shared().has(pattern, self.text)

    def prefers_a_way(self) -> bool:
        """Whether the visitor says how not to reach them and gives or names the way that is
        right."""
        if not CHANNEL.search(self.text):
            return False
        return self.has_way() or (self.has("way") and not self.has("no_way"))

    def need(self) -> Optional[str]:
        """What the team has to know to reach or receive the visitor, in the visitor's words, or
        None: the sentences that say so."""
        says = [
            part.strip(" ,.;")
            for part in SENTENCE.split(self.text)
            if patterns.shared().has("need", part)
            or (
                (CHANNEL.search(part) or RATHER.search(part)) and patterns.shared().has("way", part)
            )
        ]
        bare = [details.DIGITS.sub(" ", details.EMAIL.sub(" ", part)) for part in says]
        words = ". ".join(" ".join(part.split()).strip(" ,.:;") for part in bare)
        return words[: details.MOST_QUESTION] or None

    def complains(self) -> bool:
        """Whether the visitor says that something went wrong, or has had enough."""
        return self.has("complaint") or any(
            name in ("complaint", "insult")
            for question in self.meaning.get("questions", [])
            if question["decision"] == "answer"
            for name in (question.get("entities") or {}).get("situation", [])
        )

    def is_refusal(self) -> bool:
        """Whether a message that may be a "no" is one: anger, and a wish for a person or for
        another way of being reached, refuse nothing."""
        if self.prefers_a_way():
            return False
        if STOP.match(self.text) or self.has("no_way"):
            return True
        if self.has("wants_person") and not patterns.shared().has("refuses_contact", self.text):
            return False
        return not self.complains() or self.has("refuses_contact")

    def tells(self) -> bool:
        """Whether the message states something about the visitor's health."""
        return any(not item["denied"] for item in self.meaning.get("circumstances", [])) or (
            (self.meaning.get("triage") or {}).get("level", "none") != "none"
        )

    def is_time(self) -> bool:
        """Whether the message says nothing but when to call."""
        rest = details.TIME_WORDS.sub(" ", details.TIME_PHRASE.sub(" ", self.text))
        left = AROUND_TIME.sub(" ", rest)
        return details.find_time(self.text) is not None and not re.search(r"[^\W\d]", left)


def opened(said: Said, memory: Dict[str, Any], state: Dict[str, Any]) -> Dict[str, Any]:
    """The slots when the form begins. A request that this conversation has sent already, or a
    minor, ends it at once."""
    slots: Dict[str, Any] = {name: None for name in SLOTS}
    # Nothing was deleted after all: the form goes on where it was.
    if memory.get("outcome") == "erasing" and not memory.get("quiet") and not said.is_minor():
        memory = {
            "tries": {},
            "topics": [],
            "note": "again",
            **{
                key: memory[key]
                for key in ("request",)
                if memory.get(key) and said.paper.get(memory[key])
            },
        }
        return {**slots, **markers(said, memory), "handoff": memory}
    minor = (
        said.is_minor() or (state.get("circumstances") or {}).get("minor", {}).get("who") == "self"
    )
    request = memory.get("request") if memory.get("outcome") == "complete" else None
    if memory.get("quiet"):
        return ended(said, "quiet", memory, keep=True)
    if minor:
        return ended(said, "minor", {})
    if request and not said.form and said.paper.get(request):
        return ended(said, "already", {"request": request})
    if memory.get("request") and memory.get("outcome") != "complete":
        return taken_up(said, memory)
    offered = memory.get("outcome") == "dropped"
    memory = {
        "tries": {},
        "topics": [topic for topic in state.get("answered", []) if topic != "human_handoff"][-3:],
    }
    if said.form.get("consent") or (offered and agreement.reading(said.text)):
        return {**slots, **agreed(said, memory)}
    hold(said, found_in(said, memory, None, strict=True)[0])
    if said.paper.held:
        memory["note"] = "held"
    if said.complains():
        hold(said, {"question": said.text[: details.MOST_QUESTION]})
    return {**slots, "handoff": memory}


def taken_up(said: Said, memory: Dict[str, Any]) -> Dict[str, Any]:
    """The slots of a form that danger signs had closed: it goes on where it was, with the details
    of this message."""
    if said.paper.get(memory["request"]) is None:
        return {**{name: None for name in SLOTS}, "handoff": {"tries": {}, "topics": []}}
    memory = {"tries": {}, "topics": [], **memory, "note": "again", "problem": None}
    found, problem = found_in(said, memory, None, strict=True)
    if found:
        said.paper.update(memory["request"], **found)
    elif problem:
        memory["problem"] = problem
    return finish_or_go_on(said, memory)


def hold(said: Said, found: Dict[str, str]) -> None:
    """Hold what came before consent; what is said about the matter or of a need is added up."""
    before = said.paper.held
    need = said.need()
    lines = [before.get("question"), found.get("question") or need]
    told = "\n".join(dict.fromkeys(line for line in lines if line))
    said.paper.hold({**found, **({"question": told} if told else {})})


def ended(said: Said, outcome: str, memory: Dict[str, Any], keep: bool = False) -> Dict[str, Any]:
    """The slots that end the form; a draft is deleted unless the request is complete, deleting it
    has yet to be confirmed, or `keep` says so."""
    keep = keep or outcome in ("complete", "already", "erasing")
    if not keep and memory.get("request"):
        if said.paper.drop(memory["request"]):
            outcome = "cancelled_late" if outcome == "cancelled" else outcome
        memory = {}
    kept = {
        key: memory[key] for key in ("request", "answer", "need") if memory.get(key) is not None
    }
    return {"handoff": {**kept, "outcome": outcome}, "requested_slot": None}


def answered(said: Said, asked: str, memory: Dict[str, Any]) -> Optional[Dict[str, Any]]:
    """The slots after a message while the question `asked` was open; None when the message is a
    question of its own."""
    still = memory.get("note") == "again" or bool(memory.get("problem"))
    memory = {**memory, "problem": None, "note": None, "answer": None, "need": None}
    forgotten = forget(said, asked, memory)
    if forgotten is not None:
        return forgotten
    if (
        said.is_minor()
        or said.is_crisis()
        or privacy.wanted(said.text)
        or said.meaning.get("request") in ("erase", "keep", "ask_erase")
    ):
        return None
    if asked == "handoff_consent":
        if said.meaning.get("request") == "repeat":
            return {"handoff": memory}
        return consent(said, memory, still)
    if said.form.get("stop") or (STOP.match(said.text) and not said.prefers_a_way()):
        said.paper.release()
        return ended(said, "cancelled", memory)
    if said.has("why"):
        return {"handoff": {**memory, "problem": f"why_{asked[8:]}"}}
    if said.meaning.get("request") == "repeat":
        return {"handoff": memory}
    return fields(said, asked, memory)


#: Which field of a request a word for a detail means.
FIELD_OF = {
    "name": "name",
    "surname": "name",
    "number": "phone",
    "phone": "phone",
    "mobile": "phone",
    "mail": "email",
    "email": "email",
    "address": "email",
    "time": "best_time",
    "question": "question",
    "message": "question",
}


def detail_to_forget(text: str) -> Optional[str]:
    """The field of a request that a message asks to have forgotten ("forget my number"), or
    None."""
    found = patterns.shared().match("forget", text)
    if found is None:
        return None
    words = re.findall(r"[a-z]+", found["detail"].lower())
    return next((FIELD_OF[word] for word in reversed(words) if word in FIELD_OF), None)


def forget(said: Said, asked: str, memory: Dict[str, Any]) -> Optional[Dict[str, Any]]:
    """The slots after "forget my number": the detail is deleted and asked for again. None when the
    message does not ask for that, or nothing of the kind is there."""
    field = detail_to_forget(said.text)
    if field is None:
        return None
    if asked == "handoff_consent":
        rest = said.paper.release()
        if field not in rest:
            return None
        del rest[field]
        said.paper.hold(rest)
        return {"handoff": {**memory, "problem": "forgotten"}}
    if not memory.get("request") or not (said.paper.get(memory["request"]) or {}).get(field):
        return None
    said.paper.update(memory["request"], **{field: None})
    memory = {**memory, "problem": "forgotten", "suggest": None}
    return {**markers(said, memory), "handoff": memory}


def resumed(said: Said, asked: str, memory: Dict[str, Any]) -> Dict[str, Any]:
    """The slots after a question in the middle was answered. An offer that is passed over twice is
    dropped without a word more."""
    if said.is_minor():
        return ended(said, "minor", memory)
    if said.is_crisis():
        return ended(said, "crisis", memory)
    if said.meaning.get("request") == "erase" or privacy.asks_deletion(said.text, said.meaning):
        return ended(said, "erasing", memory)
    memory = {
        **memory,
        "problem": None,
        "note": "again",
        "answer": None,
        "need": None,
        "drift": memory.get("drift", 0) + (0 if said.need() or said.tells() else 1),
    }
    if said.need():
        if asked == "handoff_consent":
            hold(said, {})
        else:
            note_need(said, memory)
    if asked == "handoff_consent" and memory["drift"] > 1:
        said.paper.release()
        return ended(said, "dropped", memory)
    return {**markers(said, memory), "handoff": memory}


def consent(said: Said, memory: Dict[str, Any], still: bool = False) -> Optional[Dict[str, Any]]:
    """The visitor's yes or no; details that come without either are held until it is clear. A
    question beside a yes or a no is left to the answer (`answer`)."""
    answer = said.form.get("consent")
    if answer is None:
        answer = agreement.reading(said.text, still)
        refuses = answer is False or STOP.match(said.text) or said.form.get("stop")
        if refuses or (answer is None and said.complains() and said.has("refuses_contact")):
            answer = False if said.form.get("stop") or said.is_refusal() else None
    if answer is False:
        said.paper.release()
        ending = ended(said, "refused", memory)
        return {**ending, "handoff": {**ending["handoff"], "answer": said.asks()}}
    if answer:
        return agreed(said, {**memory, "answer": said.asks()})
    if said.has("why"):
        return {"handoff": {**memory, "problem": "why_consent"}}
    if said.complains() and not said.asks():
        hold(said, {"question": said.text[: details.MOST_QUESTION]})
        return {"handoff": sorry(memory)}
    if said.asks():
        return None
    found, problem = found_in(said, memory, None, strict=True)
    if said.is_time():
        found["best_time"] = details.whole_time(said.text)
    need = said.need()
    hold(said, found)
    if found or problem or (need and not said.wanders()):
        return {"handoff": {**memory, "note": "held"}}
    if said.wanders():
        return None
    if said.tells() or said.has("wants_person"):
        return {"handoff": {**memory, "note": "again"}}
    if agreement.WAIT.search(said.text):
        return {"handoff": {**memory, "problem": "ask_first"}}
    return failed(said, "consent", "consent_unclear", memory)


def agreed(said: Said, memory: Dict[str, Any]) -> Dict[str, Any]:
    """The visitor said yes: from here on details are kept, beginning with those of this message and
    those that were held."""
    memory = {**memory, "request": said.paper.begin(memory.get("topics", []))}
    found, problem = found_in(said, memory, None)
    before = said.paper.release()
    if before.get("question"):
        memory["noted"] = True
    kept = {**before, **found}
    if "question" in found and before.get("question"):
        kept["question"] = "\n".join((before["question"], found["question"]))
        memory.pop("noted")
    suggestion = memory.pop("suggest", None)
    if kept:
        said.paper.update(memory["request"], **kept)
    if suggestion:
        memory.update(suggest=suggestion, problem="email_typo")
    elif problem:
        memory["problem"] = problem
    memory["note"] = "agreed"
    if "question" not in found:
        note_need(said, memory)
    return finish_or_go_on(said, memory)


def note_need(said: Said, memory: Dict[str, Any]) -> None:
    """Write what the team has to know to reach or receive the visitor into the request; what the
    team should help with is asked all the same."""
    need = said.need()
    if not need or not memory.get("request"):
        return
    before = (said.paper.get(memory["request"]) or {}).get("question") or ""
    if need in before:
        return
    told = "\n".join(line for line in (before, need) if line)
    said.paper.update(memory["request"], question=told[: details.MOST_QUESTION])
    memory.update(need=True, noted=memory.get("noted") or not before)


def found_in(
    said: Said, memory: Dict[str, Any], asked: Optional[str], strict: bool = False
) -> tuple:
    """Details in the message as fields of a request, and the reason why one of them cannot be used
    (or None).

    With `strict` only unmistakable ones count; `memory["suggest"]` becomes the domain that an
    address was probably meant to have.
    """
    found: Dict[str, str] = {}
    problem = None
    text = said.text
    if said.form:
        return found, problem
    try:
        phone = (
            details.find_phone(text, said.country)
            if not REFERENCE.search(text) or MY_PHONE.search(text)
            else None
        )
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
        known = (said.paper.get(memory["request"]) or {}).get("phone")
        if known:
            try:
                found["phone"] = details.with_ending(
                    known, re.sub(r"\D", "", ending["a"] or ending["b"]), said.country
                ).number
                problem = None
            except NotUsable as error:
                problem = error.reason
    extension = details.EXTENSION.search(text)
    if extension and "phone" not in found and memory.get("request"):
        known = (said.paper.get(memory["request"]) or {}).get("phone")
        if known:
            main = known.partition(details.EXTENSION_SIGN)[0]
            found["phone"] = f"{main}{details.EXTENSION_SIGN}{extension['ext']}"
    after_yes = agreement.STRONG.sub("", text, count=1) if asked is None and not strict else text
    if said.need():
        after_yes = patterns.shared().without("need", after_yes)
    name = details.find_name(after_yes, asked == "handoff_name")
    corrects = CORRECTING.search(text) and asked in ("handoff_contact", "handoff_time")
    if name and (asked in (None, "handoff_name") or MY_NAME.search(text) or corrects):
        found["name"] = name
    if asked != "handoff_question":
        best = details.find_time(text)
        if best and not (strict and not found) and not said.asks():
            found["best_time"] = best
        about = (
            details.find_question(text)
            if asked in (None, "handoff_contact") and {"phone", "email"} & set(found)
            else None
        )
        if about:
            found["question"] = about
    return found, problem


def fields(said: Said, asked: str, memory: Dict[str, Any]) -> Optional[Dict[str, Any]]:
    """Fill in whatever the message gives, the open question first."""
    if not memory.get("request") or said.paper.get(memory["request"]) is None:  # erased meanwhile
        return ended(said, "cancelled", {})
    if asked == "handoff_contact" and memory.get("suggest"):
        settled = domain(said, memory)
        if settled is not None:
            return settled
    waiting = memory.pop("suggest", None)
    open_text = asked in ("handoff_time", "handoff_question")
    if asked == "handoff_question" and HOLD_ON.match(said.text) and said.asks():
        return None
    found, problem = found_in(said, memory, asked)
    if asked != "handoff_question":
        note_need(said, memory)
    if said.complains() and asked != "handoff_question" and not said.asks():
        found = {key: value for key, value in found.items() if key in ("phone", "email")}
        if not found:
            return complained(said, asked, memory)
    if (
        asked == "handoff_name"
        and NAMELESS.search(said.text)
        and not MY_NAME.search(NAMELESS.sub("", said.text))
    ):
        found["name"] = ""
    elif (
        asked == "handoff_name" and set(found) == {"name"} and said.is_keyword() and not said.asks()
    ):
        return None
    skip_word = SKIP.match(said.text) or (
        asked == "handoff_question" and THANKS.match(said.text) is not None
    )
    wordless = open_text and not re.search(r"\w", said.text)
    skip = bool(said.form.get("skip") or skip_word or wordless) and not found
    if said.form.get("send") or (skip and open_text and SEND.search(said.text)):
        found.update({key: "" for key in ("best_time", "question") if not _has(said, memory, key)})
        memory["noted"] = False
        if not found:
            return finish_or_go_on(said, memory)
    elif skip and asked == "handoff_name":
        found["name"] = ""
    elif asked == "handoff_contact" and not found and (skip or NAMELESS.search(said.text)):
        if memory["tries"].get("contact"):
            return ended(said, "no_contact", memory)
        return failed(said, "contact", "contact_needed", memory)
    elif skip and asked == "handoff_time":
        found["best_time"] = ""
    elif skip:
        found["question"] = asked_before(said, memory)
        memory["noted"] = False
    elif asked == "handoff_question":
        put_right = correction(said, found, memory)
        found = put_right or {"question": said.text}
        if not put_right:
            memory.pop("suggest", None)
            memory["answer"] = said.asks()
        if "question" in found:
            lines = [line for line in (asked_before(said, memory), found["question"]) if line]
            found["question"] = "\n".join(lines)[: details.MOST_QUESTION]
            memory["noted"] = False
    elif (
        asked == "handoff_time"
        and not said.asks()
        and ("best_time" in found or not (found or memory.get("need") or said.tells()))
        and not said.wanders()
    ):
        found["best_time"] = details.whole_time(said.text) or details.as_time(said.text)
    if found:
        said.paper.update(memory["request"], **found)
    elif problem is None and said.asks():
        if waiting:
            memory["suggest"] = waiting
        return None
    if memory.get("suggest"):
        return {
            **markers(said, memory),
            "handoff_contact": None,
            "handoff": {**memory, "problem": "email_typo"},
        }
    if not found and memory.get("need"):
        return {**markers(said, memory), "handoff": {**memory, "note": "again"}}
    if not found and problem is None and said.tells():
        return {**markers(said, memory), "handoff": {**memory, "note": "again"}}
    if not found and asked == "handoff_time" and said.wanders():
        return None
    if problem and not found:
        return failed(said, asked[8:] if asked != "handoff_contact" else "contact", problem, memory)
    if not found:
        unclear = {
            "handoff_name": "name_unclear" if re.search(r"[^\W\d_]", said.text) else "name_letters",
            "handoff_contact": "contact_unclear",
        }
        return failed(said, asked[8:], unclear[asked], memory)
    if said.asks() and asked != "handoff_question":
        return None  # kept; the question is answered, and the form goes on after it
    return finish_or_go_on(said, memory)


def correction(said: Said, found: Dict[str, str], memory: Dict[str, Any]) -> Dict[str, str]:
    """The details that a message at the question "what about?" puts right or adds, or an empty
    mapping when it is the question: a detail that is kept is replaced only by one that is named, or
    said to be a correction ("my booking reference is 2024051234" is a question).
    """
    text, corrects = said.text, bool(CORRECTING.search(said.text) or ENDING.search(said.text))
    named = {"phone": MY_PHONE, "email": MY_EMAIL, "name": MY_NAME}
    right = {
        key: value
        for key, value in found.items()
        if key in named and (named[key].search(text) or corrects)
    }
    rest = details.EMAIL.sub(" ", details.DIGITS.sub(" ", text))
    if right:
        about = details.find_question(text)
        bare = len(rest.split()) <= MOST_AROUND
        return (
            {**right, **({"question": about} if about else {})}
            if bare or about
            else {"question": text[: details.MOST_QUESTION], **right}
        )
    best = details.find_time(text)
    if best and not re.search(
        r"\w", AROUND_TIME.sub(" ", details.TIME_WORDS.sub(" ", details.TIME_PHRASE.sub(" ", text)))
    ):
        return {"best_time": details.whole_time(text)}
    return {}


def sorry(memory: Dict[str, Any]) -> Dict[str, Any]:
    """The memory after anger: the regret is said in full once."""
    problem = "complaint_again" if memory.get("sorry") else "complaint"
    return {**memory, "problem": problem, "sorry": True}


def complained(said: Said, asked: str, memory: Dict[str, Any]) -> Dict[str, Any]:
    """The slots after anger while a detail was asked for: it is no answer, it is passed on in the
    visitor's words, and the question is asked again."""
    lines = [line for line in (asked_before(said, memory), said.text) if line]
    told = "\n".join(dict.fromkeys(lines))[: details.MOST_QUESTION]
    said.paper.update(memory["request"], question=told)
    memory = sorry({**memory, "noted": True})
    return failed(said, asked[8:], memory["problem"], memory)


def asked_before(said: Said, memory: Dict[str, Any]) -> str:
    """What the request says of its matter so far."""
    return (said.paper.get(memory["request"]) or {}).get("question") or ""


def _has(said: Said, memory: Dict[str, Any], field: str) -> bool:
    return (said.paper.get(memory["request"]) or {}).get(field) is not None


def domain(said: Said, memory: Dict[str, Any]) -> Optional[Dict[str, Any]]:
    """The answer to "did you mean gmail.com?"; None when the message is something else. A domain
    that is named wins; "it is right" leaves open what is right."""
    request = said.paper.get(memory["request"])
    text, short = said.text, "@" not in said.text and len(said.text.split()) <= MOST_ABOUT_DOMAIN
    named = details.named_domain(text, memory["suggest"]) if short and not said.form else None
    agrees = agreement.reading(text) if short else None
    keep = said.form.get("keep") or (
        short and not named and (AS_WRITTEN.search(text) or agrees is False)
    )
    meant = (
        said.form.get("domain")
        or named
        or (memory["suggest"] if agrees or short and THAT_ONE.match(text) else None)
    )
    if short and not named and not said.form and IT_IS_RIGHT.match(text):
        return failed(said, "contact", "email_typo", memory)
    if not meant and not keep:
        return None
    memory = {**memory, "suggest": None}
    if not keep and meant and request and request["email"]:
        said.paper.update(memory["request"], email=f"{request['email'].rsplit('@', 1)[0]}@{meant}")
    return finish_or_go_on(said, memory)


def failed(said: Said, question: str, problem: str, memory: Dict[str, Any]) -> Dict[str, Any]:
    """The open question is asked again, with the reason; after MOST_TRIES the form ends with the
    phone."""
    tries = memory["tries"].get(question, 0) + 1
    if tries >= MOST_TRIES:
        return ended(said, "failed", memory)
    return {
        **markers(said, memory),
        f"handoff_{question}": None,
        "handoff": {**memory, "problem": problem, "tries": {**memory["tries"], question: tries}},
    }


def markers(said: Said, memory: Dict[str, Any]) -> Dict[str, Any]:
    """Which questions are settled, from what is kept of the request."""
    request = said.paper.get(memory.get("request"))
    if request is None:
        return {name: None for name in SLOTS}
    slots = {one.slot: one.marker(request) for one in FIELDS}
    if memory.get("noted"):  # a need is noted already; what the team should do is still open
        slots["handoff_question"] = None
    return {"handoff_consent": True, **slots}


def finish_or_go_on(said: Said, memory: Dict[str, Any]) -> Dict[str, Any]:
    """The markers; when nothing is open any more, the request is complete and goes into the
    outbox."""
    slots = markers(said, memory)
    if memory.get("suggest"):
        slots["handoff_contact"] = None
    if all(slots[name] is not None for name in SLOTS):
        said.paper.submit(memory["request"], said.kb.clinic.handoff.deliver != "inbox")
        return {**slots, **ended(said, "complete", memory)}
    return {**slots, "handoff": memory}


@dataclass(frozen=True)
class State:
    """The form between two messages: what Rasa's slot `handoff` remembers, the question that is
    open (None: the form begins), and whether a question in the middle was just answered."""

    memory: Dict[str, Any]
    asked: Optional[str] = None
    digressed: bool = False
    conversation: Dict[str, Any] = field(default_factory=dict)


def step(state: State, message: Said) -> Tuple[Optional[Dict[str, Any]], List[Effect]]:
    """The slots after a message, and what is to be done with the request. No slots when the message
    is a question of its own, which is answered before the form goes on. The paper of `message` is
    left as it was."""
    paper = replace(message.paper, effects=[], held=dict(message.paper.held))
    said = replace(message, paper=paper)
    if state.asked is None:
        slots: Optional[Dict[str, Any]] = opened(said, state.memory, state.conversation)
    elif state.digressed:
        slots = resumed(said, state.asked, state.memory)
    else:
        slots = answered(said, state.asked, state.memory)
    return slots, paper.effects
