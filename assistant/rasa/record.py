"""The record of a conversation as the website channel keeps it: each message answered once, nothing
lost while the database is away."""

import asyncio
import logging
from collections import OrderedDict
from typing import Any, Awaitable, Callable, Dict, Iterable, List, Optional, Tuple

from assistant import database
from assistant.database import reach
from assistant.rasa.faults import note_fault, watch_faults
from assistant.rasa.locks import Claims
from assistant.turn import public
from assistant.webstore import BadToken, WebStore

logger = logging.getLogger(__name__)
#: Turns that could not be written and are kept in memory; seconds between two tries to write them.
MOST_UNWRITTEN, RETRY = 1000, 1.0
#: Seconds that a process which is asked to end waits for messages at hand.
STOP_LIMIT = 10.0
#: The client id under which a greeting is recorded that had to wait for the database; no client can
#: send it.
GREETING = ""

Turn = Dict[str, Any]


class Record:
    """assistant.webstore, used so that an emergency is answered and a repeated message gets the
    same turn whatever the database does."""

    def __init__(self, store: WebStore):
        self.store, self.claims = store, Claims.configured()
        self._at_work: Dict[Tuple[str, str], asyncio.Task[Turn]] = {}
        self._unwritten: OrderedDict[Tuple[str, str], Tuple[Optional[str], Turn]] = OrderedDict()
        self._writer: Optional[asyncio.Task[None]] = None

    @property
    def unwritten(self) -> int:
        """How many turns wait in memory for the database."""
        return len(self._unwritten)

    async def open(self, turn: Turn, lifetime: int, patience: float) -> Tuple[str, str, int]:
        """A new conversation with its greeting and a token for `lifetime` seconds, as WebStore.open
        gives it; when the database does not do that in `patience` seconds it is written later, so
        that an emergency has a way in."""
        try:
            return await reach(self.store.open, turn, lifetime, deadline=patience)
        except database.StoreError as error:
            logger.error("a conversation is opened without a record: %s", error)
            opened = self.store.issue(lifetime, late=True)
            # Greetings leave room for what visitors say.
            if len(self._unwritten) < MOST_UNWRITTEN // 2:
                self._write_later(opened[0], GREETING, None, turn)
            return opened

    async def once(
        self, session: str, client_id: str, answer: Callable[[bool, List[str]], Awaitable[Turn]]
    ) -> Turn:
        """The turn of a message: that of `answer(first, faults)`, or the one that it has already.
        Goes on when the visitor's connection is lost.

        `first` is False when another process accepted the message and has not answered it yet;
        `faults` fills with what the stores could not do.
        """
        key = (session, client_id)
        if key not in self._at_work:
            self._at_work[key] = task = asyncio.ensure_future(
                self._answer(session, client_id, answer)
            )
            task.add_done_callback(lambda done: self._done(key, done))
        return await asyncio.shield(self._at_work[key])

    def _done(self, key: Tuple[str, str], task: "asyncio.Task[Turn]") -> None:
        del self._at_work[key]
        if not task.cancelled():
            task.exception()  # taken note of: the visitor whom it would have told may be gone

    async def _answer(
        self, session: str, client_id: str, answer: Callable[[bool, List[str]], Awaitable[Turn]]
    ) -> Turn:
        faults = watch_faults()
        if (session, client_id) in self._unwritten:
            return self._unwritten[session, client_id][1]
        try:
            first, turn = await reach(self.store.accept, session, client_id, expected=BadToken)
        except database.StoreError as error:
            logger.error("a message is answered without a record: %s", error)
            note_fault("record")
            return await self._answer_claimed(session, client_id, answer, faults)
        # Another worker may have answered it while the database was away, and not have written it
        # yet.
        if first and self.claims:
            turn = await self.claims.answered(session, client_id)
        return turn or await answer(first, faults)

    async def _answer_claimed(
        self,
        session: str,
        client_id: str,
        answer: Callable[[bool, List[str]], Awaitable[Turn]],
        faults: List[str],
    ) -> Turn:
        """The turn of a message while the database is away: of several workers that got it one
        answers, as long as Redis can say which."""
        if self.claims is None:
            return await answer(True, faults)
        turn = await self.claims.take(session, client_id)
        if turn is None:
            async with self.claims.alive(session, client_id):
                turn = await answer(True, faults)
            await self.claims.keep(session, client_id, public(self.store.masked(turn)))
        return turn

    async def keep(self, session: str, said: str, turn: Turn, client_id: str) -> Turn:
        """Record a turn, in memory until the database can be used; gives the turn that stands.
        Raises BadToken when the conversation was erased meanwhile."""
        try:
            return await reach(self.store.record, session, said, turn, client_id, expected=BadToken)
        except database.StoreError as error:
            logger.error("a turn is recorded later: %s", error)
            note_fault("record")
            self._write_later(session, client_id, said, turn)
            return turn

    def _write_later(self, session: str, client_id: str, said: Optional[str], turn: Turn) -> None:
        """Keep a turn in memory until the database can be used."""
        self._unwritten[session, client_id] = (said, turn)
        while len(self._unwritten) > MOST_UNWRITTEN:
            self._unwritten.popitem(last=False)
        if self._writer is None or self._writer.done():
            self._writer = asyncio.ensure_future(self._write_late())

    def forget(self, session: str) -> None:
        """Drop the turns of a conversation that wait for the database: it was erased."""
        for key in [key for key in self._unwritten if key[0] == session]:
            del self._unwritten[key]

    async def answered(self, session: str, client_id: str) -> Optional[Turn]:
        """The turn that a message has already. Raises StoreError."""
        return await reach(self.store.answered, session, client_id)

    async def choice(self, session: str, name: str) -> Optional[Dict[str, Any]]:
        """Title and meaning of a choice that this conversation was offered. Raises StoreError."""
        for (owner, _), (_, turn) in self._unwritten.items():
            for choice in turn.get("choices", []) if owner == session else []:
                if choice["id"] == name:
                    return {"title": choice["title"], "meaning": choice.get("meaning") or {}}
        return await reach(self.store.choice, session, name)

    async def finish(self, others: Iterable[Awaitable[Any]]) -> None:
        """Before the process ends: let the messages at hand and `others` be done, and write what
        could not be written, for STOP_LIMIT seconds at most."""
        waiting = [*self._at_work.values(), *others, *([self._writer] if self._writer else [])]
        if waiting:
            await asyncio.wait(waiting, timeout=STOP_LIMIT)
        if self._unwritten:
            logger.error(
                "%s turns are lost: the database could not be used until the end",
                len(self._unwritten),
            )

    async def _write_late(self) -> None:
        """Write what could not be written, oldest first, as soon as that is possible."""
        while self._unwritten:
            await asyncio.sleep(RETRY)
            for (session, client_id), (said, turn) in list(self._unwritten.items()):
                try:
                    await reach(
                        self.store.record, session, said, turn, client_id, expected=BadToken
                    )
                except BadToken:  # erased meanwhile: nothing is kept
                    pass
                except database.StoreError:
                    break
                except Exception as error:
                    logger.error(
                        "a turn could not be recorded and is dropped: %s", type(error).__name__
                    )
                self._unwritten.pop((session, client_id), None)
