"""Starting and ending the assistant's servers for tests: own ports, own state folder, ended by
process id."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Dict, Optional

import requests

from assistant import launch, paths
from tests.support.ports import free_port

#: An emergency, and the words that a reply without the conversation's notes begins with.
EMERGENCY = "my throat is closing up and i cant breathe"
NOTES = "I cannot use my notes"
#: Seconds that a server of the tests waits for its action server: on a busy machine a first call
#: has taken longer than the 4 s of real life.
PATIENCE = "20"


def process(module: str, *arguments: str, env: Dict[str, str], log: Path) -> subprocess.Popen:
    """A process of the project's own Python in a group of its own, writing to `log`."""
    with log.open("ab") as out:
        return subprocess.Popen(
            [sys.executable, "-m", module, *arguments],
            cwd=paths.ROOT,
            env=env,
            stdout=out,
            stderr=out,
            stdin=subprocess.DEVNULL,
            start_new_session=True,
        )


def end(started: Optional[subprocess.Popen]) -> None:
    """End a process and what it started."""
    if started is None or started.poll() is not None:
        return
    try:
        os.killpg(started.pid, signal.SIGTERM)
        started.wait(15)
    except subprocess.TimeoutExpired:
        os.killpg(started.pid, signal.SIGKILL)
        started.wait(15)


class Assistant:
    """An action server and a Rasa server with the website channel."""

    def __init__(
        self, folder: Path, actions: bool = True, model: Path = launch.MODEL, **environment: str
    ):
        self.folder, self.port, self.action_port = folder, free_port(), free_port()
        self.state = folder / "state"
        self.log = folder / "servers.log"
        self.env = {
            **launch.environment(),
            "PORT": str(self.port),
            "ACTION_PORT": str(self.action_port),
            "ASSISTANT_STATE": str(self.state),
            "ASSISTANT_ACTION_TIMEOUT": PATIENCE,
            **environment,
        }
        self.url = f"http://127.0.0.1:{self.port}/webhooks/web"
        self.actions = self.start_actions() if actions else None
        endpoints = (
            (paths.ROOT / "endpoints.yml")
            .read_text("utf-8")
            .replace(":5055/", f":{self.action_port}/")
        )
        (folder / "endpoints.yml").write_text(endpoints, "utf-8")
        self.model = model
        self.rasa = self.start_rasa()

    def start_rasa(self) -> subprocess.Popen:
        """The Rasa server of this assistant."""
        return process(
            "assistant.rasa_cli",
            "run",
            "--interface",
            "127.0.0.1",
            "--port",
            str(self.port),
            "--model",
            str(self.model),
            "--endpoints",
            str(self.folder / "endpoints.yml"),
            "--credentials",
            "credentials.yml",
            env=self.env,
            log=self.log,
        )

    def restart(self) -> None:
        """Start anew what was ended."""
        if self.rasa.poll() is not None:
            self.rasa = self.start_rasa()
        if self.actions is not None and self.actions.poll() is not None:
            self.actions = self.start_actions()

    def start_actions(self) -> subprocess.Popen:
        """The action server of this assistant."""
        return process("assistant.action_server", str(self.action_port), env=self.env, log=self.log)

    def wait(self, path: str = "/health", status: int = 200, seconds: float = 120) -> "Assistant":
        """Wait until `path` answers with `status`. Raises AssertionError with the servers' log."""
        limit = time.monotonic() + seconds
        while time.monotonic() < limit:
            assert self.rasa.poll() is None, f"rasa ended:\n{self.words()}"
            try:
                if requests.get(self.url + path, timeout=5).status_code == status:
                    return self
            except requests.RequestException:
                pass
            time.sleep(0.3)
        raise AssertionError(f"no {status} from {path}:\n{self.words()}")

    def words(self) -> str:
        """The end of the servers' log."""
        return self.log.read_text("utf-8", "replace")[-4000:]

    def end(self) -> None:
        """End both servers."""
        end(self.rasa)
        end(self.actions)


class Visitor:
    """One conversation over the website channel."""

    def __init__(self, url: str):
        self.url = url
        opened = requests.post(url + "/sessions", json={}, timeout=30)
        assert opened.status_code == 201, opened.text
        self.opened = opened.json()
        self.headers = {"Authorization": f"Bearer {self.opened['token']}"}

    def post(self, path: str, **options) -> requests.Response:
        """POST as this visitor."""
        return requests.post(
            self.url + path,
            headers={**self.headers, **options.pop("headers", {})},
            timeout=60,
            **options,
        )

    def say(self, text: str, **more) -> dict:
        """The turn that answers `text`."""
        answer = self.post("/messages", json={"text": text, **more})
        assert answer.status_code == 200, answer.text
        return answer.json()["turn"]

    def choose(self, choice: str) -> dict:
        """The turn that answers a choice."""
        answer = self.post("/messages", json={"choice": choice})
        assert answer.status_code == 200, answer.text
        return answer.json()["turn"]


def spoken(turn: dict) -> str:
    """Everything that a turn says."""
    return "\n".join(message["text"] for message in turn["messages"])
