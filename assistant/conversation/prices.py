"""What the clinic's own price list says to a question: the lines that are meant, sums for sessions
and people, and whether something is offered at all."""

import re
from dataclasses import dataclass
from typing import Dict, List, Optional

from assistant.clinic import Price, money
from assistant.knowledge import Knowledge

#: Sessions of a course, as price lists give it.
COURSE = 3
#: Most sessions, people and lines of the list that one answer reckons with.
MOST_SESSIONS, MOST_PEOPLE, MOST_LINES = 12, 8, 2
NUMBERS = {
    word: number
    for number, word in enumerate(
        "one two three four five six seven eight nine ten eleven twelve".split(), 1
    )
}
NUMBER = rf"(?:\d{{1,2}}|{'|'.join(NUMBERS)}|a|an|single)"
SESSIONS = re.compile(
    rf"\b(?P<n>{NUMBER})[ -](?:more |extra |face |neck |full |single |separate |individual )*"
    r"(?:sessions?|treatments?|goes?|go|rounds?|visits?|appointments?|times|sittings?)\b"
    rf"|\b(?:course|package|pack|set|block|bundle|series) of (?P<m>{NUMBER})\b"
    rf"|\bbuy(?:ing)? (?P<b>{NUMBER})\b|\b(?P<x>\d{{1,2}}) ?x\b|\bx ?(?P<y>\d{{1,2}})\b",
    re.I,
)
A_COURSE = re.compile(r"\b(?:course|package|bundle|block|series)\b", re.I)
PEOPLE = re.compile(
    rf"\b(?P<n>{NUMBER}) (?:of us|people|persons|friends|sisters|girls|guests|women|adults)\b"
    r"|\b(?P<both>both of us|the two of us|us both|as a couple)\b",
    re.I,
)
RELATION = re.compile(
    r"\bmy (?:\w+ )?(?:mum|mom|mother|dad|father|sister|brother|daughter|son|aunt|auntie|uncle|"
    r"cousin|friend|mate|husband|wife|partner|boyfriend|girlfriend|fianc[eé]e?|nan|gran|"
    r"colleague|flatmate|bestie)s?\b",
    re.I,
)
ME_TOO = re.compile(r"\b(?:me|myself|i)\b", re.I)
SAVING = re.compile(
    r"\b(?:save|saving|cheaper|discount|dearer|extra)\b.{0,40}\b(?:course|package|"
    r"three|3|bundle)\b|\bhow (?:dear|much more|much extra)\b",
    re.I,
)
#: Words of a price's name for a treatment or an area of the lexicon, where they differ from its id.
NAMED = {
    "prp": ("prp", "vampire", "plasma"),
    "rf_microneedling": ("rf", "radiofrequency", "morpheus8"),
    "morpheus8": ("rf", "radiofrequency", "morpheus8"),
    "exosomes": ("exosome", "exosomes"),
    "abdomen": ("abdomen", "stomach", "tummy"),
    "eye_area": ("eye", "eyes"),
}
#: Treatments and devices that are priced apart from plain microneedling.
SPECIAL = ("prp", "rf_microneedling", "morpheus8", "exosomes", "pdrn")
OFFERED = re.compile(
    r"\b(?:do|does|can|could|would|will) (?:you|u|ya|your clinic|the clinic|they)(?: guys| even|"
    r" also| actually| still| currently| people)* (?:do|offer|have|provide|sell|treat|carry out|"
    r"perform|use)\b"
    r"|\b(?:on|part of) (?:your|the) (?:menu|list|price list|treatment list|offer)\b"
    r"|\bis .{2,40} (?:available|offered|possible) (?:here|there|with you|at yours|at your)\b"
    r"|\b(?:can|could) i (?:get|have|book) .{2,40} (?:at yours|with you|at your (?:clinic|place)|"
    r"at (?:the|this) clinic)\b|^(?:and )?(?:do you|u) do\b",
    re.I,
)


@dataclass(frozen=True)
class Asked:
    """For how many a question about prices asks: sessions (None: not said) and people."""

    sessions: Optional[int]
    people: int


def number_of(word: str) -> int:
    """ "three" or "3" as 3; "a" and "single" as 1."""
    word = word.lower()
    return int(word) if word.isdigit() else NUMBERS.get(word, 1)


def sessions_in(text: str) -> Optional[int]:
    """How many sessions a text names; a "course" without a number is the course of the list."""
    counts = [
        number_of(next(group for group in match.groups() if group))
        for match in SESSIONS.finditer(text)
    ]
    found = [count for count in counts if 1 <= count <= MOST_SESSIONS]
    if found:
        return max(found)
    return COURSE if A_COURSE.search(text) else None


def people_in(text: str) -> int:
    """For how many people a text asks."""
    match = PEOPLE.search(text)
    if match:
        return 2 if match["both"] else min(number_of(match["n"]), MOST_PEOPLE)
    others = len(RELATION.findall(text))
    return min(others + bool(ME_TOO.search(text)), MOST_PEOPLE) if others else 1


def words_of(price: Price) -> set:
    """The words of a line's name."""
    return set(re.findall(r"\w+", price.name.lower()))


def fits(price: Price, name: str) -> bool:
    """Whether a line of the list names a treatment or an area of the lexicon."""
    return bool(words_of(price) & set(NAMED.get(name, tuple(name.split("_")))))


def matching(entities: Dict[str, List[str]], kb: Knowledge) -> List[Price]:
    """The lines of the price list that a question is about: of the treatment that it names, or
    else plain ones with exactly its areas, or as many of them as there are."""
    prices = kb.clinic.prices or []
    named = [*entities.get("treatment", []), *entities.get("device", [])]
    special = [name for name in named if name in SPECIAL]
    if special:
        return [price for price in prices if any(fits(price, name) for name in special)]
    plain = [p for p in prices if not p.topic and not any(fits(p, name) for name in SPECIAL)]
    areas = entities.get("area", [])
    if not areas:
        return plain
    shared = {price.name: sum(fits(price, area) for area in areas) for price in plain}
    most = max(shared.values(), default=0)
    best = [price for price in plain if most and shared[price.name] == most]
    fewest = min((len(words_of(price)) for price in best), default=0)
    return [price for price in best if len(words_of(price)) == fewest]


def total(price: Price, sessions: int) -> float:
    """What `sessions` cost at best, with courses where they are cheaper."""
    if not price.course_of_three:
        return sessions * price.amount
    courses, singles = divmod(sessions, COURSE)
    with_courses = courses * price.course_of_three + singles * price.amount
    return min(with_courses, sessions * price.amount)


def line_words(price: Price, asked: Asked, kb: Knowledge) -> str:
    """The answer for one line of the list."""
    coin = kb.clinic.currency
    name = price.name
    if asked.people > 1:
        each = total(price, asked.sessions or 1)
        return kb.talk(
            "prices",
            "people",
            name=name,
            people=str(asked.people),
            total=money(asked.people * each, coin),
            price=money(each, coin),
        )
    sessions = asked.sessions or 1
    best, singly = total(price, sessions), sessions * price.amount
    if sessions > 1 and best < singly:
        return kb.talk(
            "prices",
            "course" if sessions == COURSE else "sessions_with_courses",
            name=name,
            sessions=str(sessions),
            total=money(best, coin),
            singles=money(singly, coin),
            saving=money(singly - best, coin),
            course=money(price.course_of_three, coin),
        )
    if sessions > 1:
        return kb.talk(
            "prices", "sessions", name=name, sessions=str(sessions), total=money(singly, coin)
        )
    part = "one_with_course" if price.course_of_three else "one"
    return kb.talk(
        "prices",
        part,
        name=name,
        price=money(price.amount, coin),
        course=money(price.course_of_three or 0, coin),
    )


def answer(
    text: str, entities: Dict[str, List[str]], kb: Knowledge, specific: bool = False
) -> Optional[str]:
    """The clinic's own figures for a question about a price. None where it has no price list, and
    where the topic answers the very question (`specific`) and no line of the list is meant."""
    if not kb.clinic.prices:
        return None
    lines = matching(entities, kb)
    asked = Asked(sessions_in(text), people_in(text))
    named = [*entities.get("area", []), *(n for n in entities.get("treatment", []) if n in SPECIAL)]
    if specific and not named and asked.people == 1 and (asked.sessions or 1) == 1:
        return None
    if not lines:
        return kb.talk("prices", "not_listed", what=" and ".join(named).replace("_", " "))
    shown = lines[:MOST_LINES]
    if asked.sessions is None and asked.people == 1 and len(shown) > 1:
        return None  # the whole list is in the topic's own answer
    said = " ".join(line_words(price, asked, kb) for price in shown)
    return f"{said} {kb.talk('prices', 'closing')}"


def offered(text: str, entities: Dict[str, List[str]], kb: Knowledge) -> Optional[str]:
    """Whether the clinic offers what a question names, from `offers:` and the price list of
    clinic.yml; None where the message does not ask that, or names nothing."""
    if not OFFERED.search(text):
        return None
    named = [value for kind in ("treatment", "device", "area") for value in entities.get(kind, [])]
    for name in named:
        listed = [price for price in kb.clinic.prices or [] if fits(price, name)]
        told = kb.clinic.offers.get(name)
        what = name.replace("_", " ")
        if told is False:
            return kb.talk("prices", "not_offered", what=what)
        if told or listed:
            prices = "; ".join(
                f"{price.name} {money(price.amount, kb.clinic.currency)}" for price in listed
            )
            key = "offered_priced" if listed else "offered"
            return kb.talk("prices", key, what=what, list=prices)
        if name in SPECIAL or name in kb.clinic.offers:
            return kb.talk("prices", "not_on_list", what=what)
    return None
