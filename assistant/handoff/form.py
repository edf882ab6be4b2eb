"""The form with its storage: reads what the machine needs, carries out what it gives back.

`assistant.handoff.machine` decides; the details are in assistant.handoff.requests. Details that
come before the visitor has agreed are held for a few minutes, sealed.
"""

import base64
import hashlib
import json
import secrets
from dataclasses import replace
from typing import Any, Dict, List, Optional

from cryptography.fernet import Fernet, InvalidToken

from assistant import webstore
from assistant.handoff import machine, requests
from assistant.handoff.fields import GIVEN, SKIPPED, SLOTS, still_open
from assistant.handoff.machine import ENDING, SKIP, STOP, Effect, Paper, Said, State

__all__ = [
    "ENDING",
    "GIVEN",
    "SKIP",
    "SKIPPED",
    "SLOTS",
    "STOP",
    "Held",
    "Said",
    "answered",
    "opened",
    "remembered_after",
    "resumed",
    "still_open",
    "with_paper",
]

#: Seconds for which details that came before consent are held.
HELD_FOR = requests.HELD_FOR


class Held:
    """Details that came before consent, by conversation, for a few minutes.

    Any action worker may get the yes, so they are in the database: as one sealed text, which the
    deployment's secret opens, and deleted at the yes, at the no, or when the time is over.
    """

    @staticmethod
    def _seal() -> Fernet:
        key = hashlib.sha256(b"held before consent " + webstore.secret().encode()).digest()
        return Fernet(base64.urlsafe_b64encode(key))

    def put(self, session: str, found: Dict[str, str]) -> None:
        """Hold `found` beside what is held already."""
        if found:
            text = json.dumps({**self.get(session), **found}).encode()
            requests.hold(session, self._seal().encrypt(text).decode())

    def get(self, session: str) -> Dict[str, str]:
        """What is held of a conversation."""
        sealed = requests.held(session)
        if not sealed:
            return {}
        try:
            return json.loads(self._seal().decrypt(sealed.encode()))
        except InvalidToken:  # the secret was changed meanwhile: the form asks again
            return {}

    def take(self, session: str) -> Dict[str, str]:
        """What is held of a conversation, held no longer."""
        found = self.get(session)
        if found:
            requests.hold(session, None)
        return found


def with_paper(said: Said, memory: Dict[str, Any]) -> Said:
    """The message with the request that the conversation remembers, and what is held of it."""
    name = memory.get("request")
    request = requests.get(name) if name else None
    return replace(
        said,
        paper=Paper(
            request=request,
            delivered=request is not None and requests.was_delivered(request["id"]),
            held=Held().get(said.session),
            new_name=secrets.token_hex(8),
        ),
    )


def carry_out(effects: List[Effect], session: str) -> None:
    """Do what the machine decided, in its order."""
    for effect in effects:
        if effect.kind == "begin":
            requests.begin(session, effect.values["topics"], effect.name)
        elif effect.kind == "update":
            requests.update(effect.name, **effect.values)
        elif effect.kind == "submit":
            requests.submit(effect.name, effect.values["deliver"])
        elif effect.kind == "drop":
            requests.drop(effect.name)
        else:
            Held().take(session)
            Held().put(session, effect.values)


def run(said: Said, state: State) -> Optional[Dict[str, Any]]:
    """The slots after a message, its effects carried out; None when the message is a question of
    its own."""
    slots, effects = machine.step(state, with_paper(said, state.memory))
    carry_out(effects, said.session)
    return slots


def opened(
    said: Said, memory: Dict[str, Any], conversation: Dict[str, Any]
) -> Optional[Dict[str, Any]]:
    """The slots when the form begins (machine.opened)."""
    return run(said, State(memory, conversation=conversation))


def answered(said: Said, asked: str, memory: Dict[str, Any]) -> Optional[Dict[str, Any]]:
    """The slots after a message while the question `asked` was open (machine.answered)."""
    return run(said, State(memory, asked))


def resumed(said: Said, asked: str, memory: Dict[str, Any]) -> Optional[Dict[str, Any]]:
    """The slots after a question in the middle was answered (machine.resumed)."""
    return run(said, State(memory, asked, digressed=True))


def remembered_after(memory: Dict[str, Any]) -> Optional[Dict[str, Any]]:
    """What the conversation remembers of a form that has ended: the request that was sent or is
    still a draft, that deleting it is to be confirmed, or that an offer was left aside."""
    outcome, name = memory.get("outcome"), memory.get("request")
    kept = {"request": name} if name else {}
    if outcome in ("erasing", "dropped"):
        return {**kept, "outcome": outcome}
    if outcome not in ("complete", "already", "quiet") or not name:
        return None
    request = requests.get(name)
    draft = request is not None and request["status"] == "draft"
    return {**kept, "outcome": None if draft else "complete"}
