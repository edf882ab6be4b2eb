"""Scores triage and circumstances on the project's own messages (safety.csv, circumstances.csv,
written apart from the training data).

    make safety-report      (python -m tests.evaluation.safety_report [--write] [--every N])

Triage: recall by level and by row, confusion, under-triage, false alarms, what patterns and trained
model give alone, and what a model trained without one batch of data/safety/messages gives on that
batch (some minutes). Circumstances: recall of each, whose, false alarms. With --write the page goes
into docs/safety-report.md with the date.
"""

import argparse
import collections
import csv
import datetime as dt
from pathlib import Path
from typing import Any, Callable, Dict, List, Tuple

from assistant import paths
from assistant.check import training_examples
from assistant.safety.assess import Triage
from assistant.safety.classifier import TriageModel, training_rows
from assistant.safety.triage import LEVELS, Finding
from assistant.understanding.text import normalise
from assistant.yamlfile import YamlFile, plain
from tests.evaluation.score import load_parser

HERE = Path(__file__).resolve().parent
#: Levels at which somebody else should have looked at it today.
URGENT = LEVELS.index("same_day")
#: Batches of data/safety/messages on which the committed sentence encoder was fine-tuned
#: (scripts/encoder): it knows their levels even when the triage model does not.
SEEN_BY_ENCODER = ("1", "2", "3", "4")
#: The circumstance of a message that states none.
NO_CIRCUMSTANCE = "none"
#: Ordinary and dangerous sentences: message, expect (`calm`, `crisis`, `emergency`, `same_day`,
#: `contact`), kind, half (`development`; `figure` is looked at for its figure only).
ALARMS = HERE / "alarms.csv"
#: The row of the triage table whose text names the lines for a crisis too.
MEANT = 25


def rows(path: Path = HERE / "safety.csv") -> List[Dict[str, str]]:
    """The labelled messages: message, level, row (of the triage table, or the kind of a harmless
    message)."""
    with path.open(encoding="utf-8", newline="") as handle:
        return list(csv.DictReader(handle))


def score(find: Callable[[str], Finding], items: List[Dict[str, str]]) -> Dict[str, float]:
    """Figures of one way of triage."""
    got = [(item["level"], LEVELS.index(find(normalise(item["message"])).level)) for item in items]

    def share(level: str, test) -> float:
        values = [test(found) for wanted, found in got if wanted == level]
        return round(sum(values) / len(values), 3)

    return {
        "red_as_emergency": share("emergency", lambda f: f == 4),
        "red_at_least_same_day": share("emergency", lambda f: f >= URGENT),
        "orange_at_least_same_day": share("same_day", lambda f: f >= URGENT),
        "yellow_at_least_contact": share("contact_clinic", lambda f: f >= 2),
        "green_false_alarm": share("expected", lambda f: f >= URGENT),
        "none_false_alarm": share("none", lambda f: f >= URGENT),
        "under_triage": round(
            sum(f < LEVELS.index(w) for w, f in got if w not in ("none", "expected"))
            / sum(w not in ("none", "expected") for w, _ in got),
            3,
        ),
        "exact": round(sum(LEVELS.index(w) == f for w, f in got) / len(got), 3),
    }


def triage_part(triage: Triage) -> List[str]:
    """The lines about triage on safety.csv."""
    items = rows()
    ways = {
        "patterns alone": triage.red_flags.find,
        "trained model alone": triage.model.find,
        "both (what the assistant does)": triage.find,
    }
    figures = {name: score(find, items) for name, find in ways.items()}
    lines = [
        "## Triage",
        "",
        (
            f"{len(items)} messages of tests/evaluation/safety.csv, none of which is in the"
            " training data of the encoder or the triage model, nor nearly"
            " (`tests/test_training_data.py`). The limits were chosen on them, and kinds of"
            " messages that failed were given more examples in other words or a pattern (same-day"
            " row 21, for one), so that the figures flatter a little."
        ),
        "",
        "| figure | " + " | ".join(figures) + " |",
        "|---|" + "---|" * len(figures),
    ]
    lines += [
        f"| {key} | " + " | ".join(f"{values[key]:.3f}" for values in figures.values()) + " |"
        for key in next(iter(figures.values()))
    ]
    confusion = collections.Counter(
        (item["level"], triage.find(normalise(item["message"])).level) for item in items
    )
    lines += [
        "",
        "### Confusion (rows: what the table says; columns: what triage says)",
        "",
        "| | " + " | ".join(LEVELS) + " |",
        "|---|" + "---|" * len(LEVELS),
    ]
    lines += [
        f"| **{wanted}** | " + " | ".join(str(confusion[wanted, found]) for found in LEVELS) + " |"
        for wanted in LEVELS
    ]
    by_row: Dict[tuple, List[bool]] = collections.defaultdict(list)
    for item in items:
        found = LEVELS.index(triage.find(normalise(item["message"])).level)
        by_row[LEVELS.index(item["level"]), item["level"], item["row"]].append(
            right(item["level"], found)
        )
    lines += [
        "",
        "### By row of the triage table, and by kind of harmless message",
        "",
        (
            "Right means: emergency and same day found as at least same day, contact_clinic as at"
            " least that, the others not as urgent."
        ),
        "",
        "| level | row or kind | messages | right |",
        "|---|---|---|---|",
    ]
    lines += [
        f"| {level} | {row} | {len(found)} | {sum(found)} |"
        for (_, level, row), found in sorted(
            by_row.items(), key=lambda entry: (-entry[0][0], entry[0][2].zfill(3))
        )
    ]
    missed = [
        item
        for item in items
        if item["level"] in ("emergency", "same_day")
        and LEVELS.index(triage.find(normalise(item["message"])).level) < URGENT
    ]
    lines += ["", "### Urgent messages that were not found", ""] + (
        [f"- ({item['level']}, row {item['row']}) {item['message']}" for item in missed]
        or ["None."]
    )
    return lines


def batches() -> List[Tuple[str, str, str]]:
    """(text, level, batch) of every message in data/safety/messages; entries of one batch were
    written together (key `batch`)."""
    return [
        (normalise(str(text)), entry["level"], str(entry.get("batch", "unmarked")))
        for path in sorted((paths.SAFETY / "messages").glob("*.yml"))
        for entry in plain(YamlFile.read(path, paths.ROOT).data["messages"])
        for text in entry["texts"]
    ]


def held_out(every: int = 1) -> Dict[str, Dict[str, Any]]:
    """By batch: recall of each level, of a triage model that was trained without the batch.
    `every`: only each so-manieth text is trained on and tested (a quick try)."""
    from assistant.understanding.encoder import Encoder

    encoder = Encoder.shared()
    questions = [
        (normalise(text), intent[len("ask_") :])
        for intent, lines in training_examples().items()
        for _, _, text in lines
    ]
    texts, labels = training_rows(
        [text for text, _ in questions], [topic for _, topic in questions]
    )
    texts, labels = texts[::every], labels[::every]
    vectors = encoder.encode_all(texts)
    written = [row for row in batches() if row[0] in set(texts)]
    result = {}
    for batch in sorted({batch for _, _, batch in written}):
        held = {text: level for text, level, where in written if where == batch}
        kept = [number for number, text in enumerate(texts) if text not in held]
        model = TriageModel.train(
            [texts[n] for n in kept], vectors[kept], [labels[n] for n in kept], encoder.encode
        )
        found: Dict[str, Dict[str, List[int]]] = {
            "model": collections.defaultdict(list),
            "both": collections.defaultdict(list),
        }
        for way, find in (("model", model.find), ("both", Triage(model).find)):
            for text, level in held.items():
                found[way][level].append(LEVELS.index(find(text).level))
        result[batch] = {"messages": len(held), **found}
    return result


def right(level: str, found: int) -> bool:
    """Whether a level that was found is good enough: at least what the message needs (same day for
    an emergency), or no alarm where nothing is urgent."""
    return (
        found < URGENT
        if level in ("none", "expected")
        else found >= min(URGENT, LEVELS.index(level))
    )


def held_out_part(every: int) -> List[str]:
    """The lines about held-out batches."""
    lines = [
        "## Triage on batches that it was not trained on",
        "",
        (
            "Each batch of data/safety/messages (key `batch`: entries that were written together)"
            " is held out in turn and the triage model is trained on the others, the statements and"
            " the questions. Share of messages at each level that are right (meaning as in the"
            " table by row); `emergency` as emergency in brackets."
        ),
        "",
        f"The sentence encoder was fine-tuned on batches {', '.join(SEEN_BY_ENCODER)}, which"
        " flatters those rows; it has not seen the others."
        + (f" Only every {every}th text was used." if every > 1 else ""),
        "",
        "| batch | encoder has seen it | way | messages | " + " | ".join(LEVELS) + " |",
        "|---|---|---|---|" + "---|" * len(LEVELS),
    ]
    for batch, figures in held_out(every).items():
        for way in ("model", "both"):
            shares = []
            for level in LEVELS:
                values = figures[way][level]
                share = (
                    f"{sum(right(level, found) for found in values) / len(values):.3f}"
                    if values
                    else "-"
                )
                shares.append(
                    share
                    + (
                        f" ({sum(found == 4 for found in values) / len(values):.3f})"
                        if level == "emergency" and values
                        else ""
                    )
                )
            name = {"model": "trained model alone", "both": "with the patterns"}[way]
            lines.append(
                f"| {batch} | {'yes' if batch in SEEN_BY_ENCODER else 'no'} | {name} |"
                f" {figures['messages']} | " + " | ".join(shares) + " |"
            )
    return lines


def met(expect: str, triage: Dict[str, Any]) -> bool:
    """Whether what was found of a message (`meaning["triage"]`) is what it needs."""
    level, crisis = LEVELS.index(triage["level"]), bool(triage["crisis"])
    return {
        "calm": not crisis and level < LEVELS.index("contact_clinic"),
        "crisis": crisis or MEANT in triage["rows"],
        "emergency": triage["level"] == "emergency",
        "same_day": level >= URGENT,
        "contact": level >= LEVELS.index("contact_clinic"),
    }[expect]


def score_alarms(
    parse: Callable[[str], Dict[str, Any]], items: List[Dict[str, str]]
) -> Dict[str, Any]:
    """`halves`: by half, the share of calm messages that are alarmed and of dangerous ones that are
    found; `kinds`: by kind of calm message or need of a dangerous one, (right, all)."""
    right = [
        (item, met(item["expect"], parse(item["message"])["meaning"]["triage"])) for item in items
    ]
    halves, kinds = {}, collections.defaultdict(list)
    for half in sorted({item["half"] for item in items}):
        calm = [ok for item, ok in right if item["half"] == half and item["expect"] == "calm"]
        danger = [ok for item, ok in right if item["half"] == half and item["expect"] != "calm"]
        halves[half] = (
            round(1 - sum(calm) / len(calm), 3),
            round(sum(danger) / len(danger), 3),
        )
    for item, ok in right:
        name = item["kind"] if item["expect"] == "calm" else f"danger: {item['expect']}"
        kinds[name].append(ok)
    return {
        "halves": halves,
        "kinds": {name: (sum(oks), len(oks)) for name, oks in sorted(kinds.items())},
    }


def alarms_part(parse: Callable[[str], Dict[str, Any]]) -> List[str]:
    """The lines about false alarms on ordinary sentences by kind, and danger in indirect words."""
    items = rows(ALARMS)
    figures = score_alarms(parse, items)
    return [
        "## False alarms on ordinary sentences by kind",
        "",
        (
            f"{len(items)} sentences of tests/evaluation/alarms.csv, written before the crisis"
            " detector and the patterns that they try. Of the half `development` the failures were"
            " looked at, of `figure` nothing but the figures. Alarmed means a crisis text or"
            " contact_clinic and more."
        ),
        "",
        "| half | calm, alarmed | danger, found |",
        "|---|---|---|",
        *(
            f"| {half} | {calm:.3f} | {found:.3f} |"
            for half, (calm, found) in figures["halves"].items()
        ),
        "",
        "| kind | sentences | right |",
        "|---|---|---|",
        *(f"| {name} | {total} | {hits} |" for name, (hits, total) in figures["kinds"].items()),
    ]


def circumstance_rows() -> List[Dict[str, str]]:
    """The labelled messages: message, circumstance (or `none`), who (`self` or `other`)."""
    return rows(HERE / "circumstances.csv")


def score_circumstances(
    parse: Callable[[str], Dict[str, Any]], items: List[Dict[str, str]]
) -> Dict[str, Any]:
    """Figures of the detection: `recall` and `whose` (of those found) over all, `false_alarms`
    (share of the messages that state nothing), `by` circumstance (found, all), and what went wrong
    (`missed`, `alarmed`)."""
    by: Dict[str, List[bool]] = collections.defaultdict(list)
    whose, missed, alarmed, calm = [], [], [], 0
    for item in items:
        found = {
            c["id"]: c["who"]
            for c in parse(item["message"])["meaning"]["circumstances"]
            if not c["denied"]
        }
        wanted = item["circumstance"]
        if wanted == NO_CIRCUMSTANCE:
            calm += 1
            alarmed += [(item["message"], sorted(found))] if found else []
            continue
        by[wanted].append(wanted in found)
        whose += [found[wanted] == item["who"]] if wanted in found else []
        missed += [] if wanted in found else [(item["message"], wanted)]
    stated = [hit for hits in by.values() for hit in hits]
    return {
        "recall": round(sum(stated) / len(stated), 3),
        "whose": round(sum(whose) / max(1, len(whose)), 3),
        "false_alarms": round(len(alarmed) / max(1, calm), 3),
        "by": {name: (sum(hits), len(hits)) for name, hits in sorted(by.items())},
        "missed": missed,
        "alarmed": alarmed,
    }


def circumstances_part(parse: Callable[[str], Dict[str, Any]]) -> List[str]:
    """The lines about circumstances on circumstances.csv."""
    items = circumstance_rows()
    figures = score_circumstances(parse, items)
    lines = [
        "## Circumstances",
        "",
        (
            f"{len(items)} messages of tests/evaluation/circumstances.csv, written apart from"
            " data/safety/statements.yml; nothing was tuned on them."
        ),
        "",
        "| figure | |",
        "|---|---|",
        f"| recall | {figures['recall']:.3f} |",
        f"| whose it is, of those found | {figures['whose']:.3f} |",
        f"| false alarms (messages that state nothing) | {figures['false_alarms']:.3f} |",
        "",
        "| circumstance | messages | found |",
        "|---|---|---|",
    ]
    lines += [f"| {name} | {total} | {hits} |" for name, (hits, total) in figures["by"].items()]
    lines += ["", "### Not found", ""] + (
        [f"- ({name}) {message}" for message, name in figures["missed"]] or ["None."]
    )
    return (
        lines
        + ["", "### False alarms", ""]
        + (
            [f"- ({', '.join(names)}) {message}" for message, names in figures["alarmed"]]
            or ["None."]
        )
    )


def report(parse: Callable[[str], Dict[str, Any]], triage: Triage, every: int = 1) -> str:
    """The page docs/safety-report.md."""
    lines = [
        "# Safety report",
        "",
        f"Measured {dt.date.today().isoformat()} with `make safety-report ARGS=--write`.",
        "",
    ]
    for part in (
        triage_part(triage),
        alarms_part(parse),
        held_out_part(every),
        circumstances_part(parse),
    ):
        lines += [*part, ""]
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--write", action="store_true", help="write docs/safety-report.md")
    parser.add_argument(
        "--every",
        type=int,
        default=1,
        metavar="N",
        help="for the held-out batches use every Nth text only: a quick try",
    )
    options = parser.parse_args()
    from assistant.rasa import runtime

    parse = load_parser()
    text = report(parse, runtime.triage(), options.every)
    print(text)
    if options.write:
        (paths.ROOT / "docs" / "safety-report.md").write_text(text, "utf-8")


if __name__ == "__main__":
    main()
