"""The cluster's logs are kept as long as they are useful and no longer: they name topics beside a
conversation's random id. `logrotate` keeps them."""

import os
import subprocess
from pathlib import Path
from typing import List

from assistant.cluster.programs import find

#: A log is set aside when it is so big or its day is over; what was set aside is deleted after so
#: many days, and the oldest of more than so many.
MOST_SIZE, KEPT_DAYS, MOST_KEPT = "10M", 14, 20
#: Seconds that a look at the logs may take.
LIMIT = 20.0


def rotate(folder: Path, logs: List[str]) -> str:
    """Let logrotate look at `logs` (paths, `*` allowed), with its settings and its memory in
    `folder`. Gives what it complains of, or nothing.

    A program goes on writing to the file that it has open: its lines are copied, then the file is
    emptied (all of them append). An empty log has its day too, or what an idle program wrote would
    never be deleted.
    """
    settings = folder / "logrotate.conf"
    names = " ".join(f'"{log}"' for log in logs)
    with open(
        os.open(settings, os.O_CREAT | os.O_TRUNC | os.O_WRONLY, 0o600), "w", encoding="utf-8"
    ) as handle:
        handle.write(
            f"{names} {{\n  daily\n  maxsize {MOST_SIZE}\n  rotate {MOST_KEPT}\n  maxage"
            f" {KEPT_DAYS}\n  copytruncate\n  missingok\n  ifempty\n}}\n"
        )
    try:
        done = subprocess.run(
            [
                find("logrotate") or "logrotate",
                "--state",
                str(folder / "logrotate.state"),
                str(settings),
            ],
            capture_output=True,
            text=True,
            timeout=LIMIT,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return str(error)
    return done.stderr.strip()[-600:] if done.returncode else ""
