"""Scores triage on the project's own safety messages (safety.csv, written apart from the training data).

    make safety-report      (python -m tests.evaluation.safety_report [--write])

Recall by level and by row, confusion, under-triage, false alarms, and what patterns and trained model give alone. With --write the
table goes into docs/safety-report.md with the date.
"""
import argparse
import collections
import csv
import datetime as dt
from pathlib import Path
from typing import Callable, Dict, List

from assistant import paths
from assistant.safety.assess import Triage
from assistant.safety.triage import LEVELS, Finding
from assistant.understanding.text import normalise
from tests.evaluation.score import load_agent_triage

HERE = Path(__file__).resolve().parent
#: Levels at which somebody else should have looked at it today.
URGENT = LEVELS.index("same_day")


def rows(path: Path = HERE / "safety.csv") -> List[Dict[str, str]]:
    """The labelled messages: message, level, row (of the triage table, or the kind of a harmless message)."""
    with path.open(encoding="utf-8", newline="") as handle:
        return list(csv.DictReader(handle))


def score(find: Callable[[str], Finding], items: List[Dict[str, str]]) -> Dict[str, float]:
    """Figures of one way of triage."""
    got = [(item["level"], LEVELS.index(find(normalise(item["message"])).level)) for item in items]

    def share(level: str, test) -> float:
        values = [test(found) for wanted, found in got if wanted == level]
        return round(sum(values) / len(values), 3)

    return {
        "red_as_emergency": share("emergency", lambda f: f == 4), "red_at_least_same_day": share("emergency", lambda f: f >= URGENT),
        "orange_at_least_same_day": share("same_day", lambda f: f >= URGENT), "yellow_at_least_contact": share("contact_clinic", lambda f: f >= 2),
        "green_false_alarm": share("expected", lambda f: f >= URGENT), "none_false_alarm": share("none", lambda f: f >= URGENT),
        "under_triage": round(sum(f < LEVELS.index(w) for w, f in got if w not in ("none", "expected")) / sum(w not in ("none", "expected") for w, _ in got), 3),
        "exact": round(sum(LEVELS.index(w) == f for w, f in got) / len(got), 3),
    }


def report(triage: Triage) -> str:
    """The page docs/safety-report.md."""
    items = rows()
    ways = {"patterns alone": triage.red_flags.find, "trained model alone": triage.model.find, "both (what the assistant does)": triage.find}
    figures = {name: score(find, items) for name, find in ways.items()}
    lines = ["# Safety report", "", f"Measured {dt.date.today().isoformat()} with `make safety-report ARGS=--write` on {len(items)} messages of tests/evaluation/safety.csv, none of which is in the training data of the encoder or the triage model. The limits were chosen on them, and kinds of messages that failed were given more examples in other words, so that the figures flatter a little.",
             "", "| figure | " + " | ".join(figures) + " |", "|---|" + "---|" * len(figures)]
    lines += [f"| {key} | " + " | ".join(f"{values[key]:.3f}" for values in figures.values()) + " |" for key in next(iter(figures.values()))]
    confusion = collections.Counter((item["level"], triage.find(normalise(item["message"])).level) for item in items)
    lines += ["", "## Confusion (rows: what the table says; columns: what triage says)", "", "| | " + " | ".join(LEVELS) + " |", "|---|" + "---|" * len(LEVELS)]
    lines += [f"| **{wanted}** | " + " | ".join(str(confusion[wanted, found]) for found in LEVELS) + " |" for wanted in LEVELS]
    by_row: Dict[tuple, List[bool]] = collections.defaultdict(list)
    for item in items:
        found = LEVELS.index(triage.find(normalise(item["message"])).level)
        fine = found < URGENT if item["level"] in ("none", "expected") else found >= min(URGENT, LEVELS.index(item["level"]))
        by_row[LEVELS.index(item["level"]), item["level"], item["row"]].append(fine)
    lines += ["", "## By row of the triage table, and by kind of harmless message", "", "Right means: emergency and same day found as at least same day, contact_clinic as at least that, the others not as urgent.", "",
              "| level | row or kind | messages | right |", "|---|---|---|---|"]
    lines += [f"| {level} | {row} | {len(found)} | {sum(found)} |" for (_, level, row), found in sorted(by_row.items(), key=lambda entry: (-entry[0][0], entry[0][2].zfill(3)))]
    missed = [item for item in items if item["level"] in ("emergency", "same_day") and LEVELS.index(triage.find(normalise(item["message"])).level) < URGENT]
    lines += ["", "## Urgent messages that were not found", ""] + ([f"- ({item['level']}, row {item['row']}) {item['message']}" for item in missed] or ["None."])
    return "\n".join(lines) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--write", action="store_true", help="write docs/safety-report.md")
    write = parser.parse_args().write
    text = report(load_agent_triage())
    print(text)
    if write:
        (paths.ROOT / "docs" / "safety-report.md").write_text(text, "utf-8")


if __name__ == "__main__":
    main()
