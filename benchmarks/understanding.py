"""How well questions are understood: ours against Rasa's default pipeline (DIET) and Rasa's
logistic regression, on the same training data.

    make bench-understanding                            everything, into docs/benchmarks.md; DIET's
    100 epochs take hours make bench-understanding ARGS="--diet-epochs 15"    fewer epochs with all
    examples; what 100 would take is calculated make bench-understanding ARGS="--limit 30"
    no training longer than 30 minutes; what is not finished is reported as such python -m
    benchmarks.understanding --quick     a few examples and epochs, printed only: shows that the
    command works, its figures mean nothing

Every pipeline is trained by Rasa's own command on data/nlu and reads the project's evaluation set
(tests/evaluation/messages.csv), each in a process of its own. Models are kept in
results/understanding, by a checksum of what they were trained from, until something changes
(--fresh trains anew). Two trainings run side by side; reading, load time and memory are measured
afterwards, one after the other.
"""

import argparse
import hashlib
import json
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, Dict, List, Optional, Tuple

import numpy as np
import yaml
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from assistant import launch, paths
from assistant.yamlfile import YamlFile, plain
from benchmarks import machine, plots, stock
from tests.evaluation import score

KEPT = paths.ROOT / "results" / "understanding"
NAMES = {
    "ours": "ours",
    "diet": "Rasa's default (DIET)",
    "regression": "Rasa's logistic regression",
}
#: Examples a topic in the learning curve. DIET at few of them: its time grows with the examples,
#: and it is trained with all of them besides.
CURVE, DIET_CURVE = (10, 20, 40, 80), (10, 20)
EPOCHS = 100
#: --quick: examples a topic, topics, epochs, messages.
QUICK = (3, 12, 1, 20)
#: Seconds for a training of --quick, far more than it takes on a busy machine.
QUICK_LIMIT = 1200
OUTSIDE = {"out_of_scope", "out_of_scope_treatment"}
FALLBACK = "nlu_fallback"
#: Bins of the calibration error.
BINS = 10
SEED = 20261123


@dataclass
class Training:
    """One pipeline on one amount of training data."""

    system: str
    examples: Optional[int] = None
    topics: Optional[int] = None
    epochs: int = EPOCHS
    model: Optional[Path] = None
    seconds: float = 0.0
    epochs_done: int = 0
    epochs_seconds: float = 0.0
    found: Dict[str, Any] = field(default_factory=dict)

    @property
    def name(self) -> str:
        return (
            f"{NAMES[self.system]},"
            f" {f'{self.examples} examples a topic' if self.examples else 'all examples'}"
        )


# -- training


@cache
def training_items() -> List[Dict[str, Any]]:
    """The items of every file of training data."""
    return [
        item
        for path in sorted(paths.NLU.rglob("*.yml"))
        for item in plain(YamlFile.read(path, paths.ROOT).data["nlu"])
    ]


def subset(count: Optional[int], topics: Optional[int] = None) -> str:
    """Training data in YAML with `count` examples an intent (all when None), taken in turn from
    every writer, of the first `topics` intents (all when None). Smaller amounts are part of larger
    ones."""
    items = training_items()
    chosen: Dict[int, List[str]] = {}
    by_intent: Dict[str, List[int]] = {}
    for number, item in enumerate(items):
        by_intent.setdefault(item["intent"], []).append(number)
    for numbers in list(by_intent.values())[:topics]:
        rest = {n: items[n]["examples"].splitlines() for n in numbers}
        for lines in rest.values():
            random.Random(SEED).shuffle(lines)
        taken = 0
        while any(rest.values()) and (count is None or taken < count):
            for n in numbers:
                if rest[n] and (count is None or taken < count):
                    chosen.setdefault(n, []).append(rest[n].pop())
                    taken += 1
    kept = [
        {**items[n], "examples": "\n".join(lines) + "\n"} for n, lines in sorted(chosen.items())
    ]
    return yaml.dump(
        {"version": "3.1", "nlu": kept},
        Dumper=getattr(yaml, "CSafeDumper", yaml.SafeDumper),
        allow_unicode=True,
        sort_keys=False,
        width=10000,
    )


def checksum(*parts: str) -> str:
    """A short checksum of texts."""
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:12]


def key(training: Training) -> str:
    """What a model was trained from: the data, and the pipeline's configuration or, for ours,
    everything that its model depends on."""
    pipeline = (
        json.dumps(launch.inputs())
        if training.system == "ours"
        else stock.config(training.system, training.epochs)
    )
    same = checksum(subset(training.examples, training.topics), pipeline)
    return f"{training.system}-{training.examples or 'all'}-{same}"


def epochs_in(log: Path) -> Tuple[int, float]:
    """How many epochs the log of a training names as done, and the seconds that they took."""
    with log.open("rb") as handle:
        handle.seek(max(0, log.stat().st_size - 4000))
        found = re.findall(rb"\| (\d+)/\d+ \[([\d:]+)<", handle.read())
    seconds = 0
    for part in found[-1][1].split(b":") if found else []:
        seconds = seconds * 60 + int(part)
    return int(found[-1][0]) if found else 0, float(seconds)


def train(training: Training, limit: float, fresh: bool, step: Any, stop: threading.Event) -> None:
    """Train, or take what was trained from the same; a training longer than `limit` seconds, or at
    `stop`, is ended and has no model. Raises SystemExit with Rasa's words."""
    folder = KEPT / key(training)
    stamp = folder / "training.json"
    if stamp.exists() and not fresh:
        training.seconds, training.epochs_done, training.epochs_seconds = (
            json.loads(stamp.read_text("utf-8"))[name]
            for name in ("seconds", "epochs", "epochs_seconds")
        )
        training.model = folder / "model.tar.gz"
        return
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    with tempfile.TemporaryDirectory(prefix="bench-") as place:
        work = Path(place)
        (work / "nlu.yml").write_text(subset(training.examples, training.topics), "utf-8")
        arguments = [
            "train",
            "nlu",
            "--nlu",
            str(work / "nlu.yml"),
            "--out",
            str(folder),
            "--fixed-model-name",
            "model",
            "--config",
        ]
        if training.system == "ours":
            command = [
                sys.executable,
                "-m",
                "assistant.rasa_cli",
                *arguments,
                str(paths.ROOT / "config.yml"),
            ]
            environment = launch.environment()
        else:
            (work / "config.yml").write_text(
                stock.config(training.system, training.epochs), "utf-8"
            )
            command = stock.rasa(*arguments, str(work / "config.yml"))
            environment = stock.environment()
        log, started = folder / "log", time.monotonic()
        with log.open("wb") as out:
            process = subprocess.Popen(
                command,
                cwd=work,
                env=environment,
                stdout=out,
                stderr=out,
                stdin=subprocess.DEVNULL,
                preexec_fn=lambda: os.nice(5),
            )
        try:
            while (
                process.poll() is None and time.monotonic() - started < limit and not stop.is_set()
            ):
                time.sleep(0.5)
                step(epochs_in(log)[0])
        finally:
            ended = process.poll() is None
            if ended:
                process.kill()
                process.wait()
        training.seconds = time.monotonic() - started
        training.epochs_done, training.epochs_seconds = epochs_in(log)
    if ended:
        return
    if process.returncode or not (folder / "model.tar.gz").exists():
        raise SystemExit(
            f"!! training {training.name} failed; Rasa's"
            f" words:\n{log.read_text('utf-8', 'replace')[-3000:]}"
        )
    stamp.write_text(
        json.dumps(
            {
                "seconds": training.seconds,
                "epochs": training.epochs_done,
                "epochs_seconds": training.epochs_seconds,
            }
        ),
        "utf-8",
    )
    training.model = folder / "model.tar.gz"


def train_all(trainings: List[Training], limit: float, fresh: bool, lanes: int) -> None:
    """Train in `lanes` lanes: DIET in one of its own, because it takes longer than all others
    together."""
    first = [t for t in trainings if t.system == "diet"]
    rest = [t for t in trainings if t.system != "diet"]
    with Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.completed:.0f}/{task.total:.0f}"),
        TimeElapsedColumn(),
    ) as progress:
        whole = progress.add_task("models trained", total=len(trainings))
        lock, stop = threading.Lock(), threading.Event()

        def one(training: Training) -> None:
            task = progress.add_task(
                training.name, total=training.epochs if training.system == "diet" else 1
            )
            train(training, limit, fresh, lambda done: progress.update(task, completed=done), stop)
            with lock:
                progress.update(
                    task,
                    completed=(
                        progress.tasks[task].total if training.model else training.epochs_done
                    ),
                )
                progress.advance(whole)

        def lane(queue: List[Training]) -> None:
            for training in queue:
                if not stop.is_set():
                    one(training)

        queues = [first, *(rest[n :: lanes - 1] for n in range(lanes - 1))]
        with ThreadPoolExecutor(lanes) as pool:
            try:
                for done in as_completed([pool.submit(lane, queue) for queue in queues]):
                    done.result()
            finally:
                stop.set()  # Ctrl-C, or the other lane failed: no training goes on alone


# -- reading


def read(training: Training, messages: List[str]) -> None:
    """Let the model read `messages` in a fresh process (benchmarks/nlu_process.py). Raises
    SystemExit with its words."""
    with tempfile.TemporaryDirectory(prefix="bench-") as place:
        work = Path(place)
        (work / "messages.json").write_text(json.dumps(messages), "utf-8")
        command = [
            sys.executable,
            str(paths.ROOT / "benchmarks" / "nlu_process.py"),
            "--model",
            str(training.model),
            "--messages",
            "messages.json",
            "--out",
            "found.json",
        ]
        ours = training.system == "ours"
        done = subprocess.run(
            command + (["--assistant"] if ours else []),
            cwd=work,
            env=launch.environment() if ours else stock.environment(),
            capture_output=True,
            text=True,
        )
        if done.returncode:
            raise SystemExit(
                f"!! {training.name} cannot be read with; its words:\n{done.stderr[-3000:]}"
            )
        training.found = json.loads((work / "found.json").read_text("utf-8"))


def read_once(training: Training, messages: List[str]) -> None:
    """As `read`, for the learning curve, whose times do not count: what was found is kept beside
    the model."""
    kept = training.model.parent / f"read-{checksum(*messages)}.json"
    if not kept.exists():
        read(training, messages)
        kept.write_text(json.dumps(training.found), "utf-8")
    training.found = json.loads(kept.read_text("utf-8"))


def read_all(trainings: List[Training], messages: List[str]) -> None:
    """Read with every model: those of the learning curve two at a time, then, alone on the machine
    as far as this command goes, those whose times count."""
    curve, whole = (
        [t for t in trainings if t.model and bool(t.examples) == some] for some in (True, False)
    )
    with Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.completed:.0f}/{task.total:.0f}"),
        TimeElapsedColumn(),
    ) as progress:
        task = progress.add_task("reading the evaluation set", total=len(curve) + len(whole))
        with ThreadPoolExecutor(2) as pool:
            for done in as_completed(
                [pool.submit(read_once, training, messages) for training in curve]
            ):
                done.result()
                progress.advance(task)
        for training in whole:
            read(training, messages)
            progress.advance(task)


def calibration_error(confidences: np.ndarray, right: np.ndarray) -> float:
    """Expected calibration error over ten equal bins of the confidence (Guo et al. 2017, equation
    3): confidences and rights, [n] each."""
    bins = np.minimum((confidences * BINS).astype(int), BINS - 1)
    return float(
        sum(
            abs(confidences[bins == b].mean() - right[bins == b].mean()) * (bins == b).mean()
            for b in np.unique(bins)
        )
    )


def judge(parsed: Dict[str, Any]) -> Tuple[List[str], float, bool]:
    """Topics by rank, the confidence of the first, and whether the pipeline fell back instead of
    answering."""
    ranking = [entry for entry in parsed["intent_ranking"] if entry["name"] != FALLBACK]
    topics = [entry["name"].replace("ask_", "", 1) for entry in ranking]
    return (
        topics,
        float(ranking[0]["confidence"]) if ranking else 0.0,
        (parsed["intent"] or {}).get("name") == FALLBACK,
    )


def figures(training: Training, rows: List[Dict[str, str]]) -> Dict[str, float]:
    """Figures of the intent and its ranking over the single questions of `rows`; shares from 0 to
    1."""
    judged = [
        (score.accepted(row), *judge(parsed))
        for row, parsed in zip(rows, training.found["parsed"])
        if "+" not in row["topic"]
    ]
    first = np.array([bool(topics) and topics[0] in good for good, topics, _, _ in judged])
    three = np.array([bool(good & set(topics[:3])) for good, topics, _, _ in judged])
    fell_back = np.array([back for *_, back in judged])
    outside = np.array([bool(good & OUTSIDE) for good, *_ in judged])
    inside = np.array([not good & score.BOUNDARIES for good, *_ in judged])
    refused = np.array(
        [bool(topics) and topics[0] in score.BOUNDARIES for _, topics, _, _ in judged]
    )
    taken = np.array(training.found["milliseconds"])
    return {
        "first": score.share(first),
        "three": score.share(three),
        "answered": score.share(first & ~fell_back),
        "helped": score.share(first & ~fell_back | three & fell_back),
        "rejected": score.share((fell_back | refused)[outside]),
        "turned_away": score.share((refused & ~fell_back)[inside]),
        "asked_back": score.share(fell_back[inside]),
        "calibration": calibration_error(
            np.array([confidence for *_, confidence, _ in judged]), first
        ),
        "train": training.seconds,
        "load": training.found["load_seconds"],
        "memory": training.found["resident_megabytes"],
        "p50": float(np.percentile(taken, 50)),
        "p95": float(np.percentile(taken, 95)),
    }


def mistakes(training: Training, rows: List[Dict[str, str]]) -> Dict[Tuple[str, str], int]:
    """How often a message of one topic was taken for another: (wanted, got) to a count."""
    counts: Dict[Tuple[str, str], int] = {}
    for row, parsed in zip(rows, training.found["parsed"]):
        topics = judge(parsed)[0]
        if "+" not in row["topic"] and topics and topics[0] not in score.accepted(row):
            counts[(row["topic"], topics[0])] = counts.get((row["topic"], topics[0]), 0) + 1
    return counts


# -- the report

#: (figure, what it is, how it is written)
LINES = (
    ("first", "right topic first", "{:.3f}"),
    ("three", "right topic among the first three", "{:.3f}"),
    ("answered", "right and answered: first, and no fall-back", "{:.3f}"),
    (
        "helped",
        "helped: right and answered, or among the first three where it falls back",
        "{:.3f}",
    ),
    ("rejected", "outside messages not answered as something known (recall)", "{:.3f}"),
    ("turned_away", "messages about microneedling turned away", "{:.3f}"),
    ("asked_back", "messages about microneedling where it falls back", "{:.3f}"),
    ("calibration", "calibration error of the confidence (ECE, ten bins)", "{:.3f}"),
    ("train", "training, seconds", "{:.0f}"),
    ("load", "load: start of Python to the first message read, seconds", "{:.1f}"),
    ("memory", "resident memory, MB", "{:.0f}"),
    ("p50", "a message, p50, ms, one thread", "{:.1f}"),
    ("p95", "a message, p95, ms, one thread", "{:.1f}"),
)


def comparison(done: Dict[str, Dict[str, float]]) -> str:
    """The table of the three pipelines: figures, and ratios against the default pipeline of the
    same run."""
    systems = list(done)
    rows = [
        [
            "figure",
            *(NAMES[s] for s in systems),
            *(f"{NAMES[s]} against the default" for s in systems if s != "diet" and "diet" in done),
        ]
    ]
    for name, words, form in LINES:
        ratios = (
            [machine.ratio(done[s][name], done["diet"][name]) for s in systems if s != "diet"]
            if "diet" in done
            else []
        )
        rows.append([words, *(form.format(done[s][name]) for s in systems), *ratios])
    return machine.table(rows)


def reader_table(full: Dict[str, Any]) -> str:
    """The full reader's figures (tests/evaluation/score.py): what the visitor gets."""
    words = {
        "first_right": "right topic answered first",
        "answered_or_offered": "right topic answered or offered",
        "asked_back": "asked back",
        "two_topics_for_one_question": "two topics for one question",
        "in_scope_turned_away": "messages about microneedling turned away",
        "out_of_scope_answered_anyway": "outside messages answered anyway",
        "both_right": "both topics of a double question",
    }
    return machine.table(
        [
            ["our full reader", "share"],
            *([text, f"{full[name]:.3f}"] for name, text in words.items()),
        ]
    )


def curve_table(points: Dict[str, Dict[int, float]]) -> str:
    """Right first against examples a topic."""
    amounts = sorted({n for found in points.values() for n in found})
    return machine.table(
        [
            ["examples a topic", *(NAMES[s] for s in points)],
            *(
                [str(n), *(f"{points[s][n]:.3f}" if n in points[s] else "–" for s in points)]
                for n in amounts
            ),
        ]
    )


def unfinished(trainings: List[Training]) -> str:
    """A sentence on each training that was ended by the time limit."""
    return "\n".join(
        f"{t.name[0].upper()}{t.name[1:]}: not finished within {t.seconds / 60:.0f} minutes"
        f" ({t.epochs_done} of {t.epochs} epochs); its figures are missing."
        for t in trainings
        if not t.model
    )


def fewer_epochs(diet: Optional[Training]) -> str:
    """What training DIET for its usual epochs would take, where it was trained for fewer."""
    if diet is None or diet.epochs == EPOCHS:
        return ""
    whole = diet.seconds + diet.epochs_seconds / diet.epochs * (EPOCHS - diet.epochs)
    return (
        f"**{NAMES['diet']} was trained for {diet.epochs} epochs instead of {EPOCHS}**: by"
        f" calculation from these epochs, {EPOCHS} take {whole / 60:.0f} minutes here. Load, memory"
        " and time a message do not depend on the epochs; its shares may gain a little with more."
        f" Where it is trained on fewer examples, it has all {EPOCHS}."
    )


def report(trainings: List[Training], rows: List[Dict[str, str]], started: machine.Start) -> str:
    """The section of docs/benchmarks.md, with its plots drawn."""
    whole = {t.system: t for t in trainings if t.examples is None and t.found}
    done = {system: figures(t, rows) for system, t in whole.items()}
    by_message = dict(zip((row["message"] for row in rows), whole["ours"].found["parsed"]))
    full = score.score(by_message.__getitem__, rows)
    sizes = [len(item) for item in examples_by_intent().values()]
    average = round(sum(sizes) / len(sizes))
    points: Dict[str, Dict[int, float]] = {}
    for t in trainings:
        if t.found:
            points.setdefault(t.system, {})[t.examples or average] = figures(t, rows)["first"]
    names = {s: NAMES[s] for s in NAMES}
    plots.learning_curve(
        {names[s]: points[s] for s in points}, machine.IMAGES / "understanding-examples.png"
    )
    shown = ["ours", "diet"] if "diet" in whole else ["ours", "regression"]
    plots.worst_pairs(
        {names[s]: mistakes(whole[s], rows) for s in shown},
        machine.IMAGES / "understanding-pairs.png",
    )
    singles = sum("+" not in row["topic"] for row in rows)
    return "\n\n".join(
        filter(
            None,
            [
                machine.origin("make bench-understanding", started),
                (
                    f"{sum(sizes):,} training examples of {len(sizes)} topics; {len(rows)} messages"
                    f" of the evaluation set, {singles} of them single questions, which the first"
                    " table counts. All columns are read from the intent and its ranking of the"
                    " same parse."
                ),
                comparison(done),
                unfinished(trainings),
                fewer_epochs(whole.get("diet")),
                reader_table(full),
                "![Right first against examples a topic](images/understanding-examples.png)",
                curve_table(points),
                (
                    f"The last amount is all examples ({average} a topic on average). Our sentence"
                    " encoder was fine-tuned on all of data/nlu, which flatters our points below"
                    " that; the others are trained from nothing."
                ),
                "![The pairs of topics that are confused most](images/understanding-pairs.png)",
            ],
        )
    )


def examples_by_intent() -> Dict[str, List[str]]:
    """The training examples of each intent."""
    from assistant.check import training_examples

    return {intent: [text for *_, text in found] for intent, found in training_examples().items()}


def quick_report(fresh: bool) -> Dict[str, Dict[str, float]]:
    """Everything in small: our present model, the others on a few examples. The figures only show
    that the command works."""
    count, topics, epochs, messages = QUICK
    trainings = [
        Training("ours"),
        Training("diet", count, topics, epochs),
        Training("regression", count, topics),
    ]
    launch.train()
    trainings[0].model = launch.MODEL
    train_all(trainings[1:], QUICK_LIMIT, fresh, 2)
    rows = score.rows()[:: len(score.rows()) // messages]
    with ThreadPoolExecutor(3) as pool:
        list(pool.map(lambda t: read(t, [row["message"] for row in rows]), trainings))
    return {t.system: figures(t, rows) for t in trainings}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--quick", action="store_true", help="a few examples and epochs; prints, writes nothing"
    )
    parser.add_argument(
        "--limit",
        type=float,
        default=240,
        metavar="MINUTES",
        help="the longest time for one training (%(default)s)",
    )
    parser.add_argument(
        "--diet-epochs",
        type=int,
        default=EPOCHS,
        metavar="N",
        help="epochs of DIET with all examples (%(default)s)",
    )
    parser.add_argument(
        "--diet-points",
        type=int,
        nargs="*",
        default=DIET_CURVE,
        metavar="EXAMPLES",
        help="examples a topic at which DIET joins the learning curve (10 20)",
    )
    parser.add_argument("--fresh", action="store_true", help="train anew what was trained before")
    args = parser.parse_args()
    started = machine.begin()
    if args.quick:
        print(json.dumps(quick_report(args.fresh), indent=1))
        return
    trainings = [
        Training("diet", epochs=args.diet_epochs),
        Training("ours"),
        Training("regression"),
    ]
    trainings += [
        Training(system, amount)
        for system, amounts in (("ours", CURVE), ("regression", CURVE), ("diet", args.diet_points))
        for amount in amounts
    ]
    train_all(trainings, args.limit * 60, args.fresh, 2)
    rows = score.rows()
    read_all(trainings, [row["message"] for row in rows])
    section = report(trainings, rows, started)
    machine.write_section("understanding", section)
    print(section)


if __name__ == "__main__":
    main()
