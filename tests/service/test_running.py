"""Which store the commands work on, and what they delete."""

import io
import json
import os
import subprocess
import sys

import pytest

from assistant import backup, database, paths, retention, running
from assistant.handoff import requests


@pytest.fixture
def nothing_named(tmp_path, monkeypatch):
    """A machine on which nothing in the environment names a store, and whose cluster has a folder
    of its own."""
    for name in (*running.NAMED, "ASSISTANT_CLUSTER"):
        monkeypatch.delenv(name, raising=False)
    folder = tmp_path / "cluster"
    folder.mkdir()
    monkeypatch.setenv("ASSISTANT_CLUSTER", str(folder))
    yield folder
    database.engine.cache_clear()
    for name in running.NAMED:
        os.environ.pop(name, None)


def cluster(folder, pid):
    (folder / "status.json").write_text(json.dumps({"pid": pid}), "utf-8")
    address = "postgresql://somebody:secret@127.0.0.1:1/assistant"
    (folder / "environment").write_text(
        f"ASSISTANT_DATABASE_URL='{address}'\nASSISTANT_REDIS_URL=''\n"
        f"ASSISTANT_STATE='{folder / 'state'}'\n",
        "utf-8",
    )


def test_the_store_of_the_running_cluster_is_used(nothing_named):
    cluster(nothing_named, os.getpid())
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(database, "place", lambda: os.environ["ASSISTANT_DATABASE_URL"][-9:])
        assert running.choose() == "the store is that of the running cluster: assistant"
    assert paths.state_folder() == nothing_named / "state"


def test_a_cluster_that_does_not_run_is_named_and_not_used(nothing_named):
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    cluster(nothing_named, ended.pid)
    said = running.choose()
    assert (
        str(paths.ROOT / "var" / "assistant.sqlite") in said and "while `make cluster` runs" in said
    )
    assert "ASSISTANT_DATABASE_URL" not in os.environ


def test_what_the_environment_names_comes_first(nothing_named, tmp_path, monkeypatch):
    cluster(nothing_named, os.getpid())
    monkeypatch.setenv("ASSISTANT_STATE", str(tmp_path / "mine"))
    assert str(tmp_path / "mine" / "assistant.sqlite") in running.choose()


@pytest.fixture
def store(tmp_path, monkeypatch):
    monkeypatch.setenv("ASSISTANT_STATE", str(tmp_path / "state"))
    monkeypatch.delenv("ASSISTANT_DATABASE_URL", raising=False)
    database.engine.cache_clear()
    yield tmp_path / "state"
    database.engine().dispose()
    database.engine.cache_clear()


def test_erase_takes_the_id_that_the_inbox_shows(store, capsys):
    name = requests.begin("conversation-of-somebody", ["cost"])
    requests.update(name, name="Ola Birch", phone="+447700900123")
    requests.submit(name, False)
    retention.erase(name[:8])
    assert requests.listing() == [] and not database.exists("conversation-of-somebody")
    assert "with 1 requests" in capsys.readouterr().out
    with pytest.raises(SystemExit, match="no conversation and no request"):
        retention.erase(name)


def test_restore_needs_a_yes_and_keeps_what_it_replaces(store, monkeypatch):
    copy = backup.backup()
    assert [file.name for file in copy.parent.iterdir()] == [copy.name]
    name = requests.begin("later", ["cost"])
    requests.submit(name, False)
    monkeypatch.setattr(sys, "argv", ["backup", "restore", str(copy)])
    monkeypatch.setattr(sys, "stdin", io.StringIO())
    with pytest.raises(SystemExit, match="YES=1"):
        backup.main()
    assert requests.listing()
    monkeypatch.setattr(sys, "argv", ["backup", "restore", str(copy), "--yes"])
    backup.main()
    assert requests.listing() == []
    (kept,) = copy.parent.glob("*-before-restore.sqlite")
    backup.restore(kept)
    assert [item["id"] for item in requests.listing()] == [name]


@pytest.mark.parametrize("port", ["abc", "0", "80000", "-1", "5005.5"])
def test_a_port_that_is_none_is_refused_in_words(monkeypatch, port):
    from assistant.launch import port_of

    monkeypatch.setenv("PORT", port)
    with pytest.raises(SystemExit, match="write a number from 1 to 65535"):
        port_of("PORT", 5005)
