"""Back-up of the conversations, and bringing one back.

    python -m assistant.backup backup            writes var/backups/assistant-<time>.sqlite (or
    .dump, from PostgreSQL) python -m assistant.backup restore FILE      replaces what is stored by
    that copy

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
from pathlib import Path
from typing import List

import sqlalchemy as sa

from assistant import clinic, database, paths, retention


def folder() -> Path:
    """Where backups are kept."""
    return paths.state_folder() / "backups"


def backup() -> Path:
    """Write a consistent copy of the database while the assistant goes on. Raises StoreError."""
    engine, target = database.engine(), folder()
    target.mkdir(mode=0o700, parents=True, exist_ok=True)
    moment = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
    ending = ".sqlite" if engine.dialect.name == "sqlite" else ".dump"
    file = target / f"assistant-{moment}{ending}"
    part = file.with_suffix(".part")
    with open(os.open(part, os.O_CREAT | os.O_TRUNC | os.O_WRONLY, 0o600), "w"):
        pass
    if engine.dialect.name == "sqlite":
        with sqlite3.connect(database.path()) as source, sqlite3.connect(part) as copy:
            source.backup(copy)
        _must_be_whole(part)
    else:
        _postgresql("pg_dump", "--format=custom", "--no-owner", "--no-privileges", f"--file={part}")
    part.rename(file)
    return file


def restore(file: Path) -> int:
    """Replace everything that is stored by the copy in `file`. Gives the number of conversations.
    Raises StoreError."""
    engine = database.engine()
    if not file.is_file():
        raise database.StoreError(f"there is no file {file}; the backups are in {folder()}")
    with engine.connect() as connection:
        erased = [dict(row) for row in connection.execute(sa.select([database.erased])).mappings()]
    alive = frozenset(database.living())
    if engine.dialect.name == "sqlite":
        _must_be_whole(file)
        with sqlite3.connect(file) as copy, sqlite3.connect(database.path(), timeout=30) as target:
            copy.backup(target)
    else:
        if file.read_bytes()[:5] != b"PGDMP":
            raise database.StoreError(f"{file} is not a backup from PostgreSQL")
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
        with sqlite3.connect(f"file:{file}?mode=ro&immutable=1", uri=True) as connection:
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


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("command", choices=("backup", "restore"))
    parser.add_argument("file", nargs="?", type=Path, help="the backup to bring back")
    args = parser.parse_args()
    try:
        if args.command == "backup":
            print(f"-- written: {backup()}")
        elif args.file is None:
            sys.exit(f"!! say which backup: make restore FILE={folder()}/assistant-...")
        else:
            print(f"-- restored: {restore(args.file)} conversations")
    except database.StoreError as error:
        sys.exit(f"!! {error}")


if __name__ == "__main__":
    main()
