"""The worker that delivers requests: it claims an entry of the outbox, hands it over, and notes
that it arrived.

A claim has an end, so that the entry of a process that was killed is tried again, with the same
transaction id: delivery is at least once, and the receiver knows a copy by its Message-ID or
idempotency key. The worker runs as a thread of the action server.
"""

import logging
import os
import secrets
import threading
import time
from typing import Any, Callable, Dict, Optional

import sqlalchemy as sa

from assistant import database
from assistant.clinic import Clinic
from assistant.handoff import requests
from assistant.handoff.delivery import TIMEOUT, WHOLE, NotDelivered, deliver

logger = logging.getLogger(__name__)
#: Seconds: pause between looks at the outbox, first pause after a failed try (it triples each
#: time), longest pause, end of a claim.
EVERY = float(os.environ.get("HANDOFF_EVERY", "2"))
FIRST_PAUSE = float(os.environ.get("HANDOFF_FIRST_PAUSE", "5"))
LONGEST_PAUSE = 1800.0
CLAIM = float(os.environ.get("HANDOFF_CLAIM", str(WHOLE + 2 * TIMEOUT)))
#: Seconds between looks at forms that were left open.
TIDY = 300.0
#: From this many failed tries on, the log says so as an error.
ALARMING = 5
_table = database.contact_outbox


def pause(attempts: int) -> float:
    """Seconds until the next try after `attempts` failed ones. There is no last try: a wrong
    password is corrected some day."""
    return min(LONGEST_PAUSE, FIRST_PAUSE * 3 ** min(attempts - 1, 10))


class Outbox:
    """Delivers what waits in the outbox. `clinic` gives the clinic as it is configured now."""

    def __init__(
        self,
        clinic: Callable[[], Clinic],
        send: Callable[[Dict[str, Any], str, Clinic], None] = deliver,
    ):
        self._clinic, self._send, self._worker = clinic, send, secrets.token_hex(8)
        self._stop = threading.Event()

    def claim(self, now: float) -> Optional[Dict[str, Any]]:
        """Take the entry that has waited longest, or None. The conditional update makes sure that
        only one worker gets it."""
        free = sa.and_(
            _table.c.sent.is_(None),
            _table.c.next_try <= now,
            sa.or_(_table.c.claimed_by.is_(None), _table.c.claimed_until < now),
        )
        with database.engine().connect() as connection:
            row = (
                connection.execute(
                    sa.select([_table]).where(free).order_by(_table.c.next_try).limit(1)
                )
                .mappings()
                .first()
            )
        if row is None:
            return None
        with database.engine().begin() as connection:
            taken = connection.execute(
                _table.update()
                .where(_table.c.id == row["id"], free)
                .values(claimed_by=self._worker, claimed_until=now + CLAIM)
            )
        return dict(row) if taken.rowcount else None

    def settle(self, entry: Dict[str, Any], problem: Optional[str]) -> None:
        """Note that an entry arrived, or why not and when it is tried again."""
        now, attempts = time.time(), entry["attempts"] + 1
        values = {
            "attempts": attempts,
            "claimed_by": None,
            "claimed_until": None,
            "problem": problem,
        }
        values.update({"sent": now} if problem is None else {"next_try": now + pause(attempts)})
        with database.engine().begin() as connection:
            connection.execute(
                _table.update()
                .where(_table.c.id == entry["id"], _table.c.claimed_by == self._worker)
                .values(**values)
            )
        if problem:
            logger.log(
                logging.ERROR if attempts >= ALARMING else logging.WARNING,
                "request %s is not delivered (try %s): %s",
                entry["request"],
                attempts,
                problem,
            )

    def work(self) -> bool:
        """Deliver one entry. Whether there was one."""
        entry = self.claim(time.time())
        if entry is None:
            return False
        request = requests.get(entry["request"])
        problem = None
        if request is not None:  # erased between claim and now: nothing to deliver
            try:
                self._send(request, entry["id"], self._clinic())
            except NotDelivered as error:
                problem = str(error)
            except Exception as error:  # whatever it is, the request is not lost
                problem = f"unexpected {type(error).__name__}"
        self.settle(entry, problem)
        return True

    def run(self) -> None:
        """Deliver until `stop`; see to forms that were left open once in a while."""
        tidied = -TIDY
        while not self._stop.is_set():
            try:
                if time.monotonic() - tidied > TIDY:
                    requests.finish_abandoned(self._clinic().handoff.deliver != "inbox")
                    requests.forget_drafts()
                    requests.forget_held()
                    tidied = time.monotonic()
                while not self._stop.is_set() and self.work():
                    pass
            except Exception as error:  # a locked or missing database: look again after the pause
                logger.error("the outbox cannot be read: %s", type(error).__name__)
            self._stop.wait(EVERY)

    def start(self) -> "Outbox":
        """Run in a thread that ends with the process."""
        threading.Thread(target=self.run, name="outbox", daemon=True).start()
        return self

    def stop(self) -> None:
        """End `run` after the entry at hand."""
        self._stop.set()
