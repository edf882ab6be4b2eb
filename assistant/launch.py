"""The commands behind the Makefile: train, run, shell, rasa.

    python -m assistant.launch train [--force] | run | shell | rasa ARGUMENTS...

`run` starts the action server and Rasa with honcho and says when the assistant is ready; Ctrl-C
ends both. Each has a keeper (assistant.watchdog) that starts it again when it ends or hangs.
"""

import argparse
import hashlib
import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Dict, List

from assistant import paths, watchdog


def port_of(name: str, usual: int) -> int:
    """A port that the environment variable `name` gives. Raises SystemExit that says what to
    write."""
    text = os.environ.get(name, "").strip() or str(usual)
    if not text.isdecimal() or not 1 <= int(text) <= 65535:
        raise SystemExit(f"!! {name}={text}: write a number from 1 to 65535, such as {usual}")
    return int(text)


PORT, ACTION_PORT = port_of("PORT", 5005), port_of("ACTION_PORT", 5055)
MODEL = paths.ROOT / "models" / "assistant.tar.gz"
STAMP = paths.ROOT / "models" / "inputs.json"
#: Seconds to wait for a model that answers.
START_LIMIT = 180
#: Set for every process: one thread for numpy's small products, freed memory given back (glibc
#: keeps ever more of it otherwise), and no noise that Rasa, SQLAlchemy and TensorFlow print at each
#: start.
ENVIRONMENT = {
    "MALLOC_TRIM_THRESHOLD_": str(4 << 20),
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "RASA_TELEMETRY_ENABLED": "false",
    "SQLALCHEMY_SILENCE_UBER_WARNING": "1",
    "TF_CPP_MIN_LOG_LEVEL": "3",
    "PYTHONUNBUFFERED": "1",
    "SANIC_WORKERS": "1",
    "PYTHONWARNINGS": "ignore::DeprecationWarning",
}


def say(text: str) -> None:
    """One line about what is being done."""
    print(f"-- {text}", flush=True)


def fail(text: str) -> "SystemExit":
    """A plain sentence about what is wrong, and exit status 1."""
    return SystemExit(f"!! {text}")


def environment() -> Dict[str, str]:
    """The environment of Rasa's processes."""
    return {
        **os.environ,
        **{k: os.environ.get(k, v) for k, v in ENVIRONMENT.items()},
        "PYTHONPATH": str(paths.ROOT),
    }


def rasa(*arguments: str, **options) -> subprocess.CompletedProcess:
    """Run Rasa's command line in the project's folder."""
    return subprocess.run(
        [sys.executable, "-m", "assistant.rasa_cli", *arguments],
        cwd=paths.ROOT,
        env=environment(),
        **options,
    )


def inputs() -> Dict[str, str]:
    """Checksums of everything that a trained model depends on."""
    files: List[Path] = [
        paths.ROOT / name
        for name in (
            "config.yml",
            "domain.yml",
            "requirements.lock",
            "assets/encoder/SHA256SUMS",
            "data/rules.yml",
            "data/handoff.yml",
        )
    ]
    for pattern in (
        "data/nlu/**/*.yml",
        "data/lexicon/*.yml",
        "data/language/*.yml",
        "data/safety/**/*.yml",
        "assistant/understanding/*.py",
        "assistant/safety/*.py",
        "assistant/rasa/nlu.py",
        "assistant/rasa/policies.py",
    ):
        files += paths.ROOT.glob(pattern)
    return {
        str(p.relative_to(paths.ROOT)): hashlib.sha256(p.read_bytes()).hexdigest()
        for p in sorted(set(files))
        if p.exists()
    }


def changed() -> List[str]:
    """What changed since the model was trained; everything when there is no model."""
    now = inputs()
    if not MODEL.exists() or not STAMP.exists():
        return list(now)
    before = json.loads(STAMP.read_text("utf-8"))
    return [name for name in {**before, **now} if before.get(name) != now.get(name)]


def train(force: bool = False) -> None:
    """Train a model when its inputs changed. Raises SystemExit with Rasa's own words when that
    fails."""
    reasons = changed()
    if not reasons and not force:
        say("the model is up to date")
        return
    why = (
        "there is no model yet"
        if not MODEL.exists()
        else f"{len(reasons)} files changed, {reasons[0]} among them"
        if reasons
        else "asked to"
    )
    say(f"training the model ({why}); this takes a minute or two")
    stamp, started = inputs(), time.monotonic()
    done = rasa(
        "train",
        "--fixed-model-name",
        MODEL.stem.replace(".tar", ""),
        "--out",
        "models",
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    if done.returncode or not MODEL.exists():
        print(done.stdout[-6000:], file=sys.stderr)
        raise fail(
            "training failed: Rasa's own words stand above. `make check` looks for mistakes in the"
            " files."
        )
    STAMP.write_text(json.dumps(stamp, indent=1), "utf-8")
    say(f"trained in {time.monotonic() - started:.0f} s")


def port_taken(port: int) -> bool:
    """Whether something listens on a port of this machine."""
    with socket.socket() as probe:
        probe.settimeout(0.5)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def check_start() -> None:
    """Everything that can be wrong before the servers start. Raises SystemExit that says what and
    how to mend it."""
    from assistant import check, clinic, database, webstore
    from assistant.handoff.delivery import missing_settings
    from assistant.understanding.encoder import EncoderFileError, verify

    say("checking the clinic's file and the knowledge base")
    problems = check.quick()
    if problems:
        raise fail(
            "the files below need a correction first (`make check` tells more):\n"
            + "\n".join(f"   {p}" for p in problems)
        )
    missing = missing_settings(clinic.load_clinic())
    if missing:
        raise fail(missing)
    try:
        verify(paths.ENCODER)
        webstore.secret()
        database.url()
    except (EncoderFileError, webstore.WeakSecret, database.StoreError) as error:
        raise fail(str(error)) from None
    except OSError as error:
        say(f"WITHOUT A SECRET that lasts, conversations end with the process: {error}")
        os.environ["ASSISTANT_SECRET"] = secrets.token_urlsafe(48)  # both servers need the same
    try:
        database.engine().dispose()
    except database.StoreError as error:
        say(f"WITHOUT CONVERSATIONS for now: {error}")
    if PORT == ACTION_PORT:
        raise fail(f"PORT and ACTION_PORT are both {PORT}: write two different numbers")
    for port, name in ((PORT, "PORT"), (ACTION_PORT, "ACTION_PORT")):
        if port_taken(port):
            raise fail(
                f"port {port} is taken by another program. Stop it, or choose another: `make run"
                f" {name}={port + 10}`"
            )


def health() -> Dict:
    """The health answer of the running assistant, or an empty mapping."""
    try:
        with urllib.request.urlopen(
            f"http://127.0.0.1:{PORT}/webhooks/web/health", timeout=3
        ) as answer:
            return json.load(answer)
    except urllib.error.HTTPError as error:
        return json.load(error)
    except (OSError, ValueError):
        return {}


def announce(manager) -> None:
    """Say "ready at" when the first answer can be given; end everything when that takes too
    long."""
    started, report = time.monotonic(), {}
    while time.monotonic() - started < START_LIMIT:
        report = health()
        if report.get("status") == "ok":
            say(
                f"ready at http://localhost:{PORT}/webhooks/web/demo after"
                f" {time.monotonic() - started:.0f} s. Ctrl-C ends it."
            )
            return
        time.sleep(0.5)
    say(f"not ready after {START_LIMIT} s: {report or 'no answer'}. Ending.")
    manager.terminate()


def run() -> None:
    """Serve the website channel and the action server until Ctrl-C."""
    from honcho.manager import Manager

    check_start()
    train()
    say("starting the action server and Rasa")
    os.environ.update(environment())
    if sys.stdout.isatty():  # the servers write into a pipe, for a person all the same
        os.environ.setdefault("ASSISTANT_LOGS", "console")
    manager = Manager()
    for name, command in (("actions", "serve-actions"), ("rasa", "serve-rasa")):
        manager.add_process(
            name,
            f"exec {sys.executable} -m assistant.launch {command}",
            env=environment(),
            cwd=str(paths.ROOT),
        )
    threading.Thread(target=announce, args=(manager,), daemon=True).start()
    manager.loop()
    sys.exit(
        0
        if manager.returncode in (None, 0, -signal.SIGINT, -signal.SIGTERM, 130, 143)
        else manager.returncode
    )


def serve_actions() -> None:
    """The action server, on loopback only, under its keeper."""
    command = [sys.executable, "-m", "assistant.action_server", str(ACTION_PORT)]
    url = f"http://127.0.0.1:{ACTION_PORT}/health"
    sys.exit(watchdog.keep("the action server", command, environment(), url))


def serve_rasa() -> None:
    """Rasa with the website channel, under its keeper."""
    interface = os.environ.get("ASSISTANT_INTERFACE", "127.0.0.1")
    command = [
        sys.executable,
        "-m",
        "assistant.rasa_cli",
        "run",
        "--interface",
        interface,
        "--port",
        str(PORT),
        "--model",
        str(MODEL),
        "--endpoints",
        endpoints_file(),
        "--credentials",
        "credentials.yml",
    ]
    os.chdir(paths.ROOT)
    host = "127.0.0.1" if interface in ("0.0.0.0", "::", "localhost") else interface
    url = f"http://{f'[{host}]' if ':' in host else host}:{PORT}/webhooks/web/live"
    sys.exit(watchdog.keep("Rasa", command, environment(), url))


def endpoints_file() -> str:
    """endpoints.yml, or a copy of it with the action server's port when that is not the usual
    one."""
    if ACTION_PORT == 5055:
        return "endpoints.yml"
    text = (paths.ROOT / "endpoints.yml").read_text("utf-8")
    path = paths.state_folder() / "endpoints.yml"
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        path.write_text(text.replace(":5055/", f":{ACTION_PORT}/"), "utf-8")
    except OSError:  # a start without a usable state folder
        path = Path(tempfile.mkdtemp()) / "endpoints.yml"
        path.write_text(text.replace(":5055/", f":{ACTION_PORT}/"), "utf-8")
    return str(path)


def unused_port() -> int:
    """A port that is free now: the assistant may be running on its own while somebody opens a
    shell."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def shell() -> None:
    """`rasa shell` with an action server beside it."""
    free = not port_taken(ACTION_PORT)
    train()
    actions = None
    if free:
        say("starting the action server")
        actions = subprocess.Popen(
            [sys.executable, "-m", "assistant.action_server", str(ACTION_PORT)],
            cwd=paths.ROOT,
            env=environment(),
        )
    try:
        say("starting rasa shell; /stop ends it")
        done = rasa(
            "shell",
            "--interface",
            "127.0.0.1",
            "--port",
            str(unused_port()),
            "--model",
            str(MODEL),
            "--endpoints",
            endpoints_file(),
        )
    except KeyboardInterrupt:
        done = None
    finally:
        if actions:
            actions.terminate()
            actions.wait(10)
    sys.exit(done.returncode if done else 0)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "command", choices=("train", "run", "shell", "rasa", "serve-actions", "serve-rasa")
    )
    parser.add_argument("rest", nargs=argparse.REMAINDER)
    args = parser.parse_args()
    if args.command in ("run", "shell", "serve-actions", "serve-rasa"):
        os.umask(0o077)  # whatever they write is about visitors
    if args.command == "rasa":
        sys.exit(rasa(*args.rest).returncode)
    if args.command == "train":
        train("--force" in args.rest)
    else:
        {"run": run, "shell": shell, "serve-actions": serve_actions, "serve-rasa": serve_rasa}[
            args.command
        ]()


if __name__ == "__main__":
    main()
