"""What the container and the systemd units promise, tried without a container engine and without
systemd."""

import os
import shutil
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest
import requests

from assistant import launch, paths
from tests.support.processes import namespaces
from tests.support.servers import PATIENCE, Visitor, free_port

UNITS = sorted((paths.ROOT / "deploy" / "systemd").glob("*.service"))


@pytest.mark.skipif(not namespaces(), reason="needs root with the right to mount (unshare -m)")
def test_it_runs_without_rights_on_a_read_only_file_system(tmp_path):
    """As compose.yml has it: user 10001, no capabilities, nothing writable but two tmpfs."""
    launch.train()
    port = free_port()
    (paths.ROOT / "var").mkdir(exist_ok=True)
    script = f"""
        set -e
        {within_reach(Path(sys.base_prefix), paths.ROOT)}
        mount --bind {paths.ROOT} {paths.ROOT}; cd {paths.ROOT}
        mount -o remount,ro,bind {paths.ROOT}
        mount -t tmpfs -o size=64m,uid=10001,gid=10001,mode=0700 tmpfs {paths.ROOT}/var
        mount -t tmpfs -o size=512m,mode=1777 tmpfs /var/tmp
        ! touch {paths.ROOT}/x 2>/dev/null
        exec setpriv --reuid=10001 --regid=10001 --clear-groups --no-new-privs \
          --bounding-set=-all --inh-caps=-all \
          {sys.executable} -m assistant.launch run
    """
    env = {
        **launch.environment(),
        "PORT": str(port),
        "ACTION_PORT": str(free_port()),
        "ASSISTANT_STATE": str(paths.ROOT / "var"),
        "ASSISTANT_ACTION_TIMEOUT": PATIENCE,
        "HOME": "/var/tmp",
        "TMPDIR": "/var/tmp",
        "MPLCONFIGDIR": "/var/tmp",
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    log = tmp_path / "log"
    with log.open("wb") as out:
        started = subprocess.Popen(
            ["unshare", "-m", "bash", "-c", script],
            env=env,
            stdout=out,
            stderr=out,
            stdin=subprocess.DEVNULL,
            start_new_session=True,
        )
    try:
        for line in follow(log, started):
            if "ready at" in line:
                break
        visitor = Visitor(f"http://127.0.0.1:{port}/webhooks/web")
        assert visitor.say("I am pregnant")["cautions"] == ["pregnancy"]
        assert "pregnancy" in visitor.say("how much does it cost")["cautions"]
        assert requests.get(visitor.url + "/health", timeout=30).status_code == 200
        owners = {
            Path(f"/proc/{pid}").stat().st_uid
            for pid in os.listdir("/proc")
            if pid.isdigit() and os.getpgid(int(pid)) == started.pid
        }
        assert owners == {10001}
    finally:
        if started.poll() is None:
            os.killpg(started.pid, signal.SIGINT)
            started.wait(60)


def within_reach(*folders):
    """Commands that let every user reach folders of this machine that are in others which only
    root may enter: a home, a temporary folder of a root's."""
    hidden = {}
    for folder in folders:
        for parent in reversed(folder.parents):
            if not parent.stat().st_mode & stat.S_IXOTH:
                hidden[folder] = parent
                break
    keep, cover, give_back = [], [], []
    for number, (folder, parent) in enumerate(hidden.items()):
        keep.append(f"mkdir /mnt/{number}; mount --bind {folder} /mnt/{number}")
        cover.append(f"mount -t tmpfs -o mode=755 tmpfs {parent}")
        give_back.append(f"mkdir -p {folder}; mount --bind /mnt/{number} {folder}")
    return "; ".join(["mount -t tmpfs tmpfs /mnt", *keep, *dict.fromkeys(cover), *give_back])


def follow(log, process, seconds=240):
    """The lines of a growing log until the process ends."""
    limit, seen = time.monotonic() + seconds, 0
    while time.monotonic() < limit:
        lines = log.read_text("utf-8", "replace").splitlines()
        yield from lines[seen:]
        seen = len(lines)
        if process.poll() is not None:
            raise AssertionError("it ended:\n" + log.read_text("utf-8", "replace"))
        time.sleep(0.2)
    raise AssertionError("it did not become ready:\n" + log.read_text("utf-8", "replace"))


@pytest.mark.skipif(
    not shutil.which("systemd-analyze"), reason="needs systemd-analyze: apt-get install systemd"
)
def test_the_units_are_right_and_sandboxed():
    done = subprocess.run(
        ["systemd-analyze", "verify", *map(str, UNITS)], capture_output=True, text=True
    )
    # It is not installed here.
    mistakes = [
        line for line in done.stderr.splitlines() if "is not executable: No such file" not in line
    ]
    assert len(UNITS) == 2 and not mistakes, mistakes
    for unit in UNITS:
        done = subprocess.run(
            ["systemd-analyze", "security", "--offline=true", "--threshold=15", str(unit)],
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stdout[-800:]
