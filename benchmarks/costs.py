"""What Rasa costs with the workarounds of assistant/rasa and without: memory, start, training,
reading a message, short and long conversations.

    python -m benchmarks.costs                    both columns, about five minutes; the other
    processes of the machine should be idle python -m benchmarks.costs --write            the same,
    written into docs/speed.md
    python -m benchmarks.costs --only parse       parts: parse, serve, train (several may be named)

The second column is the same code with every workaround switched off (ASSISTANT_PATCH_<NAME>=off),
not a stock bot: that is benchmarks/bench.py. Times are medians over loopback HTTP or in the
process, as said; memory is the resident size that the kernel gives (VmRSS).
"""

import argparse
import csv
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any, Callable, Dict, List, Tuple

import requests

from assistant import launch, paths
from assistant.rasa.switches import all_off
from assistant.understanding.splitter import sentences
from tests.support.servers import Assistant, Visitor

DOCUMENT = paths.ROOT / "docs" / "speed.md"
BEGIN, END = "<!-- figures: python -m benchmarks.costs --write -->", "<!-- end of figures -->"
MESSAGES, TURNS, BURST, BURSTS = 200, 220, 4, 8
#: Characters of the longest message that the channel triages; it asks for a shorter one from 4,000
#: on.
LONG = 16_000
PARTS = ("parse", "serve", "train")
#: Key, what it is, unit, most that is wanted.
ROWS = (
    ("start", "from the start of both servers to the first answer", "s", None),
    ("rasa", "memory of the Rasa server after the first answer", "MB", 750),
    ("actions", "memory of the action server", "MB", None),
    ("grown", f"memory of the Rasa server after {TURNS} turns", "MB", 750),
    ("early", "turn 2 to 11 over HTTP, p50", "ms", None),
    ("late", "turn 200 to 209 over HTTP, p50", "ms", None),
    ("growth", "turn 200 against turn 2", "×", 1.3),
    (
        "burst",
        f"last of {BURST} messages sent at once by one visitor, against a single one",
        "×",
        6,
    ),
    ("parse", f"reading a sentence (NLU), p50 of {MESSAGES}", "ms", 8),
    ("parse95", f"reading a sentence (NLU), p95 of {MESSAGES}", "ms", None),
    ("triage", f"triage of a sentence, p50 of {MESSAGES}", "ms", 5),
    ("triage_long", f"triage of a message of {LONG:,} characters, p50", "ms", None),
    ("load", "loading the model", "s", None),
    ("train", "`rasa train` from nothing", "s", 60),
)


def messages() -> List[str]:
    """Different messages of one sentence of the evaluation set, in its order."""
    with (paths.ROOT / "tests" / "evaluation" / "messages.csv").open(
        encoding="utf-8", newline=""
    ) as handle:
        found = [
            text
            for text in dict.fromkeys(row["message"] for row in csv.DictReader(handle))
            if len(sentences(text)) == 1
        ]
    return found[:: max(1, len(found) // MESSAGES)][:MESSAGES]


def milliseconds(work: Callable[[str], Any], texts: List[str]) -> List[float]:
    """How long `work` takes for each text."""
    taken = []
    for text in texts:
        started = time.perf_counter()
        work(text)
        taken.append((time.perf_counter() - started) * 1000)
    return taken


def inside() -> None:
    """Figures of reading and triage, in this process, as JSON on the standard output."""
    from assistant import quiet

    quiet.configure()
    import asyncio

    from rasa.core.agent import load_agent

    from assistant.rasa import runtime

    started = time.perf_counter()
    agent = asyncio.run(load_agent(model_path=str(launch.MODEL)))
    load = time.perf_counter() - started
    texts, loop = messages(), asyncio.new_event_loop()
    # Before the parses: what has been encoded once is remembered.
    triage = milliseconds(runtime.triage().find, texts)
    long = milliseconds(
        runtime.triage().find, [(" ".join(texts[n:]) * 9)[:LONG] for n in range(20)]
    )
    loop.run_until_complete(agent.parse_message("hello"))
    parse = milliseconds(
        lambda text: loop.run_until_complete(agent.parse_message(text)),
        [f"{text} please" for text in texts],
    )
    print(
        json.dumps(
            {
                "load": load,
                "parse": statistics.median(parse),
                "parse95": statistics.quantiles(parse, n=20)[18],
                "triage": statistics.median(triage),
                "triage_long": statistics.median(long),
            }
        )
    )


def parse(environment: Dict[str, str]) -> Dict[str, float]:
    """Reading and triage in a process of their own."""
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.costs", "--inside"],
        cwd=paths.ROOT,
        env={**launch.environment(), **environment},
        capture_output=True,
        text=True,
    )
    if done.returncode:
        sys.exit(f"!! reading messages failed:\n{done.stderr[-3000:]}")
    return json.loads(done.stdout.splitlines()[-1])


def resident(process: int) -> float:
    """Resident memory of a process in MB."""
    status = Path(f"/proc/{process}/status").read_text("ascii")
    return (
        int(next(line for line in status.splitlines() if line.startswith("VmRSS")).split()[1])
        / 1024
    )


def burst(url: str, texts: List[str]) -> Tuple[float, float]:
    """Milliseconds of one message, and of the last answer when BURST of them come at once."""
    visitor, done = Visitor(url), []
    single = milliseconds(visitor.say, texts[:1])[0]
    started = time.perf_counter()

    def say(text: str) -> None:
        visitor.say(text)
        done.append((time.perf_counter() - started) * 1000)

    threads = [threading.Thread(target=say, args=(text,)) for text in texts[1 : 1 + BURST]]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return single, max(done)


def serve(environment: Dict[str, str]) -> Dict[str, float]:
    """Start, memory and turns of an assistant of its own."""
    texts = messages()
    with tempfile.TemporaryDirectory() as folder:
        started = time.perf_counter()
        running = Assistant(Path(folder), **environment)
        try:
            visitor = Visitor(running.wait().url)
            visitor.say("does it hurt")
            figures = {
                "start": time.perf_counter() - started,
                "rasa": resident(running.rasa.pid),
                "actions": resident(running.actions.pid),
            }
            # The same ten questions again and again, so that only the length of the conversation
            # differs.
            with requests.Session() as http:
                http.headers.update(visitor.headers)
                turns = milliseconds(
                    lambda text: http.post(
                        running.url + "/messages", json={"text": text}, timeout=60
                    ).raise_for_status(),
                    (PLAIN * TURNS)[:TURNS],
                )
            figures.update(
                early=statistics.median(turns[:10]),
                late=statistics.median(turns[198:208]),
                grown=resident(running.rasa.pid),
            )
            bursts = [burst(running.url, texts[n * (BURST + 1) :]) for n in range(BURSTS)]
            figures.update(
                growth=figures["late"] / figures["early"],
                burst=statistics.median(last for _, last in bursts)
                / statistics.median(single for single, _ in bursts),
            )
        finally:
            running.end()
    return figures


#: One question each, so that every turn does the same work.
PLAIN = [
    "how long will i be red",
    "can i use a roller at home",
    "what does it cost",
    "is it good for acne scars",
    "how many sessions do i need",
    "can i wear make-up afterwards",
    "what is the vampire facial",
    "how deep do the needles go",
    "does numbing cream help",
    "can men have it too",
]


def train(environment: Dict[str, str]) -> Dict[str, float]:
    """Training without anything from Rasa's cache."""
    with tempfile.TemporaryDirectory() as folder:
        arguments = ["train", "--force", "--out", folder]
        started = time.perf_counter()
        done = subprocess.run(
            [sys.executable, "-m", "assistant.rasa_cli", *arguments],
            cwd=paths.ROOT,
            env={**launch.environment(), "RASA_CACHE_DIRECTORY": folder, **environment},
            capture_output=True,
            text=True,
        )
        if done.returncode:
            sys.exit(f"!! training failed:\n{(done.stdout + done.stderr)[-3000:]}")
        return {"train": time.perf_counter() - started}


def table(shipped: Dict[str, float], without: Dict[str, float]) -> str:
    """The figures as a table in markdown."""

    def shown(figures: Dict[str, float], key: str, unit: str) -> str:
        if key not in figures:
            return ""
        return f"{figures[key]:.{0 if unit == 'MB' else 1}f} {unit}"

    lines = [
        (
            what,
            shown(shipped, key, unit),
            shown(without, key, unit),
            f"{most:g} {unit}" if most else "",
        )
        for key, what, unit, most in ROWS
        if key in shipped
    ]
    return "\n".join(
        [
            "| | as shipped | every workaround off | wanted at most |",
            "|---|---|---|---|",
            *(f"| {' | '.join(line)} |" for line in lines),
        ]
    )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--write", action="store_true", help="write the table into docs/speed.md")
    parser.add_argument("--only", nargs="+", choices=PARTS, default=PARTS)
    parser.add_argument("--inside", action="store_true", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.inside:
        return inside()
    launch.train()
    columns: List[Dict[str, float]] = []
    for environment in ({}, all_off()):
        columns.append({})
        for part in args.only:
            launch.say(f"{part}, {'without the workarounds' if environment else 'as shipped'}")
            columns[-1].update({"parse": parse, "serve": serve, "train": train}[part](environment))
    result = table(*columns)
    print(result)
    if args.write:
        before = DOCUMENT.read_text("utf-8").split(BEGIN)[0]
        after = DOCUMENT.read_text("utf-8").split(END)[1]
        where = (
            f"Measured on {time.strftime('%Y-%m-%d')}, {os.cpu_count()} cores"
            f" ({platform.machine()}), load of the machine at the end {os.getloadavg()[1]:.1f}."
        )
        DOCUMENT.write_text(f"{before}{BEGIN}\n{where}\n\n{result}\n{END}{after}", "utf-8")


if __name__ == "__main__":
    main()
