"""Conversations and requests are kept as long as clinic.yml says (privacy.retention_days,
privacy.requests_days), then nothing of them is left.

    python -m assistant.retention purge        delete what is older, now; the first time it rewrites
                                               a SQLite file of an earlier version: when few people
                                               write
    python -m assistant.retention erase ID     delete one conversation with its requests: ID is the
                                               one of a request that `make inbox` shows, or the
                                               conversation's, which `make inbox` and the logs show

A running assistant purges by itself, once an hour; of several processes one does it.
"""

import argparse
import asyncio
import logging
import os
import sys
import time
from typing import Callable, Dict, List

import sqlalchemy as sa

from assistant import clinic, database, running

logger = logging.getLogger(__name__)
DAY = 86400.0
#: Seconds between two scheduled purges.
EVERY = float(os.environ.get("ASSISTANT_PURGE_EVERY", "3600"))
#: Seconds that the clock may move against the machine's uptime before a scheduled purge is left
#: out.
MOST_DRIFT = 3600.0
#: Conversations that one transaction deletes, and seconds between two of them: a message that comes
#: meanwhile waits for one only.
BATCH, BREATH = 5, 0.005


def purge(days: float, requests_days: float = 365) -> Dict[str, int]:
    """Delete every conversation in which nothing was said for `days` days, Rasa's events and old
    backups included, and every request to the clinic, dealt with or not, that did not change for
    `requests_days` days. Gives how many. Goes in small steps: others write in between.
    """
    cutoff = time.time() - days * DAY
    old = _old_conversations(cutoff)
    for start in range(0, len(old), BATCH):
        _delete(old[start : start + BATCH])
        time.sleep(BREATH)
    requests = database.contact_requests
    late = requests.c.changed < time.time() - requests_days * DAY
    with database.engine().begin() as connection:
        forgotten = connection.execute(
            database.erased.delete().where(database.erased.c.at < cutoff)
        ).rowcount
        connection.execute(
            database.contact_outbox.delete().where(
                database.contact_outbox.c.request.in_(sa.select([requests.c.id]).where(late))
            )
        )
        settled = connection.execute(requests.delete().where(late)).rowcount
    if old or settled or forgotten:
        database.shrink()
    return {"conversations": len(old), "requests": settled, "backups": _delete_backups(cutoff)}


def _old_conversations(cutoff: float) -> List[str]:
    """Ids of conversations whose last message is older than `cutoff`: the website's, and those of
    `rasa shell`."""
    sessions, turns, events = database.sessions, database.turns, database.events
    last = (
        sa.select([turns.c.session, sa.func.max(turns.c.created).label("at")])
        .group_by(turns.c.session)
        .subquery()
    )
    web = (
        sa.select([sessions.c.id])
        .select_from(sessions.outerjoin(last, last.c.session == sessions.c.id))
        .where(sa.func.coalesce(last.c.at, sessions.c.created) < cutoff)
    )
    # Opened, and nothing said until the token was good no more.
    said = sa.select([turns.c.session]).where(
        turns.c.client_id.isnot(None), turns.c.client_id != ""
    )
    asked = sa.select([database.contact_requests.c.session])
    unused = sa.select([sessions.c.id]).where(
        sessions.c.expires < time.time() - DAY,
        sessions.c.id.not_in(said),
        sessions.c.id.not_in(asked),
    )
    known = sa.select([sessions.c.id])
    rows = sa.select([last.c.session]).where(last.c.at < cutoff, last.c.session.not_in(known))
    shell = (
        sa.select([events.c.sender_id])
        .where(events.c.sender_id.not_in(known))
        .group_by(events.c.sender_id)
        .having(sa.func.max(events.c.timestamp) < cutoff)
    )
    with database.engine().connect() as connection:
        return sorted(
            {row[0] for query in (web, unused, rows, shell) for row in connection.execute(query)}
        )


def _delete(ids: List[str]) -> None:
    with database.engine().begin() as connection:
        for column in database.conversation_columns():
            connection.execute(column.table.delete().where(column.in_(ids)))


def _delete_backups(cutoff: float) -> int:
    """Delete backup files that are older than `cutoff`: conversations are in them too."""
    from assistant.backup import folder

    old = [file for file in folder().glob("assistant-*") if file.stat().st_mtime < cutoff]
    for file in old:
        file.unlink()
    return len(old)


def due(task: str, every: float) -> bool:
    """Whether `task` was not begun in the last `every` seconds; it counts as begun now. Of several
    processes one is told so."""
    table, now = database.schedule, time.time()
    with database.engine().begin() as connection:
        if connection.execute(
            database.insert_or_ignore(table), {"task": task, "begun": now}
        ).rowcount:
            return True
        # The latter: the clock was put back.
        other = sa.or_(table.c.begun < now - every, table.c.begun > now + every)
        return bool(
            connection.execute(
                table.update().where(table.c.task == task, other).values(begun=now)
            ).rowcount
        )


def clock_offset() -> float:
    """Seconds between the clock and the machine's uptime; constant unless somebody sets the
    clock."""
    return time.time() - time.clock_gettime(time.CLOCK_BOOTTIME)


async def tidy_for_ever(privacy: Callable[[], clinic.Privacy]) -> None:
    """Purge on a schedule, what `privacy` says is too old by then. A clock that jumped since the
    start deletes nothing: that would be the young conversations too."""
    offset = clock_offset()
    while True:
        await asyncio.sleep(min(EVERY, 60))
        try:
            await asyncio.to_thread(database.fold)
            drift = clock_offset() - offset
            if abs(drift) > MOST_DRIFT:
                logger.error(
                    "the clock jumped by %.0f s since the start: nothing is purged until the"
                    " assistant is started anew; `make purge` purges now",
                    drift,
                )
            elif await asyncio.to_thread(due, "purge", EVERY):
                gone = await asyncio.to_thread(
                    purge, privacy().retention_days, privacy().requests_days
                )
                if any(gone.values()):
                    logger.warning(
                        "purged %s conversations, %s requests and %s backups",
                        gone["conversations"],
                        gone["requests"],
                        gone["backups"],
                    )
        except (database.StoreError, sa.exc.SQLAlchemyError, OSError) as error:
            logger.error("the scheduled purge failed and is tried again: %s", type(error).__name__)


def conversations(name: str) -> List[str]:
    """The conversations that `name` stands for: its own id, or the (beginning of the) id of a
    request that came from it."""
    if database.exists(name):
        return [name]
    table = database.contact_requests
    with database.engine().connect() as connection:
        rows = connection.execute(sa.select([table.c.id, table.c.session]))
        return sorted({row.session for row in rows if row.id.startswith(name)})


def erase(name: str) -> None:
    """Delete the conversation that `name` stands for, and say so. Raises SystemExit."""
    found = conversations(name)
    if not found:
        sys.exit(f"!! there is no conversation and no request {name} in {database.place()}")
    if len(found) > 1:
        sys.exit(f"!! {len(found)} requests have an id that begins with {name}: write more of it")
    table = database.contact_requests
    with database.engine().connect() as connection:
        requests = connection.execute(
            sa.select([sa.func.count()]).where(table.c.session == found[0])
        ).scalar()
    database.erase(found[0])
    print(f"-- the conversation is deleted, with {requests} requests to be contacted")
    if requests:
        print("-- what was delivered to the clinic before is to be deleted there too")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("command", choices=("purge", "erase"))
    parser.add_argument("id", nargs="?", help="the conversation to erase")
    args = parser.parse_args()
    try:
        print(f"-- {running.choose()}")
        if args.command == "purge":
            privacy = clinic.load_clinic().privacy
            gone = purge(privacy.retention_days, privacy.requests_days)
            print(
                f"-- conversations without a message for {privacy.retention_days} days:"
                f" {gone['conversations']} deleted; backups: {gone['backups']} deleted"
            )
            print(
                f"-- requests without a change for {privacy.requests_days} days: {gone['requests']}"
                " deleted"
            )
            database.convert()
        elif not args.id:
            sys.exit("!! say which conversation: make erase ID=0123abcd...")
        else:
            erase(args.id)
    except database.StoreError as error:
        sys.exit(f"!! {error}")


if __name__ == "__main__":
    main()
