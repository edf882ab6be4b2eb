"""Back-up of the conversations, and bringing one back.

    python -m assistant.backup backup                  writes var/backups/assistant-<time>.sqlite
                                                       (or .dump, from PostgreSQL)
    python -m assistant.backup restore FILE [--yes]    replaces what is stored by that copy; asks
                                                       before, and keeps a copy of what is replaced

Conversations that were erased after the copy was made are erased from it again, and what is too old
is purged.
"""

import argparse
import os
import shutil
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path
from typing import List

import sqlalchemy as sa

from assistant import clinic, database, paths, retention, running


def folder() -> Path:
    """Where backups are kept."""
    return paths.state_folder() / "backups"


def backup(why: str = "") -> Path:
    """Write a consistent copy of the database while the assistant goes on; `why` becomes a part of
    its name. Raises StoreError."""
    engine, target = database.engine(), folder()
    target.mkdir(mode=0o700, parents=True, exist_ok=True)
    moment = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
    ending = ".sqlite" if engine.dialect.name == "sqlite" else ".dump"
    file = target / f"assistant-{moment}{why}{ending}"
    part = file.with_suffix(".part")
    with open(os.open(part, os.O_CREAT | os.O_TRUNC | os.O_WRONLY, 0o600), "w"):
        pass
    if engine.dialect.name == "sqlite":
        with (
            closing(sqlite3.connect(database.path())) as source,
            closing(sqlite3.connect(part)) as copy,
        ):
            source.backup(copy)
        _must_be_whole(part)
        for ending in ("-shm", "-wal"):  # what SQLite keeps beside a file while it is open
            part.with_name(part.name + ending).unlink(missing_ok=True)
    else:
        _postgresql("pg_dump", "--format=custom", "--no-owner", "--no-privileges", f"--file={part}")
    part.rename(file)
    return file


def restore(file: Path) -> int:
    """Replace everything that is stored by the copy in `file`. Gives the number of conversations.
    Raises StoreError."""
    engine = database.engine()
    checked(file)
    with engine.connect() as connection:
        erased = [dict(row) for row in connection.execute(sa.select([database.erased])).mappings()]
    alive = frozenset(database.living())
    if engine.dialect.name == "sqlite":
        with (
            closing(sqlite3.connect(file)) as copy,
            closing(sqlite3.connect(database.path(), timeout=30)) as target,
        ):
            copy.backup(target)
    else:
        _postgresql(
            "pg_restore",
            "--clean",
            "--if-exists",
            "--no-owner",
            "--no-privileges",
            "--single-transaction",
            "--dbname",
            database.plain_url(),
            str(file),
        )
    engine.dispose()
    database.migrate(engine)
    database.erase_again(erased, alive)
    privacy = clinic.load_clinic().privacy
    retention.purge(privacy.retention_days, privacy.requests_days)
    with engine.connect() as connection:
        return connection.execute(
            sa.select([sa.func.count()]).select_from(database.sessions)
        ).scalar()


def _must_be_whole(file: Path) -> None:
    """Raises StoreError unless `file` is an undamaged SQLite database of the assistant. Leaves no
    file beside it."""
    try:
        source = f"file:{file}?mode=ro&immutable=1"
        with closing(sqlite3.connect(source, uri=True)) as connection:
            verdict = connection.execute("PRAGMA integrity_check").fetchone()[0]
            connection.execute("SELECT version_num FROM alembic_version").fetchone()
    except sqlite3.Error as error:
        raise database.StoreError(f"{file} is not a usable backup: {error}") from error
    if verdict != "ok":
        raise database.StoreError(f"{file} is damaged: {verdict}")


def _postgresql(program: str, *arguments: str) -> None:
    """Run one of PostgreSQL's programs on our database; the password goes by the environment.
    Raises StoreError with its words."""
    if shutil.which(program) is None:
        raise database.StoreError(
            f"{program} is not installed. On Debian and Ubuntu: apt-get install postgresql-client"
        )
    command: List[str] = [program, *arguments]
    if "--dbname" not in arguments:
        command += ["--dbname", database.plain_url()]
    done = subprocess.run(
        command,
        capture_output=True,
        text=True,
        env={**os.environ, "PGPASSWORD": database.engine().url.password or ""},
    )
    if done.returncode:
        raise database.StoreError(f"{program} failed: {done.stderr.strip()[-500:]}")


def agreed(file: Path) -> bool:
    """Whether the person at the terminal wants everything replaced by `file`. Raises SystemExit
    where nobody can be asked."""
    if not sys.stdin.isatty():
        sys.exit("!! it replaces everything that is stored: say so with `make restore ... YES=1`")
    made = time.strftime("%Y-%m-%d %H:%M", time.localtime(file.stat().st_mtime))
    print(f"Everything that is stored is replaced by the copy of {made}. What came later is lost")
    return input("here, and kept in a copy of its own. Go on? [y/N] ").strip().lower() in Y


#: What counts as a yes.
Y = ("y", "yes")


def checked(file: Path) -> Path:
    """`file`, when it can be brought back. Raises StoreError."""
    if not file.is_file():
        raise database.StoreError(f"there is no file {file}; the backups are in {folder()}")
    if database.url() is None:
        _must_be_whole(file)
    elif file.read_bytes()[:5] != b"PGDMP":
        raise database.StoreError(f"{file} is not a backup from PostgreSQL")
    return file


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("command", choices=("backup", "restore"))
    parser.add_argument("file", nargs="?", type=Path, help="the backup to bring back")
    parser.add_argument("--yes", action="store_true", help="replace without a question")
    args = parser.parse_args()
    try:
        print(f"-- {running.choose()}")
        if args.command == "backup":
            print(f"-- written: {backup()}")
        elif args.file is None:
            sys.exit(f"!! say which backup: make restore FILE={folder()}/assistant-...")
        elif args.yes or agreed(checked(args.file)):
            checked(args.file)
            print(f"-- what is replaced is kept: {backup('-before-restore')}")
            print(f"-- restored: {restore(args.file)} conversations")
        else:
            sys.exit("!! nothing is replaced")
    except database.StoreError as error:
        sys.exit(f"!! {error}")


if __name__ == "__main__":
    main()
