"""Starts a cluster, watches it, replaces its workers one by one, and ends exactly what it started.

    python -m assistant.cluster.supervisor run        in the foreground, until Ctrl-C (`make
    cluster`) python -m assistant.cluster.supervisor restart    replace every worker of the running
    cluster (`make cluster-restart`) python -m assistant.cluster.supervisor status     what runs,
    and whether it can answer (`make cluster-status`)

WORKERS and ACTION_WORKERS say how many (2 and 1), PORT where visitors come in. With
ASSISTANT_DATABASE_URL or ASSISTANT_REDIS_URL set, that server is used and none is started.
"""

import argparse
import ctypes
import fcntl
import json
import os
import signal
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any, Callable, Dict, List, Optional

from assistant import launch, paths
from assistant.cluster import logs
from assistant.cluster.nginx import Nginx
from assistant.cluster.programs import ClusterError, Postgresql, Redis, free_port, install
from assistant.running import cluster_folder as folder

#: Seconds: between two looks at the processes; that a worker may take to start; that it may take
#: for the messages at hand when it is replaced.
TICK, WORKER_LIMIT, DRAIN_LIMIT = 0.2, 180.0, 25.0
#: Seconds between two questions to a worker's /live, and that an answer may take.
ASK_EVERY, ASK_LIMIT = 1.0, 2.0
#: Missed answers after which nginx leaves a worker out, and after which it counts as hung and is
#: replaced.
OUT_AFTER, HUNG_AFTER = 2, 5
#: Longest pause in seconds before a program that keeps ending is started again.
LONGEST_PAUSE = 30.0
#: Seconds between two looks at the size and age of the logs.
LOGS_EVERY = 60.0
say, fail = launch.say, launch.fail


def die_with_parent() -> None:
    """In a child, before it becomes the program: end when the supervisor is killed (Linux:
    PR_SET_PDEATHSIG)."""
    ctypes.CDLL(None).prctl(1, signal.SIGTERM)


class Child:
    """One process of the cluster, writing to logs/<name>.log."""

    def __init__(
        self,
        name: str,
        command: List[str],
        logs: Path,
        env: Optional[Dict[str, str]] = None,
        stop: int = signal.SIGTERM,
        port: int = 0,
        **options: Any,
    ):
        self.name = name
        self.command = command
        self.log = logs / f"{name}.log"
        self.env = env
        self.stop_signal = stop
        self.port = port
        self.options = options
        self.process: Optional[subprocess.Popen] = None
        self.failures = 0
        self.again_at = 0.0
        self.missed = 0
        self.ready = False
        self.left_out = False

    def start(self) -> "Child":
        """Start it in a session of its own, so that Ctrl-C reaches the supervisor alone."""
        with self.log.open("ab") as out:
            self.process = subprocess.Popen(
                self.command,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                env=self.env,
                cwd=str(paths.ROOT) if not self.options else "/",
                start_new_session=True,
                preexec_fn=None if self.options else die_with_parent,
                **self.options,
            )
        self.missed, self.ready = 0, False
        return self

    @property
    def alive(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def send(self, number: int) -> None:
        """Send a signal, when it lives."""
        if self.alive:
            self.process.send_signal(number)

    def end(self, limit: float = DRAIN_LIMIT) -> None:
        """Ask it to end, and end it after `limit` seconds."""
        self.send(self.stop_signal)
        if self.process is not None:
            try:
                self.process.wait(limit)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()

    def last_words(self) -> str:
        """The end of its log."""
        return self.log.read_text("utf-8", "replace")[-1500:] if self.log.exists() else ""


class Cluster:
    """PostgreSQL, Redis, action workers, Rasa workers, nginx."""

    def __init__(self, workers: int, action_workers: int):
        self.folder = folder()
        self.logs, self.state = self.folder / "logs", self.folder / "state"
        self.wanted = {"worker": workers, "actions": action_workers}
        self.pools: Dict[str, List[Child]] = {"worker": [], "actions": []}
        self.services: List[Child] = []
        self.nginx = Nginx(self.folder / "nginx", launch.PORT, free_port())
        self.front: Optional[Child] = None
        self.stopping, self.restart_wanted = threading.Event(), threading.Event()
        self.restarts, self.problem = 0, ""
        self.shown: List[List[int]] = []
        self.logs_at = 0.0

    def environment(self) -> Dict[str, str]:
        """What the workers share: the database, the locks, the folder with the secret that signs
        tokens."""
        return {**launch.environment(), "ASSISTANT_STATE": str(self.state), **self.addresses}

    # -- start and end

    def start(self) -> None:
        """Start everything and wait until it can answer. Raises ClusterError."""
        for path in (self.folder, self.logs, self.state):
            path.mkdir(parents=True, exist_ok=True)
        self.logs.chmod(0o700)
        own_database = not os.environ.get("ASSISTANT_DATABASE_URL")
        own_redis = not os.environ.get("ASSISTANT_REDIS_URL")
        install(
            [
                "nginx",
                "logrotate",
                *(["postgres", "initdb"] if own_database else []),
                *(["redis-server"] if own_redis else []),
            ],
            say,
        )
        self.addresses = {
            name: os.environ.get(name, "")
            for name in ("ASSISTANT_DATABASE_URL", "ASSISTANT_REDIS_URL")
        }
        if own_database:
            self.addresses["ASSISTANT_DATABASE_URL"] = self._serve(
                Postgresql(self.folder / "postgresql")
            )
        if own_redis:
            self.addresses["ASSISTANT_REDIS_URL"] = self._serve(Redis(self.folder / "redis"))
        self._write_environment()
        say(
            f"starting {self.wanted['actions']} action workers and {self.wanted['worker']} Rasa"
            " workers"
        )
        for kind in ("actions", "worker"):
            self.pools[kind] = [
                self._worker(kind, number).start() for number in range(1, self.wanted[kind] + 1)
            ]
        for kind in ("actions", "worker"):
            for child in self.pools[kind]:
                self._wait_ready(child, kind)
        self.shown = self._ports()
        self.nginx.write(*self.shown)
        self.front = Child(
            "nginx", self.nginx.command(), self.logs, stop=signal.SIGQUIT, port=self.nginx.port
        ).start()
        self._wait(
            lambda: answers(self.nginx.port, "/webhooks/web/live") is not None, self.front, 20
        )

    def _serve(self, program: Any) -> str:
        """Start PostgreSQL or Redis and wait until it answers; gives its address."""
        program.prepare()
        options = getattr(program, "user", {})
        child = Child(
            program.name,
            program.command(),
            self.logs,
            stop=signal.SIGINT if program.name == "postgresql" else signal.SIGTERM,
            port=program.port,
            **options,
        )
        self.services.append(child.start())
        try:
            program.wait()
        except ClusterError as error:
            raise ClusterError(f"{error}\n{child.last_words()}") from None
        say(f"{program.name} runs on 127.0.0.1:{program.port}")
        return program.url

    def _write_environment(self) -> None:
        """The addresses for `make backup` and the like, in a file for its owner only."""
        file = self.folder / "environment"
        with open(
            os.open(file, os.O_CREAT | os.O_TRUNC | os.O_WRONLY, 0o600), "w", encoding="utf-8"
        ) as handle:
            handle.write(
                "".join(
                    f"{name}='{value}'\n"
                    for name, value in {
                        **self.addresses,
                        "ASSISTANT_STATE": str(self.state),
                    }.items()
                )
            )

    def _worker(self, kind: str, number: int) -> Child:
        """A Rasa worker or an action worker on a free port, not started."""
        port, name = free_port(), f"{kind}-{number}"
        if kind == "actions":
            command = [sys.executable, "-m", "assistant.action_server", str(port)]
        else:
            endpoints = self.folder / "endpoints.yml"
            endpoints.write_text(
                (paths.ROOT / "endpoints.yml")
                .read_text("utf-8")
                .replace(":5055/", f":{self.nginx.action_port}/"),
                "utf-8",
            )
            command = [
                sys.executable,
                "-m",
                "assistant.rasa_cli",
                "run",
                "--interface",
                "127.0.0.1",
                "--port",
                str(port),
                "--model",
                str(launch.MODEL),
                "--endpoints",
                str(endpoints),
                "--credentials",
                "credentials.yml",
            ]
        return Child(name, command, self.logs, env=self.environment(), port=port)

    def _wait_ready(self, child: Child, kind: str) -> None:
        self._wait(lambda: ready(child.port, kind), child, WORKER_LIMIT)
        child.ready = True

    def _wait(self, done: Callable[[], bool], child: Child, limit: float) -> None:
        """Wait until `done()`. Raises ClusterError with the program's own words."""
        end = time.monotonic() + limit
        while not done():
            if self.stopping.is_set():
                raise ClusterError("ended while it was starting")
            if not child.alive or time.monotonic() > end:
                raise ClusterError(
                    f"{child.name}"
                    f" {'ended' if not child.alive else f'is not ready after {limit:.0f} s'}; its"
                    f" last words (from {child.log}):\n{child.last_words()}"
                )
            time.sleep(0.2)

    def end(self) -> None:
        """End what was started: first who takes messages, last where they are kept."""
        if self.front:
            self.front.end(5)
        for kind in ("worker", "actions"):
            for child in self.pools[kind]:
                child.send(child.stop_signal)
            for child in self.pools[kind]:
                child.end()
        for child in reversed(self.services):
            child.end()

    # -- while it runs

    def watch(self) -> None:
        """Look after the processes until `stopping`."""
        threading.Thread(target=self._ask_for_ever, daemon=True).start()
        while not self.stopping.wait(TICK):
            for child in [
                *self.services,
                *self.pools["actions"],
                *self.pools["worker"],
                self.front,
            ]:
                self._revive(child)
            self._show()
            if self.restart_wanted.is_set():
                self._restart()
                self.restart_wanted.clear()
            self._write_status()
            if time.monotonic() >= self.logs_at:
                self.logs_at = time.monotonic() + LOGS_EVERY
                problem = logs.rotate(
                    self.folder, [f"{self.logs}/*.log", f"{self.nginx.folder}/error.log"]
                )
                if problem:
                    say(f"the logs are not set aside, and grow: {problem}")

    def _revive(self, child: Child) -> None:
        """Start a program again that ended by itself, after a pause that doubles each time."""
        if child.alive:
            return
        if not child.again_at:
            child.failures += 1
            pause = min(LONGEST_PAUSE, 0.5 * 2 ** (child.failures - 1))
            child.again_at = time.monotonic() + pause
            say(
                f"{child.name} ended (status {child.process.returncode}); it is started again in"
                f" {pause:.0f} s; its log: {child.log}"
            )
        elif time.monotonic() >= child.again_at:
            child.again_at = 0.0
            child.start()

    def _ask_for_ever(self) -> None:
        """Ask every worker whether it lives: what nginx shows to visitors follows from it."""
        while not self.stopping.wait(ASK_EVERY):
            threads = [
                threading.Thread(target=self._ask, args=(child, kind))
                for kind, pool in self.pools.items()
                for child in pool
            ]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()

    @staticmethod
    def _ask(child: Child, kind: str) -> None:
        if not child.alive:
            child.ready = False
            return
        if not child.ready:
            child.ready = ready(child.port, kind)
            if child.ready:
                child.missed, child.failures, child.left_out = 0, 0, False
                say(f"{child.name} is ready")
            return
        if answers(child.port, "/webhooks/web/live" if kind == "worker" else "/health") is not None:
            if child.missed >= OUT_AFTER:
                say(f"{child.name} answers again")
            child.missed, child.left_out = 0, False
            return
        child.missed += 1
        if child.missed == OUT_AFTER:
            say(f"{child.name} does not answer: no message goes to it")
            child.left_out = True
        if child.missed == HUNG_AFTER:
            say(f"{child.name} hangs: ending it")
            child.send(signal.SIGKILL)

    def _ports(self) -> List[List[int]]:
        """Ports of the workers and action workers that take part; all of them when none does: nginx
        needs one, and the next try may work.

        One that was killed keeps its port and its place, because nginx notices by itself (a refused
        connection) and a reload would close the idle connections of visitors. One that hangs takes
        connections: it is left out until it answers again or its successor is ready.
        """
        return [
            [c.port for c in self.pools[kind] if not c.left_out]
            or [c.port for c in self.pools[kind]]
            for kind in ("worker", "actions")
        ]

    def _show(self) -> None:
        """Let nginx know who takes part, when that changed. It finishes what it had begun."""
        ports = self._ports()
        if ports != self.shown:
            self.shown = ports
            self.nginx.write(*ports)
            self.front.send(signal.SIGHUP)

    def _restart(self) -> None:
        """Replace every worker by a new one that is ready before the old one ends: no message is
        lost, not even with one worker."""
        say("replacing the workers one by one")
        for kind in ("actions", "worker"):
            for place, old in enumerate(list(self.pools[kind])):
                new = self._worker(kind, place + 1).start()
                try:
                    self._wait_ready(new, kind)
                except ClusterError as error:
                    new.end(5)
                    self.problem = str(error)
                    self.restarts += 1
                    say(f"the new {new.name} cannot be used, the old one stays: {error}")
                    return
                self.pools[kind][place] = new
                self._show()
                time.sleep(2)  # nginx's old process passes on what it had accepted
                old.end()
                say(f"{new.name} is replaced")
        self.problem, self.restarts = "", self.restarts + 1
        say("every worker is replaced")

    def _write_status(self) -> None:
        """What runs, for `make cluster-status` and `make cluster-restart`; the workers' metrics,
        for Prometheus (file_sd)."""
        children = [
            *self.services,
            *self.pools["actions"],
            *self.pools["worker"],
            *([self.front] if self.front else []),
        ]
        status = {
            "pid": os.getpid(),
            "port": self.nginx.port,
            "restarts": self.restarts,
            "problem": self.problem,
            "processes": {
                c.name: {"pid": c.process.pid, "port": c.port, "alive": c.alive}
                for c in children
                if c.process
            },
        }
        self._replace("status.json", status)
        self._replace(
            "prometheus.json",
            [
                {
                    "targets": [f"127.0.0.1:{c.port}"],
                    "labels": {"worker": c.name, "__metrics_path__": "/webhooks/web/metrics"},
                }
                for c in self.pools["worker"]
            ],
        )

    def _replace(self, name: str, content: Any) -> None:
        """Write a JSON file that is never seen half written; what did not change is left alone."""
        file = self.folder / name
        part = self.folder / f"{name}.part"
        text = json.dumps(content, indent=1)
        if not file.exists() or file.read_text("utf-8") != text:
            part.write_text(text, "utf-8")
            part.rename(file)


def answers(port: int, path: str) -> Optional[Dict[str, Any]]:
    """The JSON answer of a local server, whatever its status; None when there is none."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=ASK_LIMIT) as answer:
            return json.load(answer)
    except urllib.error.HTTPError as error:
        try:
            return json.load(error)
        except ValueError:
            return None
    except (OSError, ValueError):
        return None


def ready(port: int, kind: str) -> bool:
    """Whether a worker can take messages: an action worker that answers, a Rasa worker with a
    model."""
    if kind == "actions":
        return answers(port, "/health") is not None
    return (answers(port, "/webhooks/web/health") or {}).get("model", "none") != "none"


def number(name: str, usual: int) -> int:
    """A number of workers from the environment. Raises SystemExit."""
    text = os.environ.get(name) or str(usual)
    if not text.isdecimal() or not 1 <= int(text) <= 64:
        raise fail(f"{name}={text}: write a number from 1 to 64")
    return int(text)


def run() -> None:
    """Run the cluster in the foreground. Raises SystemExit."""
    from assistant import check

    problems = check.quick()
    if problems:
        raise fail(
            "the files below need a correction first (`make check` tells more):\n"
            + "\n".join(f"   {p}" for p in problems)
        )
    if launch.port_taken(launch.PORT):
        raise fail(
            f"port {launch.PORT} is taken by another program. Stop it, or choose another: `make"
            f" cluster PORT={launch.PORT + 10}`"
        )
    launch.train()
    cluster = Cluster(number("WORKERS", 2), number("ACTION_WORKERS", 1))
    cluster.folder.mkdir(parents=True, exist_ok=True)
    with (cluster.folder / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise fail(
                f"a cluster runs already in {cluster.folder}: `make cluster-status`"
            ) from None
        for signal_number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(signal_number, lambda *_: cluster.stopping.set())
        signal.signal(signal.SIGHUP, lambda *_: cluster.restart_wanted.set())
        started, problem = time.monotonic(), None
        try:
            cluster.start()
            cluster._write_status()
            say(
                f"ready at http://localhost:{launch.PORT}/webhooks/web/demo after"
                f" {time.monotonic() - started:.0f} s. Logs: {cluster.logs}. Ctrl-C ends it."
            )
            cluster.watch()
            say("ending: messages at hand are answered first")
        except ClusterError as error:
            problem = None if cluster.stopping.is_set() else error
        finally:
            cluster.end()
            for name in ("status.json", "prometheus.json"):
                (cluster.folder / name).unlink(missing_ok=True)
        if problem:
            raise fail(str(problem))
        say("everything that was started is ended")


def status() -> Dict[str, Any]:
    """What the running cluster says of itself. Raises SystemExit when none runs."""
    try:
        found = json.loads((folder() / "status.json").read_text("utf-8"))
        os.kill(found["pid"], 0)
        return found
    except (OSError, ValueError):
        raise fail(f"no cluster runs in {folder()}: `make cluster` starts one") from None


def restart() -> None:
    """Have the running cluster replace its workers, and wait until it has. Raises SystemExit."""
    before = status()
    launch.train()
    os.kill(before["pid"], signal.SIGHUP)
    end = time.monotonic() + WORKER_LIMIT * len(before["processes"])
    while time.monotonic() < end:
        now = status()
        if now["restarts"] > before["restarts"]:
            if now["problem"]:
                raise fail(f"the old workers stay: {now['problem']}")
            say("every worker is replaced")
            return
        time.sleep(0.5)
    raise fail(f"the workers are not replaced; the logs are in {folder() / 'logs'}")


def show_status() -> None:
    """Print what runs and whether it can answer."""
    found = status()
    for name, process in found["processes"].items():
        print(
            f"   {name:<12} process {process['pid']:>7}  127.0.0.1:{process['port']} "
            f" {'runs' if process['alive'] else 'ended'}"
        )
    health = answers(found["port"], "/webhooks/web/health") or {"status": "down"}
    print("   " + ", ".join(f"{key}: {value}" for key, value in health.items()))


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("command", choices=("run", "restart", "status"))
    {"run": run, "restart": restart, "status": show_status}[parser.parse_args().command]()


if __name__ == "__main__":
    main()
