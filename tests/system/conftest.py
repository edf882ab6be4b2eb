"""PostgreSQL and Redis of this test run's own, in a folder that PostgreSQL's user can reach; ended
by process id."""

import os
import shutil
import signal
import subprocess
import tempfile
from pathlib import Path

import psycopg2
import pytest

from assistant import database, launch
from assistant.cluster import programs
from tests.support.processes import state
from tests.support.servers import Assistant

NEEDED = ["nginx", "redis-server", "postgres", "initdb", "logrotate"]


#: Fixtures and modules that use them.
USERS = {"reachable_folder", "tests.system.test_cluster_logs"}


def pytest_collection_modifyitems(items):
    packages = programs.missing(NEEDED)
    reason = f"needs programs that are not installed: apt-get install {' '.join(packages)}"
    for item in items:
        if packages and USERS & {*getattr(item, "fixturenames", ()), item.module.__name__}:
            item.add_marker(pytest.mark.skip(reason=reason))


@pytest.fixture(scope="session")
def reachable_folder():
    """A folder that every user may enter: PostgreSQL does not run as root."""
    path = Path(tempfile.mkdtemp(prefix="assistant-test-"))
    path.chmod(0o755)
    yield path
    shutil.rmtree(path)


class Server:
    """PostgreSQL or Redis, which a test stops, hangs and starts again."""

    def __init__(self, program):
        self.program, self.process = program, None
        program.prepare()

    def start(self):
        self.process = subprocess.Popen(
            self.program.command(),
            cwd="/",
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            **getattr(self.program, "user", {}),
        )
        self.program.wait()
        return self

    def stop(self):
        self.hang(False)
        self.process.send_signal(signal.SIGINT)
        self.process.wait(30)

    def family(self):
        """The process and its children (PostgreSQL answers from a process of its own for each
        connection)."""
        found = subprocess.run(
            ["ps", "-o", "pid=", "--ppid", str(self.process.pid)], capture_output=True, text=True
        ).stdout.split()
        return [self.process.pid, *map(int, found)]

    def revive(self):
        """Start it again, or let it go on, after whatever a test did."""
        if self.process.poll() is not None:
            self.start()
        else:
            self.hang(False)

    def hangs(self):
        """Whether all of it is stopped."""
        return all(state(pid) == "T" for pid in self.family())

    def hang(self, yes=True):
        for pid in self.family():
            os.kill(pid, signal.SIGSTOP if yes else signal.SIGCONT)


@pytest.fixture(scope="session")
def postgresql(reachable_folder):
    server = Server(programs.Postgresql(reachable_folder / "postgresql")).start()
    yield server
    server.stop()


@pytest.fixture(scope="session")
def redis_server(reachable_folder):
    server = Server(programs.Redis(reachable_folder / "redis")).start()
    yield server
    server.stop()


@pytest.fixture
def empty_database(postgresql, tmp_path, monkeypatch):
    """A new PostgreSQL database of this test's own, in use by this process."""
    name = f"test_{os.urandom(4).hex()}"
    server = psycopg2.connect(postgresql.program.url)
    server.autocommit = True
    server.cursor().execute(f"CREATE DATABASE {name}")
    monkeypatch.setenv("ASSISTANT_STATE", str(tmp_path / "state"))
    monkeypatch.setenv(
        "ASSISTANT_DATABASE_URL", postgresql.program.url.rsplit("/", 1)[0] + "/" + name
    )
    database.engine.cache_clear()
    yield name
    if database.engine.cache_info().currsize:
        database.engine().dispose()
    database.engine.cache_clear()
    server.cursor().execute(f"DROP DATABASE {name} WITH (FORCE)")
    server.close()


@pytest.fixture(scope="session")
def pair(postgresql, redis_server, tmp_path_factory):
    """Two workers with one database, one Redis, one secret, and an action server each."""
    launch.train()
    folder = tmp_path_factory.mktemp("pair")
    shared = {
        "ASSISTANT_STATE": str(folder / "state"),
        "ASSISTANT_DATABASE_URL": postgresql.program.url,
        "ASSISTANT_REDIS_URL": redis_server.program.url,
    }
    workers = []
    try:
        for name in ("one", "two"):
            (folder / name).mkdir()
            workers.append(Assistant(folder / name, **shared))
        for worker in workers:
            worker.wait()
        yield workers
    finally:
        for worker in workers:
            worker.end()
