"""The programs that a cluster needs besides Python: where they are, how they are installed,
prepared and started. All on loopback."""

import contextlib
import os
import pwd
import secrets
import shutil
import socket
import subprocess
import time
from pathlib import Path
from typing import Any, Dict, List, Optional

#: Program and the Debian package that has it.
PACKAGES = {
    "nginx": "nginx-light",
    "redis-server": "redis-server",
    "postgres": "postgresql",
    "initdb": "postgresql",
    "logrotate": "logrotate",
}
#: Seconds that a program may take until it answers.
START_LIMIT = 60.0


class ClusterError(RuntimeError):
    """The cluster cannot be started; the message says why and what to do."""


def find(program: str) -> Optional[str]:
    """The path of a program; Debian keeps PostgreSQL's server programs by version, nginx and Redis
    may be in sbin. The newest version wins."""
    found = shutil.which(program) or shutil.which(
        program, path="/usr/sbin:/usr/bin:/usr/local/sbin:/sbin"
    )
    if found:
        return found
    versions = sorted(
        Path("/usr/lib/postgresql").glob(f"*/bin/{program}"), key=lambda path: float(path.parts[4])
    )
    return str(versions[-1]) if versions else None


def missing(wanted: List[str]) -> List[str]:
    """The Debian packages whose programs are not here."""
    return sorted({PACKAGES[name] for name in wanted if find(name) is None})


def install(wanted: List[str], say: Any) -> None:
    """Install what is missing with apt-get, when this is root's; no service is started. Raises
    ClusterError that says what to install."""
    packages = missing(wanted)
    if not packages:
        return
    command = f"apt-get install {' '.join(packages)}"
    if os.getuid() != 0 or not shutil.which("apt-get"):
        raise ClusterError(
            "the cluster needs programs that are not installed. As root, on Debian and Ubuntu:"
            f" {command}"
        )
    say(f"installing {', '.join(packages)} with apt-get")
    # Debian's way to say that a new package must not start its service.
    policy = Path("/usr/sbin/policy-rc.d")
    own = not policy.exists()
    if own:
        policy.write_text("#!/bin/sh\nexit 101\n", "utf-8")
        policy.chmod(0o755)
    try:
        environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        for step in (
            ["apt-get", "update", "-qq"],
            ["apt-get", "install", "-y", "-qq", "--no-install-recommends", *packages],
        ):
            done = subprocess.run(step, env=environment, capture_output=True, text=True)
    finally:
        if own:
            policy.unlink()
    if done.returncode or missing(wanted):
        raise ClusterError(f"`{command}` failed:\n{(done.stdout + done.stderr)[-1500:]}")


def free_port() -> int:
    """A port of 127.0.0.1 on which nothing listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def secret_in(file: Path) -> str:
    """The secret in `file`, made at the first time, readable by its owner only."""
    if not file.exists():
        with open(
            os.open(file, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "w", encoding="ascii"
        ) as handle:
            handle.write(secrets.token_hex(24))
    return file.read_text("ascii")


class Postgresql:
    """A PostgreSQL server of our own in `folder`, for one user with a password. PostgreSQL refuses
    to run as root: then it runs as `postgres`."""

    name = "postgresql"

    def __init__(self, folder: Path, port: Optional[int] = None):
        self.folder, self.data = folder, folder / "data"
        self.port = port or free_port()
        self.user: Dict[str, Any] = {}
        if os.getuid() == 0:
            try:
                account = pwd.getpwnam("postgres")
            except KeyError:
                raise ClusterError(
                    "PostgreSQL does not run as root, and there is no user `postgres`: apt-get"
                    " install postgresql makes one"
                ) from None
            self.user = {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}

    def prepare(self) -> None:
        """Make the data folder at the first time; end a server that an earlier cluster left behind.
        Raises ClusterError."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self.password = secret_in(self.folder.parent / "postgresql.secret")
        if self.user:
            os.chown(self.folder, self.user["user"], self.user["group"])
            reachable = subprocess.run(["test", "-w", str(self.folder)], cwd="/", **self.user)
            if reachable.returncode:
                raise ClusterError(
                    f"PostgreSQL runs as the user `postgres`, who cannot reach {self.folder}:"
                    " choose a folder that everybody may enter, for example"
                    " ASSISTANT_CLUSTER=/srv/microneedling make cluster"
                )
        if not (self.data / "PG_VERSION").exists():
            self._initialise()
        if self._left_behind():
            self._run("pg_ctl", "-D", str(self.data), "-m", "fast", "-w", "stop", check=False)

    def _left_behind(self) -> bool:
        """Whether a server of an earlier cluster still runs on our data: by its process, not only
        by its number, which may be another's by now."""
        try:
            number = (self.data / "postmaster.pid").read_text("ascii").split()[0]
            return str(self.data).encode() in Path(f"/proc/{number}/cmdline").read_bytes()
        except (OSError, IndexError):
            return False

    def _initialise(self) -> None:
        words = self.folder / "password"
        with open(
            os.open(words, os.O_CREAT | os.O_TRUNC | os.O_WRONLY, 0o600), "w", encoding="ascii"
        ) as handle:
            handle.write(self.password)
        if self.user:
            os.chown(words, self.user["user"], self.user["group"])
        try:
            self._run(
                "initdb",
                "-D",
                str(self.data),
                "--username=assistant",
                "--auth=scram-sha-256",
                f"--pwfile={words}",
                "--encoding=UTF8",
                "--locale=C.UTF-8",
                "--no-instructions",
            )
        finally:
            words.unlink()
        with (self.data / "postgresql.conf").open("a", encoding="utf-8") as settings:
            settings.write(
                "\n# the assistant's cluster\nlisten_addresses ="
                " '127.0.0.1'\nunix_socket_directories = ''\nmax_connections = 100\nlog_statement ="
                " 'none'\nlog_min_error_statement = panic\n"
            )

    def _run(self, program: str, *arguments: str, check: bool = True) -> None:
        done = subprocess.run(
            [find(program) or program, *arguments],
            cwd="/",
            capture_output=True,
            text=True,
            **self.user,
        )
        if check and done.returncode:
            raise ClusterError(f"{program} failed: {(done.stderr or done.stdout).strip()[-600:]}")

    def command(self) -> List[str]:
        """How the server is started."""
        # The detail of an error names values of rows.
        return [
            find("postgres") or "postgres",
            "-D",
            str(self.data),
            "-p",
            str(self.port),
            "-c",
            "log_error_verbosity=terse",
        ]

    @property
    def url(self) -> str:
        """For ASSISTANT_DATABASE_URL."""
        return f"postgresql://assistant:{self.password}@127.0.0.1:{self.port}/postgres"

    def wait(self, limit: float = START_LIMIT) -> None:
        """Wait until it takes connections. Raises ClusterError."""
        import psycopg2

        until(
            lambda: psycopg2.connect(self.url, connect_timeout=2).close(),
            psycopg2.OperationalError,
            self.name,
            limit,
        )


class Redis:
    """A Redis server of our own that keeps nothing on disk: locks are worth nothing after a
    restart."""

    name = "redis"

    def __init__(self, folder: Path, port: Optional[int] = None):
        self.folder, self.port = folder, port or free_port()

    def prepare(self) -> None:
        """Write its settings."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self.password = secret_in(self.folder.parent / "redis.secret")
        file = self.folder / "redis.conf"
        with open(
            os.open(file, os.O_CREAT | os.O_TRUNC | os.O_WRONLY, 0o600), "w", encoding="utf-8"
        ) as handle:
            handle.write(
                f"bind 127.0.0.1\nport {self.port}\nrequirepass {self.password}\nsave"
                f' ""\nappendonly no\ndaemonize no\ndir {self.folder}\nmaxmemory'
                " 64mb\nmaxmemory-policy noeviction\n"
            )

    def command(self) -> List[str]:
        """How the server is started."""
        return [find("redis-server") or "redis-server", str(self.folder / "redis.conf")]

    @property
    def url(self) -> str:
        """For ASSISTANT_REDIS_URL."""
        return f"redis://:{self.password}@127.0.0.1:{self.port}/0"

    def wait(self, limit: float = START_LIMIT) -> None:
        """Wait until it answers. Raises ClusterError."""
        import redis

        client = redis.Redis.from_url(self.url, socket_timeout=2)
        with contextlib.closing(client):
            until(client.ping, (redis.RedisError, OSError), self.name, limit)


def until(attempt: Any, errors: Any, name: str, limit: float) -> None:
    """Try until no error is raised. Raises ClusterError after `limit` seconds."""
    end = time.monotonic() + limit
    while True:
        try:
            attempt()
            return
        except errors as error:
            if time.monotonic() > end:
                raise ClusterError(f"{name} does not answer after {limit:.0f} s: {error}") from None
            time.sleep(0.1)
