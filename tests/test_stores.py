"""The database: migrations, retention, erasing, backup and restore; with SQLite, and with
PostgreSQL where a test says so (tests/cluster)."""

import asyncio
import json
import multiprocessing
import os
import sqlite3
import subprocess
import sys
import threading
import time

import pytest
import sqlalchemy as sa
from rasa.core.tracker_store import SQLTrackerStore
from rasa.shared.core.domain import Domain
from rasa.shared.core.events import ActionExecuted, SessionStarted, SlotSet, UserUttered
from rasa.shared.core.trackers import DialogueStateTracker

from assistant import backup, clinic, database, launch, paths, retention, webstore
from assistant.handoff import requests
from assistant.rasa import locks
from assistant.rasa.faults import watch_faults
from assistant.rasa.stores import ConversationStore, put_together

DAY = 86400


@pytest.fixture
def state(tmp_path, monkeypatch):
    """A state folder and database of this test's own."""
    monkeypatch.setenv("ASSISTANT_STATE", str(tmp_path / "state"))
    monkeypatch.delenv("ASSISTANT_DATABASE_URL", raising=False)
    database.engine.cache_clear()
    yield tmp_path / "state"
    database.engine().dispose()
    database.engine.cache_clear()


def conversation(age_days=0.0, text="does it hurt"):
    """A conversation of the website whose last message is `age_days` old; gives its id."""
    store = webstore.WebStore()
    session = store.open({"id": "greeting", "kind": "notice", "choices": []})[0]
    store.accept(session, "one")
    store.record(
        session,
        text,
        {
            "id": "answer",
            "kind": "answer",
            "choices": [{"id": "c" + session[:8], "title": text, "meaning": {}}],
        },
        "one",
    )
    store.vote(session, "answer", "pain", "up", text)
    then = time.time() - age_days * DAY
    with database.engine().begin() as connection:
        for table, column in ((database.sessions, "id"), (database.turns, "session")):
            connection.execute(
                table.update().where(table.c[column] == session).values(created=then)
            )
        connection.execute(
            database.events.insert().values(
                sender_id=session, type_name="user", timestamp=then, data=json.dumps({"text": text})
            )
        )
    return session


def rows():
    """How many rows there are of each table with something of a conversation."""
    with database.engine().connect() as connection:
        return {
            column.table.name: (
                connection.execute(sa.select([sa.func.count()]).select_from(column.table)).scalar()
            )
            for column in database.conversation_columns()
        }


def files_with(folder, text):
    return [
        file.name
        for file in folder.rglob("*")
        if file.is_file() and text.encode() in file.read_bytes()
    ]


def test_the_migrations_make_the_tables_that_the_code_expects(state):
    from alembic.autogenerate import compare_metadata
    from alembic.migration import MigrationContext

    with database.engine().connect() as connection:
        assert database.migration_of(connection) == database.newest_migration()
        difference = compare_metadata(MigrationContext.configure(connection), database.metadata)
    assert not difference, (
        "write a migration for this into assistant/migrations/versions (docs/stores.md):"
        f" {difference}"
    )


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
                number INTEGER NOT NULL PRIMARY KEY,
                session VARCHAR(64) NOT NULL,
                created FLOAT NOT NULL,
                client_id VARCHAR(80),
                visitor TEXT,
                turn TEXT NOT NULL
            );
            CREATE INDEX ix_web_turns_client ON web_turns (session, client_id);
            CREATE INDEX ix_web_turns_session ON web_turns (session);
            INSERT INTO web_turns VALUES
                (1, 's', 1.0, 'x', 'kept', '{}'),
                (2, 's', 2.0, 'x', 'twice', '{}'),
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


def test_purge_deletes_what_is_too_old_from_every_store(state):
    old, young = conversation(31, "zebra-old"), conversation(29, "zebra-young")
    # Of `rasa shell`, and with a time stamp of a later message.
    with database.engine().begin() as connection:
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
    assert len(waits) > 100 and max(waits) < 0.5, max(waits)


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
    file = backup.backup()
    assert retention.purge(30)["backups"] == 0 and file.exists()
    os.utime(file, (0, time.time() - 31 * DAY))
    assert retention.purge(30)["backups"] == 1 and not file.exists()


def test_one_of_several_processes_does_a_scheduled_task(state):
    assert [retention.due("purge", 3600) for _ in range(3)] == [True, False, False]
    with database.engine().begin() as connection:
        connection.execute(database.schedule.update().values(begun=time.time() - 3601))
    assert [retention.due("purge", 3600) for _ in range(2)] == [True, False]
    with database.engine().begin() as connection:  # the clock was put back by two hours
        connection.execute(database.schedule.update().values(begun=time.time() + 7200))
    assert [retention.due("purge", 3600) for _ in range(2)] == [True, False]


def run_schedule(seconds):
    async def some_time():
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(retention.tidy_for_ever(clinic.Privacy), seconds)

    asyncio.run(some_time())


def test_the_schedule_purges(state, monkeypatch):
    monkeypatch.setattr(retention, "EVERY", 0.1)
    old = conversation(31)
    run_schedule(1.5)
    assert not database.exists(old)


def test_a_clock_that_jumped_purges_nothing(state, monkeypatch, caplog):
    """The machine's clock goes 40 days ahead while the assistant runs."""
    monkeypatch.setattr(retention, "EVERY", 0.1)
    young, right = conversation(1), time.time
    began = time.monotonic()
    monkeypatch.setattr(
        time, "time", lambda: right() + (40 * DAY if time.monotonic() - began > 0.3 else 0)
    )
    run_schedule(1.5)
    assert database.exists(young) and "the clock jumped" in caplog.text


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


@pytest.mark.slow
def test_the_commands(state):
    session = conversation(31)
    young = conversation()
    done = make("backup", state)
    assert done.returncode == 0 and "written: " in done.stdout, done.stderr
    file = done.stdout.split("written: ")[1].strip()
    assert "conversations without a message for 30 days: 1 deleted" in make(
        "purge", state
    ).stdout and not database.exists(session)
    assert "deleted" in make("erase", state, ID=young).stdout and not database.exists(young)
    missing = make("erase", state, ID=young)
    assert missing.returncode != 0 and "there is no conversation" in missing.stderr
    # One was erased since, one is too old.
    assert "restored: 0 conversations" in make("restore", state, FILE=file).stdout
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


# -- Rasa's tracker store


def tracker_store():
    return ConversationStore(
        Domain.from_yaml(
            'version: "3.1"\nslots:\n  conversation:\n    type: any\n    mappings: [{type:'
            " custom}]\n"
        )
    )


def talk(store, sender, *events):
    """Load, add events, save; gives the tracker as it is loaded afterwards and the faults of it
    all."""

    async def turn():
        faults = watch_faults()
        tracker = await store.retrieve(sender) or DialogueStateTracker(sender, store.domain.slots)
        for event in events:
            tracker.update(event, store.domain)
        await store.save(tracker)
        return await store.retrieve(sender), faults

    return asyncio.run(turn())


def test_events_are_stored_by_row_whatever_the_clock_says(state):
    """Rasa finds the latest session by its time stamp: with a clock that jumps back it loses and
    repeats events."""
    store, now = tracker_store(), time.time()
    talk(
        store,
        "v",
        SessionStarted(now),
        SlotSet("conversation", {"n": 1}, timestamp=now),
        UserUttered("first", timestamp=now),
    )
    earlier = now - 30 * DAY
    tracker, _ = talk(store, "v", UserUttered("second", timestamp=earlier))
    assert [e.text for e in tracker.events if isinstance(e, UserUttered)] == ["first", "second"]
    tracker, _ = talk(
        store,
        "v",
        ActionExecuted("action_session_start", timestamp=earlier),
        SessionStarted(earlier),
        UserUttered("third", timestamp=earlier),
    )
    assert [e.text for e in tracker.events if isinstance(e, UserUttered)] == ["third"], (
        "the session that was written last is the latest"
    )
    full = asyncio.run(store.retrieve_full_tracker("v"))
    assert [e.text for e in full.events if isinstance(e, UserUttered)] == [
        "first",
        "second",
        "third",
    ]


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


def test_what_another_process_wrote_meanwhile_is_put_together(state):
    store, other = tracker_store(), tracker_store()
    talk(store, "v", SessionStarted(), UserUttered("before"))

    async def both():
        faults = watch_faults()
        one, two = await store.retrieve("v"), await other.retrieve("v")
        one.update_with_events(
            [
                UserUttered("I am pregnant"),
                SlotSet("conversation", {"circumstances": {"pregnancy": {}}}),
            ],
            store.domain,
        )
        two.update_with_events(
            [
                UserUttered("I take warfarin"),
                SlotSet(
                    "conversation", {"circumstances": {"blood_thinner": {}}, "urgent": "same_day"}
                ),
            ],
            store.domain,
        )
        await store.save(one)
        await other.save(two)
        return await store.retrieve("v"), faults

    tracker, faults = asyncio.run(both())
    assert faults == ["conflict"] and set(tracker.get_slot("conversation")["circumstances"]) == {
        "pregnancy",
        "blood_thinner",
    }
    assert [e.text for e in tracker.events if isinstance(e, UserUttered)] == [
        "before",
        "I am pregnant",
        "I take warfarin",
    ]


def test_putting_together_forgets_neither_circumstances_nor_urgent_advice():
    assert put_together(
        {"urgent": "emergency", "circumstances": {"a": 1}, "topic": "x"},
        {"circumstances": {"b": 2}, "urgent": None, "topic": "y"},
    ) == {"urgent": "emergency", "circumstances": {"a": 1, "b": 2}, "topic": "y"}
    assert put_together(None, None)["circumstances"] == {}


def test_a_message_at_work_writes_nothing_after_its_conversation_was_erased(state):
    """Neither Rasa's events, whether the conversation was new or had rows, nor what could not be
    saved before."""
    store = tracker_store()
    for earlier in ((), (SessionStarted(), UserUttered("before"))):
        session = conversation()
        if earlier:
            talk(store, session, *earlier)

        async def erased_meanwhile(session=session):
            tracker = await store.retrieve(session) or DialogueStateTracker(
                session, store.domain.slots
            )
            tracker.update(UserUttered("zebra-late"), store.domain)
            database.erase(session)
            await store.save(tracker)
            await store.save(tracker)

        asyncio.run(erased_meanwhile())
        assert not database.exists(session) and not store._unsaved
    assert not files_with(state, "zebra-late")


def test_who_had_everything_deleted_can_go_on(state):
    store, session = tracker_store(), conversation()
    talk(store, session, SessionStarted(), UserUttered("before"))
    database.erase(session, keep_token=True)
    tracker, faults = talk(store, session, UserUttered("after"))
    assert not faults and [e.text for e in tracker.events if isinstance(e, UserUttered)] == [
        "after"
    ]


def test_a_conversation_opened_without_a_database_is_written_by_who_needs_it_first(state):
    store, other = webstore.WebStore(), webstore.WebStore()
    session, token, _ = store.issue(late=True)
    assert (
        not database.exists(session)
        and other.session_of(token) == session
        and database.exists(session)
    )
    assert other.accept(session, "one") == (True, None)
    database.erase(session)
    for use in (
        lambda: other.session_of(token),
        lambda: other.accept(session, "two"),
        lambda: other.record(session, "x", {"choices": []}, "one"),
    ):
        with pytest.raises(webstore.BadToken):
            use()
    assert not database.exists(session)


def test_locks_of_one_process_go_in_order(monkeypatch):
    monkeypatch.delenv("ASSISTANT_REDIS_URL", raising=False)
    order = []

    async def one(store, number):
        async with store.lock("v"):
            order.append(number)
            await asyncio.sleep(0.01)

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
