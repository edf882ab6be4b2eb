"""Triage of a message before everything else: patterns, other languages and the trained model; the
more urgent wins."""

import functools
import re
from dataclasses import replace
from typing import FrozenSet, Optional

from assistant.safety.classifier import TriageModel, parts_of
from assistant.safety.crisis import CrisisSigns
from assistant.safety.languages import ForeignFlags
from assistant.safety.triage import (
    LEVELS,
    Finding,
    RedFlags,
    more_urgent,
    thought_of,
    told_after_questions,
)
from assistant.understanding import lexicon
from assistant.understanding.language import detect
from assistant.understanding.spelling import Speller

#: Worse than it was: healing goes the other way, so that a message full of ordinary reactions does
#: not make this one ordinary.
WORSENING = re.compile(
    r"(?<!\bno )(?<!\bnot )(?<!n't )(?<!\bany )(?<!\bnot any"
    r" )\b(?:hotter|sorer|redder|angrier|puffier|more"
    r" (?:painful|pain|swollen|swelling|sore|red|redness|tender))\b[^.!?]{0,30}\bthan (?:\w+"
    r" ){0,3}(?:before|yesterday|day|last|this morning|\w+day|it was|at first|at the start|straight"
    r" after|right after)\b",
    re.I,
)
#: Characters of a message up to which the trained model may doubt a pattern: of a longer one it
#: reads only the telling sentences.
MOST_TO_DOUBT = 4000
#: Four letters and more with a blank or a mark between each two of them.
SPELLED_OUT = re.compile(r"(?<![\w.*-])[^\W\d_](?:[ .*-][^\W\d_]){3,40}(?![\w*-])")
#: Rows of the triage table.
BREATHING, NUMBING = 1, 2
#: Rows that tell of a deed, not of a symptom: shared needles, a skipped medicine.
DEEDS = {14, 26}
#: Words of a name that tell of a symptom.
SYMPTOM = re.compile(
    r"swell|swoll|puff|red\b|redness|rash|dent|pitting|ble+d|blood|burn|blister|sore|pus\b|pain|"
    r"hurt|ach|itch|hive|numb|droop|infect|fever|attack|stroke|metal|allerg|reaction|strep|throat|"
    r"convuls|seiz|fits\b|pass(?:ed|ing)?"
    r" out|faint|dusky|weak|heart",
    re.I,
)


@functools.cache
def bare_names() -> FrozenSet[str]:
    """The lexicon's names that report nothing when they are all that is said: "lips", "eyelids?",
    "double chin"."""
    return frozenset(
        name.lower()
        for values in lexicon.load().names.values()
        for value, names in values.items()
        for name in (value, *names)
        if not SYMPTOM.search(name)
    )


def whole_words(text: str) -> str:
    """Words spelled out letter by letter put together: "I can't b r e a t h e"."""
    return SPELLED_OUT.sub(lambda match: re.sub(r"\W", "", match.group()), text)


#: An emergency in so few words ("heart attack") has no other sense; below one, a single word
#: ("fever").
NO_ROOM_FOR_DOUBT = 2
#: The same for an emergency in a sentence of its own beside others.
BLUNT = 5


class Triage:
    """Gives the finding for a message. Without a trained model (none loaded yet, or its file is
    damaged) the patterns alone decide."""

    def __init__(self, model: Optional[TriageModel] = None, speller: Optional[Speller] = None):
        self.red_flags, self.foreign, self.model, self.speller = (
            RedFlags(),
            ForeignFlags(),
            model,
            speller,
        )
        self.crisis = CrisisSigns()
        self.find = functools.lru_cache(maxsize=256)(self._find)

    def spelled(self, text: str) -> str:
        """`text` (normalised) as it is read: in English, with misspelt words of the field put
        right."""
        return self.speller.correct(text) if self.speller and detect(text) == "en" else text

    def _find(self, text: str) -> Finding:
        """How soon what `text` (normalised) reports needs care: as it is written, and with its
        words put right, which may be the wrong ones."""
        text = whole_words(text)
        spelled = self.spelled(text)
        language = detect(text)
        # Other languages are read as they are written: put right, "tengo" is "tango".
        abroad = self.foreign.find(text, language, sure=language != "en")
        found = self._read(spelled, abroad)
        return found if spelled == text else more_urgent(found, self._read(text, abroad))

    def _bluntly(self, text: str, level: str) -> bool:
        """Whether a sentence of hardly any words but the sign reports `level`: "fever", "heart
        attack", "I can't breathe."."""
        parts = [part for part in re.split(r"[.!?;\n]+", text) if part.strip()]
        parts += told_after_questions(text)
        most = 1 if level != "emergency" else BLUNT if len(parts) > 1 else NO_ROOM_FOR_DOUBT
        return any(
            len(part.split()) <= most and self.red_flags.find(part).level == level for part in parts
        )

    def _told_by_itself(self, text: str, level: str) -> bool:
        """Whether one of several sentences, or what follows a question, reports `level` for the
        patterns and, read alone, for the trained model too: what is said beside it cannot take it
        back."""
        parts = parts_of(text)
        parts = [*(parts if len(parts) > 1 else []), *told_after_questions(text)]
        return any(
            self.red_flags.find(part).level == level
            and LEVELS.index(self.model.find(part).level) >= LEVELS.index(level)
            for part in parts
        )

    def _only_thought_of(self, text: str) -> bool:
        """Whether the sentences that tell of a deed only ask about it or plan it (the whole
        message, where none does by itself)."""
        telling = [
            part
            for part in parts_of(text)
            if DEEDS.intersection(
                more_urgent(
                    self.red_flags.find(part), self.model.find(part) if self.model else None
                ).rows
            )
        ]
        return all(thought_of(part, part) for part in telling or [text])

    def _doubted(self, found: Finding, text: str) -> bool:
        """Whether the trained model takes what the English patterns found for a manner of
        speaking."""
        return bool(
            self.model
            and found.level != "none"
            and not found.plain
            and len(text) <= MOST_TO_DOUBT
            and not self._bluntly(text, found.level)
            and not self._told_by_itself(text, found.level)
            and self.model.doubts(text, found.level, firm=bool(WORSENING.search(text)))
        )

    def _read(self, text: str, abroad: Finding) -> Finding:
        """How soon what one wording reports needs care; `abroad` is what the signs of other
        languages say of it."""
        if text.strip(" ?!.,").lower() in bare_names():
            return Finding()
        language = detect(text)
        anchor = self.crisis.find(text)
        despair = anchor.situation if anchor and anchor.plain else None
        found = replace(self.red_flags.find(text), crisis=despair)
        if language == "en":
            if self._doubted(found, text):
                found = Finding(crisis=found.crisis)  # "nearly passed out at the price"
            found = more_urgent(abroad, found)  # of which the English model knows nothing
            if self.model and found.language == "en":
                found = more_urgent(found, self.model.find(text))
        else:
            spoken = self.foreign.languages[language]
            if found.level != "emergency" and "same_day" in spoken.has_levels():
                found = Finding(
                    crisis=despair
                )  # "pas de pus": the English signs do not know what denies them
            found = more_urgent(abroad, found)
            if not abroad.rows and not abroad.crisis:
                found = replace(found, language=language)
        if found.rows and set(found.rows) <= DEEDS and self._only_thought_of(text):
            found = Finding(crisis=found.crisis)  # "can I share my roller with my sister?"
        if BREATHING in found.rows and self.red_flags.mentions("numbing", text):
            found = replace(
                found, rows=(NUMBING, *found.rows)
            )  # it may be the cream: it has to come off
        return found
