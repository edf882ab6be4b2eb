"""Entities by lexicon: what visitors call areas, conditions, treatments, devices and medicines,
with canonical values.

spaCy's rule-based matcher finds the listed names; rapidfuzz finds misspellings of the longer ones;
"no", "not", "without" and the like before a name mark it as negated.
"""

import functools
import re
from pathlib import Path
from typing import Any, Dict, List, Optional

import spacy
from rapidfuzz import fuzz, process
from rapidfuzz.distance import OSA

from assistant import paths
from assistant.yamlfile import ContentError, Problem, YamlFile, plain

KINDS = ("area", "condition", "treatment", "device", "medication")
#: A name must have this many letters before a misspelling of it is accepted, and may differ by one
#: letter in this many.
SHORTEST_FUZZY, LETTERS_PER_TYPO = 6, 5
NEGATION = re.compile(
    r"\b(?:no|not|never|without|isn't|isnt|don't|dont|doesn't|doesnt|haven't|havent|hasn't|"
    r"stopped|instead of|rather than|except)\b[^.,;!?]{0,18}$",
    re.I,
)
DURATION = re.compile(
    r"\b(?:(?P<n>\d+(?:[.,]\d+)?|a|an|one|two|three|four|five|six|seven|eight|nine|ten|couple of|"
    r"few|half an?)\s*-?\s*"
    r"(?P<unit>min(?:ute)?s?|h(?:ou)?rs?|days?|wks?|weeks?|months?|mths?|yrs?|years?))\b",
    re.I,
)
UNITS = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks", "y": "years"}
NUMBERS = {
    w: str(i) for i, w in enumerate("zero one two three four five six seven eight nine ten".split())
}


def canonical_duration(number: str, unit: str) -> str:
    """ "couple of", "wks" gives "2 weeks"."""
    low = unit.lower()
    name = "months" if low.startswith(("mo", "mt")) else UNITS[low[0]]
    word = number.lower().strip()
    value = (
        {"a": "1", "an": "1", "couple of": "2", "few": "3"}.get(word)
        or NUMBERS.get(word)
        or ("0.5" if word.startswith("half") else word)
    )
    return f"{value} {name[:-1] if value == '1' else name}"


#: Runs of signs, over which spaCy's tokeniser would take time that grows with their square.
SIGNS = re.compile(r"[^\w\s]{16,}")


class Lexicon:
    """Finds entities in a text.

    `names` maps kind -> canonical value -> list of names that visitors use; `broader` maps a value
    to one that it also counts as.
    """

    def __init__(
        self, names: Dict[str, Dict[str, List[str]]], broader: Optional[Dict[str, str]] = None
    ):
        self.names, self.broader = names, broader or {}
        self._nlp = spacy.blank("en")
        ruler = self._nlp.add_pipe(
            "entity_ruler", config={"phrase_matcher_attr": "LOWER", "overwrite_ents": True}
        )
        patterns, self._fuzzy = [], {}
        for kind, values in names.items():
            for value, words in values.items():
                listed = {value.replace("_", " "), *words} if "_" in value else set(words)
                for word in listed:
                    patterns.append({"label": kind, "pattern": word, "id": value})
                    if len(word) >= SHORTEST_FUZZY and " " not in word:
                        self._fuzzy[word.lower()] = (kind, value)
        ruler.add_patterns(patterns)
        self._known = {w.lower() for p in patterns for w in p["pattern"].split()}
        self._words = list(self._fuzzy)
        # One message is read by several components, and the same words come again and again.
        self._misspelt = functools.lru_cache(maxsize=4096)(self._find_misspelt)
        self._found = functools.lru_cache(maxsize=256)(self._find)

    def entities(self, text: str) -> List[Dict[str, Any]]:
        """Entities of `text` in Rasa's form: entity, value (canonical), start, end, and `negated`
        where it is."""
        return [dict(entity) for entity in self._found(text)]

    def words(self) -> List[str]:
        """The names of one word, canonical ones included."""
        return sorted(
            {
                name
                for values in self.names.values()
                for value, names in values.items()
                for name in (value, *names)
                if name.isalpha()
            }
        )

    def _find(self, text: str) -> List[Dict[str, Any]]:
        found = []
        doc = self._nlp(SIGNS.sub(lambda run: " " * len(run.group()), text.lower()))
        for span in doc.ents:
            found.append(
                self._entity(text, span.label_, span.ent_id_, span.start_char, span.end_char)
            )
        taken = [(e["start"], e["end"]) for e in found]
        for token in doc:
            start, end = token.idx, token.idx + len(token)
            if any(a < end and start < b for a, b in taken):
                continue
            match = self._misspelt(token.lower_)
            if match:
                found.append({**self._entity(text, *match, start, end), "misspelt": True})
        for match in DURATION.finditer(text):
            found.append(
                self._entity(
                    text,
                    "duration",
                    canonical_duration(match["n"], match["unit"]),
                    match.start(),
                    match.end(),
                )
            )
        return sorted(found, key=lambda e: e["start"])

    def without(self, text: str) -> str:
        """`text` with its entities cut out."""
        for entity in reversed(self.entities(text)):
            text = text[: entity["start"]] + text[entity["end"] :]
        return text

    def by_kind(self, text: str) -> Dict[str, List[str]]:
        """Canonical values of `text` by kind, first mentioned first, negated ones left out, broader
        values last."""
        result: Dict[str, List[str]] = {}
        for entity in self.entities(text):
            values = result.setdefault(entity["entity"], [])
            if not entity.get("negated") and entity["value"] not in values:
                values.append(entity["value"])
        for values in result.values():
            values += [
                self.broader[value]
                for value in values
                if self.broader.get(value, value) not in values
            ]
        return {kind: values for kind, values in result.items() if values}

    def _find_misspelt(self, word: str) -> Optional[tuple]:
        if (
            len(word) < SHORTEST_FUZZY - 1
            or not word.isalpha()
            or word in self._known
            or word in COMMON
        ):
            return None
        best = process.extractOne(word, self._words, scorer=fuzz.ratio, score_cutoff=78)
        if not best:
            return None
        name = best[0]
        allowed = max(1, len(name) // LETTERS_PER_TYPO)
        if name[0] != word[0] and name[:2] not in ("xa", "ze") and word[0] not in "xz":
            return None
        return self._fuzzy[name] if OSA.distance(word, name) <= allowed else None

    @staticmethod
    def _entity(text: str, kind: str, value: str, start: int, end: int) -> Dict[str, Any]:
        entity = {
            "entity": kind,
            "value": value,
            "start": start,
            "end": end,
            "extractor": "LexiconEntityExtractor",
            "confidence_entity": 1.0,
        }
        if NEGATION.search(text[max(0, start - 30) : start]):
            entity["negated"] = True
        return entity


#: Everyday words that are one letter away from a name of the lexicon.
COMMON = frozenset(
    """
    another around asking before better booked bought breast brother button coming cotton course
    cream creams dancing doctor dinner during easier enough face facing filled filler fingers friend
    getting giving having hearing ground heading heaven horrible inside itself leaving living
    looking losing making maybe meeting middle minute missed mother moving needed number nothing
    online outside people person pictures please point pretty proper quite rather really reason
    recent result results saving school second should single sister skinny smoking someone something
    sounds special started sticks stretch summer taking talking thanks things thinking though
    thought through tighter together tomorrow trying turned under using ambient angles buttons
    cancel cancels carter cater cheeky cheers clarity concert concerts conclusions contraction crate
    crates creator denial denominator differing filters firearm fuller heroes inhale layers layered
    lesson lessons loops lyrics melanie melissa messages peppers pixels program satin sensors
    shingle singles stamped stating station stations strike strikes strive thrust waking waving
    whisker waiting walking wanted washing wearing weeks whether window without woman wonder working
    worried would writing
    """.split()
)


@functools.cache
def shared() -> Lexicon:
    """The one lexicon of this process (30 MB). Raises ContentError."""
    return load()


def load(folder: Path = paths.LEXICON) -> Lexicon:
    """The lexicon of data/lexicon/*.yml. Raises ContentError."""
    problems: List[Problem] = []
    names: Dict[str, Dict[str, List[str]]] = {kind: {} for kind in KINDS}
    broader: Dict[str, str] = {}
    for path in sorted(folder.glob("*.yml")):
        file = YamlFile.read(path, paths.ROOT)
        for kind, values in plain(file.data).items():
            if kind == "broader":
                broader.update(values)
                continue
            if kind not in KINDS:
                problems.append(
                    file.problem(
                        (kind,),
                        f"`{kind}` is not a kind of entity",
                        f"Use one of: {', '.join(KINDS)}.",
                    )
                )
                continue
            for value, words in (values or {}).items():
                if not isinstance(words, list) or not all(
                    isinstance(w, str) and w.strip() for w in words
                ):
                    problems.append(
                        file.problem(
                            (kind, value),
                            "the names are not a list of texts",
                            "Write them as [name, other name].",
                        )
                    )
                else:
                    names[kind].setdefault(value, []).extend(words)
    if problems:
        raise ContentError(problems)
    return Lexicon(names, broader)
