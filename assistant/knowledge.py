"""The curated knowledge base under data/knowledge: schema, loading, and reloading while the
assistant runs."""

import datetime as dt
import functools
import re
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Dict, List, Optional, Tuple, Union

from pydantic import constr, validator

from assistant import paths
from assistant.clinic import Clinic, Phrases, Strict, load_clinic, load_phrases
from assistant.yamlfile import ContentError, Problem, YamlFile, plain

GROUPS = (
    "basics",
    "concerns",
    "suitability",
    "treatment",
    "recovery",
    "vampire_facial",
    "at_home",
    "comparisons",
    "clinic",
    "boundaries",
)
#: Folder of the specific questions, one file a topic.
QUESTIONS = "questions"
EVIDENCE = ("strong", "moderate", "moderate-low", "low", "practice", "mixed")
VARIANT_KINDS = ("area", "condition", "treatment", "device", "medication", "situation")
STANCES = (
    "postpone",
    "ask_first",
    "specialist_first",
    "not_over_it",
    "treat_first",
    "urgent_advice",
    "do_not",
)
LEVELS = ("none", "expected", "contact_clinic", "same_day", "emergency")
Text = constr(min_length=8, strip_whitespace=True)


def one_of(values: Tuple[str, ...]):
    """A pydantic validator body that names the allowed values."""

    def check(value):
        if value not in values:
            raise ValueError(f"`{value}` is not allowed; use one of: {', '.join(values)}")
        return value

    return check


class Review(Strict):
    """When a text was reviewed, by whom, and when the next review is due; `clinician` names the
    clinician who signed it off, once one has."""

    on: dt.date
    by: constr(min_length=3)
    clinician: Optional[constr(min_length=3)]
    due: dt.date

    @validator("due")
    def _later(cls, due, values):
        if "on" in values and due <= values["on"]:
            raise ValueError("`due` must be after `on`")
        return due


class Question(Strict):
    """A specific question inside a topic (data/knowledge/questions/<topic>.yml). `lead` answers it
    in its first words, `rest` is what else belongs to the answer; `ask` is the question as a
    visitor would put it."""

    ask: constr(regex=r"^[^\n]+\?$", max_length=60)
    lead: Text
    rest: Optional[Text]
    sources: List[str] = []

    @property
    def answer(self) -> str:
        """The lead and what belongs to it."""
        return f"{self.lead} {self.rest}" if self.rest else self.lead


class Topic(Strict):
    """One entry of the knowledge base: what is answered for the intent `ask_<id>`."""

    id: str
    group: str
    title: constr(min_length=3, max_length=32)
    question: constr(regex=r"^[^\n]+\?$")
    evidence: str
    short: Text
    answer: Text
    why: Optional[Text]
    more: Optional[Text]
    how_often: Optional[Text]
    by: Dict[str, Dict[str, Union[Text, List[Text]]]] = {}
    cautions: Dict[str, Text] = {}
    caveats: List[str] = []
    sources: List[str] = []
    follow_ups: List[str] = []
    questions: Dict[str, Question] = {}
    reviewed: Review

    _evidence = validator("evidence", allow_reuse=True)(one_of(EVIDENCE))

    @validator("by", pre=True)
    def _kinds(cls, value):
        for kind in value or {}:
            if kind not in VARIANT_KINDS:
                raise ValueError(
                    f"`{kind}` is not a kind of variant; use one of: {', '.join(VARIANT_KINDS)}"
                )
        return {kind: variants for kind, variants in (value or {}).items() if variants}

    def variant(self, kind: str, value: str) -> Optional[str]:
        """The text for one entity value, if the topic has one (a list of wordings gives its
        first)."""
        found = self.by.get(kind, {}).get(value)
        return found[0] if isinstance(found, list) else found


class Caveat(Strict):
    """A reusable caution that is shown as a message of its own under an answer; `line` is what
    stands under the answer to a specific question instead."""

    text: Text
    line: Optional[Text]
    topics: List[str] = []
    sources: List[str] = []


class Source(Strict):
    """One entry of the bibliography. `seen` says in which form the text was read."""

    title: constr(min_length=5)
    publisher: constr(min_length=2)
    year: Optional[int]
    url: Optional[constr(regex=r"^https?://\S+$")]
    seen: constr(min_length=3)
    note: Optional[str]


class Circumstance(Strict):
    """What a personal circumstance (pregnancy, a blood thinner, ...) changes in every answer."""

    title: constr(min_length=3)
    topic: str
    stance: str
    caution: Text
    past: Optional[Text]
    other: Text
    reminder: Text
    booking: Text
    past_reminder: Optional[Text]
    past_booking: Optional[Text]
    applies_to: Union[str, List[str]] = "all"
    level: str = "none"
    sources: List[str] = []

    _stance = validator("stance", allow_reuse=True)(one_of(STANCES))
    _level = validator("level", allow_reuse=True)(one_of(LEVELS))

    def touches(self, topic: Topic) -> bool:
        """Whether the reminder belongs under an answer on `topic`."""
        if isinstance(self.applies_to, list):
            return topic.id in self.applies_to
        return topic.group != "boundaries" and topic.id not in ("clinic_info", "human_handoff")


class Together(Strict):
    """What is said of circumstances that meet in one person (data/safety/circumstances.yml:
    `together`), instead of their own words and of those of `silences`; `unsaid` is a pattern of
    what nothing else in the turn may say."""

    caution: Text
    other: Text
    reminder: Text
    booking: Text
    silences: List[str] = []
    unsaid: Optional[str]
    sources: List[str] = []

    @validator("unsaid")
    def _unsaid(cls, value):
        try:
            re.compile(value or "")
        except re.error as error:
            raise ValueError(f"not a pattern ({error})") from None
        return value

    def forbids(self, text: str) -> bool:
        """Whether `text` says what must not be said then."""
        return bool(self.unsaid and re.search(self.unsaid, text, re.I | re.S))


def plain_words(text: str) -> str:
    """The words of a text in lower case, without signs."""
    return " ".join(re.findall(r"\w+", text.lower()))


@dataclass
class Knowledge:
    """The whole knowledge base, validated entry by entry, with the clinic's phrases."""

    topics: Dict[str, Topic]
    caveats: Dict[str, Caveat]
    sources: Dict[str, Source]
    circumstances: Dict[str, Circumstance]
    together: Dict[str, Together]
    replies: Dict[str, Any]
    risk_topics: List[str]
    clinic: Clinic
    phrases: Phrases
    files: Dict[str, YamlFile] = field(repr=False, default_factory=dict)
    conversation: Dict[str, Dict[str, Any]] = field(repr=False, default_factory=dict)

    def topic(self, name: str) -> Topic:
        """The entry of a topic id. Raises KeyError."""
        return self.topics[name]

    def named(self, text: str) -> Optional[Topic]:
        """The topic whose title or question a visitor has typed, whatever the case and the
        signs."""
        return self._by_words.get(plain_words(text))

    @functools.cached_property
    def _by_words(self) -> Dict[str, Topic]:
        return {
            plain_words(words): topic
            for topic in self.topics.values()
            for words in (topic.title, topic.question)
        }

    def reply(self, name: str, **more: str) -> str:
        """A text of data/knowledge/replies.yml, filled in for the clinic and with `more` (what the
        conversation knows)."""
        return self.phrases.fill(self.replies[name], **more)

    def talk(self, part: str, name: str, /, **more: str) -> str:
        """A text of data/knowledge/conversation.yml, filled in for the clinic and with `more` (a
        visitor's words, a time)."""
        return self.phrases.fill(self.conversation[part][name], **more)


def _section(file: YamlFile, key: str, model, problems: List[Problem], **extra) -> Dict[str, Any]:
    entries = file.data.get(key)
    if not isinstance(entries, dict):
        problems.append(
            file.problem(
                (),
                f"`{key}:` is missing or is not a mapping",
                f"Begin the file with `{key}:` and put the entries below it.",
            )
        )
        return {}
    result = {}
    for name, entry in entries.items():
        if not isinstance(entry, dict):
            problems.append(
                file.problem(
                    (key, name),
                    "the entry is not a mapping",
                    "Write its keys below it, indented by two spaces.",
                )
            )
            continue
        own = {"id": str(name), **extra} if model is Topic else extra
        parsed, found = file.parse(model, (key, name), **own)
        problems.extend(found)
        if parsed is not None:
            result[str(name)] = parsed
    return result


def load(folder: Path = None, clinic_path: Path = None) -> Knowledge:
    """Read data/knowledge and clinic.yml. Raises ContentError that lists every problem found."""
    folder = folder or paths.knowledge_folder()
    problems: List[Problem] = []
    files: Dict[str, YamlFile] = {}

    def read(name: str) -> Optional[YamlFile]:
        try:
            files[name] = YamlFile.read(folder / f"{name}.yml", paths.ROOT)
            return files[name]
        except ContentError as error:
            problems.extend(error.problems)
            return None

    topics: Dict[str, Topic] = {}
    for group in GROUPS:
        file = read(group)
        if file:
            for name, topic in _section(file, "topics", Topic, problems, group=group).items():
                if name in topics:
                    problems.append(
                        file.problem(
                            ("topics", name),
                            "this topic id is used twice",
                            f"Rename it; the other one is in {topics[name].group}.yml.",
                        )
                    )
                topics[name] = topic
    for path in sorted((folder / QUESTIONS).glob("*.yml")):
        file = read(f"{QUESTIONS}/{path.stem}")
        if file and path.stem in topics:
            topics[path.stem].questions = _section(file, "questions", Question, problems)
        elif file and not problems:
            problems.append(
                file.problem(
                    (), f"`{path.stem}` is not a topic", "Name the file like the topic it is about."
                )
            )
    parts = {}
    for name, key, model in (
        ("caveats", "caveats", Caveat),
        ("sources", "sources", Source),
        ("cautions", "circumstances", Circumstance),
        ("cautions", "together", Together),
    ):
        file = files.get(name) or read(name)
        parts[key] = _section(file, key, model, problems) if file else {}
    replies, conversation = read("replies"), read("conversation")
    for name in ("phrases", "countries"):
        read(name)
    clinic = phrases = None
    try:
        clinic = load_clinic(clinic_path)
        phrases = load_phrases(clinic, folder)
    except ContentError as error:
        problems.extend(error.problems)
    if problems:
        raise ContentError(list(dict.fromkeys(problems)))
    risk = plain(files["caveats"].data.get("risk_topics") or [])
    texts = plain(replies.data.get("replies") or {})
    talk = plain(conversation.data)
    return Knowledge(
        topics,
        parts["caveats"],
        parts["sources"],
        parts["circumstances"],
        parts["together"],
        texts,
        risk,
        clinic,
        phrases,
        files,
        talk,
    )


class LiveKnowledge:
    """The knowledge base of a running process: edits show at the next question, a broken edit keeps
    the last good version.

    `problems` holds what is wrong with the newest edit (empty when it was taken over); `report` is
    called with them once.
    """

    def __init__(
        self,
        folder: Path = None,
        clinic_path: Path = None,
        report=lambda problems: None,
        every: float = 1.0,
    ):
        self.folder = folder or paths.knowledge_folder()
        self.clinic_path = clinic_path or paths.clinic_file()
        self._report, self._every, self._lock = report, every, threading.Lock()
        self.problems: List[Problem] = []
        self._stamp = self._now()
        self._checked = time.monotonic()
        self._current = load(self.folder, self.clinic_path)

    def _now(self) -> Tuple:
        watched = [*sorted(self.folder.rglob("*.yml")), self.clinic_path]
        return tuple(
            (str(p), p.stat().st_mtime_ns, p.stat().st_size) for p in watched if p.exists()
        )

    def get(self) -> Knowledge:
        """The newest version that loads and validates."""
        if time.monotonic() - self._checked < self._every:
            return self._current
        with self._lock:
            self._checked = time.monotonic()
            stamp = self._now()
            if stamp != self._stamp:
                self._stamp = stamp
                try:
                    fresh = load(self.folder, self.clinic_path)
                    from assistant.check import consistency

                    problems = consistency(fresh)
                    if problems:
                        raise ContentError(problems)
                    self._current, self.problems = fresh, []
                except ContentError as error:
                    self.problems = error.problems
                    self._report(self.problems)
                except Exception as error:  # whatever an edit does, visitors are answered
                    what = f"the newest edit cannot be read ({type(error).__name__})"
                    mend = "Run `make check`, or take the last edit back."
                    self.problems = [Problem(self.clinic_path.name, 1, "", what, mend)]
                    self._report(self.problems)
        return self._current
