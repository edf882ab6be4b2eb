"""Conversations in the database of a test, and the promises of the stores that hold with SQLite as
with PostgreSQL."""

import asyncio
import json
import time

import pytest
import sqlalchemy as sa
from rasa.shared.core.domain import Domain
from rasa.shared.core.events import ActionExecuted, SessionStarted, SlotSet, UserUttered
from rasa.shared.core.trackers import DialogueStateTracker

from assistant import database, webstore
from assistant.rasa.faults import watch_faults
from assistant.rasa.stores import ConversationStore

DAY = 86400


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


def the_migrations_make_the_tables_that_the_code_expects() -> None:
    """The migrations make the tables that the code expects."""
    from alembic.autogenerate import compare_metadata
    from alembic.migration import MigrationContext

    with database.engine().connect() as connection:
        assert database.migration_of(connection) == database.newest_migration()
        difference = compare_metadata(MigrationContext.configure(connection), database.metadata)
    assert not difference, (
        "write a migration for this into assistant/migrations/versions (docs/stores.md):"
        f" {difference}"
    )


def a_message_at_work_writes_nothing_once_its_conversation_is_erased(state) -> None:
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


def a_conversation_opened_without_a_database_is_written_later() -> None:
    """A conversation opened without a database is written later."""
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


def events_are_stored_by_row_whatever_the_clock_says() -> None:
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


def what_another_process_wrote_meanwhile_is_put_together() -> None:
    """What another process wrote meanwhile is put together."""
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
