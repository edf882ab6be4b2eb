"""No test of this tier starts a process or opens a connection: those that must are in
tests/service or tests/system."""

import sys

import pytest

#: Python's audit events (PEP 578) that a unit test must not cause, whatever library does it.
FORBIDDEN = {
    "os.exec",
    "os.fork",
    "os.forkpty",
    "os.posix_spawn",
    "os.system",
    "pty.spawn",
    "socket.bind",
    "socket.connect",
    "socket.getaddrinfo",
    "socket.gethostbyname",
    "socket.sendto",
    "subprocess.Popen",
}


class Guard:
    """Refuses what is forbidden while a test runs, and remembers it: the code under test may have
    caught the refusal."""

    def __init__(self):
        self.at_work, self.seen = False, []
        sys.addaudithook(self.look)

    def look(self, event: str, arguments: tuple) -> None:
        """An audit hook: called at every event, so the cheap question comes first."""
        if self.at_work and event in FORBIDDEN:
            self.seen.append(f"{event}{arguments!r}"[:200])
            raise PermissionError(f"a unit test must not do this: {self.seen[-1]}")


guard = Guard()


@pytest.fixture(autouse=True)
def neither_process_nor_socket():
    """The guard, around each test of this folder."""
    guard.seen.clear()
    guard.at_work = True
    yield guard
    guard.at_work = False
    assert not guard.seen, "belongs to tests/service or tests/system"
