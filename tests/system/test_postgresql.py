"""The same promises of the stores with PostgreSQL."""

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import sqlalchemy as sa
from rasa.shared.core.events import SessionStarted, SlotSet, UserUttered

from assistant import backup, database, retention
from assistant.rasa.locks import SharedLocks
from tests.support import stores
from tests.support.stores import conversation, rows, talk, tracker_store
from tests.support.waiting import GENEROUS
from tests.system.test_stores import start_together


def test_processes_that_start_at_once_migrate_once(empty_database):
    assert set(start_together()) == {database.newest_migration()}


PROMISES = (
    stores.the_migrations_make_the_tables_that_the_code_expects,
    stores.a_conversation_opened_without_a_database_is_written_later,
    stores.events_are_stored_by_row_whatever_the_clock_says,
    stores.what_another_process_wrote_meanwhile_is_put_together,
)


@pytest.mark.parametrize("promise", PROMISES, ids=lambda promise: promise.__name__)
def test_a_promise_of_the_stores_is_kept(empty_database, promise):
    promise()


def test_purge(empty_database):
    old, young = conversation(31), conversation(29)
    assert retention.purge(30)["conversations"] == 1
    assert not database.exists(old) and database.exists(young)
    with database.engine().connect() as connection:
        vacuumed = {
            row.relname
            for row in connection.execute(
                sa.text("SELECT relname FROM pg_stat_user_tables WHERE last_vacuum IS NOT NULL")
            )
        }
    assert {column.table.name for column in database.conversation_columns()} <= vacuumed


def test_a_message_at_work_writes_nothing_once_its_conversation_is_erased(empty_database, tmp_path):
    stores.a_message_at_work_writes_nothing_once_its_conversation_is_erased(tmp_path)


def test_one_of_several_processes_does_a_scheduled_task(empty_database):
    assert [retention.due("purge", 3600) for _ in range(3)] == [True, False, False]


def test_backup_and_restore(empty_database, tmp_path):
    kept, erased, before = conversation(), conversation(), rows()
    file = backup.backup()
    database.erase(erased)
    later = conversation()
    with database.engine().begin() as connection:  # an accident
        connection.execute(database.turns.delete())
    assert backup.restore(file) == 1
    assert database.exists(kept) and not database.exists(erased) and not database.exists(later)
    assert rows() == {name: count // 2 for name, count in before.items()}
    broken = tmp_path / "broken.dump"
    broken.write_bytes(file.read_bytes()[:200])
    with pytest.raises(database.StoreError, match="pg_restore failed"):
        backup.restore(broken)
    with pytest.raises(database.StoreError, match="not a backup from PostgreSQL"):
        backup.restore(Path(__file__))
    assert database.exists(kept)


def test_two_writers_at_the_same_instant_forget_nothing(empty_database):
    """Between looking at the newest row and writing nobody else may write: else neither notices the
    other, and one circumstance is gone."""
    store = tracker_store()
    barrier = threading.Barrier(2)

    def write(tracker, circumstance):
        tracker.update(SlotSet("conversation", {"circumstances": {circumstance: {}}}), store.domain)
        barrier.wait()
        return store._write(tracker)

    with ThreadPoolExecutor(2) as pool:
        for number in range(30):
            talk(store, f"v{number}", SessionStarted(), UserUttered("before"))
            trackers = [store._load(f"v{number}", False) for _ in range(2)]
            alone = list(pool.map(write, trackers, ("pregnancy", "blood_thinner")))
            assert sorted(alone) == [False, True]
            assert set(
                store._load(f"v{number}", False).get_slot("conversation")["circumstances"]
            ) == {"pregnancy", "blood_thinner"}


def test_a_conversation_grows_by_what_is_new(empty_database):
    store = tracker_store()
    talk(store, "v", SessionStarted(), UserUttered("one"))
    talk(store, "v", UserUttered("two"))
    with database.engine().connect() as connection:
        assert (
            connection.execute(sa.select([sa.func.count()]).select_from(database.events)).scalar()
            == 3
        )


# -- the locks in Redis


def test_messages_of_one_worker_join_the_queue_in_their_order(redis_server):
    """All at once, without a connection to Redis that is open yet: whose connection is there first
    does not overtake."""
    order = []

    async def one(shared, number):
        place = await shared.take("burst")
        order.append(number)
        await place.give_back()

    async def everybody():
        shared = SharedLocks(redis_server.program.url)
        await asyncio.gather(*(one(shared, number) for number in range(20)))
        assert not shared._joining._locks

    asyncio.run(asyncio.wait_for(everybody(), GENEROUS))
    assert order == list(range(20))


def test_locks_are_exclusive_and_in_order_among_processes(redis_server):
    """Two clients, as two processes have them: twenty messages, one at a time, in their order."""
    order, inside = [], []
    everyone_is_queued = asyncio.Event()

    async def one(shared, number):
        place = await shared.take("v")
        inside.append(number)
        assert len(inside) == 1, "two at a time"
        order.append(number)
        await everyone_is_queued.wait()
        await asyncio.sleep(0.005)
        inside.remove(number)
        await place.give_back()

    async def everybody():
        clients = [SharedLocks(redis_server.program.url) for _ in range(2)]
        waiting = []
        for number in range(20):
            waiting.append(asyncio.ensure_future(one(clients[number % 2], number)))
            # A client's first message connects first: wait for its place.
            while await clients[0].redis.llen("microneedling:queue:v") <= number:
                await asyncio.sleep(0.002)
        everyone_is_queued.set()
        await asyncio.gather(*waiting)
        assert not await clients[0].redis.keys("microneedling:*v"), "nothing is left"

    asyncio.run(asyncio.wait_for(everybody(), GENEROUS))
    assert order == list(range(20))


def test_a_dead_owner_and_a_dead_waiter_are_passed_over(redis_server, monkeypatch):
    from assistant.rasa import locks

    monkeypatch.setattr(locks, "EXPIRY", 1.8)  # renewed every 0.6 s: a busy machine may be late

    async def story():
        shared = SharedLocks(redis_server.program.url)
        owner = await shared.take("dead")
        owner._renewal.cancel()  # its process was killed
        waiter = asyncio.ensure_future(shared.take("dead"))
        await asyncio.sleep(0.1)
        waiter.cancel()
        crashed = locks.Place(shared.redis, "dead")  # queued up, then killed
        await shared.redis.rpush(crashed.queue, crashed.token)
        place = await asyncio.wait_for(shared.take("dead"), GENEROUS)
        assert not await shared.redis.exists(owner.alive(owner.token)), "its owner was alive"
        await place.give_back()

    asyncio.run(story())


@pytest.mark.alone
@pytest.mark.real_time
def test_a_long_turn_keeps_its_lock(redis_server, monkeypatch):
    from assistant.rasa import locks

    monkeypatch.setattr(locks, "EXPIRY", 3.0)  # renewed every second: a busy machine may be late

    async def story():
        shared = SharedLocks(redis_server.program.url)
        first = await shared.take("long")
        second = asyncio.ensure_future(shared.take("long"))
        await asyncio.sleep(4)
        assert not second.done(), "the lock expired although its owner lives"
        await first.give_back()
        await (await asyncio.wait_for(second, GENEROUS)).give_back()

    asyncio.run(story())
