"""Which domain response answers a triage finding, and the turn that shows it."""
from typing import Any, Dict, Optional

from assistant.turn import Turn

URGENT = ("same_day", "emergency")
#: Domain response by level and the row that decides (first match); a level's own name is the general one.
BY_ROW = {
    "emergency": {1: "allergy", 2: "numbing", 3: "numbing", 5: "eye", 6: "stroke", 7: "vessel", 8: "bleeding", 4: "sepsis", 25: "poisoning"},
    "same_day": {14: "exposure", 11: "eye", 12: "burn", 10: "sores", 13: "hives", 27: "needle", 26: "medicine", 16: "numb"},
}


def response_name(finding: Dict[str, Any]) -> Optional[str]:
    """The domain response for a finding (`level`, `rows`), or None below same-day."""
    level = finding.get("level")
    if level not in URGENT:
        return None
    if finding.get("language", "en") != "en":
        return f"utter_{level}_{finding['language']}"
    for row, name in BY_ROW[level].items():
        if row in finding.get("rows", []):
            return f"utter_{level}_{name}"
    return f"utter_{level}"


def level_of(response: str) -> Optional[str]:
    """The level that a domain response belongs to."""
    return next((level for level in URGENT if response.startswith(f"utter_{level}")), None)


def urgent_turn(level: str, text: str) -> Turn:
    """The turn that says an urgent reply."""
    turn = Turn("triage", topics=["urgent_symptom"], urgency=level)
    turn.say("triage", text, "urgent_symptom")
    return turn
