"""The database with several processes, and the commands about it."""

import multiprocessing
import subprocess
import sys
import time

import pytest

from assistant import database, launch, paths, webstore
from tests.support.stores import conversation

DAY = 86400


def open_database(barrier, results):
    barrier.wait()
    try:
        with database.engine().connect() as connection:
            results.put(database.migration_of(connection))
    except Exception as error:
        results.put(repr(error))


def start_together(number=6):
    """What so many processes say that open the same new database at the same time."""
    fork = multiprocessing.get_context("fork")
    barrier, results = fork.Barrier(number), fork.Queue()
    processes = [fork.Process(target=open_database, args=(barrier, results)) for _ in range(number)]
    for process in processes:
        process.start()
    said = [results.get(timeout=60) for _ in processes]
    for process in processes:
        process.join(10)
    return said


def test_processes_that_start_at_once_migrate_once(tmp_path, monkeypatch):
    monkeypatch.setenv("ASSISTANT_STATE", str(tmp_path / "new"))
    database.engine.cache_clear()
    assert set(start_together()) == {database.newest_migration()}
    database.engine.cache_clear()


def test_processes_that_start_at_once_wait_for_a_slow_disk(tmp_path, monkeypatch):
    """A first connection that locks the file for longer than a process waits for a lock (seen in CI
    as "database is locked")."""

    def slow_pragmas(connection, record, pragmas=database._pragmas):
        connection.execute("BEGIN EXCLUSIVE")
        time.sleep(0.3)
        connection.execute("COMMIT")
        pragmas(connection, record)

    monkeypatch.setenv("ASSISTANT_STATE", str(tmp_path / "new"))
    monkeypatch.setattr(database, "SQLITE_WAIT", 0.02)
    monkeypatch.setattr(database, "_pragmas", slow_pragmas)
    database.engine.cache_clear()
    assert set(start_together()) == {database.newest_migration()}
    database.engine.cache_clear()


def make_secret(barrier, results):
    barrier.wait()
    results.put(webstore.secret())


def test_workers_that_start_at_once_share_one_secret(tmp_path, monkeypatch):
    monkeypatch.setenv("ASSISTANT_STATE", str(tmp_path / "new"))
    monkeypatch.delenv("ASSISTANT_SECRET", raising=False)
    fork = multiprocessing.get_context("fork")
    barrier, results = fork.Barrier(8), fork.Queue()
    processes = [fork.Process(target=make_secret, args=(barrier, results)) for _ in range(8)]
    for process in processes:
        process.start()
    secrets = {results.get(timeout=30) for _ in processes}
    assert len(secrets) == 1 and len(secrets.pop()) >= 48
    assert [file.name for file in (tmp_path / "new").iterdir()] == ["secret"] and (
        tmp_path / "new" / "secret"
    ).stat().st_mode & 0o77 == 0


def make(target, state, **more):
    outer = ("ARGS", "MAKEFLAGS", "MAKEOVERRIDES", "MFLAGS", "MAKELEVEL", "ASSISTANT_DATABASE_URL")
    env = {
        **{k: v for k, v in launch.environment().items() if k not in outer},
        "ASSISTANT_STATE": str(state),
    }
    return subprocess.run(
        ["make", "-C", str(paths.ROOT), target, *(f"{k}={v}" for k, v in more.items())],
        env=env,
        capture_output=True,
        text=True,
        timeout=120,
    )


def test_the_commands(state):
    session = conversation(31)
    young = conversation()
    done = make("backup", state)
    assert done.returncode == 0 and "written: " in done.stdout, done.stderr
    file = done.stdout.split("written: ")[1].splitlines()[0]
    assert "conversations without a message for 30 days: 1 deleted" in make(
        "purge", state
    ).stdout and not database.exists(session)
    assert "deleted" in make("erase", state, ID=young).stdout and not database.exists(young)
    missing = make("erase", state, ID=young)
    assert missing.returncode != 0 and "there is no conversation" in missing.stderr
    assert (
        "restored: 0 conversations" in make("restore", state, FILE=file, YES="1").stdout
    )  # one was erased since, one is too old
    for done in (
        make("restore", state),
        make("erase", state),
        make("restore", state, FILE="/nowhere"),
    ):
        assert done.returncode != 0 and "!!" in done.stderr and "Traceback" not in done.stderr


def test_a_wrong_address_is_named(monkeypatch):
    monkeypatch.setenv("ASSISTANT_DATABASE_URL", "mysql://host/database")
    database.engine.cache_clear()
    with pytest.raises(
        database.StoreError, match="ASSISTANT_DATABASE_URL must look like postgresql://"
    ):
        database.engine()
    monkeypatch.setenv("ASSISTANT_DATABASE_URL", "postgresql://somebody:secret@127.0.0.1:1/nowhere")
    with pytest.raises(database.StoreError, match="PostgreSQL .* cannot be used") as error:
        database.engine()
    assert "secret" not in str(error.value)
    done = subprocess.run(
        [sys.executable, "-m", "assistant.retention", "purge"],
        cwd=paths.ROOT,
        env={**launch.environment()},
        capture_output=True,
        text=True,
    )
    assert (
        done.returncode == 1
        and done.stderr.startswith("!! PostgreSQL")
        and "Traceback" not in done.stderr
    )
