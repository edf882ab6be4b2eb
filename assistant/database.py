"""The assistant's database: Rasa's events, the website channel's sessions and turns, feedback,
requests to the clinic.

A SQLite file in WAL mode by default; PostgreSQL when ASSISTANT_DATABASE_URL names one
(docs/stores.md).
"""

import asyncio
import contextlib
import fcntl
import functools
import hashlib
import os
import time
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as FutureTimeout
from pathlib import Path
from typing import (
    Any,
    Callable,
    Dict,
    FrozenSet,
    Iterator,
    List,
    Optional,
    Set,
    Type,
    TypeVar,
)

import sqlalchemy as sa

from assistant import paths

#: Seconds: most that one use of the database may take, then how long a failing one is left alone
#: (or not waited for) before it is tried again.
DEADLINE, PAUSE = 3.0, 2.0
#: Seconds to wait for a lock of the SQLite file that another process holds.
SQLITE_WAIT = 2.0
#: Milliseconds that folding the log waits for whoever reads the file.
FOLD_WAIT = 100
#: Pages (of 4 KB) that one step of `shrink` takes from the end of the SQLite file, and seconds that
#: others have between two steps.
PAGES, BREATH = 200, 0.01
MIGRATIONS = Path(__file__).resolve().parent / "migrations"
#: What PRAGMA auto_vacuum says of a file that shrinks when it is asked to.
INCREMENTAL = 2
#: Any number: who migrates a PostgreSQL database holds the advisory lock of this name.
MIGRATION_LOCK = 36_210_007

metadata = sa.MetaData()
sessions = sa.Table(
    "web_sessions",
    metadata,
    sa.Column("id", sa.String(64), primary_key=True),
    sa.Column("created", sa.Float, nullable=False),
    sa.Column("expires", sa.Float, nullable=False, index=True),
)
#: A message and the turn that answers it; `turn` is empty while it is being answered. `client_id`
#: is empty for the greeting alone.
turns = sa.Table(
    "web_turns",
    metadata,
    sa.Column("number", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("session", sa.String(64), nullable=False, index=True),
    sa.Column("created", sa.Float, nullable=False),
    sa.Column("client_id", sa.String(80)),
    sa.Column("visitor", sa.Text),
    sa.Column("turn", sa.Text, nullable=False),
    sa.Index("ix_web_turns_client", "session", "client_id", unique=True),
)
choices = sa.Table(
    "web_choices",
    metadata,
    sa.Column("id", sa.String(32), primary_key=True),
    sa.Column("session", sa.String(64), nullable=False, index=True),
    sa.Column("title", sa.Text, nullable=False),
    sa.Column("meaning", sa.Text, nullable=False),
)
feedback = sa.Table(
    "feedback",
    metadata,
    sa.Column("number", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("session", sa.String(64), nullable=False, index=True),
    sa.Column("created", sa.Float, nullable=False),
    sa.Column("turn", sa.String(32), nullable=False),
    sa.Column("topic", sa.String(64)),
    sa.Column("vote", sa.String(4), nullable=False),
    sa.Column("comment", sa.Text),
)
#: A visitor's request to be contacted. `status`: draft (the form is still open), open, done.
contact_requests = sa.Table(
    "contact_requests",
    metadata,
    sa.Column("id", sa.String(32), primary_key=True),
    sa.Column("session", sa.String(64), nullable=False, index=True),
    sa.Column("status", sa.String(8), nullable=False, index=True),
    sa.Column("created", sa.Float, nullable=False),
    sa.Column("changed", sa.Float, nullable=False),
    sa.Column("name", sa.Text),
    sa.Column("phone", sa.Text),
    sa.Column("email", sa.Text),
    sa.Column("best_time", sa.Text),
    sa.Column("question", sa.Text),
    sa.Column("topics", sa.Text),
)
#: What still has to reach the clinic, or did. The id is the transaction's: the mail's Message-ID,
#: the webhook's idempotency key.
contact_outbox = sa.Table(
    "contact_outbox",
    metadata,
    sa.Column("id", sa.String(40), primary_key=True),
    sa.Column("request", sa.String(32), nullable=False, index=True),
    sa.Column("session", sa.String(64), nullable=False, index=True),
    sa.Column("created", sa.Float, nullable=False),
    sa.Column("attempts", sa.Integer, nullable=False, default=0),
    sa.Column("next_try", sa.Float, nullable=False, index=True),
    sa.Column("claimed_by", sa.String(40)),
    sa.Column("claimed_until", sa.Float),
    sa.Column("sent", sa.Float),
    sa.Column("problem", sa.Text),
)
#: Rasa's own table (rasa.core.tracker_store.SQLTrackerStore.SQLEvent): made here, so that several
#: workers do not make it at once.
events = sa.Table(
    "events",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("sender_id", sa.String(255), nullable=False, index=True),
    sa.Column("type_name", sa.String(255), nullable=False),
    sa.Column("timestamp", sa.Float),
    sa.Column("intent_name", sa.String(255)),
    sa.Column("action_name", sa.String(255)),
    sa.Column("data", sa.Text),
    sa.Index("ix_events_kind", "sender_id", "type_name", "action_name"),
)
#: When a task that one of several processes does for all was last begun.
schedule = sa.Table(
    "schedule",
    metadata,
    sa.Column("task", sa.String(40), primary_key=True),
    sa.Column("begun", sa.Float, nullable=False),
)

#: Fingerprints of conversations that were erased, so that a restored backup does not bring them
#: back.
erased = sa.Table(
    "erased",
    metadata,
    sa.Column("fingerprint", sa.String(64), primary_key=True),
    sa.Column("at", sa.Float, nullable=False),
)

Result = TypeVar("Result")


class StoreError(RuntimeError):
    """The database cannot be used; the message says which and what to do."""


def path() -> Path:
    """The SQLite file."""
    return paths.state_folder() / "assistant.sqlite"


def url() -> Optional[str]:
    """The PostgreSQL database that ASSISTANT_DATABASE_URL names, or None. Raises StoreError."""
    given = os.environ.get("ASSISTANT_DATABASE_URL", "").strip()
    if not given:
        return None
    if not given.startswith(("postgresql://", "postgres://")):
        raise StoreError(
            "ASSISTANT_DATABASE_URL must look like postgresql://user:password@host:5432/database;"
            " leave it out to use a SQLite file"
        )
    return "postgresql+psycopg2://" + given.split("://", 1)[1]


@functools.cache
def engine() -> sa.engine.Engine:
    """The one engine of this process, its tables up to date. Raises StoreError."""
    address = url()
    return connect_postgresql(address) if address else connect(path())


def connect(file: Path) -> sa.engine.Engine:
    """An engine for the SQLite `file` in WAL mode, whose deleted rows are overwritten. Raises
    StoreError."""
    try:
        paths.own_file(file)
        result = sa.create_engine(
            f"sqlite:///{file}",
            connect_args={"check_same_thread": False, "timeout": SQLITE_WAIT},
            poolclass=sa.pool.QueuePool,
            hide_parameters=True,
        )
        sa.event.listen(result, "connect", _pragmas)
        sa.event.listen(result, "checkout", _patience)
        migrate(result)
    except (OSError, sa.exc.DBAPIError) as error:
        reason = str(getattr(error, "orig", error))
        raise StoreError(
            f"the conversation store {file} cannot be used ({reason}): make the folder writable, or"
            " set ASSISTANT_STATE to one that is"
        ) from error
    return result


def connect_postgresql(address: str) -> sa.engine.Engine:
    """An engine for PostgreSQL that notices a restarted server and waits for nothing longer than
    DEADLINE. Raises StoreError."""
    limit = int(DEADLINE * 1000)
    options = (
        f"-c statement_timeout={limit} -c lock_timeout={limit} -c"
        " idle_in_transaction_session_timeout=30000"
    )
    arguments = {
        "connect_timeout": int(DEADLINE),
        "options": options,
        "keepalives_idle": 30,
        "application_name": "microneedling-assistant",
    }
    result = sa.create_engine(
        address,
        connect_args=arguments,
        pool_pre_ping=True,
        pool_size=8,
        max_overflow=8,
        pool_timeout=DEADLINE,
        hide_parameters=True,
    )
    try:
        migrate(result)
    except sa.exc.DBAPIError as error:
        reason = str(error.orig).strip().splitlines()[0]
        raise StoreError(
            f"PostgreSQL ({result.url!r}) cannot be used ({reason}): start it, or correct"
            " ASSISTANT_DATABASE_URL"
        ) from error
    return result


def _pragmas(connection, _record) -> None:
    # auto_vacuum counts for a new file only, and has to come before WAL mode, which writes the
    # first page.
    for pragma in (
        "auto_vacuum=INCREMENTAL",
        "journal_mode=WAL",
        "synchronous=NORMAL",
        "secure_delete=ON",
        "foreign_keys=ON",
    ):
        connection.execute(f"PRAGMA {pragma}")


def newest_migration() -> str:
    """The number of the newest file of assistant/migrations/versions."""
    return max(file.name[:4] for file in (MIGRATIONS / "versions").glob("[0-9]*.py"))


def migration_of(connection: Any) -> Optional[str]:
    """The number of the migration that the database is at, or None for a new one."""
    if not sa.inspect(connection).has_table("alembic_version"):
        return None
    return connection.execute(sa.text("SELECT version_num FROM alembic_version")).scalar()


def migrate(target: sa.engine.Engine) -> None:
    """Bring the tables up to date; several processes may do so at once. Raises StoreError for a
    database of a newer version."""
    with _one_at_a_time(target):
        with target.connect() as connection:
            if migration_of(connection) == newest_migration():
                return
        from alembic import command
        from alembic.config import Config

        with target.begin() as connection:
            if target.dialect.name == "postgresql":
                _wait_for_migrations(connection)
            at = migration_of(connection)
            if at and at > newest_migration():
                raise StoreError(
                    f"the database was made by a newer version of the assistant (migration {at},"
                    f" known here up to {newest_migration()}): update, or restore a backup"
                )
            settings = Config()
            settings.set_main_option("script_location", str(MIGRATIONS))
            settings.attributes["connection"] = connection
            command.upgrade(settings, "head")


@contextlib.contextmanager
def _one_at_a_time(target: sa.engine.Engine) -> Iterator[None]:
    """Among the processes that start with a SQLite file, one at a time: from its first connection
    on, which sets WAL mode.

    Setting it locks the whole file for as long as the disk takes, and SQLite gives up at once where
    two would wait for each other (https://www.sqlite.org/wal.html, section 9), whatever SQLITE_WAIT
    says.
    """
    if target.dialect.name != "sqlite":
        yield
        return
    lock = Path(target.url.database + ".lock")
    paths.own_file(lock)
    with lock.open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)  # released when the file is closed
        yield


def _wait_for_migrations(connection: Any) -> None:
    """Wait, inside a transaction of PostgreSQL, until no other process migrates."""
    for limit in ("statement_timeout", "lock_timeout"):
        connection.execute(sa.text(f"SET LOCAL {limit} = '120s'"))
    connection.execute(sa.text("SELECT pg_advisory_xact_lock(:name)"), {"name": MIGRATION_LOCK})


_threads = ThreadPoolExecutor(16, thread_name_prefix="database")
#: SQLite writes one thing at a time: one thread keeps the order without any waiting for locks of
#: our own.
_one_thread = ThreadPoolExecutor(1, thread_name_prefix="sqlite")
_left_alone_until = _impatient_until = 0.0


async def reach(
    work: Callable[..., Result],
    *arguments: Any,
    expected: Type[Exception] = StoreError,
    deadline: Optional[float] = None,
) -> Result:
    """Do `work` with the database. Raises StoreError when the database cannot be used, and whatever
    `expected` error `work` raises.

    It is used from a thread and for `deadline` seconds (DEADLINE) at most, so that a server that
    hangs or a SQLite file that another process has locked stops no other visitor. After a failure
    PostgreSQL is left alone for PAUSE seconds; SQLite is then not waited for (`_patience`), because
    reading it goes on while others hold the lock. What ran out of time may be done later all the
    same: `work` has to be something that may be done twice.
    """
    local = url() is None
    try:
        return await asyncio.wait_for(
            asyncio.get_running_loop().run_in_executor(
                _one_thread if local else _threads,
                functools.partial(_unless_left_alone, work, *arguments),
            ),
            DEADLINE if deadline is None else deadline,
        )
    except LeftAlone:
        raise
    except asyncio.TimeoutError as error:
        if deadline is None or deadline >= DEADLINE:
            _leave_alone()
        raise StoreError("the database did not answer in time") from error
    except StoreError:
        if not local:
            _leave_alone()
        raise
    except expected:
        raise
    except (sa.exc.SQLAlchemyError, OSError) as error:
        if not local and not isinstance(error, (sa.exc.IntegrityError, sa.exc.DataError)):
            _leave_alone()
        if local and "locked" in str(getattr(error, "orig", "")):
            _impatient()
        raise StoreError(f"the database cannot be used: {type(error).__name__}") from error


class LeftAlone(StoreError):
    """The database failed a moment ago and is not tried now."""


def _leave_alone() -> None:
    global _left_alone_until
    _left_alone_until = time.monotonic() + PAUSE


def _impatient() -> None:
    global _impatient_until
    _impatient_until = time.monotonic() + PAUSE


def _unless_left_alone(work: Callable[..., Result], *arguments: Any) -> Result:
    """What `work` gives. Also what stood in line behind a failure is refused at once."""
    if time.monotonic() < _left_alone_until:
        raise LeftAlone("the database did not answer a moment ago")
    return work(*arguments)


def _patience(connection: Any, *_: Any) -> None:
    """How long a connection that is being taken waits for a lock of the SQLite file: not at all
    when that was in vain a moment ago."""
    seconds = 0.0 if time.monotonic() < _impatient_until else SQLITE_WAIT
    connection.execute(f"PRAGMA busy_timeout={int(seconds * 1000)}")


def problem(seconds: float) -> str:
    """Why the database cannot be used, tried for so many seconds; an empty text when it can."""
    try:
        _one_thread.submit(engine).result(seconds)
    except StoreError as error:
        return str(error)
    except FutureTimeout:
        return f"the conversation store {path()} does not answer"
    return ""


def insert_or_ignore(table: sa.Table) -> Any:
    """An INSERT that does nothing when the row is there already; for one row its `rowcount` says
    whether it was not."""
    from sqlalchemy.dialects import postgresql, sqlite

    dialect = postgresql if engine().dialect.name == "postgresql" else sqlite
    return dialect.insert(table).on_conflict_do_nothing()


def conversation_columns() -> List[sa.Column]:
    """In every table with something of a conversation, the column that holds the conversation's
    id."""
    return [
        turns.c.session,
        choices.c.session,
        feedback.c.session,
        sessions.c.id,
        events.c.sender_id,
    ]


def request_columns() -> List[sa.Column]:
    """In every table with something of a request to the clinic, the column that holds the
    conversation's id."""
    return [contact_requests.c.session, contact_outbox.c.session]


def erase(session: str, keep_token: bool = False) -> None:
    """Delete everything of one conversation, Rasa's events and contact requests included. A
    fingerprint of its random id stays, for restored backups.

    With `keep_token` the bare session stays (a random id and two dates), so that the visitor can go
    on.
    """
    with engine().begin() as connection:
        alone_with(connection, session)
        for column in [*conversation_columns(), *request_columns()]:
            if not (keep_token and column is sessions.c.id):
                connection.execute(column.table.delete().where(column == session))
        connection.execute(
            insert_or_ignore(erased), {"fingerprint": fingerprint(session), "at": time.time()}
        )
    fold()


def alone_with(connection: Any, session: str) -> None:
    """Until the end of this transaction nobody else who calls this writes to the conversation:
    between a look at it and a change nothing happens."""
    if engine().dialect.name == "postgresql":
        connection.execute(
            sa.text("SELECT pg_advisory_xact_lock(hashtextextended(:session, 0))"),
            {"session": session},
        )
    else:
        connection.execute(sa.text("BEGIN IMMEDIATE"))


def is_erased(connection: Any, session: str) -> bool:
    """Whether a conversation was erased for good: one whose visitor goes on under the same token
    has its bare session still."""
    gone = sa.select([erased.c.at]).where(erased.c.fingerprint == fingerprint(session))
    return (
        connection.execute(gone).first() is not None
        and connection.execute(sa.select([sessions.c.id]).where(sessions.c.id == session)).first()
        is None
    )


def fingerprint(session: str) -> str:
    """SHA-256 of a conversation's id."""
    return hashlib.sha256(session.encode()).hexdigest()


def living() -> Set[str]:
    """Fingerprints of the conversations whose token is good: also of those whose visitor had
    everything deleted and goes on."""
    with engine().connect() as connection:
        return {fingerprint(row.id) for row in connection.execute(sa.select([sessions.c.id]))}


def erase_again(before: List[Dict[str, Any]], alive: FrozenSet[str] = frozenset()) -> None:
    """Delete from a restored backup what was erased: rows of `erased` as they were before. Of a
    conversation that went on afterwards (`alive`: fingerprints) only what is older than that."""
    gone = {row["fingerprint"]: row["at"] for row in before}
    with engine().connect() as connection:
        known = {
            row[0]
            for column in [*conversation_columns(), *request_columns()]
            for row in connection.execute(sa.select([column]).distinct())
        }
    for session in known:
        name = fingerprint(session)
        if name in gone and name in alive:
            _erase_older(session, gone[name])
        elif name in gone:
            erase(session)
    with engine().begin() as connection:
        for row in before:
            connection.execute(insert_or_ignore(erased), dict(row))
    fold()


def _erase_older(session: str, at: float) -> None:
    """Delete what a conversation has from before the moment `at`, but its token."""
    dated = (
        (turns.c.session, turns.c.created),
        (feedback.c.session, feedback.c.created),
        (events.c.sender_id, events.c.timestamp),
        (contact_requests.c.session, contact_requests.c.created),
        (contact_outbox.c.session, contact_outbox.c.created),
    )
    with engine().begin() as connection:
        alone_with(connection, session)
        for owner, moment in dated:
            connection.execute(owner.table.delete().where(owner == session, moment <= at))


def exists(session: str) -> bool:
    """Whether anything of a conversation is stored."""
    with engine().connect() as connection:
        return any(
            connection.execute(sa.select([column]).where(column == session).limit(1)).first()
            for column in [*conversation_columns(), *request_columns()]
        )


def place() -> str:
    """Where the database is, for messages; without a password."""
    return str(path()) if url() is None else repr(engine().url)


def plain_url() -> str:
    """PostgreSQL's address for its own programs, without the password."""
    full = engine().url
    return sa.engine.URL.create(
        "postgresql", full.username, None, full.host, full.port, full.database, full.query
    ).render_as_string()


def shrink() -> None:
    """Give the space of deleted rows back, in small steps, so that whoever writes meanwhile waits
    for none of them.

    A SQLite file that was made before it could shrink keeps its size (what was deleted is
    overwritten all the same): `convert` changes that.
    """
    if engine().dialect.name == "postgresql":
        with engine().connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(sa.text("SET statement_timeout = 0"))
            connection.execute(sa.text("VACUUM"))
            connection.invalidate()  # with its own settings this connection is of no further use
        return
    with engine().connect() as connection:
        cursor = connection.connection.cursor()
        if cursor.execute("PRAGMA auto_vacuum").fetchone()[0] == INCREMENTAL:
            while cursor.execute("PRAGMA freelist_count").fetchone()[0]:
                # Each row that is fetched frees a page.
                cursor.execute(f"PRAGMA incremental_vacuum({PAGES})").fetchall()
                time.sleep(BREATH)
        cursor.close()
    fold()


def convert() -> None:
    """Let a SQLite file of an earlier time shrink in small steps from now on. Rewrites the file
    once, under one lock of seconds: never in a process that serves.

    Raises StoreError when others are using the file just then.
    """
    if engine().dialect.name != "sqlite":
        return
    try:
        _rewrite()
    except sa.exc.OperationalError as error:
        raise StoreError(
            f"{path()} is in use and was not rewritten ({error.orig}): `make purge` again when"
            " fewer people write"
        ) from error
    fold()


def _rewrite() -> None:
    with engine().connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        if connection.execute(sa.text("PRAGMA auto_vacuum")).scalar() != INCREMENTAL:
            connection.execute(sa.text("PRAGMA auto_vacuum=INCREMENTAL"))
            connection.execute(sa.text("VACUUM"))


def fold() -> bool:
    """Fold SQLite's write-ahead log into the file, so that no copy of a deleted row stays in it.
    False when somebody reads the file just then (a backup, a database browser): the hourly tidying
    tries again each minute."""
    if engine().dialect.name != "sqlite":
        return True
    with engine().connect() as connection:
        connection.execute(sa.text(f"PRAGMA busy_timeout={FOLD_WAIT}"))
        busy = connection.execute(sa.text("PRAGMA wal_checkpoint(TRUNCATE)")).first()[0]
    return not busy
