"""A turn of the assistant, as the website channel's contract defines it, and as plain text for
`rasa shell`."""

import re
import uuid
from dataclasses import dataclass, field
from typing import Any, Dict, List, Optional

#: Which kind names a turn where several apply, most important first.
KINDS = (
    "crisis",
    "form",
    "handoff",
    "caution",
    "answer",
    "clarify",
    "out_of_scope",
    "smalltalk",
    "fallback",
    "notice",
)
#: The same with the urgent kind, for turns that are put together.
ORDER = ("triage", *KINDS)
#: What of a turn stays on the server.
PRIVATE = ("masks", "erase", "begins_form", "settles", "specific")
URGENCY = ("none", "expected", "contact_clinic", "same_day", "emergency")
ROLES = ("answer", "caveat", "caution", "triage", "question", "notice")


def new_id() -> str:
    """A short random identifier for a turn or a choice."""
    return uuid.uuid4().hex[:16]


@dataclass
class Message:
    """One bubble: `role` is one of ROLES, `text` is markdown, `topic` the topic it answers.

    `level` is how urgent a triage message is by itself (one of URGENCY), `language` the code of
    another language than English that it is written in.
    """

    role: str
    text: str
    topic: Optional[str] = None
    level: Optional[str] = None
    language: Optional[str] = None

    def as_dict(self) -> Dict[str, Any]:
        """The message as data; level and language only where there is one."""
        return {
            key: value
            for key, value in vars(self).items()
            if value or key not in ("level", "language")
        }


@dataclass
class Choice:
    """Something the visitor may pick. `meaning` says what picking it does and stays on the
    server."""

    title: str
    topic: Optional[str] = None
    meaning: Dict[str, Any] = field(default_factory=dict)
    id: str = field(default_factory=new_id)


@dataclass
class Turn:
    """Everything that the assistant says in reply to one message."""

    kind: str
    topics: List[str] = field(default_factory=list)
    urgency: str = "none"
    cautions: List[str] = field(default_factory=list)
    messages: List[Message] = field(default_factory=list)
    choices: List[Choice] = field(default_factory=list)
    sources: List[Dict[str, Any]] = field(default_factory=list)
    reviewed_on: Optional[str] = None
    id: str = field(default_factory=new_id)
    #: Words that are not stored, with what is stored instead (assistant.handoff.veil); they stay on
    #: the server.
    masks: Dict[str, str] = field(default_factory=dict)
    #: Whether everything of the conversation is deleted once this turn is given.
    erase: bool = False
    #: Whether the request form begins after this turn.
    begins_form: bool = False
    #: Whether this turn settles a message that asks for a person, so that the form must not begin.
    settles: bool = False
    #: Topics of which a specific question is answered, not the topic as a whole.
    specific: List[str] = field(default_factory=list)

    def say(self, role: str, text: str, topic: Optional[str] = None) -> None:
        """Append a message."""
        self.messages.append(Message(role, text, topic))

    def as_dict(self) -> Dict[str, Any]:
        """The turn as JSON-serialisable data, `meaning` of the choices included (the channel
        removes it)."""
        return {
            **vars(self),
            "messages": [message.as_dict() for message in self.messages],
            "choices": [dict(vars(choice)) for choice in self.choices],
        }

    @classmethod
    def from_dict(cls, data: Dict[str, Any]) -> "Turn":
        """A turn from the data of `as_dict` (a new id where it holds none)."""
        messages = [Message(**message) for message in data["messages"]]
        choices = [Choice(**choice) for choice in data["choices"]]
        return cls(**{**data, "messages": messages, "choices": choices})


def public(turn: Dict[str, Any]) -> Dict[str, Any]:
    """A turn as a visitor's browser may see it: without what the choices mean on the server."""
    choices = [
        {key: choice.get(key) for key in ("id", "title", "topic")}
        for choice in turn.get("choices", [])
    ]
    return {**{key: value for key, value in turn.items() if key not in PRIVATE}, "choices": choices}


def together(turns: List[Dict[str, Any]]) -> Dict[str, Any]:
    """Several turns that answer one message as one: everything said in order, the most important
    kind, the choices of the last that has any."""
    first, last = turns[0], next((turn for turn in reversed(turns) if turn["choices"]), turns[-1])

    def joined(key: str) -> List[Any]:
        items = [item for turn in turns for item in turn[key]]
        return [item for number, item in enumerate(items) if item not in items[:number]]

    masks = {word: mask for turn in turns for word, mask in (turn.get("masks") or {}).items()}
    return {
        **first,
        "kind": min((turn["kind"] for turn in turns), key=ORDER.index),
        "topics": joined("topics"),
        "cautions": joined("cautions"),
        "urgency": max((turn["urgency"] for turn in turns), key=URGENCY.index),
        "messages": joined("messages"),
        "choices": last["choices"],
        "sources": joined("sources"),
        "masks": masks,
        "erase": any(turn.get("erase") for turn in turns),
    }


def strip_markdown(text: str) -> str:
    """Markdown emphasis and link syntax removed, for a terminal."""
    text = re.sub(r"\*\*(.+?)\*\*", r"\1", text)
    return re.sub(r"\[([^\]]+)\]\(([^)]+)\)", r"\1 (\2)", text)


def as_text(turn: Dict[str, Any], labels: Dict[str, str]) -> str:
    """A turn as readable text: messages, then numbered choices, then sources. `labels` holds the
    words around them."""
    lines = []
    for message in turn["messages"]:
        text = strip_markdown(message["text"])
        prefix = labels.get(message["role"])
        lines.append(f"{prefix} {text}" if prefix else text)
    if turn.get("choices"):
        lines.append(labels["choices"])
        lines.extend(
            f"  {number}. {choice['title']}" for number, choice in enumerate(turn["choices"], 1)
        )
    if turn.get("sources"):
        named = "; ".join(
            f"{s['title']} ({', '.join(str(p) for p in (s['publisher'], s.get('year')) if p)})"
            for s in turn["sources"]
        )
        reviewed = (
            labels["reviewed"].format(date=turn["reviewed_on"]) if turn.get("reviewed_on") else ""
        )
        lines.append(f"{labels['sources']} {named}. {reviewed}".rstrip())
    return "\n".join(lines)
