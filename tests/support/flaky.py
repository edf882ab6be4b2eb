"""Whether the tests are to be trusted: several rounds of them on a busy machine, each in another
order.

    make flaky ROUNDS=5                               every tier
    make flaky ROUNDS=3 TIERS="unit service"          some
    make flaky ROUNDS=9 ARGS="tests/unit/test_text.py -k word"   some tests, one process

Each round has a seed of its own, which it prints: `pytest --seed N` gives that order again. Beside
it as many processes do nothing but calculate as the machine has processors (--busy). Each test that
was not green every time is named, and --write puts the result into docs/testing.md.

Exit status: 0 when every test was green in every round, else 1.
"""

import argparse
import contextlib
import datetime as dt
import os
import random
import shlex
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree as ET
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from typing import Dict, Iterator, List

from assistant import launch, paths

TIERS = ("unit", "service", "widget", "system")
SIDE_BY_SIDE = ["-n", "2", "--dist", "loadfile", "--no-loadscope-reorder"]
#: Pytest's exit status when no test was chosen: a tier may have none that needs to be alone.
NOTHING_CHOSEN = 5
DOCUMENT = paths.ROOT / "docs" / "testing.md"
BEGIN, END = "<!-- begin: flaky -->", "<!-- end: flaky -->"


@dataclass
class Round:
    """What one round gave: its seed, its seconds, and how each test ended ("" is green)."""

    seed: int
    seconds: float = 0.0
    ended: Dict[str, str] = field(default_factory=dict)

    @property
    def failed(self) -> List[str]:
        return sorted(name for name, how in self.ended.items() if how)


def outcomes(report: Path) -> Dict[str, str]:
    """How each test of a JUnit report ended: "" when green, else "failure", "error" or "skipped".
    Raises FileNotFoundError."""
    found: Dict[str, str] = {}
    for case in ET.parse(report).iter("testcase"):
        name = f"{case.get('classname')}::{case.get('name')}"
        wrong = [part.tag for part in case if part.tag in ("failure", "error", "skipped")]
        found[name] = found.get(name) or (wrong[0] if wrong else "")
    return found


@contextlib.contextmanager
def busy(processes: int) -> Iterator[None]:
    """So many processes that do nothing but calculate, until the block ends."""
    started = [
        subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(processes)
    ]
    try:
        yield
    finally:
        for process in started:
            process.kill()
            process.wait()


def runs(tiers: List[str], arguments: List[str]) -> List[List[str]]:
    """The arguments of each run of pytest in a round."""
    if arguments:
        return [arguments]
    return [
        run
        for tier in tiers
        for run in (
            [f"tests/{tier}", *SIDE_BY_SIDE, "-m", "not alone"],
            [f"tests/{tier}", "-m", "alone"],
        )
    ]


def play(seed: int, commands: List[List[str]]) -> Round:
    """One round. A run that ends without a report counts as a failed test of its name."""
    done, started = Round(seed), time.monotonic()
    for command in commands:
        with tempfile.TemporaryDirectory(prefix="flaky-") as folder:
            report = Path(folder) / "report.xml"
            pytest = [sys.executable, "-m", "pytest", *command]
            ended = subprocess.run(
                [*pytest, "--seed", str(seed), f"--junitxml={report}"], cwd=paths.ROOT
            )
            found = outcomes(report) if report.exists() else {}
        done.ended.update(found)
        unexplained = ended.returncode and not any(found.values())
        if unexplained and ended.returncode != NOTHING_CHOSEN:
            done.ended[f"pytest {shlex.join(command)}"] = f"exit status {ended.returncode}"
    done.seconds = time.monotonic() - started
    return done


def page(rounds: List[Round], processes: int, what: str) -> str:
    """The result as a table, and the tests that were not green every time."""
    day = dt.date.today().isoformat()
    lines = [
        f"Last on {day}, {what}, {processes} busy processes beside them:",
        "",
        "| round | seed | tests | not green | seconds |",
        "|---|---|---|---|---|",
    ]
    wrong = defaultdict(list)
    for number, one in enumerate(rounds, 1):
        lines.append(
            f"| {number} | {one.seed} | {len(one.ended)} | {len(one.failed)} | {one.seconds:.0f} |"
        )
        for name in one.failed:
            wrong[name].append(f"{one.ended[name]} in round {number}")
    named = [f"- `{name}`: {', '.join(when)}" for name, when in sorted(wrong.items())]
    return "\n".join([*lines, "", *(named or ["Every test was green in every round."])])


def write(text: str) -> None:
    """Put the result into docs/testing.md. Raises ValueError when its place is missing."""
    whole = DOCUMENT.read_text("utf-8")
    start, stop = whole.index(BEGIN) + len(BEGIN), whole.index(END)
    DOCUMENT.write_text(f"{whole[:start]}\n{text}\n{whole[stop:]}", "utf-8")


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seed", type=int, help="of the first round; the next ones count up")
    parser.add_argument("--busy", type=int, default=os.cpu_count() or 2, metavar="PROCESSES")
    parser.add_argument("--tiers", nargs="+", choices=TIERS, default=list(TIERS))
    parser.add_argument("--write", action="store_true", help="put the result into docs/testing.md")
    parser.add_argument("arguments", nargs="*", help="of pytest, after --: instead of the tiers")
    options = parser.parse_args()
    launch.train()
    first = random.SystemRandom().randrange(10**6) if options.seed is None else options.seed
    commands, rounds = runs(options.tiers, options.arguments), []
    given = shlex.join(options.arguments)
    what = f"`{given}`" if given else f"tiers {', '.join(options.tiers)}"
    with busy(options.busy):
        for number in range(options.rounds):
            launch.say(f"round {number + 1} of {options.rounds}: --seed {first + number}")
            rounds.append(play(first + number, commands))
    text = page(rounds, options.busy, what)
    print(text)
    if options.write:
        write(text)
    return 1 if any(one.failed for one in rounds) else 0


if __name__ == "__main__":
    sys.exit(main())
