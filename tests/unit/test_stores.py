"""The database: migrations, retention, erasing, backup and restore; with SQLite, and with
PostgreSQL where a test says so (tests/cluster)."""

import asyncio
import contextlib
import os
import sqlite3
import threading
import time

import pytest
import sqlalchemy as sa
from rasa.core.tracker_store import SQLTrackerStore
from rasa.shared.core.events import SessionStarted, SlotSet, UserUttered

from assistant import backup, clinic, database, retention, webstore
from assistant.handoff import requests
from assistant.rasa import locks
from assistant.rasa.stores import put_together
from tests.support import stores
from tests.support.stores import conversation, files_with, rows, talk, tracker_store
from tests.support.waiting import GENEROUS

DAY = 86400


PROMISES = (
    stores.the_migrations_make_the_tables_that_the_code_expects,
    stores.a_conversation_opened_without_a_database_is_written_later,
    stores.events_are_stored_by_row_whatever_the_clock_says,
    stores.what_another_process_wrote_meanwhile_is_put_together,
)


@pytest.mark.parametrize("promise", PROMISES, ids=lambda promise: promise.__name__)
def test_a_promise_of_the_stores_is_kept(state, promise):
    promise()


def test_a_message_at_work_writes_nothing_once_its_conversation_is_erased(state):
    stores.a_message_at_work_writes_nothing_once_its_conversation_is_erased(state)


def test_the_events_table_is_rasas(state):
    ours, rasas = database.events.c, SQLTrackerStore.SQLEvent.__table__.c
    assert {(c.name, str(c.type), c.nullable, c.primary_key) for c in ours} == {
        (c.name, str(c.type), c.nullable, c.primary_key) for c in rasas
    }


def test_a_database_of_the_time_before_migrations_is_taken_over(tmp_path):
    """It has the tables, no version, and a message that was recorded twice."""
    file = tmp_path / "assistant.sqlite"
    with sqlite3.connect(file) as old:
        old.executescript("""
            CREATE TABLE web_turns (
                number INTEGER NOT NULL PRIMARY KEY, session VARCHAR(64) NOT NULL,
                created FLOAT NOT NULL, client_id VARCHAR(80), visitor TEXT, turn TEXT NOT NULL);
            CREATE INDEX ix_web_turns_client ON web_turns (session, client_id);
            CREATE INDEX ix_web_turns_session ON web_turns (session);
            INSERT INTO web_turns VALUES
                (1, 's', 1.0, 'x', 'kept', '{}'), (2, 's', 2.0, 'x', 'twice', '{}'),
                (3, 's', 3.0, NULL, 'without', '{}');
        """)
    engine = database.connect(file)
    with engine.connect() as connection:
        assert database.migration_of(connection) == database.newest_migration()
        assert connection.execute(
            sa.text("SELECT visitor, client_id FROM web_turns ORDER BY number")
        ).fetchall() == [("kept", "x"), ("twice", None), ("without", None)]


def test_a_database_of_a_newer_version_is_refused(state):
    with database.engine().begin() as connection:
        connection.execute(sa.text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(database.StoreError, match="newer version"):
        database.connect(database.path())


def test_purge_deletes_what_is_too_old_from_every_store(state):
    old, young = conversation(31, "zebra-old"), conversation(29, "zebra-young")
    with (
        database.engine().begin() as connection
    ):  # of `rasa shell`, and with a time stamp of a later message
        connection.execute(
            database.events.insert().values(
                sender_id="shell",
                type_name="user",
                timestamp=time.time() - 40 * DAY,
                data="zebra-shell",
            )
        )
        connection.execute(
            database.events.insert().values(
                sender_id=young,
                type_name="user",
                timestamp=time.time() - 60 * DAY,
                data="zebra-start",
            )
        )
    assert retention.purge(30)["conversations"] == 2
    assert not database.exists(old) and not database.exists("shell") and database.exists(young)
    assert (
        not files_with(state, "zebra-old")
        and not files_with(state, "zebra-shell")
        and not files_with(state, old)
    )
    assert files_with(state, "zebra-young") and files_with(state, "zebra-start")
    assert retention.purge(30)["conversations"] == 0


def asked(status, age_days, word):
    """A request to the clinic that did not change for `age_days`."""
    name = requests.begin("session-" + word)
    requests.update(name, name=word, phone="07700 900461")
    requests.submit(name, deliver=True)
    requests.mark(name, status)
    with database.engine().begin() as connection:
        connection.execute(
            database.contact_requests.update()
            .where(database.contact_requests.c.id == name)
            .values(changed=time.time() - age_days * DAY)
        )
    return name


@pytest.mark.parametrize("status", ["open", "done"])
def test_purge_deletes_requests_by_their_own_age(state, status):
    """Dealt with or not; also when no conversation is old, so that nothing is left in the files."""
    old, young = asked(status, 101, "zebra-old"), asked(status, 99, "zebra-young")
    assert retention.purge(30, 100)["requests"] == 1
    assert requests.get(old) is None and requests.get(young) is not None
    with database.engine().connect() as connection:
        assert [
            row.request
            for row in connection.execute(sa.select([database.contact_outbox.c.request]))
        ] == [young]
    assert (
        not files_with(state, "zebra-old")
        and not files_with(state, old)
        and files_with(state, "zebra-young")
    )


def fill(conversations, events=20, age_days=40):
    """Old conversations, straight into the tables."""
    then = time.time() - age_days * DAY
    names = [f"old-{number}" for number in range(conversations)]
    with database.engine().begin() as connection:
        connection.execute(
            database.sessions.insert(),
            [{"id": name, "created": then, "expires": then} for name in names],
        )
        for start in range(0, conversations, 100):
            connection.execute(
                database.events.insert(),
                [
                    {
                        "sender_id": name,
                        "type_name": "user",
                        "timestamp": then,
                        "data": "zebra " * 200,
                    }
                    for name in names[start : start + 100]
                    for _ in range(events)
                ],
            )


def test_a_purge_gives_space_back_and_never_holds_the_file_for_long(state):
    """Another connection writes all the time while 30 MB are purged; a VACUUM of the whole file
    would hold it for as long as it takes."""
    fill(1200)
    database.fold()
    before, waits, done = database.path().stat().st_size, [], threading.Event()
    started = time.monotonic()

    def write():
        with sqlite3.connect(database.path(), timeout=10, isolation_level=None) as other:
            while not done.is_set():
                begun = time.monotonic()
                other.execute("BEGIN IMMEDIATE")
                other.execute("COMMIT")
                waits.append(time.monotonic() - begun)
                time.sleep(0.002)

    writer = threading.Thread(target=write)
    writer.start()
    try:
        assert retention.purge(30)["conversations"] == 1200
    finally:
        done.set()
        writer.join()
    assert before > 25_000_000 and database.path().stat().st_size < before / 20
    whole = time.monotonic() - started
    assert len(waits) > 100 and max(waits) < whole / 2, (max(waits), whole)


def test_a_file_of_an_earlier_time_shrinks_after_make_purge(state):
    state.mkdir()
    with sqlite3.connect(state / "assistant.sqlite") as old:  # the first page decides
        old.execute("PRAGMA journal_mode=WAL")
        old.execute("CREATE TABLE x (y)")
    fill(100)
    database.fold()
    whole = database.path().stat().st_size
    assert retention.purge(30)["conversations"] == 100, (
        "the serving process never rewrites the file"
    )
    assert database.path().stat().st_size == whole and not files_with(state, "zebra")
    database.convert()
    assert database.path().stat().st_size < whole / 5
    fill(100)
    retention.purge(30)
    assert database.path().stat().st_size < whole / 5


def test_a_file_in_use_is_not_rewritten_and_that_is_said(state, monkeypatch):
    monkeypatch.setattr(database, "SQLITE_WAIT", 0.05)
    state.mkdir()
    with sqlite3.connect(state / "assistant.sqlite") as old:
        old.execute("CREATE TABLE x (y)")
    conversation()
    with sqlite3.connect(database.path(), isolation_level=None) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(database.StoreError, match="is in use"):
            database.convert()


@pytest.mark.parametrize("days", [0, 4000, "soon"])
def test_how_long_requests_are_kept_is_checked(days):
    with pytest.raises(ValueError):
        clinic.Privacy(requests_days=days)


def test_purge_deletes_old_backups(state):
    conversation()
    file, now = backup.backup(), time.time()
    for written in file.parent.iterdir():  # the kernel's clock need not show this process's day
        os.utime(written, (0, now))
    assert retention.purge(30)["backups"] == 0 and file.exists()
    os.utime(file, (0, now - 31 * DAY))
    assert retention.purge(30)["backups"] == 1 and not file.exists()


def test_one_of_several_processes_does_a_scheduled_task(state):
    assert [retention.due("purge", 3600) for _ in range(3)] == [True, False, False]
    with database.engine().begin() as connection:
        connection.execute(database.schedule.update().values(begun=time.time() - 3601))
    assert [retention.due("purge", 3600) for _ in range(2)] == [True, False]
    with database.engine().begin() as connection:  # the clock was put back by two hours
        connection.execute(database.schedule.update().values(begun=time.time() + 7200))
    assert [retention.due("purge", 3600) for _ in range(2)] == [True, False]


def run_schedule(until):
    """The schedule runs until `until()` is true."""

    async def some_time():
        tidying = asyncio.ensure_future(retention.tidy_for_ever(clinic.Privacy))
        limit = time.monotonic() + GENEROUS
        while not until():
            assert time.monotonic() < limit and not tidying.done()
            await asyncio.sleep(0.02)
        tidying.cancel()

    asyncio.run(some_time())


def test_the_schedule_purges(state, monkeypatch):
    monkeypatch.setattr(retention, "EVERY", 0.1)
    old = conversation(31)
    run_schedule(lambda: not database.exists(old))


def test_a_clock_that_jumped_purges_nothing(state, monkeypatch, caplog):
    """The machine's clock goes 40 days ahead while the assistant runs."""
    monkeypatch.setattr(retention, "EVERY", 0.1)
    young, right = conversation(1), time.time
    looks = []

    def offset(real=retention.clock_offset):
        """The clock jumps after the schedule has noted how it stands at the start."""
        looks.append(real())
        if len(looks) == 1:
            monkeypatch.setattr(time, "time", lambda: right() + 40 * DAY)
        return looks[-1]

    monkeypatch.setattr(retention, "clock_offset", offset)
    run_schedule(lambda: caplog.text.count("the clock jumped") >= 3)
    assert database.exists(young)


def test_erasing_leaves_nothing_in_the_files(state):
    gone, stays = conversation(0, "zebra-gone"), conversation(0, "zebra-stays")
    database.erase(gone)
    assert not files_with(state, "zebra-gone") and not files_with(state, gone)
    assert files_with(state, "zebra-stays") and database.exists(stays)


def test_a_backup_is_restored(state):
    kept, erased, before = conversation(0, "zebra-kept"), conversation(0, "zebra-erased"), rows()
    file = backup.backup()
    assert file.stat().st_mode & 0o77 == 0
    database.erase(erased)
    later = conversation(0, "zebra-later")
    with database.engine().begin() as connection:  # an accident
        connection.execute(database.turns.delete())
    assert backup.restore(file) == 1
    assert database.exists(kept) and not database.exists(erased) and not database.exists(later)
    assert rows() == {name: count // 2 for name, count in before.items()}
    assert [
        turn["text"] for turn in webstore.WebStore().history(kept) if turn["from"] == "visitor"
    ] == ["zebra-kept"]
    assert not files_with(state / "..", "zebra-later")


def test_a_backup_leaves_one_file(state):
    conversation(0, "zebra")
    file = backup.backup()
    assert [found.name for found in backup.folder().iterdir()] == [file.name]


def test_restoring_keeps_what_was_said_after_everything_was_deleted(state):
    """Who had everything deleted and then asked to be called is called."""
    store, session = tracker_store(), conversation(0, "zebra-before")
    talk(store, session, SessionStarted(), UserUttered("zebra-before"))
    for file in (None, backup.backup()):
        database.erase(session, keep_token=True)
        talk(store, session, UserUttered("after"))
        name = requests.begin(session)
        requests.update(name, name="Zoe Quill", phone="07700 900461")
        requests.submit(name, deliver=True)
        if file is None:
            backup.restore(backup.backup())
            assert [item["id"] for item in requests.of_session(session)] == [name]
            assert database.exists(session) and not files_with(state, "zebra-before")
        else:
            backup.restore(file)
            assert not files_with(state, "zebra-before")
    assert webstore.WebStore().accept(session, "again")[0], "the token is good"


def test_a_deleted_row_leaves_the_log_when_its_reader_is_gone(state):
    session, stays = conversation(0, "zebra-log"), conversation(0, "zebra-stays")
    reader = sqlite3.connect(database.path())
    reader.execute("BEGIN")
    reader.execute("SELECT COUNT(*) FROM web_turns").fetchone()
    database.erase(session)
    assert not database.fold() and files_with(state, "zebra-log")
    reader.close()
    assert database.fold()
    assert not files_with(state, "zebra-log") and files_with(state, "zebra-stays")
    assert database.exists(stays)


def test_no_draft_is_begun_for_a_conversation_that_was_erased(state):
    session = conversation()
    database.erase(session)
    name = requests.begin(session)
    requests.update(name, name="Zoe Quill")
    assert requests.get(name) is None and not database.exists(session)


def test_a_conversation_that_was_never_used_is_dropped_after_its_token(state):
    store, late = webstore.WebStore(), []
    for used in (False, True):
        session, _, _ = store.open({"id": "g", "kind": "notice", "choices": []}, lifetime=3600)
        if used:
            store.accept(session, "one")
        late.append(session)
    young, _, _ = store.open({"id": "g", "kind": "notice", "choices": []})
    with database.engine().begin() as connection:
        connection.execute(
            database.sessions.update()
            .where(database.sessions.c.id.in_(late))
            .values(created=time.time() - 2 * DAY, expires=time.time() - 1.5 * DAY)
        )
    assert retention.purge(30)["conversations"] == 1
    assert [database.exists(session) for session in (*late, young)] == [False, True, True]


def test_a_restored_backup_is_purged(state):
    old = conversation(29)
    file = backup.backup()
    with sqlite3.connect(file) as copy:  # the backup is restored some days later
        copy.execute("UPDATE web_turns SET created = created - ?", (5 * DAY,))
        copy.execute("UPDATE web_sessions SET created = created - ?", (5 * DAY,))
    assert backup.restore(file) == 0 and not database.exists(old)


@pytest.mark.parametrize("damage", ["text", "cut"])
def test_a_damaged_backup_changes_nothing(state, damage):
    session = conversation()
    file = backup.backup()
    file.write_bytes(b"not a database" if damage == "text" else file.read_bytes()[:8192])
    with pytest.raises(database.StoreError, match="usable backup|damaged"):
        backup.restore(file)
    assert database.exists(session)


def test_a_conversation_that_cannot_be_saved_is_kept_until_it_can(state, monkeypatch):
    store = tracker_store()
    talk(store, "v", SessionStarted(), UserUttered("before"))
    good = store._write

    def full(tracker):
        raise sa.exc.OperationalError("INSERT", {}, Exception("database or disk is full"))

    monkeypatch.setattr(store, "_write", full)
    tracker, faults = talk(
        store,
        "v",
        UserUttered("in between"),
        SlotSet("conversation", {"circumstances": {"pregnancy": {}}}),
    )
    assert faults == ["save", "retrieve"] and tracker.get_slot("conversation") == {
        "circumstances": {"pregnancy": {}}
    }
    monkeypatch.setattr(store, "_write", good)
    tracker, faults = talk(store, "v", UserUttered("after"))
    assert not faults and [e.text for e in tracker.events if isinstance(e, UserUttered)] == [
        "before",
        "in between",
        "after",
    ]


def test_putting_together_forgets_neither_circumstances_nor_urgent_advice():
    assert put_together(
        {"urgent": "emergency", "circumstances": {"a": 1}, "topic": "x"},
        {"circumstances": {"b": 2}, "urgent": None, "topic": "y"},
    ) == {"urgent": "emergency", "circumstances": {"a": 1, "b": 2}, "topic": "y"}
    assert put_together(None, None)["circumstances"] == {}


def test_who_had_everything_deleted_can_go_on(state):
    store, session = tracker_store(), conversation()
    talk(store, session, SessionStarted(), UserUttered("before"))
    database.erase(session, keep_token=True)
    tracker, faults = talk(store, session, UserUttered("after"))
    assert not faults and [e.text for e in tracker.events if isinstance(e, UserUttered)] == [
        "after"
    ]


def test_locks_of_one_process_go_in_order(monkeypatch):
    monkeypatch.delenv("ASSISTANT_REDIS_URL", raising=False)
    order, pause = [], asyncio.sleep

    async def polls(seconds, *_):
        raise AssertionError(f"it polls, every {seconds} s")

    monkeypatch.setattr(asyncio, "sleep", polls)

    async def one(store, number):
        async with store.lock("v"):
            order.append(number)
            for _ in range(3):  # others could go on
                await pause(0)

    async def all_of_them():
        store = locks.ConversationLockStore()
        await asyncio.gather(*(one(store, number) for number in range(8)))
        return store

    store = asyncio.run(all_of_them())
    assert order == list(range(8)) and not store._local._locks and not store._local._users


def test_sanic_workers_are_refused(monkeypatch):
    monkeypatch.setenv("SANIC_WORKERS", "2")
    with pytest.raises(Exception, match="make cluster"):
        locks.ConversationLockStore()


@contextlib.contextmanager
def held(file):
    """Another program holds the lock of a SQLite file."""
    other = sqlite3.connect(file, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    try:
        yield
    finally:
        other.execute("ROLLBACK")
        other.close()


def test_who_holds_the_lock_of_the_file_stops_no_other_visitor(state, monkeypatch):
    """The event loop goes on while a write waits; the next one does not wait, and reading goes on
    all the time."""
    monkeypatch.setattr(database, "SQLITE_WAIT", 0.1)
    monkeypatch.setattr(database, "DEADLINE", GENEROUS)
    monkeypatch.setattr(database, "PAUSE", GENEROUS)
    monkeypatch.setattr(database, "_impatient_until", 0.0)
    store, session = webstore.WebStore(), conversation()

    async def visitors():
        go_on = threading.Event()
        waits = asyncio.ensure_future(database.reach(go_on.wait, GENEROUS))
        await asyncio.sleep(0)
        go_on.set()  # never reached if the loop did the work itself
        assert await waits
        with pytest.raises(database.StoreError):
            await database.reach(store.accept, session, "one")
        monkeypatch.setattr(database, "SQLITE_WAIT", GENEROUS)
        with pytest.raises(database.StoreError):
            await database.reach(store.accept, session, "two")
        assert await database.reach(store.history, session)
        assert not await database.reach(store.works), "what cannot be written does not work"

    with held(database.path()):
        asyncio.run(visitors())
    monkeypatch.setattr(database, "_impatient_until", 0.0)
    assert asyncio.run(database.reach(store.accept, session, "two")) == (True, None)


def test_a_store_that_hangs_is_left_alone(state, monkeypatch):
    """Given up after the deadline; who comes then, or stood in line, is refused without a wait."""
    monkeypatch.setattr(database, "DEADLINE", 0.2)
    monkeypatch.setattr(database, "_left_alone_until", 0.0)
    go_on, tried = threading.Event(), []

    async def visitors():
        with pytest.raises(database.StoreError, match="in time"):
            await database.reach(go_on.wait, GENEROUS)
        monkeypatch.setattr(database, "DEADLINE", GENEROUS)
        later = asyncio.ensure_future(database.reach(tried.append, "later"))
        await asyncio.sleep(0)
        go_on.set()
        with pytest.raises(database.StoreError, match="a moment ago"):
            await later

    monkeypatch.setattr(database, "PAUSE", GENEROUS)
    asyncio.run(visitors())
    assert not tried
    monkeypatch.setattr(database, "_left_alone_until", 0.0)
    asyncio.run(database.reach(tried.append, "again"))
    assert tried == ["again"]


def test_a_process_starts_without_a_usable_store_and_finds_it_later(state, caplog):
    state.write_text("not a folder")
    store = tracker_store()
    assert "started without a conversation store" in caplog.text
    tracker, faults = talk(store, "v", SessionStarted(), UserUttered("without"))
    assert set(faults) == {"retrieve", "save"}
    state.unlink()
    tracker, faults = talk(store, "v", UserUttered("with"))
    assert not faults
    assert [e.text for e in tracker.events if isinstance(e, UserUttered)] == ["without", "with"]
