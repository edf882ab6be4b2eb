"""`make inbox` as the clinic runs it."""

import subprocess

import pytest

from assistant import database, launch, paths
from assistant.handoff import requests


@pytest.fixture(autouse=True)
def store(tmp_path, monkeypatch):
    monkeypatch.setenv("ASSISTANT_STATE", str(tmp_path / "state"))
    database.engine.cache_clear()
    yield tmp_path / "state"
    database.engine().dispose()
    database.engine.cache_clear()


def request(**fields):
    name = requests.begin("session", ["pain", "cost"])
    requests.update(
        name,
        **{
            "name": "Nadia Quill",
            "phone": "+447700900461",
            "email": "",
            "best_time": "",
            "question": "Is it my turn?",
            **fields,
        },
    )
    requests.submit(name, False)
    return name


def test_the_command_itself(store):
    name = request()
    done = subprocess.run(
        ["make", "-C", str(paths.ROOT), "inbox", f"ARGS=show {name}"],
        env={**launch.environment(), "ASSISTANT_STATE": str(store)},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0 and "Nadia Quill" in done.stdout, done.stderr
    done = subprocess.run(
        ["make", "-C", str(paths.ROOT), "inbox", "ARGS=show zz"],
        env={**launch.environment(), "ASSISTANT_STATE": str(store)},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert (
        done.returncode != 0 and "no request has" in done.stderr and "Traceback" not in done.stderr
    )
