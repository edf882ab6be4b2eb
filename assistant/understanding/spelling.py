"""Misspelt words of the field put right: "keliod", "brestfeding", "theripy".

Only a word that nobody knows is touched: it is neither an English word (pyspellchecker's list) nor
used in the training data, and it becomes a word that the training data use often, a name of the
lexicon or an everyday English word, whichever is nearest. Everything that reads a message reads it
so, patterns and models alike; slang and names that are far from any such word stay as they are.
"""

import functools
import math
import re
from collections import Counter
from pathlib import Path
from typing import Iterable, Optional, Sequence

import numpy as np
from rapidfuzz import process
from rapidfuzz.distance import OSA, JaroWinkler

from assistant.understanding.words import fingerprint

#: A word that may be misspelt: letters only, and enough of them.
WORD = re.compile(r"[A-Za-z]{5,}")
#: A word counts as known from so many uses in the training data on, and as one to correct to from
#: so many (a name of the lexicon: KNOWN_FROM).
KNOWN_FROM, TARGET_FROM = 3, 8
#: So many of the most frequent English words are words to correct to as well ("botom" is no Botox).
EVERYDAY = 15_000
#: Letters from which two slips are accepted instead of one.
TWO_SLIPS_FROM = 8
#: How much likelier a word is meant that the training data use ten times as often (in Jaro-Winkler
#: similarity).
USE_BONUS = 0.025
#: British spellings, of which the list of English words has the American form.
BRITISH = (
    ("is", "iz"),
    ("ys", "yz"),
    ("our", "or"),
    ("ence", "ense"),
    ("aem", "em"),
    ("oe", "e"),
    ("ae", "e"),
)


class Speller:
    """Corrects words. `known` are sorted fingerprints of words that are left alone [n, uint32],
    `field` and `everyday` the words to correct to, `used` how often each word of the field is used
    [n]."""

    def __init__(
        self, known: np.ndarray, field: Sequence[str], everyday: Sequence[str], used: Sequence[int]
    ):
        self.known, self.field, self.everyday = known, list(field), list(everyday)
        self.used = dict(zip(self.field, used))
        self._by_initial = tuple(
            {
                initial: [word for word in words if word[0] == initial]
                for initial in {word[0] for word in words}
            }
            for words in (self.field, self.everyday)
        )
        self._corrected = functools.lru_cache(maxsize=4096)(self._find)

    @classmethod
    def train(cls, texts: Iterable[str], names: Iterable[str]) -> "Speller":
        """From the training data and the lexicon's names of one word."""
        from spellchecker import SpellChecker

        frequency = SpellChecker(language="en", distance=1).word_frequency.dictionary
        english = set(frequency)
        used = Counter(word.lower() for text in texts for word in WORD.findall(text))
        names = {name.lower() for name in names if WORD.fullmatch(name)}
        known = english | {word for word, count in used.items() if count >= KNOWN_FROM}
        field = {
            word for word, count in used.items() if count >= TARGET_FROM and word in english
        } | {name for name in names if name in english or used[name] >= KNOWN_FROM}
        frequent = sorted(
            (word for word in english if WORD.fullmatch(word)),
            key=lambda word: (-frequency[word], word),
        )[:EVERYDAY]
        return cls(
            np.unique(np.array([fingerprint(word) for word in known], dtype=np.uint32)),
            sorted(field),
            sorted({*frequent} - field),
            [used[word] for word in sorted(field)],
        )

    def knows(self, word: str) -> bool:
        """Whether a word (lower case) is left alone."""
        number = np.uint32(fingerprint(word))
        place = int(np.searchsorted(self.known, number))
        return place < len(self.known) and self.known[place] == number

    def correct(self, text: str) -> str:
        """`text` with its misspelt words of the field put right."""
        return WORD.sub(lambda match: self._corrected(match.group().lower()) or match.group(), text)

    def _find(self, word: str) -> Optional[str]:
        if (
            self.knows(word)
            or word.endswith("s")
            and self.knows(word[:-1])
            or any(self.knows(word.replace(*spelt)) for spelt in BRITISH)
        ):
            return None
        near = []
        for words, most in zip(self._by_initial, (2 if len(word) >= TWO_SLIPS_FROM else 1, 1)):
            found = process.extract(
                word, words.get(word[0], ()), scorer=OSA.distance, score_cutoff=most, limit=None
            )
            near += [
                (
                    distance,
                    -JaroWinkler.similarity(word, name)
                    - USE_BONUS * math.log10(1 + self.used.get(name, 0)),
                    name,
                )
                for name, distance, _ in found
            ]
        return min(near)[2] if near else None

    def save(self, folder: Path) -> None:
        """Write spelling.npz."""
        np.savez(
            folder / "spelling.npz",
            known=self.known,
            field=np.array(self.field),
            everyday=np.array(self.everyday),
            used=np.array([self.used[word] for word in self.field]),
        )

    @classmethod
    def load(cls, folder: Path) -> "Speller":
        """Read what `save` wrote."""
        with np.load(folder / "spelling.npz") as data:
            return cls(
                data["known"],
                data["field"].tolist(),
                data["everyday"].tolist(),
                data["used"].tolist(),
            )
