"""Rasa's tracker store in the assistant's own database (assistant.database).

Rasa loads, replays and sends to the action server every event of a session at every message: turn
200 takes eight times as long as turn 2 (RasaHQ/rasa#3011). Here the last turns are loaded, and
before them the newest event of each kind that still decides something: what every slot holds,
whether a form is open. ASSISTANT_PATCH_LAST_TURNS=off loads whole sessions again.
"""

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

from assistant import database
from assistant.handoff.veil import event_texts
from assistant.rasa.faults import note_fault
from assistant.rasa.runtime import live_knowledge
from assistant.rasa.switches import enabled

logger = logging.getLogger(__name__)
#: Conversations that could not be saved and are kept in memory, and for how many seconds.
MOST_UNSAVED, UNSAVED_LIFETIME = 500, 1800.0
#: Seconds that a start waits for the database, which another process may be migrating.
START_WAIT = 60.0
#: Messages of the visitor whose events are loaded in full.
LAST_TURNS = 2
#: Events of which the newest one of each name is enough of what was before: slots, the open form,
#: what was done last.
LASTING = ("slot", "active_loop", "loop_interrupted", "action_execution_rejected", "action")
#: Events that change the meaning of earlier ones: a session with one of them before the last turns
#: is loaded whole.
REWRITING = ("restart", "rewind", "undo", "reset_slots", "pause", "resume")


def names(types: Tuple[str, ...]) -> str:
    """Event types as a list in SQL."""
    return ", ".join(f"'{name}'" for name in types)


#: In the queries below `+id` keeps SQLite from walking through a conversation by id where the index
#: by kind of event (ix_events_kind) is shorter. The newest event; the events from one on.
NEWEST = sa.text("SELECT MAX(id) FROM events WHERE sender_id = :sender")
EVENTS_SINCE = sa.text(
    "SELECT id, data FROM events WHERE sender_id = :sender AND id >= :first ORDER BY id"
)
#: The event with which the latest session begins, and the action (to listen) before the oldest of
#: its last messages.
STARTS = sa.text(f"""
    WITH latest AS (
        SELECT COALESCE(MAX(+id), 0) AS start FROM events
        WHERE sender_id = :sender AND type_name = '{SessionStarted.type_name}'
    )
    SELECT start, (
        SELECT MAX(id) FROM events
        WHERE sender_id = :sender AND type_name = 'action' AND id >= start AND id < (
            SELECT id FROM events
            WHERE sender_id = :sender AND type_name = 'user' AND id >= start
            ORDER BY id DESC LIMIT 1 OFFSET :turns
        )
    ) AS recent FROM latest""")
#: The newest event of each kind before that.
NEWEST_OF_EACH = sa.text(f"""
    SELECT id, type_name, data FROM events WHERE id IN (
        SELECT MAX(id) FROM events
        WHERE sender_id = :sender AND +id >= :start AND +id < :recent
            AND type_name IN ({names(LASTING + REWRITING)})
        GROUP BY type_name, action_name
    ) ORDER BY id""")


class ConversationStore(SQLTrackerStore):
    """Rasa's events by row number, whatever the clock says.

    A database that cannot be used never raises here: Rasa would go on with an empty conversation
    without a word. The conversation is kept in memory until it can be written, and the turn says
    that notes are missing (assistant.rasa.faults). The same holds at the start: a process without
    a usable database answers all the same, and says what is missing.
    """

    def __init__(
        self, domain: Optional[Domain] = None, event_broker: Any = None, **kwargs: Any
    ) -> None:
        problem = database.problem(START_WAIT)
        if problem:
            logger.error("started without a conversation store, which is tried again: %s", problem)
        self._unsaved: OrderedDict[str, Tuple[float, DialogueStateTracker]] = OrderedDict()
        TrackerStore.__init__(self, domain, event_broker)

    @property
    def engine(self) -> sa.engine.Engine:
        """The engine of the assistant's database. Raises StoreError."""
        return database.engine()

    @property
    def sessionmaker(self) -> Any:
        """What Rasa's own export of conversations opens sessions with. Raises StoreError."""
        return sa.orm.session.sessionmaker(bind=self.engine)

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

    def forget(self, sender_id: str) -> None:
        """Drop what this process keeps of a conversation in memory: it was erased."""
        self._unsaved.pop(sender_id, None)

    async def retrieve_full_tracker(self, conversation_id: str) -> Optional[DialogueStateTracker]:
        """Every session of a conversation, or None when there is none. Raises StoreError."""
        return await database.reach(self._load, conversation_id, True)

    async def save(self, tracker: DialogueStateTracker) -> None:
        """Keep what is new in a conversation, in memory when the database cannot be used; when the
        visitor had it deleted, delete what there is."""
        await self.stream_events(tracker)
        try:
            if (tracker.get_slot("conversation") or {}).get("erase"):
                await database.reach(database.erase, tracker.sender_id, True)
                self.forget(tracker.sender_id)
                return
            await self._write_or_say(tracker)
        except database.StoreError as error:
            logger.error("a conversation cannot be saved, it is kept in memory: %s", error)
            note_fault("save")
            self._unsaved[tracker.sender_id] = (time.monotonic(), tracker)
            while len(self._unsaved) > MOST_UNSAVED:
                self._unsaved.popitem(last=False)

    async def _write_or_say(self, tracker: DialogueStateTracker) -> None:
        """Write what is new; note when the conversation had gone on elsewhere. Raises
        StoreError."""
        if not await database.reach(self._write, tracker):
            note_fault("conflict")
            logger.error(
                "a conversation went on without what this process had kept of it; both are stored"
                " now, their circumstances put together"
            )

    def _unsaved_of(self, sender_id: str) -> Optional[DialogueStateTracker]:
        """The conversation that could not be saved before, unless that is long ago."""
        for name, (since, _) in list(self._unsaved.items()):
            if time.monotonic() - since > UNSAVED_LIFETIME:
                del self._unsaved[name]
        return self._unsaved.get(sender_id, (0.0, None))[1]

    def _load(self, sender_id: str, all_sessions: bool) -> Optional[DialogueStateTracker]:
        with self.engine.connect() as connection:
            return self._load_with(connection, sender_id, all_sessions)

    def _load_with(
        self, connection: Any, sender_id: str, all_sessions: bool
    ) -> Optional[DialogueStateTracker]:
        rows = stored_events(connection, sender_id, all_sessions)
        if not rows:
            return None
        tracker = DialogueStateTracker.from_dict(
            sender_id, [json.loads(row.data) for row in rows], self.domain.slots
        )
        self._mark(tracker, rows[-1].id)
        return tracker

    @staticmethod
    def _mark(tracker: DialogueStateTracker, newest_row: Optional[int]) -> None:
        """Note on a tracker which of its events are stored, and the newest row of its
        conversation."""
        tracker.stored_events, tracker.newest_row = len(tracker.events), newest_row

    def _write(self, tracker: DialogueStateTracker) -> bool:
        """Append the new events. False when there were events that the tracker did not know: then
        what both remember is put together.

        Of a conversation that was erased meanwhile nothing is written: its message was at work when
        the visitor had everything deleted.
        """
        with self.engine.begin() as connection:
            sender = {"sender": tracker.sender_id}
            database.alone_with(connection, tracker.sender_id)
            if database.is_erased(connection, tracker.sender_id):
                logger.info(
                    "a message was at work while its conversation was erased: nothing of it is kept"
                )
                self._mark(tracker, None)
                return True
            newest = connection.execute(NEWEST, sender).scalar()
            new = list(self._additional_events(tracker))
            alone = newest == getattr(tracker, "newest_row", None)
            if not alone:
                stored = self._load_with(connection, tracker.sender_id, False)
                new = [event for event in new if not begins_session(event)]
                # None: its visitor had everything deleted and goes on.
                known = stored.get_slot("conversation") if stored else None
                new.append(
                    SlotSet("conversation", put_together(known, tracker.get_slot("conversation")))
                )
            if new:
                connection.execute(database.events.insert(), self._rows(tracker.sender_id, new))
                newest = connection.execute(NEWEST, sender).scalar()
        self._mark(tracker, newest)
        return alone

    @staticmethod
    def _additional_events(tracker: DialogueStateTracker) -> Iterator[Event]:
        """The events of a tracker that are not stored yet."""
        return iter(list(tracker.events)[getattr(tracker, "stored_events", 0) :])

    @staticmethod
    def _rows(sender_id: str, events: List[Event]) -> List[Dict[str, Any]]:
        """New events as they are written: with contact details and other personal data masked
        (assistant.handoff.veil)."""
        country = live_knowledge().get().clinic.country
        return [
            {
                "sender_id": sender_id,
                "type_name": data["event"],
                "timestamp": data.get("timestamp"),
                "intent_name": (data.get("parse_data") or {}).get("intent", {}).get("name"),
                "action_name": data.get("name"),
                "data": json.dumps(data),
            }
            for data in event_texts([event.as_dict() for event in events], country)
        ]


def stored_events(connection: Any, sender_id: str, all_sessions: bool) -> List[Any]:
    """What is stored of a conversation, (id, data) in the order in which it was written: all of it,
    or what its latest session needs to go on.

    The latest session is the one that was written last: by Rasa's time stamps a clock that jumps
    back loses events.
    """
    sender = {"sender": sender_id}
    if all_sessions:
        return connection.execute(EVENTS_SINCE, {**sender, "first": 0}).fetchall()
    start, recent = connection.execute(STARTS, {**sender, "turns": LAST_TURNS - 1}).one()
    earlier: List[Any] = []
    if not enabled("last_turns") or recent is None:
        recent = start
    elif recent > start:
        earlier = connection.execute(
            NEWEST_OF_EACH, {**sender, "start": start, "recent": recent}
        ).fetchall()
        if any(row.type_name in REWRITING for row in earlier):
            earlier, recent = [], start
    return [*earlier, *connection.execute(EVENTS_SINCE, {**sender, "first": recent})]


def begins_session(event: Event) -> bool:
    """Whether an event would make what was said before it another session, which is not loaded any
    more."""
    return (
        isinstance(event, SessionStarted)
        or isinstance(event, ActionExecuted)
        and event.action_name == ACTION_SESSION_START_NAME
    )


def put_together(
    stored: Optional[Dict[str, Any]], kept: Optional[Dict[str, Any]]
) -> Dict[str, Any]:
    """What two processes remember of one conversation: the circumstances of both, and urgent advice
    until it is settled."""
    stored, kept = stored or {}, kept or {}
    circumstances = {**stored.get("circumstances", {}), **kept.get("circumstances", {})}
    return {
        **stored,
        **kept,
        "circumstances": circumstances,
        "urgent": kept.get("urgent") or stored.get("urgent"),
    }
