"""The trained half of triage: how urgent messages of the training data that read like this one are.

A `TopicModel` whose topics are the levels and whose situations are the rows of the triage table, fitted on data/safety/messages
and, as messages that report nothing, on the questions of data/nlu. It reads the whole message and each of its sentences.
"""
import functools
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Callable, Dict, List, Sequence, Tuple

import numpy as np

from assistant import paths
from assistant.safety.statements import read_statements
from assistant.safety.triage import LEVELS, Finding
from assistant.understanding.model import SEPARATOR, TopicModel
from assistant.understanding.text import normalise
from assistant.yamlfile import ContentError, YamlFile, plain

#: Topics whose own training messages report symptoms of some level: they say nothing about `none`.
UNCLEAR_TOPICS = ("urgent_symptom", "post_treatment_worry", "crisis")
#: Of the topics' questions, every so-manieth is used as a message that reports nothing: all of them would drown the few reports.
EVERY = 4
#: Sentences of one message that are read one by one, and words that a sentence needs for it.
MOST_SENTENCES, LEAST_WORDS = 8, 3
#: Words that make a sentence of a very long message worth reading.
TELLING = re.compile(
    r"\b(?:swell|swoll|puff|breath|throat|tongue|lip|chest|heart|faint|dizz|pass(?:ed)? out|collaps|eye|sight|vision|see |blind|pus|ooz|weep|leak|yellow|green|crust|fever|temperature|hot|chill|shiver|"
    r"red|spread|streak|line|blister|sore|burn|raw|black|purple|blue|grey|white|numb|droop|weak|speech|slur|bleed|blood|pain|hurt|ache|throb|sting|itch|hive|rash|lump|bump|hard|vomit|sick|ill|confus|seiz|fit|"
    r"needle|shared|same|swallow|tablet|overdose|worse|bigger|grow|spot|patch|mark|scab|smell|gland|38|39|40|10[0-4])", re.I)


@dataclass(frozen=True)
class Limits:
    """Least probability that a message, or one sentence of it, needs for a level (or a more urgent one).

    Chosen on held-out folds of data/safety/messages (`make safety-report`), below one half: unsure goes one level up.
    """

    emergency: float = 0.2
    same_day: float = 0.25
    contact_clinic: float = 0.3
    expected: float = 0.4
    sentence: float = 3.0  #: factor for a single sentence, which lacks its context
    nothing: float = 0.12  #: share of the urgent levels below which, in the message and in all its sentences, nothing is reported whatever words occur
    ordinary: float = 0.4  #: share of `expected` above which a same-day pattern needs the model's support,
    supported: float = 0.3  #: which is this share of the two urgent levels
    milder: float = 0.8  #: an emergency that only the model sees is at least so many times as likely as `contact_clinic`,
    harmless: float = 0.35  #: and so many times as likely as `none`;
    nothing_new: float = 0.65  #: `contact_clinic` is not said where `none` is more likely than this,
    healing: float = 0.55  #: or `expected` than this; a same day then needs `supported` too


def read_messages(folder: Path = paths.SAFETY / "messages") -> List[Tuple[str, str]]:
    """(text, "level/row") of every training message. Raises ContentError that names file and entry."""
    rows, problems = [], []
    for path in sorted(folder.glob("*.yml")):
        file = YamlFile.read(path, paths.ROOT)
        for number, entry in enumerate(plain(file.data["messages"])):
            if entry.get("level") not in LEVELS:
                problems.append(file.problem(("messages", number, "level"), f"`{entry.get('level')}` is not a level", f"Use one of: {', '.join(LEVELS)}."))
                continue
            rows += [(normalise(str(text)), f"{entry['level']}{SEPARATOR}{entry['row']}") for text in entry["texts"]]
    if problems:
        raise ContentError(problems)
    return rows


def sentences(text: str) -> List[str]:
    """The sentences of a message that are read one by one: all of a short one, the telling ones of a long one."""
    parts = [p.strip() for p in re.split(r"(?<=[.!?;])\s+|\n|\s+(?:but|and now|however|anyway|also|btw)\s+", text)]
    parts = [p for p in parts if len(p.split()) >= LEAST_WORDS]
    if len(parts) < 2:
        return []
    if len(parts) > MOST_SENTENCES:
        parts = sorted(parts, key=lambda p: -len(TELLING.findall(p)) / (3 + len(p.split())))[:MOST_SENTENCES]
    return [p for p in parts if TELLING.search(p)]


class TriageModel:
    """Level and row of a message, by a trained model."""

    def __init__(self, model: TopicModel, encode: Callable[[str], np.ndarray], limits: Limits = Limits()):
        self.model, self.encode, self.limits = model, encode, limits
        self.probabilities = functools.lru_cache(maxsize=256)(self._probabilities)

    @classmethod
    def train(cls, texts: Sequence[str], vectors: np.ndarray, labels: Sequence[str], encode: Callable[[str], np.ndarray]) -> "TriageModel":
        """Fit on texts, their embeddings [n, dimension] and "level/row" labels."""
        return cls(TopicModel.train(texts, vectors, labels), encode)

    def _probabilities(self, text: str) -> Tuple[Dict[str, float], Dict[str, str]]:
        """Probability of each level, and the most likely row inside each."""
        ranked = self.model.rank(text, self.encode(text))
        return dict(ranked.topics), ranked.situations

    def find(self, text: str) -> Finding:
        """The most urgent level that the message or one of its sentences reaches."""
        best = self._level(text, 1.0)
        for part in sentences(text):
            found = self._level(part, self.limits.sentence)
            if LEVELS.index(found.level) > LEVELS.index(best.level):
                best = found
        return best

    def doubts(self, text: str, level: str) -> bool:
        """Whether a pattern of `level` is not to be believed: neither the message nor any sentence of it reads like a report that needs care,
        or, below an emergency, the message clearly reads like an ordinary reaction."""
        shares, _ = self.probabilities(text)
        parts = [shares, *(self.probabilities(part)[0] for part in sentences(text))]
        if all(sum(part.get(name, 0.0) for name in LEVELS[2:]) < self.limits.nothing for part in parts):
            return True
        urgent = max(part.get("emergency", 0.0) + part.get("same_day", 0.0) for part in parts)
        return level != "emergency" and shares.get("expected", 0.0) > self.limits.ordinary and urgent < self.limits.supported

    def _level(self, text: str, factor: float) -> Finding:
        shares, rows = self.probabilities(text)
        reached = 0.0
        for level in reversed(LEVELS[1:]):
            reached += shares.get(level, 0.0)
            if reached >= min(0.97, getattr(self.limits, level) * factor) and not self._outweighed(level, reached, shares):
                row = rows.get(level, "")
                return Finding(level, (int(row),) if row.isdigit() else ())
        return Finding()

    def _outweighed(self, level: str, reached: float, shares: Dict[str, float]) -> bool:
        """Whether a milder level is so much more likely that `level`, though likely enough, would only alarm."""
        none, milder, limits = shares.get("none", 0.0), shares.get("contact_clinic", 0.0), self.limits
        if level == "emergency":
            return reached < max(limits.milder * milder, limits.harmless * none)
        if shares.get("expected", 0.0) > limits.healing:
            return reached < limits.supported or level == "contact_clinic"
        return level == "contact_clinic" and none > limits.nothing_new


#: Circumstances whose statements report nothing that needs care: as harmless messages they keep "I take warfarin" from alarming.
HARMLESS_CIRCUMSTANCES = frozenset((
    "breastfeeding", "isotretinoin", "blood_thinner", "bleeding_disorder", "keloid", "skin_condition", "diabetes", "cancer_treatment", "recent_treatment", "minor", "heart_device",
    "skin_of_colour", "allergy", "home_needling", "numbing_misuse", "topical_on_open_skin"))


def training_rows(topic_texts: Sequence[str], topic_labels: Sequence[str]) -> Tuple[List[str], List[str]]:
    """Texts and labels to train on: the safety messages, and the topics' examples as `none`. `topic_labels` are topic ids or "topic/situation"."""
    rows: List[Any] = read_messages()
    rows += [(text, f"none{SEPARATOR}circumstance") for text, name in read_statements() if name in HARMLESS_CIRCUMSTANCES]
    known = {text for text, _ in rows}
    harmless = [text for text, label in zip(topic_texts, topic_labels) if label.split(SEPARATOR)[0] not in UNCLEAR_TOPICS and text not in known]
    rows += [(text, f"none{SEPARATOR}question") for text in harmless[::EVERY]]
    return [text for text, _ in rows], [label for _, label in rows]
