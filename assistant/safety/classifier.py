"""The trained half of triage: how urgent messages of the training data that read like this one are.

A `TopicModel` whose topics are the levels and whose situations are the rows of the triage table,
fitted on data/safety/messages and, as messages that report nothing, on the questions of data/nlu.
It reads the whole message and each of its sentences.
"""

import functools
import re
import zlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Callable, Dict, List, Mapping, Sequence, Tuple

import numpy as np

from assistant import paths
from assistant.safety.statements import read_statements
from assistant.safety.triage import LEVELS, PAST, Finding
from assistant.understanding.model import SEPARATOR, TopicModel
from assistant.understanding.text import normalise
from assistant.yamlfile import ContentError, YamlFile, plain

#: Topics whose own training messages report symptoms of some level: they say nothing about `none`.
UNCLEAR_TOPICS = ("urgent_symptom", "post_treatment_worry", "crisis")
#: Of the topics' questions, every so-manieth (by checksum, so that a new one does not change the
#: choice of the others) is used as a message that reports nothing: all of them would drown the few
#: reports.
EVERY = 4
#: The row of overdoses, and words that something was taken.
OVERDOSE = "25"
TAKEN = re.compile(
    r"\b(?:took|taken?|taking|swallow\w*|drank|drunk|drink\w*|ate|eaten|eat|down(?:ed|ing)|"
    r"overdos\w*|od'?d|necked|lick\w*|mouth|tablets?|pills?|pain ?killers?|paracetamol|"
    r"pack(?:et)?|box|strip|bottle|tube|too (?:much|many))\b",
    re.I,
)
#: The row of skipped medicines, and words that one was.
MEDICINE = "26"
SKIPPED = re.compile(
    r"\b(?:stop\w*|skip\w*|miss\w*|paus\w*|quit\w*|halv\w*|held?|hold\w*|drop\w*|cut\w*|"
    r"ditch\w*|leav(?:e|ing)|left|lay(?:ing)? off|laid off|off|without|drawer|forg[eo]t\w*|"
    r"given up|gave up|give up|knock\w*|bin(?:ned)?|went cold|gone|went|go(?:ing)? without|"
    r"(?:not|n'?t|havent|didnt|never) (?:\w+ ){0,3}(?:tak\w+|took|touch\w*|had|have|"
    r"swallow\w*)|last (?:took|dose|one|tablet|pill|jab)|no (?:\w+ ){0,2}(?:since|for|"
    r"this week|today)|instead of|fewer|less|reduc\w*)\b",
    re.I,
)
#: Sentences of one message that are read one by one (of a very long one, from so many characters
#: on, more), and words that a sentence needs for it.
MOST_SENTENCES, MOST_OF_LONG, LONG, LEAST_WORDS = 8, 16, 2000, 3
#: Characters of a message that are read as one text.
MOST_AT_ONCE = 4000
#: Words of a sentence from which it is cut into pieces of so many, in a very long message: dictated
#: text has no full stops, and the encoder reads only the beginning.
MOST_WORDS, PIECE = 60, 20
#: Words that make a sentence of a very long message worth reading.
TELLING = re.compile(
    r"\b(?:swell|swoll|puff|breath|throat|tongue|lip|chest|heart|faint|dizz|pass(?:ed)? out|"
    r"collaps|eye|sight|vision|see |blind|pus|ooz|weep|leak|yellow|green|crust|fever|temperature|"
    r"hot|chill|shiver|"
    r"red|spread|streak|line|blister|sore|burn|raw|black|purple|blue|grey|white|numb|droop|weak|"
    r"speech|slur|bleed|blood|pain|hurt|ache|throb|sting|itch|hive|rash|lump|bump|hard|vomit|sick|"
    r"ill|confus|seiz|fit|"
    r"needle|shared|same|swallow|tablet|overdose|worse|bigger|grow|spot|patch|mark|scab|smell|"
    r"gland|38|39|40|10[0-4])",
    re.I,
)


@dataclass(frozen=True)
class Limits:
    """Least probability that a message, or one sentence of it, needs for a level (or a more urgent
    one).

    Chosen on tests/evaluation/safety.csv, below one half: unsure goes one level up. What they give
    on batches of data/safety/messages that were not trained on stands in docs/safety-report.md.
    """

    emergency: float = 0.2
    same_day: float = 0.28
    contact_clinic: float = 0.3
    expected: float = 0.4
    sentence: float = 3.0  #: factor for a single sentence, which lacks its context
    #: Share of the levels that need care below which, in the message and in all its sentences,
    #: nothing is reported whatever words occur: by the level of the words.
    nothing: Mapping[str, float] = field(
        default_factory=lambda: {"contact_clinic": 0.12, "same_day": 0.4, "emergency": 0.3}
    )
    #: Share of `expected` above which a same-day pattern needs the model's support, and the share
    #: of the two urgent levels that is such support.
    ordinary: float = 0.4
    supported: float = 0.3
    #: An emergency that only the model sees is at least so many times as likely as
    #: `contact_clinic`, as `none` and as `expected`.
    milder: float = 0.8
    harmless: float = 0.35
    reaction: float = 0.45
    #: `contact_clinic` is not said where `none` or `expected` is more likely than this; a same day
    #: then needs `supported` too.
    nothing_new: float = 0.65
    healing: float = 0.55
    #: Below an emergency nothing is said where `none` is more likely than this and the words are of
    #: long ago.
    long_past: float = 0.3


def read_messages(folder: Path = paths.SAFETY / "messages") -> List[Tuple[str, str]]:
    """(text, "level/row") of every training message. Raises ContentError that names file and
    entry."""
    rows, problems = [], []
    for path in sorted(folder.glob("*.yml")):
        file = YamlFile.read(path, paths.ROOT)
        for number, entry in enumerate(plain(file.data["messages"])):
            if entry.get("level") not in LEVELS:
                problems.append(
                    file.problem(
                        ("messages", number, "level"),
                        f"`{entry.get('level')}` is not a level",
                        f"Use one of: {', '.join(LEVELS)}.",
                    )
                )
                continue
            rows += [
                (normalise(str(text)), f"{entry['level']}{SEPARATOR}{entry['row']}")
                for text in entry["texts"]
            ]
    if problems:
        raise ContentError(problems)
    return rows


def parts_of(text: str) -> List[str]:
    """The sentences of a message that have enough words."""
    parts = [
        p.strip()
        for p in re.split(r"(?<=[.!?;])\s+|\n|\s+(?:but|and now|however|anyway|also|btw)\s+", text)
    ]
    return [p for p in parts if len(p.split()) >= LEAST_WORDS]


def sentences(text: str) -> List[str]:
    """The sentences of a message that are read one by one: all of a short one, the telling ones of
    a longer one."""
    parts = parts_of(text)
    if len(parts) < 2:
        return []
    if len(parts) > MOST_SENTENCES:
        parts = sorted(parts, key=lambda p: -len(TELLING.findall(p)) / (3 + len(p.split())))[
            :MOST_SENTENCES
        ]
    return [p for p in parts if TELLING.search(p)]


def pieces(sentence: str) -> List[str]:
    """An endless sentence in pieces that overlap by half, any other as it is."""
    words = sentence.split()
    if len(words) <= MOST_WORDS:
        return [sentence]
    return [" ".join(words[start : start + PIECE]) for start in range(0, len(words), PIECE // 2)]


class TriageModel:
    """Level and row of a message, by a trained model."""

    def __init__(
        self, model: TopicModel, encode: Callable[[str], np.ndarray], limits: Limits = Limits()
    ):
        self.model, self.encode, self.limits = model, encode, limits
        self.probabilities = functools.lru_cache(maxsize=256)(self._probabilities)

    @classmethod
    def train(
        cls,
        texts: Sequence[str],
        vectors: np.ndarray,
        labels: Sequence[str],
        encode: Callable[[str], np.ndarray],
    ) -> "TriageModel":
        """Fit on texts, their embeddings [n, dimension] and "level/row" labels."""
        return cls(TopicModel.train(texts, vectors, labels), encode)

    def _probabilities(self, text: str) -> Tuple[Dict[str, float], Dict[str, str]]:
        """Probability of each level, and the most likely row inside each."""
        ranked = self.model.rank(text, self.encode(text))
        return dict(ranked.topics), ranked.situations

    def sentences(self, text: str) -> List[str]:
        """The sentences that are read one by one: of a very long message those, from all of it,
        whose words alone look most urgent."""
        if len(text) <= LONG:
            return sentences(text)
        urgent = [
            number
            for number, level in enumerate(self.model.topics)
            if level in ("emergency", "same_day")
        ]
        parts = dict.fromkeys(piece for part in parts_of(text) for piece in pieces(part))
        return sorted(parts, key=lambda part: -self.model.by_words(part)[urgent].sum())[
            :MOST_OF_LONG
        ]

    def find(self, text: str) -> Finding:
        """The most urgent level that the message or one of its sentences reaches."""
        best = self._level(text[:MOST_AT_ONCE], 1.0)
        for part in self.sentences(text):
            found = self._level(part, self.limits.sentence)
            if LEVELS.index(found.level) > LEVELS.index(best.level):
                best = found
        return best

    def doubts(self, text: str, level: str, firm: bool = False) -> bool:
        """Whether a pattern of `level` is not to be believed: neither the message nor any sentence
        of it reads like a report that needs care (when the sign is `firm`: like any report about
        skin), or, below an emergency and unless it is firm, the message clearly reads like an
        ordinary reaction.
        """
        shares, _ = self.probabilities(text)
        parts = [shares, *(self.probabilities(part)[0] for part in self.sentences(text))]
        reports = LEVELS[1:] if firm else LEVELS[2:]
        if all(
            sum(part.get(name, 0.0) for name in reports) < self.limits.nothing.get(level, 0.0)
            for part in parts
        ):
            return True
        urgent = max(part.get("emergency", 0.0) + part.get("same_day", 0.0) for part in parts)
        return (
            not firm
            and level != "emergency"
            and shares.get("expected", 0.0) > self.limits.ordinary
            and urgent < self.limits.supported
        )

    def _level(self, text: str, factor: float) -> Finding:
        shares, rows = self.probabilities(text)
        reached = 0.0
        for level in reversed(LEVELS[1:]):
            reached += shares.get(level, 0.0)
            if reached >= min(0.97, getattr(self.limits, level) * factor) and not self._outweighed(
                level, reached, shares, text
            ):
                row = rows.get(level, "")
                if row == OVERDOSE and not TAKEN.search(text):
                    continue  # despair without anything swallowed has its own reply (topic crisis)
                if row == MEDICINE and not SKIPPED.search(text):
                    continue  # a medicine that is taken, or was begun
                return Finding(level, (int(row),) if row.isdigit() else ())
        return Finding()

    def _outweighed(self, level: str, reached: float, shares: Dict[str, float], text: str) -> bool:
        """Whether a milder level is so much more likely that `level`, though likely enough, would
        only alarm."""
        none = shares.get("none", 0.0)
        milder = shares.get("contact_clinic", 0.0)
        limits = self.limits
        if level != "emergency" and none > limits.long_past and PAST.search(text):
            return True
        if level == "emergency":
            return reached < max(
                limits.milder * milder,
                limits.harmless * none,
                limits.reaction * shares.get("expected", 0.0),
            )
        if shares.get("expected", 0.0) > limits.healing:
            return reached < limits.supported or level == "contact_clinic"
        return level == "contact_clinic" and none > limits.nothing_new


#: Circumstances whose statements report nothing that needs care: as harmless messages they keep "I
#: take warfarin" from alarming.
HARMLESS_CIRCUMSTANCES = frozenset(
    (
        "breastfeeding",
        "isotretinoin",
        "blood_thinner",
        "bleeding_disorder",
        "keloid",
        "skin_condition",
        "diabetes",
        "cancer_treatment",
        "recent_treatment",
        "minor",
        "heart_device",
        "skin_of_colour",
        "allergy",
        "home_needling",
        "numbing_misuse",
        "topical_on_open_skin",
    )
)


def training_rows(
    topic_texts: Sequence[str], topic_labels: Sequence[str]
) -> Tuple[List[str], List[str]]:
    """Texts and labels to train on: the safety messages, and the topics' examples as `none`.
    `topic_labels` are topic ids or "topic/situation"."""
    rows: List[Any] = read_messages()
    rows += [
        (text, f"none{SEPARATOR}circumstance")
        for text, name in read_statements()
        if name in HARMLESS_CIRCUMSTANCES
    ]
    known = {text for text, _ in rows}
    harmless = [
        text
        for text, label in zip(topic_texts, topic_labels)
        if label.split(SEPARATOR)[0] not in UNCLEAR_TOPICS and text not in known
    ]
    rows += [
        (text, f"none{SEPARATOR}question")
        for text in harmless
        if zlib.crc32(text.encode()) % EVERY == 0
    ]
    return [text for text, _ in rows], [label for _, label in rows]
