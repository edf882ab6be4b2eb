"""Waiting for what has to happen, instead of for some seconds."""

import threading
import time
from typing import Callable, TypeVar

T = TypeVar("T")
#: Seconds after which something that has to happen is given up: far more than a busy machine takes.
GENEROUS = 120.0


def until(
    condition: Callable[[], T], what: str = "", seconds: float = GENEROUS, pause: float = 0.05
) -> T:
    """What `condition` gives as soon as it is true. Raises AssertionError after `seconds`."""
    limit = time.monotonic() + seconds
    while True:
        found = condition()
        if found:
            return found
        assert time.monotonic() < limit, f"waited {seconds:.0f} s for {what or condition}"
        threading.Event().wait(pause)
