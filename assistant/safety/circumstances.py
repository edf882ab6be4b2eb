"""Personal circumstances (pregnancy, a blood thinner, ...) that a message states: whose they are,
whether denied, whether past.

What follows from each is in data/knowledge/cautions.yml; the words are in
data/safety/circumstances.yml.
"""

import functools
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Dict, List, Optional, Tuple

from assistant import paths
from assistant.safety.triage import Finding, compile_sign, more_urgent, thought_of
from assistant.yamlfile import ContentError, YamlFile, plain

if TYPE_CHECKING:  # the action server needs no models
    from assistant.safety.statements import StatementModel

#: What a conversation knows of circumstances: by id, whose, when and of which kinds.
Known = Dict[str, Dict[str, Any]]
SELF = re.compile(r"\b(?:i|i'?m|im|i'?ve|ive|i'?ll|ill|me|my|mine|myself|we|our)\b", re.I)
OTHER = re.compile(
    r"\b(?:my|his|her|our|a) (?:\w+"
    r" )?(?:sister|brother|mum|mom|mother|dad|father|wife|husband|partner|girlfriend|boyfriend|"
    r"friend|mate|daughter|son|nan|gran|grandma|aunt|auntie|"
    r"uncle|cousin|niece|nephew|boss|colleague|neighbou?r|client|flatmate|roommate|bf|gf|hubby|"
    r"lad|kid|child|girl|boy|teen(?:ager)?)(?:'s|s)?\b|\b(?:she|he|they)(?:'?s|'?re)?\b",
    re.I,
)
DENIED = re.compile(
    r"\b(?:not|isn'?t|aren'?t|never|no longer|don'?t have|dont have|haven'?t got|don'?t take|dont"
    r" take|not on|without|no)\b[^.;!?,]{0,22}$",
    re.I,
)
#: The speaker's own childhood is nobody else.
CHILDHOOD = re.compile(
    r"\b(?:as|when i was|i was) (?:a|an|just a|only a) (?:\w+"
    r" )?(?:kid|child|boy|girl|lad|teen(?:ager)?)\b|\b(?:a|an) (?:\w+"
    r" )?(?:kid|child|boy|girl|teen(?:ager)?) (?:i|when i)\b",
    re.I,
)
#: What goes on now, in the clause of what is stated.
GOES_ON = re.compile(
    r"\b(?:still|currently|at the moment|these days)\b|\b(?:i|she|he|they|we)(?:'?m| am|'?s|"
    r" is|'?re| are)? (?:also |always |now |daily )?(?:take|takes|taking|on|have|has|get|gets)\b(?!"
    r" (?:been|had|finished|taken|stopped|not|never)\b)",
    re.I,
)
#: A question about people in general, which states nothing about anybody.
IN_GENERAL = re.compile(
    r"\b(?:can"
    r" (?:people|women|men|you|someone|anyone|pregnant|diabetics|teens|teenagers|it|this|that|"
    r"needling|microneedling)|is"
    r" (?:it|this|microneedling|needling|there)|are (?:people|women|there|pregnant)|"
    r"does (?:it|this|microneedling|needling|a|the|having|being|taking)|do (?:you|people)|what"
    r" (?:about|if|happens|is|are|does)|what's|whats|who (?:can|should|shouldn'?t)|should"
    r" (?:people|someone|you)|will (?:it|this|needling)|would (?:it|this|that)|how (?:does|do"
    r" you|soon|long))\b",
    re.I,
)


@dataclass(frozen=True)
class Pattern:
    """The signs of one circumstance."""

    signs: List[re.Pattern]
    past: Optional[re.Pattern]
    never: Optional[re.Pattern]
    kinds: Dict[str, re.Pattern] = field(default_factory=dict)


@dataclass(frozen=True)
class Together:
    """Circumstances that are more than each by itself where they meet in one person: the level and
    the row of the triage table, and the pairs ("pregnancy", "immunosuppressed/harms_a_baby")."""

    level: str
    row: int
    pairs: Tuple[Tuple[str, str], ...]


#: The speaker, right before what is stated.
OWN = re.compile(
    r"\b(?:i|i'?m|i am|i'?ve|i have|i was)(?: (?:also|still|just|currently|now|do|only|am))? $",
    re.I,
)


class Circumstances:
    """Finds circumstances in a text."""

    def __init__(
        self,
        model: Optional["StatementModel"] = None,
        path: Path = paths.SAFETY / "circumstances.yml",
    ):
        self.model = model
        file = YamlFile.read(path, paths.ROOT)
        self.patterns: Dict[str, Pattern] = {}
        problems = []
        for name, entry in plain(file.data["circumstances"]).items():
            try:
                optional = {
                    key: compile_sign(entry[key]) if entry.get(key) else None
                    for key in ("past", "not")
                }
                self.patterns[name] = Pattern(
                    [compile_sign(sign) for sign in entry["signs"]],
                    optional["past"],
                    optional["not"],
                    {kind: compile_sign(sign) for kind, sign in entry.get("kinds", {}).items()},
                )
            except re.error as error:
                problems.append(
                    file.problem(
                        ("circumstances", name),
                        f"not a pattern ({error})",
                        "Check brackets and signs.",
                    )
                )
        if problems:
            raise ContentError(problems)

    def find(self, text: str) -> List[Dict[str, Any]]:
        """What is stated, as `{"id", "who": "self" | "other", "when": "now" | "past", "denied":
        bool}`, in the file's order, with `planned` where it is only thought of; or the one thing
        that only the trained model sees, with its `margin` as well."""
        found: Dict[str, Dict[str, Any]] = {}
        seen = set()
        sentences = [s for s in re.split(r"(?<=[.!?])\s+|\n", text) if s.strip()]
        for name, pattern in self.patterns.items():
            for sentence in sentences:
                match = next(
                    (m for m in (sign.search(sentence) for sign in pattern.signs) if m), None
                )
                if not match:
                    continue
                seen.add(name)
                if pattern.never and pattern.never.search(sentence):
                    continue
                stated = self._stated(sentence, match.start(), match.end(), pattern.past)
                if stated and not (
                    stated.get("planned") and name in found
                ):  # what happened counts, whatever is asked after it
                    found[name] = {"id": name, **stated}
        if self.model and not found:
            self._add_by_model(text, sentences, seen, found)
        for name, item in found.items():
            kinds = [kind for kind, sign in self.patterns[name].kinds.items() if sign.search(text)]
            item.update({"kinds": kinds} if kinds else {})
        return list(found.values())

    def _add_by_model(
        self, text: str, sentences: List[str], seen: set, found: Dict[str, Dict[str, Any]]
    ) -> None:
        """The one circumstance that the trained model sees in the message, or else in one of its
        sentences, where no pattern had a say."""
        for part in dict.fromkeys([text, *(s for s in sentences if len(s.split()) > 3)]):
            for name, margin in self.model.find(part)[:1]:
                stated = (
                    self._stated(part, len(part), len(part), None)
                    if name not in seen and name in self.patterns
                    else None
                )
                if stated:
                    past = self.patterns[name].past
                    found[name] = {
                        "id": name,
                        **stated,
                        "denied": False,
                        "when": "past" if past and past.search(part) else "now",
                        "margin": round(margin, 3),
                    }
                    return

    @staticmethod
    def _stated(
        sentence: str, start: int, end: int, history: Optional[re.Pattern]
    ) -> Optional[Dict[str, Any]]:
        told, sentence = sentence, CHILDHOOD.sub(lambda match: "-" * len(match.group()), sentence)
        before = sentence[:start]
        mine, others = SELF.search(sentence), OTHER.search(sentence)
        if IN_GENERAL.search(sentence) and not (mine or others):
            return None
        clause = re.split(r"[,;]| but | and ", before)[-1] + sentence[start:end]
        own = OWN.search(before)  # "I breastfeed my son": who does it stands right before it
        other = not own and (
            OTHER.search(clause)
            or (
                others
                and not re.search(
                    r"\b(?:i'?m|im|i am|i have|i'?ve|ive|i take|i got|i get|me)\b", sentence, re.I
                )
            )
        )
        denied = bool(DENIED.search(before)) and not re.search(
            r"\b(?:not sure|no idea|not only)\b", before, re.I
        )
        planned = thought_of(told[:end], told)
        parts = re.split(r"([,;]| but | and )", told)
        ends = [sum(map(len, parts[: number + 1])) for number in range(len(parts))]
        around = next((part for part, last in zip(parts, ends) if end <= last), told)
        past = bool(
            history
            and not planned
            and (history.search(around) or history.search(told) and not GOES_ON.search(around))
        )
        return {
            "who": "other" if other else "self",
            "when": "past" if past else "now",
            "denied": denied,
            **({"planned": True} if planned else {}),
        }


def remember(known: Dict[str, Dict[str, Any]], stated: List[Dict[str, Any]]) -> Known:
    """What the conversation knows after a message: new statements replace old ones, a denial
    removes what was told of the same person."""
    known = dict(known)
    for item in stated:
        if item["denied"]:
            if known.get(item["id"], {}).get("who") == item["who"]:
                known.pop(item["id"])
            continue
        before, now = known.get(item["id"], {}), {"who": item["who"], "when": item["when"]}
        same = all(before.get(key) == value for key, value in now.items())
        kinds = [
            *dict.fromkeys([*(before.get("kinds", []) if same else []), *item.get("kinds", [])])
        ]
        known[item["id"]] = {**now, **({"kinds": kinds} if kinds else {})}
    return known


@functools.cache
def combinations() -> Dict[str, Together]:
    """The circumstances that are more together (`together` of data/safety/circumstances.yml), by
    name."""
    data = plain(YamlFile.read(paths.SAFETY / "circumstances.yml", paths.ROOT).data)
    return {
        name: Together(entry["level"], entry["row"], tuple(map(tuple, entry["pairs"])))
        for name, entry in data["together"].items()
    }


def met(known: Known) -> Dict[str, List[str]]:
    """The combinations that meet in one person now, each with the circumstances that it is of."""

    def person(told: str) -> Optional[str]:
        name, _, kind = told.partition("/")
        how = known.get(name)
        if not how or how["when"] != "now" or kind and kind not in how.get("kinds", []):
            return None
        return how["who"]

    found: Dict[str, List[str]] = {}
    for name, together in combinations().items():
        for pair in together.pairs:
            people = {person(told) for told in pair}
            if len(people) == 1 and None not in people:
                names = [told.partition("/")[0] for told in pair]
                found[name] = [*dict.fromkeys([*found.get(name, []), *names])]
    return found


def harmful_together(stated: List[Dict[str, Any]], known: Known) -> Finding:
    """What triage says of circumstances that meet in one person with this message and did not
    before it."""
    new = met(remember(known, stated)).keys() - met(known).keys()
    return functools.reduce(
        more_urgent,
        (Finding(combinations()[name].level, (combinations()[name].row,)) for name in sorted(new)),
        Finding(),
    )
