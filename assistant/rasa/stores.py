"""Rasa's tracker store and lock store for one process: SQLite in WAL mode, and a lock that does not poll."""
import asyncio
import os
from collections import defaultdict
from contextlib import asynccontextmanager
from typing import Any, AsyncGenerator, Dict, Iterator, Optional

import sqlalchemy as sa
from rasa.core.lock import TicketLock
from rasa.core.lock_store import LOCK_LIFETIME, InMemoryLockStore
from rasa.core.tracker_store import SQLTrackerStore
from rasa.shared.core.domain import Domain
from rasa.shared.core.trackers import DialogueStateTracker
from rasa.shared.exceptions import RasaException
from rasa.utils.endpoints import EndpointConfig

from assistant import database
from assistant.handoff.veil import event_texts


class ConversationStore(SQLTrackerStore):
    """Rasa's events in the assistant's own SQLite file (see assistant.database).

    Raises RasaException when the file cannot be opened: Rasa would otherwise wait for ever, or fall back to memory and
    forget what a visitor told.
    """

    def __init__(self, domain: Optional[Domain] = None, event_broker: Any = None, **kwargs: Any) -> None:
        kwargs.pop("host", None)
        try:
            database.engine()
        except database.StoreError as error:
            raise RasaException(str(error)) from error
        super().__init__(domain=domain, dialect="sqlite", db=str(database.path()), event_broker=event_broker)
        self.engine.dispose()
        self.engine = database.engine()
        self.sessionmaker = sa.orm.session.sessionmaker(bind=self.engine)


    async def save(self, tracker: DialogueStateTracker) -> None:
        """Keep a conversation's new events; when the visitor had it deleted, delete what there is and keep nothing."""
        if (tracker.get_slot("conversation") or {}).get("erase"):
            database.erase(tracker.sender_id, keep_token=True)
            return
        await super().save(tracker)

    def _additional_events(self, session: Any, tracker: DialogueStateTracker) -> Iterator["StoredEvent"]:
        """New events with contact details masked (assistant.handoff.veil)."""
        events = list(super()._additional_events(session, tracker))
        return iter([StoredEvent(event.type_name, data) for event, data in zip(events, event_texts([event.as_dict() for event in events]))])


class StoredEvent:
    """An event as it is written: its type and its data."""

    def __init__(self, type_name: str, data: Dict[str, Any]):
        self.type_name, self._data = type_name, data

    def as_dict(self) -> Dict[str, Any]:
        return self._data


class ConversationLockStore(InMemoryLockStore):
    """First come, first served within one process, without Rasa's polling once a second."""

    def __init__(self, endpoint_config: Optional[EndpointConfig] = None, **kwargs: Any) -> None:
        if int(os.environ.get("SANIC_WORKERS", "1")) > 1:
            raise RasaException("ConversationLockStore orders messages within one process only: unset SANIC_WORKERS")
        super().__init__()
        self._locks: Dict[str, asyncio.Lock] = {}
        self._users: Dict[str, int] = defaultdict(int)

    @asynccontextmanager
    async def lock(self, conversation_id: str, lock_lifetime: float = LOCK_LIFETIME, wait_time_in_seconds: float = 1) -> AsyncGenerator[TicketLock, None]:
        """Hold the conversation's lock; waiting messages go on in the order in which they came."""
        lock = self._locks.setdefault(conversation_id, asyncio.Lock())
        self._users[conversation_id] += 1
        try:
            async with lock:
                yield TicketLock(conversation_id)
        finally:
            self._users[conversation_id] -= 1
            if not self._users[conversation_id]:
                del self._users[conversation_id], self._locks[conversation_id]
