"""Rasa's tracker store in the assistant's own database (assistant.database)."""
import json
import logging
import time
from collections import OrderedDict
from typing import Any, Dict, Iterator, List, Optional, Tuple

import sqlalchemy as sa
from rasa.core.tracker_store import SQLTrackerStore, TrackerStore
from rasa.shared.core.constants import ACTION_SESSION_START_NAME
from rasa.shared.core.domain import Domain
from rasa.shared.core.events import ActionExecuted, Event, SessionStarted, SlotSet
from rasa.shared.core.trackers import DialogueStateTracker
from rasa.shared.exceptions import RasaException

from assistant import database
from assistant.handoff.veil import event_texts
from assistant.rasa.faults import note_fault
from assistant.rasa.runtime import live_knowledge

logger = logging.getLogger(__name__)
#: Conversations that could not be saved and are kept in memory, and for how many seconds.
MOST_UNSAVED, UNSAVED_LIFETIME = 500, 1800.0


class ConversationStore(SQLTrackerStore):
    """Rasa's events by row number, whatever the clock says.

    A database that cannot be used never raises here: Rasa would go on with an empty conversation without a word. The
    conversation is kept in memory until it can be written, and the turn says that notes are missing (assistant.rasa.faults).
    Raises RasaException when the database cannot be opened at the start.
    """

    def __init__(self, domain: Optional[Domain] = None, event_broker: Any = None, **kwargs: Any) -> None:
        try:
            self.engine = database.engine()
        except database.StoreError as error:
            raise RasaException(str(error)) from error
        self.sessionmaker = sa.orm.session.sessionmaker(bind=self.engine)
        self._unsaved: OrderedDict[str, Tuple[float, DialogueStateTracker]] = OrderedDict()
        TrackerStore.__init__(self, domain, event_broker)

    async def retrieve(self, sender_id: str) -> Optional[DialogueStateTracker]:
        """The latest session of a conversation, or None when there is none."""
        unsaved = self._unsaved_of(sender_id)
        try:
            if unsaved is not None:
                await self._write_or_say(unsaved)
                self._unsaved.pop(sender_id, None)
            return await database.reach(self._load, sender_id, False)
        except database.StoreError as error:
            logger.error("a conversation cannot be read: %s", error)
            note_fault("retrieve")
            return unsaved

    async def retrieve_full_tracker(self, conversation_id: str) -> Optional[DialogueStateTracker]:
        """Every session of a conversation, or None when there is none. Raises StoreError."""
        return await database.reach(self._load, conversation_id, True)

    async def save(self, tracker: DialogueStateTracker) -> None:
        """Keep what is new in a conversation, in memory when the database cannot be used; when the visitor had it deleted, delete what there is."""
        await self.stream_events(tracker)
        try:
            if (tracker.get_slot("conversation") or {}).get("erase"):
                await database.reach(database.erase, tracker.sender_id, True)
                return
            await self._write_or_say(tracker)
        except database.StoreError as error:
            logger.error("a conversation cannot be saved, it is kept in memory: %s", error)
            note_fault("save")
            self._unsaved[tracker.sender_id] = (time.monotonic(), tracker)
            while len(self._unsaved) > MOST_UNSAVED:
                self._unsaved.popitem(last=False)

    async def _write_or_say(self, tracker: DialogueStateTracker) -> None:
        """Write what is new; note when the conversation had gone on elsewhere. Raises StoreError."""
        if not await database.reach(self._write, tracker):
            note_fault("conflict")
            logger.error("a conversation went on without what this process had kept of it; both are stored now, their circumstances put together")

    def _unsaved_of(self, sender_id: str) -> Optional[DialogueStateTracker]:
        """The conversation that could not be saved before, unless that is long ago."""
        for name, (since, _) in list(self._unsaved.items()):
            if time.monotonic() - since > UNSAVED_LIFETIME:
                del self._unsaved[name]
        return self._unsaved.get(sender_id, (0.0, None))[1]

    def _load(self, sender_id: str, all_sessions: bool) -> Optional[DialogueStateTracker]:
        with self.session_scope() as session:
            rows = self._event_query(session, sender_id, fetch_events_from_all_sessions=all_sessions).all()
            if not rows:
                return None
            tracker = DialogueStateTracker.from_dict(sender_id, [json.loads(row.data) for row in rows], self.domain.slots)
            self._mark(tracker, rows[-1].id)
            return tracker

    @staticmethod
    def _mark(tracker: DialogueStateTracker, newest_row: Optional[int]) -> None:
        """Note on a tracker which of its events are stored, and the newest row of its conversation."""
        tracker.stored_events, tracker.newest_row = len(tracker.events), newest_row

    def _event_query(self, session: Any, sender_id: str, fetch_events_from_all_sessions: bool) -> Any:
        """Like Rasa's query, but the latest session is the one that was written last: by its time stamp a clock that jumps back loses events."""
        event = self.SQLEvent
        query = session.query(event).filter(event.sender_id == sender_id)
        if not fetch_events_from_all_sessions:
            start = session.query(sa.func.max(event.id)).filter(event.sender_id == sender_id, event.type_name == SessionStarted.type_name).scalar_subquery()
            query = query.filter(event.id >= sa.func.coalesce(start, 0))
        return query.order_by(event.id)

    def _write(self, tracker: DialogueStateTracker) -> bool:
        """Append the new events. False when there were events that the tracker did not know: then what both remember is put together."""
        with self.session_scope() as session:
            if self.engine.dialect.name == "postgresql":  # nobody else writes between the look at the newest row and the end of this transaction
                session.execute(sa.text("SELECT pg_advisory_xact_lock(hashtextextended(:sender, 0))"), {"sender": tracker.sender_id})
            newest = session.query(sa.func.max(self.SQLEvent.id)).filter(self.SQLEvent.sender_id == tracker.sender_id).scalar()
            alone = newest == getattr(tracker, "newest_row", None)
            new = list(self._additional_events(session, tracker))
            if not alone:
                stored = self._load(tracker.sender_id, False)
                new = [event for event in new if not begins_session(event)]
                new.append(SlotSet("conversation", put_together(stored.get_slot("conversation"), tracker.get_slot("conversation"))))
            rows = self._rows(tracker.sender_id, new)
            session.add_all(rows)
            session.commit()
            self._mark(tracker, max((row.id for row in rows), default=newest))
            return alone

    def _additional_events(self, session: Any, tracker: DialogueStateTracker) -> Iterator[Event]:
        """The events of a tracker that are not stored yet."""
        return iter(list(tracker.events)[getattr(tracker, "stored_events", 0):])

    def _rows(self, sender_id: str, events: List[Event]) -> List[Any]:
        """New events as they are written: with contact details and other personal data masked (assistant.handoff.veil)."""
        country = live_knowledge().get().clinic.country
        return [self.SQLEvent(
            sender_id=sender_id, type_name=data["event"], timestamp=data.get("timestamp"), intent_name=(data.get("parse_data") or {}).get("intent", {}).get("name"),
            action_name=data.get("name"), data=json.dumps(data)) for data in event_texts([event.as_dict() for event in events], country)]


def begins_session(event: Event) -> bool:
    """Whether an event would make what was said before it another session, which is not loaded any more."""
    return isinstance(event, SessionStarted) or isinstance(event, ActionExecuted) and event.action_name == ACTION_SESSION_START_NAME


def put_together(stored: Optional[Dict[str, Any]], kept: Optional[Dict[str, Any]]) -> Dict[str, Any]:
    """What two processes remember of one conversation: the circumstances of both, and urgent advice until it is settled."""
    stored, kept = stored or {}, kept or {}
    circumstances = {**stored.get("circumstances", {}), **kept.get("circumstances", {})}
    return {**stored, **kept, "circumstances": circumstances, "urgent": kept.get("urgent") or stored.get("urgent")}
