"""Many visitors for a long time: whether memory grows, whether turns become slower, whether
anything fails.

    python -m benchmarks.soak --minutes 20 [--visitors 8] [--pause 0.5]     writes into
    docs/benchmarks.md from ten minutes on; exit status 1 on an error

Visitors ask with pauses between their questions and are replaced by new ones after twenty turns.
Memory at the start is that after the first tenth of the time, when everything has been loaded and
every kind of answer was given once.
"""

import argparse
import asyncio
import time
from pathlib import Path
from typing import Dict, List, Tuple

import numpy as np
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from assistant import launch
from benchmarks import load, machine, plots, systems

#: Seconds between two looks at the memory; turns of a conversation; minutes below which nothing is
#: written into the docs.
EVERY, TURNS, LEAST = 5.0, 20, 10.0
Samples = List[Tuple[float, Dict[str, float]]]


def megabytes_of_files(folder: Path) -> float:
    """Size of all files in a folder in megabytes (10^6 bytes)."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) / 1e6


async def soak(
    system: systems.Ours, minutes: float, visitors: int, pause: float, progress: Progress
) -> Tuple[load.Result, Samples]:
    """Load for `minutes`, with a look at the memory every few seconds: [(minutes, megabytes of each
    part)]."""
    samples: Samples = []
    task = progress.add_task(f"{visitors} visitors", total=minutes * 60)
    started = time.perf_counter()

    async def watch(result: List[load.Result]) -> None:
        while True:
            system.check()
            passed = time.perf_counter() - started
            samples.append(
                (
                    passed / 60,
                    {name: machine.resident(pids) for name, pids in system.parts().items()},
                )
            )
            words = (
                f"{visitors} visitors, {len(result[0].times)} turns, {result[0].failed} errors"
                if result
                else f"{visitors} visitors"
            )
            progress.update(task, completed=passed, description=words)
            await asyncio.sleep(min(EVERY, minutes * 60 / 20))

    seen: List[load.Result] = []
    watching = asyncio.ensure_future(watch(seen))
    visiting = asyncio.ensure_future(
        load.visit(
            system.visitors,
            visitors,
            minutes * 60,
            pause,
            lambda result: seen or seen.append(result),
            TURNS,
        )
    )
    await asyncio.wait([watching, visiting], return_when=asyncio.FIRST_COMPLETED)
    watching.cancel()
    if not visiting.done():
        visiting.cancel()
        await watching  # raises what the servers said
    return visiting.result(), samples


def summary(result: load.Result, samples: Samples, stored: float) -> Dict[str, float]:
    """The figures of the report: memory in MB, growth in MB an hour over the last half, times in
    milliseconds."""
    minutes = np.array([at for at, _ in samples])
    total = np.array([sum(parts.values()) for _, parts in samples])
    warm = total[minutes >= minutes[-1] / 10][0]
    half = minutes >= minutes[-1] / 2
    tenth = max(1, len(result.times) // 10)
    return {
        "turns": len(result.times),
        "turns_a_second": result.throughput,
        "errors": result.failed,
        "p50": result.percentile(50),
        "p95": result.percentile(95),
        "p99": result.percentile(99),
        "p50_first": float(np.median(result.times[:tenth])),
        "p50_last": float(np.median(result.times[-tenth:])),
        "memory_start": float(warm),
        "memory_end": float(total[-1]),
        "memory_highest": float(total.max()),
        "growth": float(np.polyfit(minutes[half] / 60, total[half], 1)[0]),
        "stored": stored,
    }


def report(
    found: Dict[str, float],
    result: load.Result,
    samples: Samples,
    args: argparse.Namespace,
    started: machine.Start,
) -> str:
    """The section of docs/benchmarks.md, with its plot drawn."""
    plots.over_time(samples, machine.IMAGES / "soak-memory.png")
    errors = ", ".join(f"{count} × {kind}" for kind, count in result.errors.items()) or "0"
    parts = samples[-1][1]
    rows = [
        ["figure", "measured"],
        ["turns", f"{found['turns']:,} ({found['turns_a_second']:.1f} a second)"],
        ["turns without an answer", errors],
        [
            "a turn, p50 / p95 / p99, ms",
            f"{found['p50']:.1f} / {found['p95']:.1f} / {found['p99']:.1f}",
        ],
        [
            "p50 of the first and the last tenth, ms",
            f"{found['p50_first']:.1f} / {found['p50_last']:.1f}",
        ],
        [
            "resident memory of all processes at the start (after a tenth of the time), MB",
            f"{found['memory_start']:.0f}",
        ],
        [
            "at the end, MB",
            (
                f"{found['memory_end']:.0f}"
                f" ({', '.join(f'{name} {size:.0f}' for name, size in parts.items())})"
            ),
        ],
        ["highest, MB", f"{found['memory_highest']:.0f}"],
        ["growth over the last half, MB an hour", f"{found['growth']:+.1f}"],
        ["databases at the end, MB", f"{found['stored']:.1f}"],
    ]
    return "\n\n".join(
        [
            machine.origin(
                f"python -m benchmarks.soak --minutes {args.minutes:g} --visitors {args.visitors}"
                f" --pause {args.pause:g}",
                started,
            ),
            machine.table(rows),
            "![Resident memory during the soak](images/soak-memory.png)",
        ]
    )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--minutes", type=float, default=20)
    parser.add_argument("--visitors", type=int, default=8)
    parser.add_argument(
        "--pause",
        type=float,
        default=0.5,
        help="longest pause of a visitor before a question, seconds (%(default)s)",
    )
    args = parser.parse_args()
    started = machine.begin()
    launch.train()
    with (
        systems.temporary_folder() as folder,
        Progress(TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn()) as progress,
    ):
        system = systems.Ours(folder)
        with systems.ended([system]):
            system.start()
            try:
                asyncio.run(load.first_answer(system.visitors, 240, system.check))
                result, samples = asyncio.run(
                    soak(system, args.minutes, args.visitors, args.pause, progress)
                )
            except RuntimeError as error:
                raise SystemExit(f"!! {error}") from None
            stored = megabytes_of_files(system.servers.state)
    if not result.times:
        raise SystemExit(f"!! not one turn was answered: {result.errors}")
    found = summary(result, samples, stored)
    print(
        "\n".join(f"{name}: {value:.1f}" for name, value in found.items()),
        f"errors: {result.errors or 'none'}",
        sep="\n",
    )
    if args.minutes >= LEAST:
        machine.write_section("soak", report(found, result, samples, args, started))
    raise SystemExit(1 if result.failed else 0)


if __name__ == "__main__":
    main()
