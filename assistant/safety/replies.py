"""Which prepared text answers a triage finding, and the turn that shows it."""

import re
from typing import Any, Dict, Optional

from assistant.turn import Message, Turn

URGENT = ("same_day", "emergency")
#: Text by level and the row that decides (first match; None is the level's own, general text).
#: Among the rows of one level, what is getting worse comes before what was skipped or taken. Texts
#: of `contact_clinic` are in data/knowledge/replies.yml, the others are domain responses.
BY_ROW: Dict[str, Dict[int, Optional[str]]] = {
    "emergency": {
        2: "numbing",
        3: "numbing",
        1: "allergy",
        5: "eye",
        6: "stroke",
        7: "vessel",
        8: "bleeding",
        4: "sepsis",
        12: "burn",
        10: "sores",
        9: "sepsis",
        25: "poisoning",
    },
    "same_day": {
        14: "exposure",
        11: "eye",
        12: "burn",
        10: "sores",
        13: "hives",
        9: None,
        15: None,
        19: None,
        27: "needle",
        26: "medicine",
        16: "numb",
        21: "pregnant",
    },
    "contact_clinic": {
        26: "medicine",
        21: "pregnant",
        22: "before",
        15: "lumps",
        18: "scar",
        17: "patches",
        19: "breakout",
        20: "redness",
        27: "tetanus",
    },
}
#: The same in other languages, where fewer texts are told apart.
BY_ROW_ABROAD: Dict[str, Dict[int, Optional[str]]] = {
    "emergency": {1: None, 2: None, 3: None, 5: "eye", 8: "bleeding", 25: "poisoning"},
    "same_day": {14: "exposure", 12: "burn"},
}
#: The texts of other languages: those of the rows above; or the general one of each level; or an
#: emergency's and a crisis's alone. For everything else the English text is said.
WITH_ROWS = ("es", "fr", "de", "pt", "it")
WITH_LEVELS = (*WITH_ROWS, "nl", "pl")
WITH_EMERGENCY = (*WITH_LEVELS, "ro", "tr", "ru", "uk", "ar", "zh")
#: Situations of a crisis in which a life may be in danger now.
LIFE_IN_DANGER = ("suicidal", "self_harm_now")


def kind_of(finding: Dict[str, Any], table: Dict[str, Dict[int, Optional[str]]]) -> Optional[str]:
    """Which text of the finding's level its rows ask for; None for the general one."""
    return next(
        (
            kind
            for row, kind in table.get(finding["level"], {}).items()
            if row in finding.get("rows", [])
        ),
        None,
    )


def response_name(finding: Dict[str, Any]) -> Optional[str]:
    """The domain response for a finding (`level`, `rows`, `crisis`), or None when there is neither
    something urgent nor a crisis."""
    level = finding.get("level")
    language = finding.get("language", "en")
    crisis = finding.get("crisis")
    if level in URGENT and not (crisis and level == "same_day"):
        abroad = language in (WITH_EMERGENCY if level == "emergency" else WITH_LEVELS)
        table = {} if language not in WITH_ROWS else BY_ROW_ABROAD
        named: Any = (level, kind_of(finding, table if abroad else BY_ROW))
    elif crisis:
        abroad = language in WITH_EMERGENCY and crisis == "suicidal"
        named = ("crisis", crisis if crisis != "general" else None)
    else:
        return None
    return "_".join(["utter", *filter(None, named), *([language] if abroad else [])])


def clinic_reply(finding: Dict[str, Any]) -> str:
    """The reply (data/knowledge/replies.yml) for a finding that the clinic should hear of."""
    return "_".join(filter(None, ("contact_clinic", kind_of(finding, BY_ROW))))


def level_of(response: str) -> Optional[str]:
    """The level that a domain response belongs to."""
    return next((level for level in URGENT if response.startswith(f"utter_{level}")), None)


def language_of(response: str) -> Optional[str]:
    """The language of a domain response such as utter_same_day_es; None for an English one."""
    found = re.search(r"_([a-z]{2})$", response)
    return found[1] if found else None


def said_by_rasa(response: str, text: str) -> Optional[Turn]:
    """The turn that says `text` of a domain response that is urgent or answers a crisis; None for
    any other response."""
    level = level_of(response)
    if level:
        turn = Turn("triage", topics=["urgent_symptom"], urgency=level)
        turn.messages.append(
            Message("triage", text, "urgent_symptom", level, language_of(response))
        )
        return turn
    if not response.startswith("utter_crisis"):
        return None
    danger = response.startswith(tuple(f"utter_crisis_{situation}" for situation in LIFE_IN_DANGER))
    turn = Turn(
        "crisis",
        topics=["crisis", "urgent_symptom"] if danger else ["crisis"],
        urgency="emergency" if danger else "none",
    )
    turn.messages.append(Message("answer", text, "crisis", language=language_of(response)))
    return turn
