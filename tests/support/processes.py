"""Stopping processes for a while, so that they go on whatever the test finds."""

import contextlib
import os
import signal
import subprocess
from typing import Iterator, Sequence, Union

Stoppable = Union[subprocess.Popen, int]


def number(process: Stoppable) -> int:
    """The id of a process."""
    return process if isinstance(process, int) else process.pid


def state(process: Stoppable) -> str:
    """The kernel's letter for what a process does: R runs, S sleeps, T is stopped."""
    with open(f"/proc/{number(process)}/stat", encoding="utf-8", errors="replace") as file:
        return file.read().rsplit(")", 1)[1].split()[0]


@contextlib.contextmanager
def stopped(*processes: Stoppable) -> Iterator[None]:
    """The processes take no step (SIGSTOP) until the block ends or `go_on` is called."""
    for process in processes:
        os.kill(number(process), signal.SIGSTOP)
    try:
        yield
    finally:
        go_on(*processes)


def go_on(*processes: Stoppable) -> None:
    """Let stopped processes go on (SIGCONT); those that are gone stay gone."""
    for process in processes:
        with contextlib.suppress(ProcessLookupError):
            os.kill(number(process), signal.SIGCONT)


def children(pids: Sequence[int]) -> Sequence[int]:
    """The ids of the direct children of processes."""
    found = subprocess.run(
        ["ps", "-o", "pid=", "--ppid", ",".join(map(str, pids))], capture_output=True, text=True
    )
    return [int(pid) for pid in found.stdout.split()]


def namespaces():
    """Whether this user may make mount namespaces."""
    return (
        os.getuid() == 0
        and subprocess.run(["unshare", "-m", "true"], capture_output=True).returncode == 0
    )


def unread(port: int) -> int:
    """How many connections to a port of this machine hold bytes that its server has not read: calls
    that a stopped server has been sent."""
    found = 0
    with open("/proc/net/tcp", encoding="ascii") as table:
        for line in table.readlines()[1:]:
            fields = line.split()
            local, received = fields[1].split(":")[1], fields[4].split(":")[1]
            established = fields[3] == "01"
            found += int(local, 16) == port and established and int(received, 16) > 0
    return found
