"""Scores the understanding on the project's own evaluation set (messages.csv, written apart from
the training data).

    make evaluate            (python -m tests.evaluation.score [--failures FILE] [--every N])

The trained pipeline is loaded as Rasa loads it; each message is read on its own. Figures: the right
topic first; the right topic answered or among the offered choices; both topics of a double
question; in-scope messages turned away; outside ones answered anyway.
"""

import argparse
import asyncio
import csv
import json
import logging
from pathlib import Path
from typing import Any, Dict, List

from assistant import launch

HERE = Path(__file__).resolve().parent
BOUNDARIES = {
    "out_of_scope",
    "out_of_scope_treatment",
    "diagnosis_request",
    "smalltalk",
    "privacy",
    "feedback",
    "crisis",
}


def rows(path: Path = HERE / "messages.csv") -> List[Dict[str, str]]:
    """The labelled messages."""
    with path.open(encoding="utf-8", newline="") as handle:
        return list(csv.DictReader(handle))


def load_parser():
    """A function that gives Rasa's parse of a message, from the trained model."""
    from assistant import quiet

    quiet.configure()
    from rasa.core.agent import load_agent

    agent = asyncio.run(load_agent(model_path=str(launch.MODEL)))
    assert agent.is_ready(), "there is no trained model: run `make train`"
    return lambda text: asyncio.run(agent.parse_message(text))


def accepted(row: Dict[str, str]) -> set:
    """Topics that count as right."""
    return {row["topic"], *filter(None, (row.get("also_ok") or "").split(";"))}


def outcome(row: Dict[str, str], meaning: Dict[str, Any]) -> Dict[str, Any]:
    """What one reading is worth."""
    questions = meaning.get("questions") or []
    answered = [q["topic"] for q in questions if q["decision"] == "answer"]
    offered = [c["topic"] for q in questions if q["decision"] == "ask" for c in q["candidates"][:3]]
    good = accepted(row)
    if "+" in row["topic"]:
        wanted = row["topic"].split("+")
        hits = sum(t in answered for t in wanted)
        return {
            "double": True,
            "both": hits == len(wanted) or (hits and bool((good - {row["topic"]}) & set(answered))),
            "one": hits > 0,
            "answered": answered,
        }
    first = bool(answered) and answered[0] in good and len(answered) <= 2
    return {
        "double": False,
        "first": first,
        "helped": first or any(t in good for t in [*answered, *offered]),
        "extra": len(answered) > 1,
        "outside": bool(good & BOUNDARIES),
        "turned_away": bool(answered) and answered[0] in BOUNDARIES,
        "asked": not answered,
        "answered": answered,
    }


def share(values) -> float:
    """The share of true values."""
    values = list(values)
    return round(sum(map(bool, values)) / len(values), 4) if values else float("nan")


def score(parse, labelled: List[Dict[str, str]]) -> Dict[str, Any]:
    """Figures over labelled messages; `failures` lists what went wrong."""
    done = [(row, outcome(row, parse(row["message"]).get("meaning") or {})) for row in labelled]
    single = [(r, o) for r, o in done if not o["double"]]
    double = [o for _, o in done if o["double"]]
    inside = [o for _, o in single if not o["outside"]]
    outside = [o for _, o in single if o["outside"]]
    return {
        "messages": len(done),
        "first_right": share(o["first"] for _, o in single),
        "answered_or_offered": share(o["helped"] for _, o in single),
        "asked_back": share(o["asked"] for _, o in single),
        "two_topics_for_one_question": share(o["extra"] for _, o in single),
        "in_scope_turned_away": share(o["turned_away"] for o in inside),
        "out_of_scope_answered_anyway": share(
            not o["first"] and not o["turned_away"] and not o["asked"] for o in outside
        ),
        "both_right": share(o["both"] for o in double),
        "failures": [
            {"message": r["message"], "want": r["topic"], "got": o["answered"]}
            for r, o in done
            if not o.get("first", o.get("both"))
        ],
    }


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--failures", type=Path, help="write every failed message there, one JSON object a line"
    )
    parser.add_argument(
        "--every", type=int, default=1, metavar="N", help="every Nth message only: a quick try"
    )
    args = parser.parse_args()
    logging.disable(logging.WARNING)
    report = score(load_parser(), rows()[:: args.every])
    failures = report.pop("failures")
    print(json.dumps(report, indent=1))
    if args.failures:
        args.failures.write_text(
            "".join(json.dumps(f, ensure_ascii=False) + "\n" for f in failures), "utf-8"
        )


if __name__ == "__main__":
    main()
