"""End to end over HTTP: ours against stock Rasa bots in the same run, alternately, and one worker
against two.

    make bench                               everything, into docs/benchmarks.md; about half an hour
    make bench ARGS="--no-cluster"           without nginx, PostgreSQL and Redis
    python -m benchmarks.bench --quick       a few turns, printed only: shows that the command
    works, its figures mean nothing

The stock bots have Rasa's default pipeline, trained on data/nlu, its REST channel, rules and
memoization (without TED, which would only make them slower and larger), and answer with the same
texts. "Like for like" has an action server and keeps conversations in SQLite, as ours does;
"leanest" answers with plain responses and keeps conversations in memory. DIET has a single epoch
here: the size of the model and the speed of a turn do not depend on it. Stock processes run with
Rasa's own settings.
"""

import argparse
import asyncio
import json
import os
import statistics
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Dict, List, Optional, Tuple

import numpy as np
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from assistant import launch, paths
from assistant.cluster import programs
from benchmarks import load, machine, plots, systems
from benchmarks.load import Result
from benchmarks.understanding import subset

#: Concurrent visitors; turns at the start and the end of a conversation whose median stands for
#: turn 2 and the last turn.
VISITORS, EDGE = (1, 10, 50), 5
#: Visitors of the cluster, more than two workers can serve at once; seconds and cores for the
#: measurement.
CLUSTER_VISITORS, CLUSTER_CORES = 20, 2
CORES_BEYOND = (2, 4, 8, 16)
START_LIMIT = 240


@dataclass
class Plan:
    """How much is measured. `seconds` of load a round; `epochs` of DIET, `examples` a topic and
    `topics` (all when None) that the stock bots are trained with."""

    rounds: int = 3
    seconds: float = 8
    bursts: int = 8
    turns: int = 200
    conversations: int = 3
    epochs: int = 1
    starts: int = 3
    cluster_rounds: int = 3
    visitors: Tuple[int, ...] = VISITORS
    examples: Optional[int] = None
    topics: Optional[int] = None


#: One stock bot, the leanest, on a few examples of a few topics; our present model; no cluster.
QUICK = Plan(
    rounds=1,
    seconds=0.5,
    bursts=1,
    turns=12,
    conversations=1,
    starts=1,
    cluster_rounds=0,
    visitors=(1, 4),
    examples=4,
    topics=12,
)


@dataclass
class Figures:
    """What was measured of one system."""

    starts: List[float] = field(default_factory=list)
    train: float = 0.0
    waits: Dict[int, Result] = field(default_factory=dict)
    bursts: List[Dict[str, float]] = field(default_factory=list)
    conversations: List[List[float]] = field(default_factory=list)
    fresh_memory: Dict[str, float] = field(default_factory=dict)
    memory: Dict[str, float] = field(default_factory=dict)

    def turn(self) -> List[float]:
        """Milliseconds of each turn of a conversation, the median of the conversations."""
        return [float(x) for x in np.median(np.array(self.conversations), axis=0)]

    def summary(self) -> Dict[str, Any]:
        """The figures of the report, by name; times in milliseconds, start and training in seconds,
        memory in MB."""
        turns = self.turn()
        found: Dict[str, Any] = {
            "train": self.train,
            "start": statistics.median(self.starts),
            "memory": sum(self.memory.values()),
            "fresh_memory": sum(self.fresh_memory.values()),
        }
        for n, result in self.waits.items():
            found.update({f"p{share}_{n}": result.percentile(share) for share in (50, 95, 99)})
            found[f"throughput_{n}"] = result.throughput
        found["errors"] = sum(result.failed for result in self.waits.values())
        found["burst_single"], found["burst_last"] = (
            statistics.median(b[part] for b in self.bursts) for part in ("single", "last")
        )
        found["burst"] = statistics.median(b["last"] / b["single"] for b in self.bursts)
        found["turn_2"] = statistics.median(turns[1 : 1 + EDGE])
        found["turn_last"] = statistics.median(turns[-EDGE:])
        found["growth"] = found["turn_last"] / found["turn_2"]
        return found


# -- measuring


def megabytes(system: Any) -> Dict[str, float]:
    """Resident memory of each part of a system."""
    return {name: machine.resident(pids) for name, pids in system.parts().items()}


def train_ours() -> float:
    """Seconds that `rasa train` takes with our configuration from nothing, into a folder of its
    own. Raises RuntimeError with Rasa's words."""
    with tempfile.TemporaryDirectory(prefix="bench-") as place:
        before = time.monotonic()
        os.environ["RASA_CACHE_DIRECTORY"] = f"{place}/cache"
        try:
            done = launch.rasa(
                "train",
                "--out",
                place,
                "--fixed-model-name",
                "model",
                capture_output=True,
                text=True,
            )
        finally:
            del os.environ["RASA_CACHE_DIRECTORY"]
        if done.returncode:
            raise RuntimeError(
                f"training failed; Rasa's words:\n{(done.stdout + done.stderr)[-3000:]}"
            )
        return time.monotonic() - before


def measure(plan: Plan, folder: Path, progress: Progress) -> Dict[str, Figures]:
    """Everything on one machine: systems take turns in every part. Raises RuntimeError when a
    server fails."""
    ours, nlu = systems.Ours(folder), paths.NLU
    if plan.examples:
        nlu = folder / "nlu"
        nlu.mkdir()
        (nlu / "some.yml").write_text(subset(plan.examples, plan.topics), "utf-8")
    stocks = [
        systems.Stock(folder, action_server, plan.epochs, nlu)
        for action_server in ((False,) if plan.examples else (True, False))
    ]
    everyone = [ours, *stocks]
    found = {system.name: Figures() for system in everyone}
    steps = (
        len(everyone)
        * (plan.starts + plan.rounds * len(plan.visitors) + plan.bursts + plan.conversations)
        + 1
        + len(stocks)
    )
    task = progress.add_task("training", total=steps)

    def step(what: str) -> None:
        progress.update(task, advance=1, description=what)

    launch.train()
    if not plan.examples:
        found[ours.name].train = train_ours()
    step("training the stock bots")
    for bot in stocks:
        bot.train()
        found[bot.name].train = bot.train_seconds
        step("training the stock bots")
    with systems.ended(everyone):
        for number in range(plan.starts):
            for system in everyone:
                found[system.name].starts.append(
                    systems.seconds_to(
                        lambda s=system: (
                            s.start(),
                            asyncio.run(load.first_answer(s.visitors, START_LIMIT, s.check)),
                        )
                    )
                )
                found[system.name].fresh_memory = megabytes(system)
                if number < plan.starts - 1:
                    system.end()
                step("start to first answer")
        for _ in range(plan.rounds):
            for count in plan.visitors:
                for system in everyone:
                    found[system.name].waits.setdefault(count, Result()).add(
                        asyncio.run(load.visit(system.visitors, count, plan.seconds))
                    )
                    step(f"{count} visitors at once")
        for _ in range(plan.bursts):
            for system in everyone:
                found[system.name].bursts.append(asyncio.run(load.burst(system.visitors)))
                step("four messages at once")
        for _ in range(plan.conversations):
            for system in everyone:
                found[system.name].conversations.append(
                    asyncio.run(load.long_conversation(system.visitors, plan.turns))
                )
                step(f"conversations of {plan.turns} turns")
        for system in everyone:
            system.check()
            found[system.name].memory = megabytes(system)
    return found


@dataclass
class Scaling:
    """A cluster under load: what visitors waited, and processor seconds by program."""

    waits: Result = field(default_factory=Result)
    processor: Dict[str, float] = field(default_factory=dict)
    memory: float = 0.0


def measure_cluster(plan: Plan, folder: Path, progress: Progress) -> Dict[int, Scaling]:
    """One and two workers, alternately, they and the load on the same processors. Raises
    RuntimeError when one does not start."""
    cpus = set(sorted(os.sched_getaffinity(0))[:CLUSTER_CORES])
    task = progress.add_task("starting the clusters", total=plan.cluster_rounds * 2)
    clusters = []
    with systems.ended(clusters), systems.on_processors(cpus):
        for workers in (1, 2):
            clusters.append(systems.Cluster(folder, workers, cpus))
            clusters[-1].wait()
        found = {cluster.workers: Scaling() for cluster in clusters}
        for cluster in clusters:
            asyncio.run(load.visit(cluster.visitors, CLUSTER_VISITORS, 2))
        for _ in range(plan.cluster_rounds):
            for cluster in clusters:
                before = {
                    name: machine.processor_seconds(pids) for name, pids in cluster.parts().items()
                }
                own = time.process_time()
                found[cluster.workers].waits.add(
                    asyncio.run(load.visit(cluster.visitors, CLUSTER_VISITORS, plan.seconds))
                )
                spent = found[cluster.workers].processor
                for name, pids in cluster.parts().items():
                    spent[name] = (
                        spent.get(name, 0.0) + machine.processor_seconds(pids) - before[name]
                    )
                spent["the load"] = spent.get("the load", 0.0) + time.process_time() - own
                found[cluster.workers].memory = sum(megabytes(cluster).values())
                progress.update(
                    task, advance=1, description=f"cluster, {CLUSTER_VISITORS} visitors"
                )
    return found


# -- the report


def number(value: Optional[float], form: str = "{:.0f}") -> str:
    return "–" if value is None else form.format(value)


def comparison(done: Dict[str, Dict[str, Any]], plan: Plan) -> str:
    """Figures of every system, and ours as a multiple of the stock bots'."""
    lines: List[Tuple[str, str, str]] = []
    for n in plan.visitors:
        who = "one visitor" if n == 1 else f"{n} visitors at once"
        lines += [
            (f"p{share}_{n}", f"{who}: a turn, p{share}, ms", "{:.1f}") for share in (50, 95, 99)
        ] + [(f"throughput_{n}", f"{who}: turns a second", "{:.1f}")]
    lines += [
        ("burst_single", "one visitor, a single question, ms", "{:.1f}"),
        ("burst_last", "the same visitor, four at once: last answer, ms", "{:.0f}"),
        ("burst", "last answer against the single one", "{:.1f}"),
        ("turn_2", f"turn 2 (median of turns 2 to {1 + EDGE}), ms", "{:.1f}"),
        ("turn_last", f"turn {plan.turns} (median of the last {EDGE}), ms", "{:.1f}"),
        ("growth", f"turn {plan.turns} against turn 2", "{:.2f}"),
        ("start", "start to first answer, seconds", "{:.1f}"),
        ("fresh_memory", "resident memory of all processes after the start, MB", "{:.0f}"),
        ("memory", "the same after all of the above, MB", "{:.0f}"),
        ("train", "`rasa train` from nothing, seconds (stock: one epoch of DIET)", "{:.0f}"),
        ("errors", "turns without an answer", "{:.0f}"),
    ]
    names = list(done)
    rows = [["figure", *names, *(f"ours against {name}" for name in names[1:])]]
    for key, words, form in lines:
        ratios = [
            (
                ""
                if key in ("train", "errors")
                else machine.ratio(done[names[0]][key], done[name][key])
            )
            for name in names[1:]
        ]
        rows.append([words, *(number(done[name][key], form) for name in names), *ratios])
    return machine.table(rows)


def bars(done: Dict[str, Dict[str, Any]], clusters: Dict[int, Scaling]) -> str:
    """What was wanted, what was measured, met or missed."""
    ours, like, lean = (done[name] for name in ("ours", "stock, like for like", "stock, leanest"))
    against = lambda key: (ours[key] / like[key], ours[key] / lean[key])
    wanted: List[Tuple[str, str, float, float, Optional[float]]] = [
        ("p50 of a turn, against stock", "≤", 0.5, *against("p50_1")),
        ("p95 at 10 visitors, against stock", "≤", 0.6, *against("p95_10")),
        ("four at once: last answer against a single one", "≤", 6, ours["burst"], None),
        ("turn 200 against turn 2", "≤", 1.3, ours["growth"], None),
        ("start to first answer, against stock", "≤", 0.5, *against("start")),
        ("memory of all processes, against stock", "≤", 0.5, *against("memory")),
    ]
    if clusters:
        wanted.append(
            (
                f"2 workers against 1, everything on {CLUSTER_CORES} cores",
                "≥",
                1.3,
                clusters[2].waits.throughput / clusters[1].waits.throughput,
                None,
            )
        )
    met = lambda sign, bar, value: value <= bar if sign == "≤" else value >= bar
    return machine.table(
        [
            ["figure", "wanted", "measured", "", "against the leanest stock bot"],
            *(
                [
                    words,
                    f"{sign} {bar} ×",
                    f"{value:.2f} ×",
                    "met" if met(sign, bar, value) else "**missed**",
                    "" if other is None else f"{other:.2f} ×",
                ]
                for words, sign, bar, value, other in wanted
            ),
        ]
    )


def scaling(clusters: Dict[int, Scaling]) -> str:
    """Throughput of one and two workers, processor time a turn, and what more cores give by
    calculation."""
    one, two = clusters[1], clusters[2]
    rows = [["", "1 worker", "2 workers", "2 against 1"]]
    for words, value, form in (
        ("turns a second", lambda c: c.waits.throughput, "{:.1f}"),
        ("p50, ms", lambda c: c.waits.percentile(50), "{:.0f}"),
        ("p95, ms", lambda c: c.waits.percentile(95), "{:.0f}"),
        ("resident memory, MB", lambda c: c.memory, "{:.0f}"),
        ("errors", lambda c: c.waits.failed, "{:.0f}"),
    ):
        rows.append(
            [
                f"{CLUSTER_VISITORS} visitors: {words}",
                form.format(value(one)),
                form.format(value(two)),
                machine.ratio(value(two), value(one)) if words != "errors" else "",
            ]
        )
    cost = {
        workers: {
            name: 1000 * seconds / len(c.waits.times) for name, seconds in c.processor.items()
        }
        for workers, c in clusters.items()
    }
    rows += [
        [f"processor time a turn, ms: {name}", f"{cost[1][name]:.2f}", f"{cost[2][name]:.2f}", ""]
        for name in cost[1]
    ]
    server = {name: ms for name, ms in cost[2].items() if name != "the load"}
    whole = sum(server.values())
    check = 1000 * CLUSTER_CORES / (whole + cost[2]["the load"])
    beyond = [
        ["cores, all busy, without the load on them", *map(str, CORES_BEYOND)],
        [
            "turns a second by calculation",
            *(f"{1000 * cores / whole:.0f}" for cores in CORES_BEYOND),
        ],
        [
            "Rasa workers for that",
            *(str(max(1, round(cores * server["Rasa"] / whole))) for cores in CORES_BEYOND),
        ],
    ]
    return "\n\n".join(
        [
            machine.table(rows),
            (
                f"Beyond {CLUSTER_CORES} cores by calculation: a turn costs {whole:.1f} ms of"
                " processor time in all programs together, so that each core gives"
                f" {1000 / whole:.0f} turns a second while nothing is shared but the database and"
                f" Redis. The same calculation with the load on the {CLUSTER_CORES} cores says"
                f" {check:.0f} turns a second where {two.waits.throughput:.0f} were measured."
                f" Redis, one thread, is full at {1000 / max(server.get('redis', 0.0), 0.01):.0f}"
                " turns a second."
            ),
            machine.table(beyond),
        ]
    )


def report(
    done: Dict[str, Figures],
    clusters: Dict[int, Scaling],
    why_not: str,
    plan: Plan,
    started: machine.Start,
) -> str:
    """The section of docs/benchmarks.md, with its plots drawn."""
    summary = {name: figures.summary() for name, figures in done.items()}
    plots.percentiles(
        {
            name: {n: result.times for n, result in figures.waits.items()}
            for name, figures in done.items()
        },
        machine.IMAGES / "bench-turns.png",
    )
    plots.over_a_conversation(
        {name: figures.turn() for name, figures in done.items()},
        machine.IMAGES / "bench-conversation.png",
    )
    return "\n\n".join(
        [
            machine.origin("make bench", started),
            bars(summary, clusters),
            comparison(summary, plan),
            "![Milliseconds a turn by concurrent visitors](images/bench-turns.png)",
            "![Milliseconds a turn over a long conversation](images/bench-conversation.png)",
            f"### One worker and two\n\n{scaling(clusters) if clusters else why_not}",
        ]
    )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="a few turns; prints, writes nothing")
    parser.add_argument(
        "--no-cluster", action="store_true", help="leave out one worker against two"
    )
    args = parser.parse_args()
    started, plan = machine.begin(), QUICK if args.quick else Plan()
    missing = programs.missing(["nginx", "redis-server", "postgres", "initdb"])
    why_not = (
        f"Not measured: these packages are missing: {', '.join(missing)}."
        if missing
        else "Not measured (`--no-cluster`)."
    )
    try:
        with (
            systems.temporary_folder() as folder,
            Progress(
                TextColumn("{task.description}"),
                BarColumn(),
                TextColumn("{task.completed:.0f}/{task.total:.0f}"),
                TimeElapsedColumn(),
            ) as progress,
        ):
            done = measure(plan, folder, progress)
            clusters = (
                measure_cluster(plan, folder, progress)
                if plan.cluster_rounds and not missing and not args.no_cluster
                else {}
            )
    except RuntimeError as error:
        raise SystemExit(f"!! {error}") from None
    if args.quick:
        print(json.dumps({name: figures.summary() for name, figures in done.items()}, indent=1))
        return
    if not clusters:
        launch.say(why_not)
    section = report(done, clusters, why_not, plan, started)
    machine.write_section("server", section)
    print(section)


if __name__ == "__main__":
    main()
