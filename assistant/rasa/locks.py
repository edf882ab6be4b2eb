"""Rasa's lock store: one message of a conversation at a time, first come, first served, without
Rasa's polling once a second.

Within one process an asyncio lock; with ASSISTANT_REDIS_URL the processes order themselves in
Redis. Rasa's own RedisLockStore reads, changes and writes its tickets in separate steps and loses
some of them (docs/stores.md). Redis also says which worker answers a message while the database,
which says so otherwise, is away.
"""

import asyncio
import contextlib
import hashlib
import json
import logging
import os
import time
import uuid
from collections import defaultdict
from contextlib import asynccontextmanager
from typing import Any, AsyncGenerator, Awaitable, Callable, Dict, Optional

from rasa.core.lock import TicketLock
from rasa.core.lock_store import LOCK_LIFETIME, LockStore
from rasa.shared.exceptions import RasaException
from rasa.utils.endpoints import EndpointConfig
from redis.asyncio import Redis
from redis.asyncio.lock import Lock
from redis.exceptions import LockError as RedisLockError
from redis.exceptions import RedisError

from assistant.rasa.faults import note_fault

logger = logging.getLogger(__name__)
#: Seconds that the lock of a process outlives it; a living one renews it three times in that time.
EXPIRY = 5.0
#: Seconds between two looks at the queue; seconds that Redis may take, and for which it is left
#: alone after a failure.
LOOK, REDIS_LIMIT, PAUSE = 0.02, 1.0, 2.0
PREFIX = "microneedling:"
#: Seconds for which a turn is kept for whoever sends its message again; that a look for one may
#: take.
KEPT, GLANCE = 600, 0.25


class ConversationLockStore(LockStore):
    """Hands out the lock of a conversation. Raises RasaException when it could not keep the
    order."""

    def __init__(self, endpoint_config: Optional[EndpointConfig] = None, **kwargs: Any) -> None:
        if int(os.environ.get("SANIC_WORKERS", "1")) > 1:
            raise RasaException(
                "ConversationLockStore orders messages within one Sanic worker: unset SANIC_WORKERS"
                " and start several processes with `make cluster`"
            )
        super().__init__()
        self._local = LocalLocks()
        address = os.environ.get("ASSISTANT_REDIS_URL", "").strip()
        self._shared = SharedLocks(address) if address else None

    @asynccontextmanager
    async def lock(
        self,
        conversation_id: str,
        lock_lifetime: float = LOCK_LIFETIME,
        wait_time_in_seconds: float = 1,
    ) -> AsyncGenerator[TicketLock, None]:
        """Hold the conversation's lock; waiting messages go on in the order in which they came.

        While Redis cannot be used the order holds within this process only. The conversation store
        notices when two processes wrote to one conversation at once, and the visitor is told
        (assistant.rasa.faults).
        """
        held = await self._shared.take(conversation_id) if self._shared else None
        try:
            async with contextlib.nullcontext() if held else self._local.hold(conversation_id):
                yield TicketLock(conversation_id)
        finally:
            if held:
                await held.give_back()

    async def works(self) -> bool:
        """Whether locks are shared as configured: True without Redis."""
        return self._shared is None or await self._shared.works()


class LocalLocks:
    """First come, first served within this process."""

    def __init__(self) -> None:
        self._locks: Dict[str, asyncio.Lock] = {}
        self._users: Dict[str, int] = defaultdict(int)

    @asynccontextmanager
    async def hold(self, name: str) -> AsyncGenerator[None, None]:
        lock = self._locks.setdefault(name, asyncio.Lock())
        self._users[name] += 1
        try:
            async with lock:
                yield
        finally:
            self._users[name] -= 1
            if not self._users[name]:
                del self._users[name], self._locks[name]


class SharedLocks:
    """First come, first served among processes: a queue in Redis says who is next, redis-py's lock
    (token, expiry) makes it exclusive."""

    def __init__(self, address: str):
        try:
            self.redis = Redis.from_url(
                address,
                socket_timeout=REDIS_LIMIT,
                socket_connect_timeout=REDIS_LIMIT,
                health_check_interval=15,
            )
        except ValueError as error:
            raise RasaException(
                f"ASSISTANT_REDIS_URL must look like redis://:password@host:6379/0 ({error})"
            ) from None
        self._left_alone_until = 0.0
        self._joining = LocalLocks()

    async def take(self, name: str) -> Optional["Place"]:
        """The lock of `name` once it is this message's turn, or None when Redis cannot be used.

        Messages of one conversation join the queue one after the other: one whose connection to
        Redis is still being opened would be overtaken by the next, which finds an open one.
        """
        place = Place(self.redis, name)
        try:
            async with self._joining.hold(name):
                if time.monotonic() < self._left_alone_until:
                    return None
                first = await place.join()
            await place.wait(first)
            return place
        except (RedisError, OSError) as error:
            self._left_alone_until = time.monotonic() + PAUSE
            logger.error(
                "Redis cannot be used (%s): messages are ordered within this process only until"
                " it can",
                type(error).__name__,
            )
            await place.leave()
            return None
        except BaseException:  # cancelled while waiting
            await place.leave()
            raise

    async def works(self) -> bool:
        """Whether Redis answers."""
        try:
            return bool(await self.redis.ping())
        except (RedisError, OSError):
            return False


class Claims:
    """Which worker answers a message while the database is away, and with which turn. Without Redis
    each worker answers for itself."""

    def __init__(self, address: str):
        self.redis = SharedLocks(address).redis
        self._left_alone_until = 0.0

    @classmethod
    def configured(cls) -> Optional["Claims"]:
        """Claims in the Redis that ASSISTANT_REDIS_URL names, or None."""
        address = os.environ.get("ASSISTANT_REDIS_URL", "").strip()
        return cls(address) if address else None

    @staticmethod
    def _key(session: str, client_id: str) -> str:
        # A client id is its sender's choice.
        return f"{PREFIX}message:" + hashlib.sha256(f"{session} {client_id}".encode()).hexdigest()

    async def _ask(self, call: Callable[[], Awaitable[Any]], limit: float = REDIS_LIMIT) -> Any:
        """What Redis says within `limit` seconds. Raises LookupError when it says nothing."""
        if time.monotonic() < self._left_alone_until:
            raise LookupError("Redis did not answer a moment ago")
        try:
            return await asyncio.wait_for(call(), limit)
        except (RedisError, OSError, asyncio.TimeoutError) as error:
            self._left_alone_until = time.monotonic() + PAUSE
            logger.error(
                "Redis cannot be used (%s): a message that two workers get may be answered twice",
                type(error).__name__,
            )
            raise LookupError("Redis does not answer") from error

    async def take(self, session: str, client_id: str) -> Optional[Dict[str, Any]]:
        """None when this worker is to answer; otherwise the turn that another one gives, waited for
        as long as its claim is alive."""
        key = self._key(session, client_id)
        with contextlib.suppress(LookupError):
            while not await self._ask(
                lambda: self.redis.set(key, "", nx=True, px=int(EXPIRY * 1000))
            ):
                turn = await self.answered(session, client_id)
                if turn:
                    return turn
        return None

    @asynccontextmanager
    async def alive(self, session: str, client_id: str) -> AsyncGenerator[None, None]:
        """Keep this worker's claim alive while it answers."""

        async def renew() -> None:
            while True:
                await asyncio.sleep(EXPIRY / 3)
                with contextlib.suppress(LookupError):
                    await self._ask(
                        lambda: self.redis.pexpire(
                            self._key(session, client_id), int(EXPIRY * 1000)
                        )
                    )

        renewal = asyncio.ensure_future(renew())
        try:
            yield
        finally:
            renewal.cancel()

    async def keep(self, session: str, client_id: str, turn: Dict[str, Any]) -> None:
        """Let whoever sends the message again, to whichever worker, get this turn."""
        with contextlib.suppress(LookupError):
            await self._ask(
                lambda: self.redis.set(self._key(session, client_id), json.dumps(turn), ex=KEPT)
            )

    async def answered(self, session: str, client_id: str) -> Optional[Dict[str, Any]]:
        """The turn that some worker gave, or is just about to give, while the database was away."""
        with contextlib.suppress(LookupError):
            while True:
                found = await self._ask(
                    lambda: self.redis.get(self._key(session, client_id)), GLANCE
                )
                if found != b"":  # claimed, not answered yet
                    return json.loads(found) if found else None
                await asyncio.sleep(LOOK)
        return None


class Place:
    """One message's place in the queue of a conversation.

    The queue is a list of tokens; each waiting or working message keeps its token alive (a key that
    expires, with its process id). Who is first and alive takes the lock; a dead first is taken out
    by whoever sees it.
    """

    def __init__(self, redis: Redis, name: str):
        self.redis, self.token = redis, uuid.uuid4().hex
        self.queue = f"{PREFIX}queue:{name}"
        self.lock = Lock(redis, f"{PREFIX}lock:{name}", timeout=EXPIRY, thread_local=False)
        self.holds, self._renewal = False, None

    def alive(self, token: str) -> str:
        """The key whose presence says that the owner of `token` lives."""
        return f"{PREFIX}alive:{token}"

    async def join(self) -> Optional[bytes]:
        """Queue up; gives the token that is first in the queue. Raises RedisError."""
        async with self.redis.pipeline(transaction=True) as pipe:
            pipe.set(self.alive(self.token), os.getpid(), px=int(EXPIRY * 1000))
            pipe.rpush(self.queue, self.token)
            pipe.expire(self.queue, 3600)
            pipe.lindex(self.queue, 0)
            first = (await pipe.execute())[-1]
        self._renewal = asyncio.ensure_future(self._renew())
        return first

    async def wait(self, first: Optional[bytes]) -> None:
        """Wait for the lock behind `first`, the token at the head of the queue. Raises
        RedisError."""
        while True:
            head = first.decode() if first else None
            if head == self.token:
                if await self.lock.acquire(blocking=False, token=self.token):
                    self.holds = True
                    return
            elif head is None:  # Redis was emptied: queue up again
                await self.redis.rpush(self.queue, self.token)
            elif not await self.redis.exists(self.alive(head)):
                await self.redis.lrem(self.queue, 1, head)
            await asyncio.sleep(LOOK)
            first = await self.redis.lindex(self.queue, 0)

    async def _renew(self) -> None:
        """Keep this message's token and lock alive while it waits and works."""
        while True:
            await asyncio.sleep(EXPIRY / 3)
            try:
                await self.redis.set(self.alive(self.token), os.getpid(), px=int(EXPIRY * 1000))
                if self.holds:
                    await self.lock.reacquire()
            except RedisLockError:
                note_fault("lock")
                logger.error(
                    "the lock of a conversation was lost while its message was being answered"
                )
                return
            except (RedisError, OSError):
                continue  # Redis may be back before the lock expires

    async def give_back(self) -> None:
        """Release the lock and let the next message go on; a lock that Redis lost meanwhile is
        logged."""
        try:
            if self.holds:
                await self.lock.release()
        except RedisLockError:
            note_fault("lock")
            logger.error("the lock of a conversation was lost before its message was answered")
        except (RedisError, OSError) as error:
            logger.error(
                "a lock could not be released (%s); it expires by itself", type(error).__name__
            )
        await self.leave()

    async def leave(self) -> None:
        """Leave the queue; what cannot be removed expires."""
        if self._renewal:
            self._renewal.cancel()
        with contextlib.suppress(RedisError, OSError):
            async with self.redis.pipeline(transaction=True) as pipe:
                pipe.lrem(self.queue, 1, self.token)
                pipe.delete(self.alive(self.token))
                await pipe.execute()
