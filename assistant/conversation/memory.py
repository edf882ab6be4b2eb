"""What was said to a visitor: no text stands twice in a conversation."""

import hashlib
from typing import Any, Dict, Iterable, List

#: Texts that a conversation remembers at most, the oldest forgotten first.
MOST_TEXTS = 150
#: Of these, the latest.
LATEST_TEXTS = 24


def mark(text: str) -> str:
    """Eight hexadecimal digits that stand for a text (BLAKE2s); the text itself is not kept."""
    return hashlib.blake2s(text.encode("utf-8"), digest_size=4).hexdigest()


def was_said(text: str, state: Dict[str, Any]) -> bool:
    """Whether the conversation has had this very text."""
    return mark(text) in (state.get("said") or [])


def said_lately(text: str, state: Dict[str, Any]) -> bool:
    """Whether this very text is among the latest of the conversation (about eight turns)."""
    return mark(text) in (state.get("said") or [])[-LATEST_TEXTS:]


def with_said(texts: Iterable[str], state: Dict[str, Any]) -> List[str]:
    """The marks of what was said, `texts` among them, the newest last."""
    marks = [*(state.get("said") or []), *map(mark, texts)]
    return list(reversed(list(dict.fromkeys(reversed(marks)))))[-MOST_TEXTS:]
