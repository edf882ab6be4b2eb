"""What `make run` says before it starts anything."""

import os

import pytest

from assistant import check, database, launch


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    """The parts of the check that have tests of their own are left out."""
    monkeypatch.setattr(check, "quick", lambda: [])
    monkeypatch.setattr(launch, "port_taken", lambda port: False)
    monkeypatch.setenv("ASSISTANT_SECRET", "")
    database.engine.cache_clear()
    yield
    database.engine.cache_clear()


def test_a_start_without_a_usable_store_is_said_and_goes_on(tmp_path, monkeypatch, capsys):
    (tmp_path / "file").write_text("not a folder")
    monkeypatch.setenv("ASSISTANT_STATE", str(tmp_path / "file" / "state"))
    launch.check_start()
    said = capsys.readouterr().out
    assert "WITHOUT CONVERSATIONS" in said and "conversation store" in said
    assert "ASSISTANT_STATE" in said and "WITHOUT A SECRET" in said
    assert len(os.environ["ASSISTANT_SECRET"]) >= 48, "one for both servers"


@pytest.mark.parametrize(
    "name, value, words",
    [
        ("ASSISTANT_SECRET", "guess me", "32 random characters"),
        ("ASSISTANT_DATABASE_URL", "mysql://host/database", "must look like postgresql://"),
    ],
)
def test_a_wrong_setting_is_named_and_nothing_starts(tmp_path, monkeypatch, name, value, words):
    monkeypatch.setenv("ASSISTANT_STATE", str(tmp_path))
    monkeypatch.setenv(name, value)
    with pytest.raises(SystemExit, match=words):
        launch.check_start()
