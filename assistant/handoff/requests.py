"""Requests to be contacted in the database: drafts while the form is open, then requests with an
entry in the outbox.

The contact details are here and nowhere else: Rasa's slots only say that a detail was given.
"""

import json
import secrets
import time
from typing import Any, Dict, Iterable, List, Optional

import sqlalchemy as sa

from assistant import database
from assistant.handoff.fields import COLUMNS

#: Seconds after which a form that was left open is forgotten, details and all.
DRAFT_LIFETIME = 24 * 3600
#: Seconds after which a form that was left open, but has a number or an address, goes to the clinic
#: as it is (the consent says so).
ABANDONED = 1800
#: Seconds for which details that came before consent are held.
HELD_FOR = 600
#: The states of what no clinic gets yet.
UNSENT = ("draft", "held")
_table, _outbox = database.contact_requests, database.contact_outbox


def begin(session: str, topics: Iterable[str] = (), name: Optional[str] = None) -> str:
    """A new draft of a conversation; gives its id (`name`, or one that is made), which is the
    transaction's from here on. Of a conversation that was erased while its message was at work
    nothing is written."""
    name, now = name or secrets.token_hex(8), time.time()
    with database.engine().begin() as connection:
        database.alone_with(connection, session)
        if database.is_erased(connection, session):
            return name
        connection.execute(
            _table.insert().values(
                id=name,
                session=session,
                status="draft",
                created=now,
                changed=now,
                topics=json.dumps(list(topics)),
            )
        )
    return name


def get(name: str) -> Optional[Dict[str, Any]]:
    """A request with its topics as a list, or None."""
    with database.engine().connect() as connection:
        row = connection.execute(sa.select([_table]).where(_table.c.id == name)).mappings().first()
    return _plain(row) if row else None


def _plain(row: Any) -> Dict[str, Any]:
    return {**row, "topics": json.loads(row["topics"] or "[]")}


def update(name: str, /, **fields: Optional[str]) -> None:
    """Write details into a draft or a request. A request that was handed over before is handed over
    anew, as a change of itself."""
    unknown = set(fields) - set(COLUMNS)
    if unknown:
        raise KeyError(f"not fields of a request: {sorted(unknown)}")
    now = time.time()
    with database.engine().begin() as connection:
        connection.execute(_table.update().where(_table.c.id == name).values(changed=now, **fields))
        row = connection.execute(
            sa.select([_table.c.status, _table.c.session]).where(_table.c.id == name)
        ).first()
        if row is None or row.status == "draft":
            return
        waiting = sa.select([_outbox.c.id]).where(
            _outbox.c.request == name, _outbox.c.sent.is_(None), _outbox.c.claimed_by.is_(None)
        )
        count = connection.execute(
            sa.select([sa.func.count()]).select_from(_outbox).where(_outbox.c.request == name)
        ).scalar()
        if count and connection.execute(waiting).first() is None:
            connection.execute(
                _outbox.insert().values(
                    id=f"{name}-{count + 1}",
                    request=name,
                    session=row.session,
                    created=now,
                    attempts=0,
                    next_try=now,
                )
            )
        connection.execute(_table.update().where(_table.c.id == name).values(status="open"))


def submit(name: str, deliver: bool) -> None:
    """Make a draft a request and put it into the outbox, in one transaction. Doing it again changes
    nothing."""
    now = time.time()
    with database.engine().begin() as connection:
        done = connection.execute(
            _table.update()
            .where(_table.c.id == name, _table.c.status == "draft")
            .values(status="open", changed=now)
        )
        if done.rowcount and deliver:
            session = connection.execute(
                sa.select([_table.c.session]).where(_table.c.id == name)
            ).scalar()
            connection.execute(
                _outbox.insert().values(
                    id=f"{name}-1",
                    request=name,
                    session=session,
                    created=now,
                    attempts=0,
                    next_try=now,
                )
            )


def drop(name: str) -> bool:
    """Delete a draft or a request with what of it still waits in the outbox. Whether the clinic had
    received it before."""
    with database.engine().begin() as connection:
        delivered = _delivered(connection, name) is not None
        connection.execute(_table.delete().where(_table.c.id == name))
        connection.execute(_outbox.delete().where(_outbox.c.request == name))
    database.fold()
    return delivered


def hold(session: str, sealed: Optional[str]) -> None:
    """Hold the sealed details of a conversation that came before consent, instead of those that
    were held; None: hold nothing any longer."""
    now = time.time()
    mine = sa.and_(_table.c.session == session, _table.c.status == "held")
    with database.engine().begin() as connection:
        done = connection.execute(_table.delete().where(mine))
        if sealed:
            connection.execute(
                _table.insert().values(
                    id=secrets.token_hex(8),
                    session=session,
                    status="held",
                    created=now,
                    changed=now,
                    question=sealed,
                    topics="[]",
                )
            )
    if done.rowcount:
        database.fold()


def held(session: str) -> Optional[str]:
    """The sealed details that are held of a conversation, or None."""
    query = sa.select([_table.c.question]).where(
        _table.c.session == session,
        _table.c.status == "held",
        _table.c.changed > time.time() - HELD_FOR,
    )
    with database.engine().connect() as connection:
        return connection.execute(query).scalar()


def forget_held(older_than: float = HELD_FOR) -> int:
    """Delete what was held and never agreed to. Gives how many."""
    with database.engine().begin() as connection:
        done = connection.execute(
            _table.delete().where(
                _table.c.status == "held", _table.c.changed < time.time() - older_than
            )
        )
    if done.rowcount:
        database.fold()
    return done.rowcount


def was_delivered(name: str) -> bool:
    """Whether the clinic has received a request."""
    with database.engine().connect() as connection:
        return _delivered(connection, name) is not None


def drop_drafts(session: str) -> None:
    """Delete what a form of a conversation has that was not completed."""
    with database.engine().begin() as connection:
        done = connection.execute(
            _table.delete().where(_table.c.session == session, _table.c.status.in_(UNSENT))
        )
    if done.rowcount:
        database.fold()


def of_session(session: str) -> List[Dict[str, Any]]:
    """The requests of a conversation that were completed, oldest first, each with `delivered`."""
    query = (
        sa.select([_table])
        .where(_table.c.session == session, _table.c.status.notin_(UNSENT))
        .order_by(_table.c.created)
    )
    with database.engine().connect() as connection:
        found = [_plain(row) for row in connection.execute(query).mappings()]
        for item in found:
            item["delivered"] = _delivered(connection, item["id"])
    return found


def draft_of(session: str) -> Optional[Dict[str, Any]]:
    """The request that a conversation has begun and not sent, with what it holds so far, or
    None."""
    query = (
        sa.select([_table])
        .where(_table.c.session == session, _table.c.status == "draft")
        .order_by(_table.c.created.desc())
    )
    with database.engine().connect() as connection:
        row = connection.execute(query).mappings().first()
    return _plain(row) if row else None


def _delivered(connection: Any, name: str) -> Optional[float]:
    return connection.execute(
        sa.select([sa.func.min(_outbox.c.sent)]).where(_outbox.c.request == name)
    ).scalar()


def listing(status: Optional[str] = None) -> List[Dict[str, Any]]:
    """Every request but drafts, newest first, with `delivered` and the `problem` of the latest try;
    of one `status` when given."""
    query = (
        sa.select([_table])
        .where(_table.c.status == status if status else _table.c.status.notin_(UNSENT))
        .order_by(_table.c.created.desc())
    )
    with database.engine().connect() as connection:
        found = [_plain(row) for row in connection.execute(query).mappings()]
        for item in found:
            rows = (
                connection.execute(
                    sa.select([_outbox])
                    .where(_outbox.c.request == item["id"])
                    .order_by(_outbox.c.created)
                )
                .mappings()
                .all()
            )
            item["delivered"] = min((row["sent"] for row in rows if row["sent"]), default=None)
            item["waiting"] = sum(row["sent"] is None for row in rows)
            item["problem"] = next(
                (
                    row["problem"]
                    for row in reversed(rows)
                    if row["sent"] is None and row["problem"]
                ),
                None,
            )
    return found


def waiting(longer_than: float) -> int:
    """How many deliveries were refused and wait for another try, or have waited for more than
    `longer_than` seconds."""
    query = (
        sa.select([sa.func.count()])
        .select_from(_outbox)
        .where(
            _outbox.c.sent.is_(None),
            sa.or_(_outbox.c.problem.is_not(None), _outbox.c.created < time.time() - longer_than),
        )
    )
    with database.engine().connect() as connection:
        return connection.execute(query).scalar()


def mark(name: str, status: str) -> bool:
    """Set a request to `open` or `done`. False when there is none."""
    with database.engine().begin() as connection:
        done = connection.execute(
            _table.update()
            .where(_table.c.id == name, _table.c.status.notin_(UNSENT))
            .values(status=status)
        )
    return bool(done.rowcount)


def finish_abandoned(deliver: bool, older_than: float = ABANDONED) -> int:
    """Submit the drafts of visitors who agreed, gave a number or an address, and left before the
    end. Gives how many."""
    reachable = sa.or_(_table.c.phone.isnot(None), _table.c.email.isnot(None))
    query = sa.select([_table.c.id]).where(
        _table.c.status == "draft", _table.c.changed < time.time() - older_than, reachable
    )
    with database.engine().connect() as connection:
        names = [row.id for row in connection.execute(query)]
    for name in names:
        submit(name, deliver)
    return len(names)


def forget_drafts(older_than: float = DRAFT_LIFETIME) -> int:
    """Delete forms that were left open without a way to reach the visitor. Gives how many."""
    with database.engine().begin() as connection:
        done = connection.execute(
            _table.delete().where(
                _table.c.status == "draft", _table.c.changed < time.time() - older_than
            )
        )
    if done.rowcount:
        database.fold()
    return done.rowcount
