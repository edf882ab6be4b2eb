"""What a website may show of the clinic before any conversation: names, numbers to call, the
notice."""

import re
from typing import Any, Dict, List

from assistant.clinic import hours_by_days
from assistant.knowledge import Knowledge

#: Country lines (data/knowledge/countries.yml) whose telephone numbers a visitor may be told to
#: call.
LINES = ("emergency_number", "health_line", "poison_line", "crisis_lines", "abuse_line")
NUMBER = re.compile(r"(?<![\d:])\+?\d[\d ()-]*\d(?!:?\d|[A-Za-z])")
#: A number that is texted rather than called: "text SHOUT to 85258".
TEXTED = re.compile(r"\btext\b[^.,]*\bto $", re.IGNORECASE)


def dial(text: str) -> Dict[str, str]:
    """A number as written and as dialled: "+44 20 7946 0958" gives {"text": …, "tel":
    "+442079460958"}."""
    return {"text": text, "tel": re.sub(r"[^\d+]", "", text)}


def numbers(kb: Knowledge) -> List[Dict[str, str]]:
    """Every number that replies may tell a visitor to call, the clinic's first; numbers for text
    messages are left out."""
    found = [kb.clinic.phone]
    for line in LINES:
        text = kb.phrases.country[line] or ""
        for match in NUMBER.finditer(text):
            if len(re.sub(r"\D", "", match.group())) >= 3 and not TEXTED.search(
                text[: match.start()]
            ):
                found.append(match.group().strip())
    return [dial(number) for number in dict.fromkeys(found)]


def card(kb: Knowledge) -> Dict[str, Any]:
    """The answer of GET /clinic."""
    clinic, phrases = kb.clinic, kb.phrases
    return {
        "name": clinic.name,
        "assistant_name": clinic.assistant_name,
        "phone": dial(clinic.phone),
        "emergency_number": phrases.country["emergency_number"],
        "numbers": numbers(kb),
        "notice": kb.reply("notice"),
        "retention_days": clinic.privacy.retention_days,
        "characters": clinic.limits.characters,
        "email": clinic.email,
        "hours": [
            {"days": days, "times": times} for days, times in hours_by_days(clinic.hours or {})
        ],
        "booking_link": clinic.booking_link,
        "privacy_link": clinic.privacy.policy_link,
    }
