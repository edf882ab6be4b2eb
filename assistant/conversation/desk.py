"""The clinic's desk: short answers to what visitors ask of the clinic itself (hours, way, prices,
who), all from clinic.yml.

Each part is a pattern over the visitor's words and the text that answers it
(data/knowledge/conversation.yml, `desk`, and phrases.yml). What clinic.yml leaves out is answered
by the phrase's `missing` text, never by a guess.
"""

import datetime as dt
import re
from typing import Callable, Dict, List, Optional, Tuple

from assistant.clinic import DAYS, price_line, spoken
from assistant.conversation import prices
from assistant.hours import Opening, clock, date_words, moment_words
from assistant.knowledge import Knowledge

#: Most parts that one answer joins.
MOST_PARTS = 3
DAY_NAMES = re.compile(
    rf"\b({'|'.join(DAYS)}|(?:mon|tues?|weds?|thurs?|fri|satur|sat|sun)(?:day)?|tomorrow|today|"
    rf"tonight|weekend)s?\b",
    re.I,
)
COMPLAINT = re.compile(
    r"\b(?:complain\w*|unhappy|disappointed|furious|angry|refund|manager|owner|botched|ruined|"
    r"disgusted|terrible|awful|went wrong|not happy|compensation|solicitor|lawyer)\b",
    re.I,
)
OPEN = r"\b(?:open|opening|close[sd]?|closing|shut|there|hours|available|in)\b"


def _next_dates(word: str, today: dt.date) -> List[dt.date]:
    """The coming date or dates that a word such as "saturdays" or "tomorrow" means."""
    word = word.lower()
    if word in ("today", "tonight"):
        return [today]
    if word == "tomorrow":
        return [today + dt.timedelta(days=1)]
    if word == "weekend":
        return [today + dt.timedelta(days=(ahead - today.weekday()) % 7) for ahead in (5, 6)]
    index = next(number for number, day in enumerate(DAYS) if day.startswith(word[:3]))
    return [today + dt.timedelta(days=(index - today.weekday()) % 7)]


def now_words(text: str, kb: Knowledge, now: Optional[dt.datetime]) -> str:
    """Open or closed, until or from when."""
    opening = Opening(kb.clinic)
    if not opening.known:
        return kb.phrases.fill("{hours}")
    status, here = opening.status(now), opening.local(now)
    if status.open:
        return kb.talk("desk", "open_until", until=clock(status.until))
    if status.next is None:
        return kb.phrases.fill("{hours}")
    return kb.talk("desk", "closed_until", when=moment_words(status.next, here))


def day_words(text: str, kb: Knowledge, now: Optional[dt.datetime]) -> str:
    """The hours of the day or days that are named."""
    opening = Opening(kb.clinic)
    if not opening.known:
        return kb.phrases.fill("{hours}")
    today, said = opening.local(now).date(), []
    named = [
        date for match in DAY_NAMES.finditer(text) for date in _next_dates(match.group(1), today)
    ]
    for date in list(dict.fromkeys(named))[:MOST_PARTS]:
        spans, holiday = opening.spans(date), opening.holiday(date)
        day = f"{date_words(date)}" + (f" ({holiday.name})" if holiday and holiday.name else "")
        if spans:
            times = [f"{clock(opens)} to {clock(closes)}" for opens, closes in spans]
            said.append(
                kb.talk(
                    "desk",
                    "day_open",
                    day=day,
                    hours_of_day=" and ".join(times),
                )
            )
        else:
            said.append(kb.talk("desk", "day_closed", day=day))
    return " ".join(said)


def reach(
    text: str, kb: Knowledge, now: Optional[dt.datetime] = None, complaint: bool = False
) -> str:
    """How to reach a person; the request form's question follows it."""
    return kb.talk(
        "handoff",
        "reach_complaint" if complaint or COMPLAINT.search(text) else "reach",
        open_now=now_words(text, kb, now),
    )


def holiday_words(text: str, kb: Knowledge, now: Optional[dt.datetime]) -> str:
    """The coming holidays of clinic.yml."""
    coming = Opening(kb.clinic).coming_holidays(now)
    if not coming:
        return kb.talk("desk", "holidays_missing")
    parts = []
    for holiday in coming[:4]:
        days = date_words(holiday.first) + (
            f" to {date_words(holiday.last)}" if holiday.last != holiday.first else ""
        )
        hours = kb.talk("desk", "closed") if holiday.hours == "closed" else spoken(holiday.hours)
        parts.append(f"{days}: {hours}")
    return kb.talk("desk", "holidays", list="; ".join(parts))


def hours_words(text: str, kb: Knowledge, now: Optional[dt.datetime]) -> str:
    """All opening hours, and whether the clinic is open now."""
    hours = kb.phrases.fill("{hours}")
    return f"{hours} {now_words(text, kb, now)}" if Opening(kb.clinic).known else hours


def phrase(name: str) -> Callable[[str, Knowledge, Optional[dt.datetime]], str]:
    """A part that is a phrase of phrases.yml."""
    return lambda text, kb, now: kb.phrases.fill(name)


Part = Tuple[re.Pattern, Callable[[str, Knowledge, Optional[dt.datetime]], str]]
_CANCEL = re.compile(
    r"\b(?:cancel\w*|re-?sched\w*|re-?arrang\w*|re-?book\w*|postpon\w*|move|mov(?:ed|ing)|"
    r"chang(?:e|ed|ing)|swap|(?:running|be|am|i'?m) late|miss(?:ed|ing)?|no.?show|can'?t make|"
    r"cannot make|lose|refund\w*|(?:money|deposit) back)\b",
    re.I,
)
_DEPOSIT = re.compile(
    r"\bdeposits?\b|\bpay(?:ment)? (?:up ?front|in advance|before)\b|\bupfront\b", re.I
)
_WHO = re.compile(
    r"\bwho(?:'s| is| are|se)? (?:the|your) (?:nurse|doctor|practitioner|therapist|staff|team|"
    r"people)s?\b|\b(?:who|whom|which (?:nurse|person|doctor|practitioner))\b.{0,30}\b(?:do|does|"
    r"doing|treat\w*|perform\w*|give|carr\w+|work\w*|needle|see|be)\b|"
    r"\b(?:nurse|doctor|practitioner|therapist|beautician)s?\b.{0,25}\b(?:do|does|perform|there|"
    r"treat)\b|\bqualified\b",
    re.I,
)
PARTS = {
    "clinic_info": (
        (
            re.compile(
                rf"{OPEN}.{{0,30}}\b(?:now|at the moment|right now|still|currently)\b|"
                rf"\bstill {OPEN}|\b(?:re-?open|open again|next open|open next)\b|"
                rf"\bwhen (?:do|are|will)"
                r" (?:you|they|u) (?:re-?)?open\b|^(?:are|r) (?:you|u|they) open\W*$",
                re.I,
            ),
            now_words,
        ),
        (re.compile(rf"{DAY_NAMES.pattern}", re.I), day_words),
        (
            re.compile(
                r"\b(?:bank )?holidays?\b|\b(?:christmas|xmas|easter|new year'?s?|boxing day|"
                r"thanksgiving|summer break)\b",
                re.I,
            ),
            holiday_words,
        ),
        (re.compile(r"\bpark(?:ing)?\b|\bcar\b", re.I), phrase("{parking}")),
        (
            re.compile(
                r"\b(?:whereabouts|where(?:'s| is| are| r)? (?:it|you|u|the clinic|your|this|that|"
                r"based|located)|address|map|directions?|locat\w+|find (?:you|u|it)|"
                r"how (?:do|can) i get|get there|postcode|zip)\b",
                re.I,
            ),
            phrase("{address} {map_link}"),
        ),
        (
            re.compile(
                r"\b(?:languages?|speak|polish|spanish|french|german|arabic|hindi|urdu|translator|"
                r"interpreter)\b",
                re.I,
            ),
            phrase("{languages}"),
        ),
        (_WHO, phrase("{performed_by}")),
        (
            re.compile(r"\b(?:hours|opening times?|what time|open|close|closing|shut)\b", re.I),
            hours_words,
        ),
    ),
    "cost": (
        (_DEPOSIT, phrase("{deposit} {cancellation}")),
        (
            re.compile(
                r"\b(?:course|package|bundle|block|(?:three|3|several|multiple) (?:sessions|"
                r"treatments)|set of (?:three|3))\b",
                re.I,
            ),
            lambda text, kb, now: kb.talk("desk", "course_missing"),
        ),
        (re.compile(r"\b(?:consult\w*)\b", re.I), phrase("{consultation}")),
    ),
    "insurance_financing": (
        (
            re.compile(
                r"\b(?:instal\w*|pay(?:ment)? (?:plan|monthly|later|in)|plans?|monthly|spread|"
                r"klarna|clearpay|afterpay|finance|credit|cards?|cash)\b",
                re.I,
            ),
            phrase("{payment_options} {deposit}"),
        ),
    ),
    "booking": (
        (
            re.compile(f"{_CANCEL.pattern}|{_DEPOSIT.pattern}", re.I),
            phrase("{cancellation} {deposit}"),
        ),
    ),
    "choose_provider": ((_WHO, phrase("{performed_by}")),),
}


#: Asking what something costs, where the topic is the treatment itself.
_PRICE = re.compile(
    r"\b(?:prices?|priced|pricing|costs?|charges?|fees?|bills?|rates|tariff|quote|how dear|"
    r"what (?:\w+ ){0,4}come to|in total\W*$|total\W*$|how much (?:is|are|for|does|do|would|will|"
    r"it'?s)|how expensive)\b(?!.{0,30}\b(?:hurt\w*|pain\w*|bleed\w*|help\w*|blood|downtime|"
    r"work)\b)",
    re.I,
)


def besides(topic: str, entities: Dict[str, List[str]], general: bool, kb: Knowledge) -> str:
    """The clinic's own facts behind an answer about one area, condition or treatment, which names
    none: listed prices, the way to book. Empty when nothing is missing; `general` says that the
    topic's whole answer was given, which has them."""
    if topic == "booking":
        return "" if general else kb.talk("desk", "book_here")
    if topic != "cost" or general:
        return ""
    found = prices.matching(entities, kb)
    if found:
        return kb.talk(
            "desk",
            "listed",
            list="; ".join(price_line(price, kb.clinic.currency) for price in found),
        )
    return kb.talk("desk", "not_listed")


def asks_price(text: str) -> bool:
    """Whether somebody asks what something costs."""
    return bool(_PRICE.search(text) or prices.SAVING.search(text))


def about_staff(text: str) -> bool:
    """Whether somebody asks who does the treatments."""
    return bool(_WHO.search(text)) and not re.search(
        r"\b(?:call|speak|talk|contact|complain\w*|ring|email)\b", text, re.I
    )


def answer(
    topic: str,
    text: str,
    kb: Knowledge,
    now: Optional[dt.datetime] = None,
    complaint: bool = False,
    entities: Optional[Dict[str, List[str]]] = None,
    specific: bool = False,
) -> Optional[str]:
    """The short answer to a question about the clinic itself, or None when the topic's own answer
    fits better.

    `now` is an aware time (the present when None); `complaint` says that something went wrong,
    `specific` that the topic answers this very question.
    """
    if topic == "human_handoff":
        return reach(text, kb, now, complaint)
    said: List[str] = []
    offered = prices.offered(text, entities or {}, kb)
    if offered:
        said.append(offered)
    priced = topic == "cost" and prices.answer(text, entities or {}, kb, specific)
    if priced:
        return " ".join([*said, priced])
    for pattern, words in PARTS.get(topic, ()):
        if pattern.search(text) and not (said and words is hours_words):
            said.append(words(text, kb, now))
        if len(said) == MOST_PARTS:
            break
    if not said:
        return None
    closing = kb.talk("desk", f"closing_{topic}") if topic in PARTS else ""
    return " ".join([*said, closing]).strip()
