"""The guard of this folder (conftest.py) refuses processes and connections."""

import os
import socket
import subprocess

import pytest


def listen():
    with socket.socket() as opened:
        opened.bind(("127.0.0.1", 0))


def connect():
    with socket.socket() as opened:
        opened.connect(("127.0.0.1", 9))


@pytest.mark.parametrize(
    "forbidden",
    [
        lambda: subprocess.run(["true"]),
        lambda: os.system("true"),
        lambda: os.fork() or os._exit(0),
        listen,
        connect,
        lambda: socket.getaddrinfo("localhost", 80),
    ],
    ids=["a process", "a shell", "a fork", "a listener", "a connection", "a look-up"],
)
def test_a_unit_test_is_refused(neither_process_nor_socket, forbidden):
    with pytest.raises(PermissionError, match="a unit test must not do this"):
        forbidden()
    assert len(neither_process_nor_socket.seen) == 1, "it is remembered, in case it was caught"
    neither_process_nor_socket.seen.clear()
