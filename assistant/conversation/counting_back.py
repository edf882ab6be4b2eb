"""Dates: counting back from a big day ("my wedding is on 12 June"), and the days between two
treatments ("Botox on the 3rd and needling on the 9th").

How long to leave is the clinic's own rule (`gaps` of clinic.yml), else the common one: sessions
about four weeks apart, at least two weeks free before a big day, a result best judged from three
months after the last session on (the answers number_of_sessions, results_timeline and downtime
cite the sources). A number of days decides nothing about a person: the texts say so.
"""

import datetime as dt
import re
from dataclasses import dataclass
from typing import Any, Dict, List, Optional

from assistant.clinic import Gaps
from assistant.hours import Opening
from assistant.knowledge import Knowledge
from assistant.turn import Message, Turn
from assistant.understanding import dates

#: Days that are kept free before a big day, between two sessions, and after the last session until
#: the result is judged, where the clinic has no rule of its own.
BEFORE_EVENT, BETWEEN, SETTLED = 14, 28, 90
#: Sessions of the course that is counted with, and the most that are told to fit.
COURSE, MOST_SESSIONS = 3, 6
#: The farthest day that is counted back from.
FARTHEST = 3 * 365
#: Topics that a big day may be asked in. In those of recovery it is about something else.
PLANNED = frozenset(
    (
        "results_timeline",
        "booking",
        "number_of_sessions",
        "downtime",
        "benefits",
        "before_after",
        "candidacy",
        "acne_scars",
        "other_scars",
        "stretch_marks",
        "pores_texture",
        "wrinkles_aging",
        "pigmentation",
        "conditions_treated",
    )
)
#: Answers that the counted dates take the place of.
EVENT_ANSWERS = frozenset(
    (
        "results_timeline/wedding_date",
        "results_timeline/event_soon",
        "booking/before_event",
        "downtime/big_event",
    )
)
#: The clinic's gaps by the treatment (data/lexicon/treatments.yml) that they keep free.
GAP_OF = {
    "botox": "botox",
    "filler": "filler",
    "chemical_peel": "peel",
    "laser": "laser",
    "ipl": "laser",
    "waxing": "hair_removal",
    "threading": "hair_removal",
    "hair_removal": "hair_removal",
}
SPAN = re.compile(r"(?P<most>\d+) (?P<unit>hour|day|week|month)s?$")
DAYS_OF = {"hour": 1 / 24, "day": 1, "week": 7, "month": 30}


@dataclass(frozen=True)
class Plan:
    """A big day and what fits before it: the last day for a session, how many sessions, when a
    course has to begin, and the same for a result that has settled by then."""

    day: dt.date
    left: int  #: days from today
    latest: dt.date
    sessions: int
    first: dt.date
    first_settled: dt.date


def days_of(span: Optional[str], otherwise: int) -> int:
    """The days of a clinic's duration ("at least 4 weeks"), the longer of two."""
    found = SPAN.search(span or "")
    return round(int(found["most"]) * DAYS_OF[found["unit"]]) if found else otherwise


def planned(day: dt.date, today: dt.date, gaps: Gaps) -> Plan:
    """What fits between `today` and a big day."""
    free = days_of(gaps.event, BEFORE_EVENT)
    between = days_of(gaps.sessions, BETWEEN)
    latest = day - dt.timedelta(days=free)
    room = (latest - today).days
    sessions = min(room // between + 1, MOST_SESSIONS) if room > 0 else 0
    course = dt.timedelta(days=between * (COURSE - 1))
    settled = day - dt.timedelta(days=max(SETTLED, free))
    return Plan(day, (day - today).days, latest, sessions, latest - course, settled - course)


def span_words(days: int) -> str:
    """A number of days as people say it: "9 days", "3 weeks"."""
    if days < 14:
        return "1 day" if days == 1 else f"{days} days"
    return f"{round(days / 7)} weeks"


def day_words(day: dt.date, today: dt.date) -> str:
    """ "12 June", with the year where it is not the coming one of that name."""
    year = f" {day.year}" if (day - today).days > 330 or day < today else ""
    return f"{day.day} {day:%B}{year}"


def plan_words(plan: Plan, today: dt.date, kb: Knowledge) -> str:
    """What is said of a big day."""
    if plan.sessions == 0:
        name = "too_soon"
    elif plan.sessions < COURSE:
        name = "little_room"
    else:
        name = "course_settled" if plan.first_settled >= today else "course"
    given = {
        "day": day_words(plan.day, today),
        "left": span_words(plan.left),
        "free": span_words((plan.day - plan.latest).days),
        "latest": day_words(plan.latest, today),
        "first": day_words(plan.first, today),
        "first_settled": day_words(plan.first_settled, today),
        "sessions": str(plan.sessions),
    }
    return kb.talk("dates", name, **given)


def between(
    text: str, treatments: List[str], today: dt.date, kb: Knowledge, found: List[dates.Day]
) -> Optional[str]:
    """Whether the days between another treatment and needling are what the clinic leaves; None
    where no such days are told or the clinic has no rule."""
    names = [name for name in treatments if name in GAP_OF]
    exact = [day.on for day in found if day.exact]
    if not names or not exact:
        return None
    rule = getattr(kb.clinic.gaps, GAP_OF[names[0]])
    ahead = len(exact) < 2 and exact[0] >= today
    if not rule or ahead or not dates.sign("needling").search(text):
        return None
    first, second = sorted(exact[:2]) if len(exact) > 1 else (exact[0], today)
    days = (second - first).days
    name = "gap_kept" if days >= days_of(rule, 0) else "gap_short"
    return kb.talk("dates", name, days=span_words(days) if days else "0 days", gap=rule)


def add(
    text: str,
    reading: Dict[str, Any],
    turn: Turn,
    state: Dict[str, Any],
    kb: Knowledge,
    now: Optional[dt.datetime] = None,
) -> Dict[str, Any]:
    """Say in `turn` what the dates of a message mean; gives the state after it."""
    if turn.kind in ("crisis", "form", "handoff", "triage") or turn.urgency != "none":
        return state
    today = Opening(kb.clinic).local(now).date()
    found = dates.find(text, today, day_first=kb.clinic.country != "US")
    named = [
        name
        for question in reading.get("questions") or []
        for name in (question.get("entities") or {}).get("treatment", [])
    ]
    concerned = "combine_treatments" in turn.topics or "recent_treatment" in turn.cautions
    gap = between(text, named, today, kb, found) if concerned else None
    if gap:
        replace_answers(turn, gap)
        return state
    return _big_day(text, turn, state, kb, today, found)


def _big_day(
    text: str,
    turn: Turn,
    state: Dict[str, Any],
    kb: Knowledge,
    today: dt.date,
    found: List[dates.Day],
) -> Dict[str, Any]:
    """The part of `add` that counts back from a big day, or forgets it."""
    event, known = dates.speaks_of_event(text), state.get("event")
    if (event or known) and dates.sign("called_off").search(text) and not found:
        replace_answers(turn, kb.talk("dates", "called_off"))
        return {**state, "event": None}
    if any(day.on < today for day in found):
        return state  # told of a session that is over
    coming = [day.on for day in found if 0 < (day.on - today).days <= FARTHEST]
    asked = bool(set(state.get("told_last") or []) & EVENT_ANSWERS)
    concerned = turn.kind in ("clarify", "fallback") or bool(PLANNED & set(turn.topics))
    waiting = bool(known) and not known.get("day")
    if coming and (waiting or event and (concerned or asked)):
        day = coming[-1] if event else coming[0]
        words = plan_words(planned(day, today, kb.clinic.gaps), today, kb)
        if asked or waiting or turn.kind in ("clarify", "fallback"):
            replace_answers(turn, words)
        else:
            put_first(turn, words, "results_timeline")
        return {**state, "event": {"day": day.isoformat()}}
    if known and known.get("day") and concerned and dates.sign("then").search(text):
        plan = planned(dt.date.fromisoformat(known["day"]), today, kb.clinic.gaps)
        put_first(turn, room_words(plan, today, kb), "results_timeline")
    elif event and asked and not known:
        turn.say("question", kb.talk("dates", "when"))
        return {**state, "event": {"day": None}}
    elif waiting:
        return {**state, "event": None}
    return state


def room_words(plan: Plan, today: dt.date, kb: Knowledge) -> str:
    """How much fits before a day that was told earlier."""
    name = "room" if plan.sessions else "no_room"
    return kb.talk(
        "dates",
        name,
        day=day_words(plan.day, today),
        sessions=str(plan.sessions),
        latest=day_words(plan.latest, today),
    )


def put_first(turn: Turn, text: str, topic: str) -> None:
    """Say `text` before the other answers, behind the cautions that the turn begins with."""
    roles = [message.role for message in turn.messages]
    place = next((number for number, role in enumerate(roles) if role != "caution"), len(roles))
    turn.topics = turn.topics or [topic]
    turn.messages.insert(place, Message("answer", text, turn.topics[0]))


def replace_answers(turn: Turn, text: str) -> None:
    """Say `text` in place of the answers and of a question back."""
    put_first(turn, text, "results_timeline")
    said = next(message for message in turn.messages if message.text == text)
    turn.messages = [m for m in turn.messages if m is said or m.role not in ("answer", "question")]
    if turn.kind in ("clarify", "fallback"):
        turn.kind, turn.choices = "answer", []
