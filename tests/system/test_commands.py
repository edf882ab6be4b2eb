"""`make run` and `make shell` as a person uses them, from another folder."""

import os
import pty
import re
import select
import signal
import subprocess
import time

import requests

from assistant import launch, paths
from tests.support.servers import PATIENCE, free_port


def environment(tmp_path):
    return {
        **launch.environment(),
        "PORT": str(free_port()),
        "ACTION_PORT": str(free_port()),
        "ASSISTANT_STATE": str(tmp_path / "state"),
        "ASSISTANT_ACTION_TIMEOUT": PATIENCE,
    }


def test_make_run_says_when_it_is_ready_and_ends_with_ctrl_c(tmp_path):
    launch.train()
    env = environment(tmp_path)
    started = subprocess.Popen(
        ["make", "-C", str(paths.ROOT), "run"],
        cwd=tmp_path,
        env=env,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    try:
        lines = []
        for line in started.stdout:
            lines.append(line)
            if "ready at" in line:
                break
        assert f"ready at http://localhost:{env['PORT']}" in lines[-1], "".join(lines)
        assert requests.get(f"http://127.0.0.1:{env['PORT']}/", timeout=30).url.endswith("/demo")
        noise = [x for x in lines if re.search(r"Warning|Traceback|tensorflow|SQLALCHEMY", x)]
        assert not noise, noise
    finally:
        os.killpg(started.pid, signal.SIGINT)
    assert started.wait(30) is not None
    for name in ("PORT", "ACTION_PORT"):
        assert not launch.port_taken(int(env[name])), name


def talk(master, until, seconds=90):
    """Read the terminal until `until` appears."""
    seen, limit = "", time.monotonic() + seconds
    while time.monotonic() < limit:
        if select.select([master], [], [], 0.5)[0]:
            try:
                seen += os.read(master, 65536).decode("utf-8", "replace")
            except OSError:
                break
            if re.search(until, seen):
                return seen
    raise AssertionError(f"{until!r} did not appear:\n{seen[-3000:]}")


def test_rasa_shell_shows_text_and_numbered_choices(tmp_path):
    launch.train()
    master, slave = pty.openpty()
    started = subprocess.Popen(
        ["make", "-C", str(paths.ROOT), "shell"],
        cwd=tmp_path,
        env={**environment(tmp_path), "TERM": "xterm"},
        stdin=slave,
        stdout=slave,
        stderr=slave,
        start_new_session=True,
    )
    os.close(slave)
    try:
        talk(master, r"Type a message")
        os.write(master, b"does it hurt\r")
        seen = talk(master, r"Sources:")
        assert "1." in seen and '"turn"' not in seen and "Custom json" not in seen
        os.write(master, b"1\r")
        talk(master, r"Sources:")
        os.write(master, b"/stop\r")
        started.wait(30)
    finally:
        if started.poll() is None:
            os.killpg(started.pid, signal.SIGTERM)
            started.wait(30)
        os.close(master)
