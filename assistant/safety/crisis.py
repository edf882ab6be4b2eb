"""Whether a message tells of a crisis: somebody who wants to die or harms themselves, is hurt or
threatened, or fears for somebody else.

A detector of its own: it needs an anchor, which is a sign of data/safety/crisis.yml that is not
denied, a manner of speaking or long past, and the trained model's share for the topic crisis. A
feeling alone is none.
"""

import functools
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Dict, List, Optional, Tuple

from assistant import paths
from assistant.safety.triage import (
    DENIAL,
    FALSE_DENIAL,
    LONGEST_DENIAL,
    compile_sign,
    sentence_around,
)
from assistant.yamlfile import ContentError, YamlFile, plain

#: Share of the topic crisis from which an anchor counts, and from which a message without one does.
#: Chosen on the development half of tests/evaluation/alarms.csv; body image needs more, because
#: disliking one's skin is what brings people here.
ANCHORED, SURE = 0.1, 0.92
BODY_IMAGE, MARKED = "body_image", 0.5

#: Of a message longer than MOST characters only so many are read, those around words that every
#: crisis has one of: a message of many kilobytes must not hold up anybody else's.
MOST, AROUND = 4000, 150
KEY = re.compile(
    r"\b(?:die|dead|death|kill\w*|suicid\w+|alive|live|living|exist\w*|end(?:ing)?|wak\w+|harm\w*|"
    r"hurt\w*|cut\w*|blade|pills|tablets|overdos\w*|hits?|beats?|punch\w*|rap(?:ed|es)|chok\w*|"
    r"strangl\w*|abus\w+|threaten\w*|safe|afraid|scared|without|kms|unalive)\b",
    re.I,
)


def telling(text: str) -> str:
    """Of a long message the surroundings of the words of a crisis, as lines."""
    if len(text) <= MOST:
        return text
    around, end, room = [], 0, MOST
    for key in KEY.finditer(text):
        start, stop = max(end, key.start() - AROUND), min(len(text), key.end() + AROUND)
        if stop <= end or room <= 0:
            continue
        around.append(text[start:stop])
        end, room = stop, room - (stop - start)
    return "\n".join(around)


@dataclass(frozen=True)
class Anchor:
    """A sign of a situation; `plain` ones need no model."""

    situation: str
    plain: bool
    sign: re.Pattern


class CrisisSigns:
    """The signs of data/safety/crisis.yml. Raises ContentError, which names file, line and entry of
    a bad pattern."""

    def __init__(self, path: Path = paths.SAFETY / "crisis.yml"):
        self.file = YamlFile.read(path, paths.ROOT)
        data = plain(self.file.data)
        self.words: Dict[str, str] = data.get("words") or {}
        self.problems: List[Any] = []
        self.anchors: List[Anchor] = []
        for number, entry in enumerate(data["crisis"]):
            for key in ("plain", "anchors"):
                for index, text in enumerate(entry.get(key) or []):
                    sign = self._compiled(text, ("crisis", number, key, index))
                    if sign:
                        self.anchors.append(Anchor(entry["situation"], key == "plain", sign))
        found = [self._compiled(text, ("not", index)) for index, text in enumerate(data["not"])]
        self.taken_back = [sign for sign in found if sign]
        self.goes_on = self._compiled(data["goes_on"], ("goes_on",))
        self.manner = functools.lru_cache(maxsize=256)(self._manner)
        self.find = functools.lru_cache(maxsize=64)(self._find)
        if self.problems:
            raise ContentError(self.problems)

    def _compiled(self, text: str, place: Tuple[Any, ...]) -> Optional[re.Pattern]:
        """The pattern of an entry; None, and a problem, where it is none."""
        for name, words in self.words.items():
            text = text.replace("{" + name + "}", words)
        try:
            return compile_sign(text)
        except re.error as error:
            self.problems.append(
                self.file.problem(
                    place, f"not a pattern ({error})", "Check brackets, signs and `words`."
                )
            )
            return None

    def _find(self, text: str) -> Optional[Anchor]:
        """The anchor of `text` (normalised): a plain one before the others, and of these the first
        of the file."""
        text = telling(text)
        found = [
            anchor
            for anchor in self.anchors
            if any(self._meant(text, match) for match in anchor.sign.finditer(text))
        ]
        return next((anchor for anchor in found if anchor.plain), found[0] if found else None)

    def _meant(self, text: str, match: re.Match) -> bool:
        """Whether the sign at `match` is said of now and in earnest."""
        start, end = sentence_around(text, match)
        before = text[max(start, match.start() - LONGEST_DENIAL) : match.start()]
        denial = DENIAL.search(before)
        if denial and not FALSE_DENIAL.search(before[denial.start() :]):
            return False
        return bool(self.goes_on.search(text)) or not self.manner(text[start:end])

    def _manner(self, sentence: str) -> bool:
        """Whether a sentence is a manner of speaking, of an accident, or of long ago."""
        return any(sign.search(sentence) for sign in self.taken_back)

    def situation(self, text: str, share: float, likely: Optional[str]) -> Optional[str]:
        """The situation of the crisis that `text` tells of, or None.

        `share`: the model's probability (0 to 1) of the topic crisis; `likely`: the situation that
        it takes for the most likely one.
        """
        anchor = self.find(text)
        if anchor is None:
            sure = share >= SURE and likely != BODY_IMAGE and not self.manner(text)
            return (likely or "general") if sure else None
        if anchor.plain:
            return anchor.situation
        if anchor.situation == BODY_IMAGE or likely == BODY_IMAGE:
            return BODY_IMAGE if share >= MARKED else None
        return (likely or anchor.situation) if share >= ANCHORED else None
