"""What went wrong with the stores while one message was answered, so that its turn can say so."""

from contextvars import ContextVar
from typing import List, Optional

_of_turn: ContextVar[Optional[List[str]]] = ContextVar("faults_of_turn", default=None)


def watch_faults() -> List[str]:
    """From here on the faults of this turn (this asyncio task and what it starts) are added to the
    list that is given back."""
    seen: List[str] = []
    _of_turn.set(seen)
    return seen


def note_fault(name: str) -> None:
    """A store could not do its part: `retrieve`, `save`, `conflict` (two processes wrote at once),
    `lock`, `record`."""
    seen = _of_turn.get()
    if seen is not None:
        seen.append(name)
