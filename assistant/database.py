"""The assistant's SQLite file: Rasa's events, the website channel's sessions and turns, feedback, requests to the clinic."""
import functools
from pathlib import Path

import sqlalchemy as sa

from assistant import paths

metadata = sa.MetaData()
sessions = sa.Table(
    "web_sessions", metadata,
    sa.Column("id", sa.String(64), primary_key=True),
    sa.Column("created", sa.Float, nullable=False),
    sa.Column("expires", sa.Float, nullable=False, index=True),
)
turns = sa.Table(
    "web_turns", metadata,
    sa.Column("number", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("session", sa.String(64), nullable=False, index=True),
    sa.Column("created", sa.Float, nullable=False),
    sa.Column("client_id", sa.String(80)),
    sa.Column("visitor", sa.Text),
    sa.Column("turn", sa.Text, nullable=False),
    sa.Index("ix_web_turns_client", "session", "client_id"),
)
choices = sa.Table(
    "web_choices", metadata,
    sa.Column("id", sa.String(32), primary_key=True),
    sa.Column("session", sa.String(64), nullable=False, index=True),
    sa.Column("title", sa.Text, nullable=False),
    sa.Column("meaning", sa.Text, nullable=False),
)
feedback = sa.Table(
    "feedback", metadata,
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
    "contact_requests", metadata,
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
#: What still has to reach the clinic, or did. The id is the transaction's: the mail's Message-ID, the webhook's idempotency key.
contact_outbox = sa.Table(
    "contact_outbox", metadata,
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


class StoreError(RuntimeError):
    """The database file cannot be used; the message says which and what to do."""


def path() -> Path:
    """The database file."""
    return paths.state_folder() / "assistant.sqlite"


@functools.cache
def engine() -> sa.engine.Engine:
    """The one engine of this process, its tables made. Raises StoreError."""
    return connect(path())


def connect(file: Path) -> sa.engine.Engine:
    """An engine for `file` in WAL mode, whose deleted rows are overwritten. Raises StoreError."""
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        result = sa.create_engine(f"sqlite:///{file}", connect_args={"check_same_thread": False, "timeout": 5}, poolclass=sa.pool.QueuePool, hide_parameters=True)
        sa.event.listen(result, "connect", _pragmas)
        metadata.create_all(result)
    except (OSError, sa.exc.DBAPIError) as error:
        reason = str(getattr(error, "orig", error))
        raise StoreError(f"the conversation store {file} cannot be used ({reason}): make the folder writable, or set ASSISTANT_STATE to one that is") from error
    return result


def _pragmas(connection, _record) -> None:
    for pragma in ("journal_mode=WAL", "synchronous=NORMAL", "secure_delete=ON", "foreign_keys=ON"):
        connection.execute(f"PRAGMA {pragma}")


def erase(session: str, keep_token: bool = False) -> None:
    """Delete everything of one conversation, Rasa's events and contact requests included, and fold the write-ahead log so that no copy stays in it.

    With `keep_token` the bare session stays (a random id and two dates), so that the visitor can go on.
    """
    with engine().begin() as connection:
        for table in (turns, choices, feedback, contact_requests, contact_outbox):
            connection.execute(table.delete().where(table.c.session == session))
        if not keep_token:
            connection.execute(sessions.delete().where(sessions.c.id == session))
        if sa.inspect(connection).has_table("events"):
            connection.execute(sa.text("DELETE FROM events WHERE sender_id = :id"), {"id": session})
    fold()


def fold() -> None:
    """Fold the write-ahead log into the file, so that no copy of a deleted row stays in it."""
    if engine().dialect.name == "sqlite":
        with engine().connect() as connection:
            connection.execute(sa.text("PRAGMA wal_checkpoint(TRUNCATE)"))
