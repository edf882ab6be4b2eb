"""Days that a message names: "12 June", "12/6", "in three weeks", "last Saturday", "ten days ago".

The words are in data/language/dates.yml. A day is what the visitor can have meant on `today`: a
date without a year is the next one of that name, or the last one where the words look back.
"""

import calendar
import datetime as dt
import functools
import re
from dataclasses import dataclass
from typing import Any, Callable, Dict, List, Optional, Tuple

from assistant import paths
from assistant.safety.triage import compile_sign
from assistant.yamlfile import YamlFile, plain

DATES = paths.LANGUAGE / "dates.yml"


@dataclass(frozen=True)
class Day:
    """A day in a message. `exact` is whether a day was named, not a month or a rough span; `start`
    is where its words begin."""

    on: dt.date
    exact: bool
    start: int


@functools.cache
def words() -> Dict[str, Any]:
    """The words of data/language/dates.yml."""
    return plain(YamlFile.read(DATES, paths.ROOT).data)


def pattern(text: str) -> re.Pattern:
    """A pattern of the file, in whole words (`_` as in the danger signs)."""
    return compile_sign(rf"{text}(?!\w)")


def speaks_of_event(text: str) -> bool:
    """Whether a message speaks of a big day (`events`)."""
    return any(sign.search(text) for sign in _events())


@functools.cache
def _events() -> List[re.Pattern]:
    return [pattern(sign) for sign in words()["events"].values()]


@functools.cache
def sign(name: str) -> re.Pattern:
    """A pattern of the file by its name (`called_off`, `then`)."""
    return pattern(words()[name])


def find(text: str, today: dt.date, day_first: bool = True) -> List[Day]:
    """The days that `text` names, in its order. `day_first`: 3/6 is the third of June."""
    found: List[Day] = []
    for sought, read in _readers():
        for match in sought.finditer(text):
            overlaps = any(abs(match.start() - day.start) < 6 for day in found)
            day = None if overlaps else read(match, today, day_first)
            if day is not None:
                found.append(Day(day[0], day[1], match.start()))
    return sorted(found, key=lambda day: day.start)


#: A day and whether it is exact.
Read = Optional[Tuple[dt.date, bool]]
Reader = Callable[[re.Match, dt.date, bool], Read]


@functools.cache
def _readers() -> List[Tuple[re.Pattern, Reader]]:
    """What is looked for, the more telling first, and how each is read."""
    names = words()
    months = "|".join(f"{month[:3]}(?:{month[3:]}|t)?" for month in names["months"])
    weekdays = "|".join(names["days"])
    short_days = "|".join(day[:3] for day in names["days"])
    units = "|".join(names["units"])
    number = "|".join(sorted(names["numbers"], key=len, reverse=True))
    span = rf"(?P<n>\d{{1,3}}|{number}) (?P<unit>{units})s?"
    ordinal = r"(?P<d>[0-3]?\d)(?:st|nd|rd|th)?"
    sought: List[Tuple[str, Reader]] = [
        (r"\b(?P<y>20\d\d)-(?P<m>\d\d?)-(?P<d>\d\d?)\b", _in_figures),
        (rf"\b{ordinal}(?: of)? (?P<m>{months})\b(?:,? (?P<y>20\d\d))?", _by_name),
        (rf"\b(?P<m>{months})\.? {ordinal}\b(?!\s*(?:%|mm|years|or so))", _by_name),
        (
            r"\b(?!24/7\b)(?P<a>[0-3]?\d)[/.](?P<b>[01]?\d)(?:[/.](?P<y>20\d\d|\d\d))?\b(?! ?mm)",
            _in_figures,
        ),
        (rf"\b(?:a )?{span} ago\b", _ago),
        (rf"\b(?:in|within|only|about|like|just) (?:about |around |roughly )?{span}\b", _ahead),
        (rf"\b{span}(?: time)? (?:away|from now|to go|till|until|before|out|left)\b", _ahead),
        (rf"\b{span}(?:'s?|s')? time\b", _ahead),
        (rf"\b(?:(?P<which>last|this|next|on|coming) )?(?P<w>{weekdays})\b", _weekday),
        (rf"\b(?P<which>last|this|next|on) (?P<w>{short_days})s?\b", _weekday),
        (r"\b(?P<w>today|tonight|tomorrow|yesterday)\b", _near),
        (r"\b(?P<which>last|next) (?P<w>week|month|year)\b", _next),
        (rf"\b(?P<part>early|mid|end of|in|by|this|next|for|last) (?P<m>{months})\b", _in_month),
        (r"\b(?:on|for|is|by|the) (?:the )?(?P<d>[0-3]?\d)(?:st|nd|rd|th)\b", _day_of_month),
    ]
    return [(re.compile(text, re.I), read) for text, read in sought]


def _month(name: str) -> int:
    """The number of a month, 1 to 12, by the first three letters of its name."""
    return 1 + next(
        number
        for number, month in enumerate(words()["months"])
        if month.startswith(name[:3].lower())
    )


def _valid(year: int, month: int, day: int) -> Optional[dt.date]:
    try:
        return dt.date(year, month, day)
    except ValueError:
        return None


def _coming(month: int, day: int, today: dt.date) -> Optional[dt.date]:
    """The next day of that name, today included."""
    this_year = _valid(today.year, month, day)
    if this_year and this_year >= today:
        return this_year
    return _valid(today.year + 1, month, day)


def _exact(day: Optional[dt.date]) -> Read:
    return None if day is None else (day, True)


def _by_name(match: re.Match, today: dt.date, day_first: bool) -> Read:
    month, day, year = _month(match["m"]), int(match["d"]), match.groupdict().get("y")
    return _exact(_valid(int(year), month, day) if year else _coming(month, day, today))


def _in_figures(match: re.Match, today: dt.date, day_first: bool) -> Read:
    told = match.groupdict()
    if told.get("m"):
        return _exact(_valid(int(told["y"]), int(told["m"]), int(told["d"])))
    first, second = int(told["a"]), int(told["b"])
    day, month = (first, second) if day_first or first > 12 else (second, first)
    if not told["y"]:
        if "." in match.group():  # "1.5" is a length
            return None
        return _exact(_coming(month, day, today) if 1 <= month <= 12 else None)
    year = int(told["y"])
    return _exact(_valid(year if year > 99 else 2000 + year, month, day))


def _days(match: re.Match) -> int:
    """A span in days."""
    told = match["n"].lower()
    number = int(told) if told.isdigit() else words()["numbers"][told]
    return number * words()["units"][match["unit"].lower()]


def _rough(match: re.Match) -> bool:
    return match["unit"].lower() not in ("day", "week", "wk", "fortnight")


def _ago(match: re.Match, today: dt.date, day_first: bool) -> Read:
    days = _days(match)
    return (today - dt.timedelta(days=days), not _rough(match)) if days < 36500 else None


def _ahead(match: re.Match, today: dt.date, day_first: bool) -> Read:
    days = _days(match)
    return (today + dt.timedelta(days=days), not _rough(match)) if days < 36500 else None


def _weekday(match: re.Match, today: dt.date, day_first: bool) -> Read:
    name = match["w"][:3].lower()
    index = next(n for n, day in enumerate(words()["days"]) if day.startswith(name))
    ahead = (index - today.weekday()) % 7
    if (match["which"] or "").lower() == "last":
        return today - dt.timedelta(days=(7 - ahead) % 7 or 7), True
    return today + dt.timedelta(days=ahead), True


def _near(match: re.Match, today: dt.date, day_first: bool) -> Read:
    moved = {"tomorrow": 1, "yesterday": -1}.get(match["w"].lower(), 0)
    return today + dt.timedelta(days=moved), True


def _next(match: re.Match, today: dt.date, day_first: bool) -> Read:
    days = words()["units"][match["w"].lower()]
    back = match["which"].lower() == "last"
    return today + dt.timedelta(days=-days if back else days), False


def _in_month(match: re.Match, today: dt.date, day_first: bool) -> Read:
    month, part = _month(match["m"]), match["part"].lower()
    year = today.year + (month < today.month)
    if part == "last":
        year = today.year - (month >= today.month)
    last = calendar.monthrange(year, month)[1]
    day = {"early": 1, "mid": 15, "end of": last}.get(part, 1)
    return dt.date(year, month, day), False


def _day_of_month(match: re.Match, today: dt.date, day_first: bool) -> Read:
    day = int(match["d"])
    months = [(today.year, today.month), (today.year + today.month // 12, today.month % 12 + 1)]
    coming = [_valid(year, month, day) for year, month in months]
    return _exact(next((date for date in coming if date and date >= today), None))
