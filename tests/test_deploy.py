"""What the container and the systemd units promise, as far as it can be tried without a container
engine and without systemd."""

import ipaddress
import os
import re
import shutil
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import pytest
import requests
import yaml
from multidict import CIMultiDict

from assistant import clinic, launch, paths
from assistant.rasa.throttle import address_of
from tests.servers import Visitor, free_port

UNITS = sorted((paths.ROOT / "deploy" / "systemd").glob("*.service"))


def namespaces():
    """Whether this user may make mount namespaces."""
    return (
        os.getuid() == 0
        and subprocess.run(["unshare", "-m", "true"], capture_output=True).returncode == 0
    )


@pytest.mark.slow
@pytest.mark.skipif(not namespaces(), reason="needs root with the right to mount (unshare -m)")
def test_it_runs_without_rights_on_a_read_only_file_system(tmp_path):
    """As compose.yml has it: user 10001, no capabilities, nothing writable but two tmpfs."""
    launch.train()
    port = free_port()
    hidden = next(
        (
            parent
            for parent in reversed(Path(sys.base_prefix).parents)
            if not parent.stat().st_mode & stat.S_IXOTH
        ),
        None,
    )
    reach = ""
    if hidden:  # this machine's Python is in a folder that only root may enter
        reach = (
            f"mount --bind {sys.base_prefix} /mnt; mount -t tmpfs -o mode=755 tmpfs {hidden}; mkdir"
            f" -p {sys.base_prefix}; mount --bind /mnt {sys.base_prefix}"
        )
    (paths.ROOT / "var").mkdir(exist_ok=True)
    script = f"""
        set -e
        {reach}
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
        os.killpg(started.pid, signal.SIGINT)
        started.wait(60)


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


def test_the_compose_file_keeps_its_promises():
    services = yaml.safe_load((paths.ROOT / "compose.yml").read_text("utf-8"))["services"]
    assert set(services) == {"assistant", "postgres", "redis"}
    for name, service in services.items():
        assert service["read_only"] is True and service["cap_drop"] == ["ALL"], name
        assert service["security_opt"] == ["no-new-privileges:true"] and not service[
            "user"
        ].startswith("0"), name
        assert not service.get("privileged") and "mem_limit" in service, name
        for address in service.get("ports", []):
            assert address.startswith("127.0.0.1:"), "open to other machines"
    assert any(entry.startswith("/app/var") for entry in services["assistant"]["tmpfs"])
    names = {
        name
        for folder in ("assistant", "actions")
        for file in (paths.ROOT / folder).rglob("*.py")
        for name in re.findall(
            r"\b(?:HANDOFF_[A-Z_]*(?:PASSWORD|SECRET)|ASSISTANT_METRICS_[A-Z]+)\b",
            file.read_text("utf-8"),
        )
    }
    assert names and names <= set(services["assistant"]["environment"]), (
        "a setting that never reaches the container"
    )
    text = (paths.ROOT / "compose.yml").read_text("utf-8")
    assert not re.search(r"(PASSWORD|SECRET): (?!\$\{)\S", text), (
        "a secret in a file that git tracks"
    )


def test_the_web_server_in_front_of_the_container_is_believed():
    """It comes in by the gateway of the network `front`: otherwise all visitors would share one
    limit."""
    composed = yaml.safe_load((paths.ROOT / "compose.yml").read_text("utf-8"))
    network = composed["networks"]["front"]["ipam"]["config"][0]
    assert ipaddress.ip_address(network["gateway"]) in ipaddress.ip_network(network["subnet"])
    request = SimpleNamespace(
        ip=network["gateway"], headers=CIMultiDict({"X-Forwarded-For": "203.0.113.9"})
    )
    assert address_of(request, clinic.load_clinic().limits.trusted_proxies) == "203.0.113.9"


def test_the_container_can_back_up():
    composed = yaml.safe_load((paths.ROOT / "compose.yml").read_text("utf-8"))
    assert (
        "backups:/app/var/backups" in composed["services"]["assistant"]["volumes"]
        and "backups" in composed["volumes"]
    )
    last_stage = (paths.ROOT / "Dockerfile").read_text("utf-8").rsplit("FROM ", 1)[1]
    assert (
        "postgresql-client" in last_stage
        and "-o 10001" in last_stage
        and "/app/var/backups" in last_stage
    )


def test_the_dockerfile_ends_without_rights():
    lines = (paths.ROOT / "Dockerfile").read_text("utf-8").splitlines()
    last_stage = lines[max(i for i, line in enumerate(lines) if line.startswith("FROM ")) :]
    users = [line.split()[1] for line in last_stage if line.startswith("USER ")]
    assert users and users[-1].split(":")[0] not in ("0", "root")
    assert any("--require-hashes" in line for line in lines) and any(
        "/webhooks/web/live" in line for line in last_stage
    )
    assert not [line for line in lines if re.match(r"(ENV|ARG).*(SECRET|PASSWORD)", line)]
