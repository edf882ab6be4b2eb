"""Ports for servers of tests: no two callers of one machine get the same, whichever process asks.

A port that is looked up by binding to 0 and closing the socket again may be given to somebody else
before the server starts. These come from below the range of which the kernel takes ports for
outgoing connections, one after the other, counted in a file that all test processes share.
"""

import fcntl
import os
import socket
import tempfile
from pathlib import Path

FIRST, LAST = 18000, 31999


def _free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


def free_port() -> int:
    """A port on which nothing listens and which no other test is given. Raises RuntimeError when
    all are taken."""
    counter = Path(tempfile.gettempdir()) / f"microneedling-test-ports-{os.getuid()}"
    with counter.open("a+", encoding="ascii") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        file.seek(0)
        port = int(file.read() or FIRST)
        for _ in range(LAST - FIRST + 1):
            port = port + 1 if FIRST <= port < LAST else FIRST
            if _free(port):
                file.truncate(0)
                file.write(str(port))
                return port
    raise RuntimeError(f"every port from {FIRST} to {LAST} is taken")
