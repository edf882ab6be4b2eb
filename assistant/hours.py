"""When the clinic is open, in its own time zone: now, next, on a day, over its holidays (all from
clinic.yml)."""

import datetime as dt
from dataclasses import dataclass
from typing import List, Optional, Tuple
from zoneinfo import ZoneInfo

from assistant.clinic import Clinic, Holiday
from assistant.shapes import BETWEEN, DAYS

#: Days that are searched for the next opening.
FAR = 60


@dataclass(frozen=True)
class Status:
    """Whether the clinic is open at a moment; `until` is when it closes, `next` when it opens again
    (both in its time zone)."""

    open: bool
    until: Optional[dt.datetime]
    next: Optional[dt.datetime]


class Opening:
    """The opening hours of one clinic. `known` is false when clinic.yml has no hours or no time
    zone."""

    def __init__(self, clinic: Clinic):
        self.hours, self.holidays = clinic.hours or {}, clinic.holidays or []
        self.zone = ZoneInfo(clinic.timezone) if clinic.timezone else None
        self.known = bool(self.hours and self.zone)

    def local(self, now: Optional[dt.datetime] = None) -> dt.datetime:
        """`now` (an aware time; the present when None) in the clinic's time zone, or in UTC when it
        has none."""
        return (now or dt.datetime.now(dt.timezone.utc)).astimezone(self.zone or dt.timezone.utc)

    def holiday(self, day: dt.date) -> Optional[Holiday]:
        """The holiday that `day` belongs to."""
        return next((h for h in self.holidays if h.first <= day <= h.last), None)

    def spans(self, day: dt.date) -> List[Tuple[dt.datetime, dt.datetime]]:
        """Each opening and closing on `day`, in order: two with a lunch break, none when the clinic
        is closed."""
        holiday = self.holiday(day)
        text = holiday.hours if holiday else self.hours.get(DAYS[day.weekday()], "closed")
        if text == "closed":
            return []
        return [self._span(day, span) for span in text.split(BETWEEN)]

    def _span(self, day: dt.date, text: str) -> Tuple[dt.datetime, dt.datetime]:
        opens, closes = (
            dt.datetime.combine(day, dt.time.fromisoformat(part), self.zone)
            for part in text.split("-")
        )
        return opens, closes

    def status(self, now: Optional[dt.datetime] = None) -> Status:
        """Open or not at `now`, until when, and when next. Call it only when `known`."""
        here = self.local(now)
        for opens, closes in self.spans(here.date()):
            if opens <= here < closes:
                return Status(True, closes, None)
        for ahead in range(FAR):
            for opens, _ in self.spans(here.date() + dt.timedelta(days=ahead)):
                if opens > here:
                    return Status(False, None, opens)
        return Status(False, None, None)

    def coming_holidays(self, now: Optional[dt.datetime] = None) -> list:
        """Holidays that are not over yet, the nearest first."""
        today = self.local(now).date()
        return sorted((h for h in self.holidays if h.last >= today), key=lambda h: h.first)


def clock(moment: dt.datetime) -> str:
    """A time as people write it: 09:00 gives "9:00"."""
    return f"{moment.hour}:{moment.minute:02d}"


def date_words(day: dt.date) -> str:
    """A date as people write it: "Friday 25 December"."""
    return f"{day:%A} {day.day} {day:%B}"


def moment_words(moment: dt.datetime, now: dt.datetime) -> str:
    """When, seen from `now`: "today at 9:00", "tomorrow at 9:00", "Tuesday at 9:00", later "Tuesday
    5 January at 9:00"."""
    days = (moment.date() - now.date()).days
    day = (
        "today"
        if days == 0
        else "tomorrow"
        if days == 1
        else f"{moment:%A}"
        if days < 7
        else date_words(moment.date())
    )
    return f"{day} at {clock(moment)}"
