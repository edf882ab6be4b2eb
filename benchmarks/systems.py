"""The servers that are measured: ours, stock bots, and ours as a cluster. Each starts its own
processes on free ports and ends exactly those."""

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, Callable, Dict, Iterator, List, Optional, Set

from assistant import knowledge, launch, paths
from benchmarks import machine, stock
from benchmarks.load import OurVisitor, StockVisitor
from benchmarks.understanding import checksum
from tests.support.servers import Assistant, end, free_port

#: Models of stock bots, by a checksum of what they were trained from.
KEPT = paths.ROOT / "results" / "bench"


class Ours:
    """An action server and a Rasa server with the website channel, as `make run` starts them."""

    name = "ours"

    def __init__(self, folder: Path):
        self.folder, self.servers = folder, None

    def start(self) -> None:
        """Start with an empty state."""
        place = Path(tempfile.mkdtemp(dir=self.folder))
        self.servers = Assistant(place, ASSISTANT_ACTION_TIMEOUT="4")  # as in real life

    def end(self) -> None:
        """End both servers."""
        if self.servers:
            self.servers.end()

    def check(self) -> None:
        """Raises RuntimeError with the servers' words when one has ended."""
        for process in (self.servers.rasa, self.servers.actions):
            if process.poll() is not None:
                raise RuntimeError(
                    f"a server of {self.name} ended; its words:\n{self.servers.words()}"
                )

    def visitors(self, http: Any) -> OurVisitor:
        return OurVisitor(http, f"http://127.0.0.1:{self.servers.port}")

    def parts(self) -> Dict[str, List[int]]:
        """The processes of each server."""
        return {
            "Rasa": machine.family([self.servers.rasa.pid]),
            "action server": machine.family([self.servers.actions.pid]),
        }


class Stock:
    """A stock Rasa bot with the default pipeline and the REST channel."""

    def __init__(self, folder: Path, action_server: bool, epochs: int, nlu: Path = paths.NLU):
        self.folder, self.action_server, self.epochs, self.nlu = folder, action_server, epochs, nlu
        self.name = "stock, like for like" if action_server else "stock, leanest"
        self.processes: List[subprocess.Popen] = []
        self.log = folder / f"stock-{'actions' if action_server else 'responses'}.log"
        self.train_seconds = 0.0
        self.model: Optional[Path] = None

    def train(self) -> None:
        """Train, or take the model that was trained from the same. Raises RuntimeError with Rasa's
        words."""
        texts = answers(self.nlu)
        data = [path.read_text("utf-8") for path in sorted(self.nlu.glob("*.yml"))]
        config = stock.config("diet", self.epochs, True)
        same = checksum(config, str(self.action_server), json.dumps(texts), *data)
        place = KEPT / f"stock-{same}"
        stamp = place / "training.json"
        if not stamp.exists():
            shutil.rmtree(place, ignore_errors=True)
            work = stock.write_bot(
                self.folder / f"train-{self.action_server}",
                texts,
                self.nlu,
                1,
                self.action_server,
                self.epochs,
            )
            started = time.monotonic()
            done = subprocess.run(
                stock.rasa(
                    "train",
                    "--data",
                    "nlu",
                    "rules.yml",
                    "--out",
                    str(place),
                    "--fixed-model-name",
                    "model",
                ),
                cwd=work,
                env=stock.environment(),
                capture_output=True,
                text=True,
            )
            if done.returncode or not (place / "model.tar.gz").exists():
                raise RuntimeError(
                    f"training {self.name} failed; Rasa's"
                    f" words:\n{(done.stdout + done.stderr)[-3000:]}"
                )
            stamp.write_text(json.dumps({"seconds": time.monotonic() - started}), "utf-8")
        self.train_seconds = json.loads(stamp.read_text("utf-8"))["seconds"]
        self.model = place / "model.tar.gz"

    def start(self) -> None:
        """Start with an empty tracker store."""
        place = Path(tempfile.mkdtemp(dir=self.folder)) / "bot"
        self.port, action_port = free_port(), free_port()
        stock.write_bot(
            place, answers(self.nlu), self.nlu, action_port, self.action_server, self.epochs
        )
        commands = [
            stock.rasa(
                "run",
                "--interface",
                "127.0.0.1",
                "--port",
                str(self.port),
                "--model",
                str(self.model),
                "--endpoints",
                "endpoints.yml",
                "--credentials",
                "credentials.yml",
            )
        ]
        if self.action_server:
            commands.append(
                [
                    sys.executable,
                    "-m",
                    "rasa_sdk",
                    "--actions",
                    "actions",
                    "--port",
                    str(action_port),
                ]
            )
        with self.log.open("ab") as out:
            self.processes = [
                subprocess.Popen(
                    c,
                    cwd=place,
                    env=stock.environment(),
                    stdout=out,
                    stderr=out,
                    stdin=subprocess.DEVNULL,
                    start_new_session=True,
                )
                for c in commands
            ]

    def end(self) -> None:
        """End its servers."""
        for process in self.processes:
            end(process)

    def check(self) -> None:
        """Raises RuntimeError with the servers' words when one has ended."""
        if any(process.poll() is not None for process in self.processes):
            raise RuntimeError(
                f"a server of {self.name} ended; its"
                f" words:\n{self.log.read_text('utf-8', 'replace')[-3000:]}"
            )

    def visitors(self, http: Any) -> StockVisitor:
        return StockVisitor(http, f"http://127.0.0.1:{self.port}")

    def parts(self) -> Dict[str, List[int]]:
        """The processes of each server."""
        return {
            name: machine.family([process.pid])
            for name, process in zip(("Rasa", "action server"), self.processes)
        }


def answers(nlu: Path = paths.NLU) -> Dict[str, str]:
    """What a stock bot says to each intent of the training data in a folder: the knowledge base's
    answers, a plain sentence where it has none, and a fall-back."""
    known = knowledge.load().topics
    intents = {
        line.split("intent: ")[1].strip()
        for path in nlu.rglob("*.yml")
        for line in path.read_text("utf-8").splitlines()
        if line.startswith("- intent: ")
    }
    unknown = "Please ask the clinic about that."
    texts = {
        intent: known[intent[4:]].answer if intent[4:] in known else unknown
        for intent in sorted(intents)
    }
    return {**texts, "nlu_fallback": "I did not understand that. Could you say it in other words?"}


class Cluster:
    """Ours as `make cluster` starts it, in a folder that PostgreSQL's user can reach, on the
    processors `cpus`."""

    def __init__(self, folder: Path, workers: int, cpus: Set[int]):
        self.name = f"{workers} worker{'s' if workers > 1 else ''}"
        self.folder = folder / f"workers-{workers}"
        self.workers = workers
        self.port = free_port()
        self.log = folder / f"workers-{workers}.log"
        outer = ("ASSISTANT_DATABASE_URL", "ASSISTANT_REDIS_URL", "ASSISTANT_STATE")
        environment = {
            **{k: v for k, v in launch.environment().items() if k not in outer},
            "PORT": str(self.port),
            "ASSISTANT_CLUSTER": str(self.folder),
            "WORKERS": str(workers),
            "ACTION_WORKERS": "1",
        }
        with self.log.open("wb") as out:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "assistant.cluster.supervisor", "run"],
                cwd=paths.ROOT,
                env=environment,
                stdout=out,
                stderr=out,
                stdin=subprocess.DEVNULL,
                start_new_session=True,
                preexec_fn=lambda: os.sched_setaffinity(0, cpus),
            )

    def wait(self, limit: float = 240) -> None:
        """Wait until it answers. Raises RuntimeError with its words."""
        until = time.monotonic() + limit
        while "ready at" not in self.log.read_text("utf-8", "replace"):
            if self.process.poll() is not None or time.monotonic() > until:
                raise RuntimeError(
                    f"the cluster of {self.name} does not start; its"
                    f" words:\n{self.log.read_text('utf-8', 'replace')[-3000:]}"
                )
            time.sleep(0.2)

    def visitors(self, http: Any) -> OurVisitor:
        return OurVisitor(http, f"http://127.0.0.1:{self.port}")

    def parts(self) -> Dict[str, List[int]]:
        """The processes of each program; workers of one kind together."""
        found: Dict[str, List[int]] = {}
        for name, process in json.loads((self.folder / "status.json").read_text("utf-8"))[
            "processes"
        ].items():
            found.setdefault(
                {"worker": "Rasa", "actions": "action server"}.get(name.split("-")[0], name), []
            ).extend(machine.family([process["pid"]]))
        return found

    def end(self) -> None:
        """Let the supervisor end what it started."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
            try:
                self.process.wait(90)
            except subprocess.TimeoutExpired:
                end(self.process)


@contextlib.contextmanager
def temporary_folder() -> Iterator[Path]:
    """A folder that every user may enter (PostgreSQL does not run as root); gone afterwards."""
    path = Path(tempfile.mkdtemp(prefix="assistant-bench-"))
    path.chmod(0o755)
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)


@contextlib.contextmanager
def ended(systems: List[Any]) -> Iterator[None]:
    """Ends the systems whatever happens."""
    try:
        yield
    finally:
        for system in systems:
            system.end()


@contextlib.contextmanager
def on_processors(cpus: Set[int]) -> Iterator[None]:
    """This process, the load, on the processors `cpus` for a while."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, cpus)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def seconds_to(action: Callable[[], Any]) -> float:
    """How long `action` takes."""
    before = time.monotonic()
    action()
    return time.monotonic() - before
