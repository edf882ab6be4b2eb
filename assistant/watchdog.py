"""Keeps one server running from outside of its process: starts it again when it ended, and ends it
when it hangs.

A process that hangs cannot say so. Its keeper asks `/live` (or `/health` of the action server)
every second, kills it after five answers that did not come, and starts it anew: visitors wait some
seconds instead of for ever. Imports nothing of Rasa, so that it stays small and hangs with nothing.
"""

import ctypes
import signal
import subprocess
import threading
import time
import urllib.error
import urllib.request
from typing import Callable, List, Mapping, Optional

#: Seconds between two questions, for which an answer may take, and answers that may be missing.
ASK_EVERY, ASK_LIMIT, HUNG_AFTER = 1.0, 2.0, 5
#: Seconds that a start may take; that a server may take to end; pauses between two starts.
START_LIMIT, STOP_LIMIT, FIRST_PAUSE, LONGEST_PAUSE = 300.0, 25.0, 0.5, 30.0
#: prctl(2): the signal that a process gets when its parent ends.
PR_SET_PDEATHSIG = 1


def say(text: str) -> None:
    """One line about what happens."""
    print(f"-- {text}", flush=True)


def answers(url: str) -> bool:
    """Whether a server answers, whatever it says."""
    try:
        with urllib.request.urlopen(url, timeout=ASK_LIMIT):
            return True
    except urllib.error.HTTPError:
        return True
    except (OSError, ValueError):
        return False


def end_with_parent() -> None:
    """Between fork and exec: this process ends when its keeper does, however that ends."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


class Keeper:
    """Looks after one server. `start` starts its process, `alive` asks whether it answers."""

    def __init__(
        self,
        name: str,
        start: Callable[[], "subprocess.Popen[bytes]"],
        alive: Callable[[], bool],
        clock: Callable[[], float] = time.monotonic,
    ):
        self.name, self._start, self._alive, self._clock = name, start, alive, clock
        self.process: Optional[subprocess.Popen[bytes]] = None
        self.stopping = threading.Event()
        self._missed = self._failures = 0
        self._answered = self._ever_answered = False
        self._begun = self._again_at = 0.0

    def step(self) -> Optional[int]:
        """Look once. Gives an exit status when there is nothing to look after: the server ended
        before it had ever answered, as with wrong settings."""
        now = self._clock()
        if self.process is None:
            if now >= self._again_at:
                self.process, self._begun = self._start(), now
                self._missed, self._answered = 0, False
            return None
        status = self.process.poll()
        if status is not None:
            if not self._ever_answered:
                return status or 1
            self._later(f"ended (status {status})")
        elif self._alive():
            if not self._answered:
                say(f"{self.name} answers")
            self._missed, self._answered, self._ever_answered = 0, True, True
            if now - self._begun > LONGEST_PAUSE:
                self._failures = 0
        elif self._answered:
            self._missed += 1
            if self._missed >= HUNG_AFTER:
                self._kill("does not answer any more")
        elif now - self._begun > START_LIMIT:
            self._kill(f"did not answer within {START_LIMIT:.0f} s of its start")
        return None

    def _kill(self, why: str) -> None:
        assert self.process is not None
        self.process.kill()
        self.process.wait()
        self._later(f"{why}: it was ended")

    def _later(self, what: str) -> None:
        """Start it again after a pause that doubles with each failure."""
        pause = min(LONGEST_PAUSE, FIRST_PAUSE * 2**self._failures)
        self._failures += 1
        self.process, self._again_at = None, self._clock() + pause
        say(f"{self.name} {what}; it is started again in {pause:.1f} s")

    def run(self) -> int:
        """Look after it until SIGTERM or SIGINT; gives the exit status."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: self.stopping.set())
        status = None
        while status is None and not self.stopping.is_set():
            status = self.step()
            self.stopping.wait(ASK_EVERY)
        self.end()
        return status or 0

    def end(self) -> None:
        """End the server: messages at hand are answered first."""
        if self.process is None or self.process.poll() is not None:
            return
        self.process.terminate()
        try:
            self.process.wait(STOP_LIMIT)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def keep(name: str, command: List[str], environment: Mapping[str, str], url: str) -> int:
    """Run a server under a keeper; gives the exit status.

    It has a session of its own: the keeper alone passes signals on, once each.
    """

    def start() -> "subprocess.Popen[bytes]":
        return subprocess.Popen(
            command, env=dict(environment), start_new_session=True, preexec_fn=end_with_parent
        )

    return Keeper(name, start, lambda: answers(url)).run()
