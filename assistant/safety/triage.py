"""Triage: how soon a symptom that a message reports needs care. Patterns over the whole message
(data/safety/red_flags.yml).

Levels are those of the website channel: none < expected < contact_clinic < same_day < emergency.
Rows are those of the triage table (docs/triage.md). Nothing here names a condition or advises: it
only decides which prepared reply is said.
"""

import bisect
import functools
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Dict, List, Optional, Tuple

from assistant import paths
from assistant.yamlfile import ContentError, YamlFile, plain

LEVELS = ("none", "expected", "contact_clinic", "same_day", "emergency")

#: Words that deny what follows them in the same clause.
DENIAL = re.compile(
    r"\b(?:no|not|never|without|nor|isn'?t|isnt|aren'?t|wasn'?t|don'?t|dont|doesn'?t|doesnt|"
    r"didn'?t|didnt|haven'?t|havent|hasn'?t|hasnt|"
    r"nothing|none|no sign of|no signs of|free of|zero|rather than|instead"
    r" of)\b(?P<rest>[^.;!?,]{0,34})$",
    re.I,
)
#: Characters before a sign in which its denial can stand: the longest of the words above and what
#: may follow it.
LONGEST_DENIAL = 80
#: Ends of sentences, and words of a person's own.
MARKS = re.compile(r"[.!?\n]")
OWN = re.compile(r"\b(?:my|she'?s|he'?s|her|his|i'?m|ive|i'?ve|i have)\b", re.I)
#: "not only", "no idea", "can't stop" and the like deny nothing.
FALSE_DENIAL = re.compile(
    r"\b(?:not (?:only|just|sure|fussed|great|good|bothered|panicking|worried)|no"
    r" (?:idea|clue|doubt|one|wonder)|don'?t know|dont know|never (?:had|seen|felt)|doesn'?t"
    r" help)\b",
    re.I,
)
#: General questions, plans, stories and figures of speech: no symptom is reported.
GENERAL = re.compile(
    r"\b(?:can (?:it|this|that|microneedling|needling|the|prp|you|they|a|one|rf|numbing)|could"
    r" (?:it|this|that|microneedling|needling|the|prp|i get|you)|does"
    r" (?:it|this|microneedling|needling|the|prp|anyone)|do (?:you|people|they) "
    r"(?:ever|get|usually|often|have)|will (?:it|i|my|there|the|you)|would (?:it|i|that|you)|what"
    r" (?:if|happens|would|are the|does an?|do you do|should i look|counts|kind)|how"
    r" (?:likely|common|do (?:you|i) (?:know|avoid|spot|tell|treat|prevent)|would i|often|many|long"
    r" does|long is|long will|big a|dangerous|high)|"
    r"is (?:it|there|this) (?:possible|true|common|a risk|any|likely|dangerous|safe|normal to"
    r" get|ok|okay)|is there|are there|risks? of|chance of|chances of|danger of|worried about"
    r" (?:getting|the|it|a)|scared (?:of|about|that)|afraid of|terrified of|signs of|symptoms"
    r" of|read (?:about|that|online|(?:\w+ ){0,3}(?:stories|reviews|reports))|(?:horror|scare)"
    r" stor(?:y|ies)|heard|saw (?:a|on|that)|"
    r"in the film|movie|kim kardashian|celebrit\w*|before (?:i book|booking|i commit|my"
    r" first)|thinking of|thinking about|if i (?:get|got|have|had|were|notice)|if"
    r" (?:it|there|someone|anyone|you)|in case|what to do if|hypothetical\w*|just curious|asking"
    r" before|prevent|avoid)\b",
    re.I,
)
#: Openings of a question that speak of nobody; a condition ("what if") goes on to the end.
ASKS = re.compile(r"(?:can|could|does|do|will|would|how|is|are|what (?!if|happens|would))\b", re.I)
CONDITION = re.compile(
    r"\b(?:if|when(?:ever)?|unless|in case|imagine|suppos(?:e|ing)|hypothetical\w*|worried about|"
    r"scared (?:of|about|that)|afraid of|terrified of|heard|read (?:about|that|online))\b",
    re.I,
)
#: Somebody tells of themselves or of one of theirs, here and now: "my lips are swelling", "i can't
#: breathe", "she's not waking up".
PERSONAL = re.compile(
    r"\b(?:i'?m|i'?ve|s?he'?s|we'(?:re|ve)|they'?(?:re|ve))\b"
    r"|\b(?:i|she|he|we|they)(?: am| is| are| have| has| had| was| were| got| get| keeps?|"
    r" feels?| started| think| just| really| still| literally| can'?t| cannot|"
    r" can (?:not|hardly|barely|feel|taste)| couldn'?t| could (?:hardly|barely|not)| don'?t| "
    r"woke| went| passed| fainted| collapsed)\b"
    r"|\b(?:my|her|his|our)(?: \w+){1,3}?(?:'s| is| are| has| have| feels?| looks?| keeps?| went| "
    r"started| got| won'?t| seems?| hurts?)\b",
    re.I,
)
#: Words before a report that make it a mere thought ("so bad that i can't breathe").
THOUGHT = re.compile(
    r"\b(?:if|when(?:ever)?|whether|unless|until|case|so|much|badly|bad|point|like|makes?|making|"
    r"means?|why|how|what|where|will|would|could|can|should|does|do|did|is|are)(?: that)? $"
    r"|\bit that $",
    re.I,
)
#: Long past or resolved.
PAST = re.compile(
    r"\b(?:years? ago|(?<!since )last (?:year|winter|summer|spring|autumn|christmas|easter)|as a"
    r" (?:kid|child|teen)|when i was (?:a |little|young|\d{1,2})|back in (?:19|20)\d\d|in"
    r" (?:19|20)\d\d|decades? ago|months? ago (?:and|but)? ?(?:it )?(?:healed|cleared|fine)|"
    r"all (?:cleared|healed|better|gone|fine) now|(?:has|have|it'?s|is|are) (?:since |fully"
    r" |completely |all )?(?:healed|cleared up|gone away|settled|gone down)|used to|ages ago|once"
    r" had|had (?:it|one) once|previous(?:ly)?|history of)\b",
    re.I,
)
#: Figures of speech.
IDIOM = re.compile(
    r"\b(?:kill(?:ed|s)? for|dying to|to die for|bleed(?:ing)? me dry|heart attack at the|nearly"
    r" had a heart attack|gave me a heart attack|(?:price|cost|bill|quote|waiting list)\w* (?:\w+"
    r" ){0,3}(?:breath|faint|heart|stroke)|"
    r"(?:faint\w*|pass(?:ed|ing)? out|collaps\w*|died|chok\w*|heart attack|stroke|breath\w*) (?:\w+"
    r" ){0,5}(?:the|your|that|those) (?:price|cost|bill|quote|fee|total)s?|blind as a bat|can'?t"
    r" see (?:a|any|the|you|your|where|how|why|much|what|it|myself|results?)|take my breath"
    r" away|takes my breath|breath of fresh|hold(?:ing)? my breath|fever pitch|cabin fever|hay"
    r" ?fever|spring fever|"
    r"face (?:like|is like) a|burning question|burn(?:ing|t)? a hole|sick of|sick to death|bored to"
    r" tears|choked up|numb with|itching to|feet are killing|(?:my"
    r" )?(?:head|feet|back|hubby|husband|wife|mum|boss) (?:will|would|is going to)"
    r" (?:explode|kill|murder)|spread the (?:word|cost)|swollen (?:price|bill))\b",
    re.I,
)


#: Something is only thought of,
PLANNED = re.compile(
    r"\b(?:can|could|should|shall|may|must|would|will|do|does)"
    r" (?:i|we|she|he|they|you|me|my)\b|\b(?:is|would|will) (?:it|that|this)(?: be)?"
    r" (?:ok(?:ay)?|safe|fine|alright|bad|wrong|allowed|better|best|dangerous)\b|\b(?:ok(?:ay)?|"
    r"safe|fine|alright)"
    r" to\b"
    r"|\b(?:going|want(?:ed|s)?|need|have|hop(?:e|ing)|plan(?:ning)?|like|supposed|meant|able)"
    r" to\b|\b(?:gonna|wanna|gotta|i'?ll|we'?ll|i would|i'?d|thinking (?:of|about)|about to|if"
    r" (?:i|we|she|he|they|you))\b",
    re.I,
)
#: or has happened.
HAPPENED = re.compile(
    r"\b(?<!be )(?:shared|re-?used|stopped|skipped|missed|paused|borrowed|swapped|lent|came"
    r" off)\b|\b(?:i|we|he|she|they|you|somebody|someone|nurse|clinic|lady|woman|man|guy|therapist|"
    r"friend|sister|mum|mom|husband|partner)(?:'ve|"
    r" have| has| had|'s)? "
    r"(?:already |just |both |all |also |once |now )*(?:used|quit|halved|did|passed|rolled|been"
    r" (?:sharing|using|skipping|missing|re-?using))\b|\b(?:was|were|been) (?:already )?used\b",
    re.I,
)


@dataclass(frozen=True)
class Finding:
    """What triage says of a message: its level, the rows of the table that were met at that level,
    and the language to reply in.

    `plain`: a sign that is no figure of speech, so that the trained model cannot doubt it.
    `crisis`: the situation of a crisis (topic crisis), beside any level.
    """

    level: str = "none"
    rows: tuple = ()
    language: str = "en"
    plain: bool = False
    crisis: Optional[str] = None

    def as_dict(self) -> Dict[str, Any]:
        """JSON-serialisable form."""
        return {
            "level": self.level,
            "rows": list(self.rows),
            "language": self.language,
            "crisis": self.crisis,
        }


def compile_sign(text: str) -> re.Pattern:
    """A sign's pattern: `_` is one or more blanks or hyphens, `_?` any number of them."""
    text = text.replace("_?", r"[\s\-]*").replace("_)", r"[\s\-]+)").replace("_", r"[\s\-]+")
    return re.compile(rf"(?<![\w']){text}", re.I | re.S)


class RedFlags:
    """The danger signs of data/safety/red_flags.yml."""

    def __init__(self, path: Path = paths.SAFETY / "red_flags.yml"):
        file = YamlFile.read(path, paths.ROOT)
        data = plain(file.data)
        problems = []
        self.concepts, self.flags = {}, []
        for name, patterns in data["concepts"].items():
            self.concepts[name] = [compile_sign(p) for p in patterns]
        for number, flag in enumerate(data["red_flags"]):
            if flag.get("level") not in LEVELS:
                problems.append(
                    file.problem(
                        ("red_flags", number, "level"),
                        f"`{flag.get('level')}` is not a level",
                        f"Use one of: {', '.join(LEVELS)}.",
                    )
                )
            for index, sign in enumerate(flag["signs"]):
                try:
                    self.flags.append(
                        (
                            flag["row"],
                            flag["level"],
                            flag.get("with", []),
                            flag.get("plain", False),
                            compile_sign(sign),
                        )
                    )
                except re.error as error:
                    problems.append(
                        file.problem(
                            ("red_flags", number, "signs", index),
                            f"not a pattern ({error})",
                            "Check brackets and signs.",
                        )
                    )
        if problems:
            raise ContentError(problems)

    def mentions(self, concept: str, text: str) -> bool:
        """Whether `text` names a concept of the file."""
        return any(pattern.search(text) for pattern in self.concepts[concept])

    def find(self, text: str) -> Finding:
        """The most urgent level whose sign is reported in `text`, with the rows met at that
        level."""
        met: List[Tuple[int, int, bool]] = []  # level, row, plain
        present: Dict[str, bool] = {}
        for row, name, needs, is_plain, pattern in self.flags:
            for concept in needs:
                if concept not in present:
                    present[concept] = self.mentions(concept, text)
            if not all(present[concept] for concept in needs):
                continue
            if any(reported(text, match) for match in pattern.finditer(text)):
                met.append((LEVELS.index(name), row, is_plain))
        level = max((of for of, _, _ in met), default=0)
        plainly = any(
            is_plain for of, _, is_plain in met if of == level
        )  # a milder sign that is plain does not vouch for an urgent one
        return Finding(
            LEVELS[level],
            tuple(dict.fromkeys(row for of, row, _ in met if of == level)),
            plain=plainly,
        )


def reported(text: str, match: re.Match) -> bool:
    """Whether the sign at `match` is something that happens to somebody now: not denied, general,
    past, or a figure of speech."""
    start, end = sentence_around(text, match)
    before = text[max(start, match.start() - LONGEST_DENIAL) : match.start()]
    denial = DENIAL.search(before)
    if (
        denial
        and not FALSE_DENIAL.search(before[denial.start() :])
        and not re.search(r"\b(?:but|although|though|except|just|only)\b", denial["rest"])
    ):
        return False
    manner = manner_of(text[start:end])
    if manner.figure:
        return False
    # a question, unless the person tells of the sign as their own before it, or after it
    return (
        manner.general is None
        or (manner.own and text.find(match.group(), start + manner.general, end) < 0)
        or (manner.told is not None and match.end() > start + manner.told)
    )


def sentence_around(text: str, match: re.Match) -> Tuple[int, int]:
    """Begin and end of the sentence that `match` is in, the mark at its end included."""
    starts = _sentences(text)
    begin = starts[bisect.bisect_right(starts, match.start()) - 1]
    after = bisect.bisect_right(starts, match.end())
    return begin, starts[after] if after < len(starts) else len(text)


@functools.lru_cache(maxsize=8)
def _sentences(text: str) -> List[int]:
    """Where each sentence of a text begins."""
    return [0, *(mark.end() for mark in MARKS.finditer(text))]


@dataclass(frozen=True)
class Manner:
    """How a sentence speaks: as a figure of speech or of long ago; in general words, from which
    character on; whether it speaks of a person's own before those; and from where on after them
    somebody tells of themselves, which the question does not cover."""

    figure: bool
    general: Optional[int]
    own: bool
    told: Optional[int]


@functools.lru_cache(maxsize=256)
def manner_of(sentence: str) -> Manner:
    """How a sentence speaks: looked for once, however many signs it holds."""
    figure = bool(IDIOM.search(sentence) or PAST.search(sentence))
    general = GENERAL.search(sentence)
    begin = general.start() if general else None
    return Manner(
        figure,
        begin,
        bool(general and OWN.search(sentence[:begin])),
        told_after(sentence, general) if general else None,
    )


def told_after(sentence: str, general: re.Match) -> Optional[int]:
    """Where after a question somebody tells of themselves ("does it go away i can't breathe"); None
    where nobody does, or only on a condition ("can it swell so that i can't breathe")."""
    if not ASKS.match(general.group()):
        return None
    condition = CONDITION.search(sentence, general.start())
    return next(
        (
            report.start()
            for report in PERSONAL.finditer(
                sentence, general.end(), condition.start() if condition else len(sentence)
            )
            if not THOUGHT.search(sentence, max(0, report.start() - 20), report.start())
        ),
        None,
    )


def told_after_questions(text: str) -> List[str]:
    """What somebody tells of themselves after a question in the same sentence, from there to the
    end of the sentence."""
    sentences = [text[begin:end] for begin, end in zip(_sentences(text), _sentences(text)[1:])]
    sentences.append(text[_sentences(text)[-1] :])
    return [
        sentence[manner.told :]
        for sentence, manner in ((sentence, manner_of(sentence)) for sentence in sentences)
        if manner.told is not None
    ]


def thought_of(begin: str, whole: str) -> bool:
    """Whether what `begin` leads to is only asked about or planned, and nothing in the `whole`
    sentence says that it has happened."""
    return bool(PLANNED.search(begin)) and not HAPPENED.search(whole)


def more_urgent(one: Optional[Finding], other: Optional[Finding]) -> Finding:
    """The more urgent of two findings, with the rows of both where they are equally urgent: a
    milder one must not choose the reply."""
    found: List[Finding] = [f for f in (one, other) if f]
    best = max(found, key=lambda f: LEVELS.index(f.level), default=Finding())
    despair = next((f for f in found if f.crisis), Finding())
    equal = [f for f in found if f.level == best.level]
    rows = tuple(dict.fromkeys(row for f in equal for row in f.rows))
    return Finding(
        best.level,
        rows,
        (despair if best.level == "none" and despair.crisis else best).language,
        any(f.plain for f in equal),
        despair.crisis,
    )
