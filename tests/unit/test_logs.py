"""The logs: one line a turn, errors with type and place, and not a word of what a visitor wrote."""

import json
import logging
import sys

import pytest
import structlog

from assistant import logs


@pytest.fixture
def own_logging(monkeypatch):
    """Switches the project's logging on in this process when it is called; taken back
    afterwards."""
    monkeypatch.setenv("ASSISTANT_LOGS", "json")
    root, hook, levels = (
        list(logging.root.handlers),
        sys.excepthook,
        {name: logging.getLogger(name).level for name in ("", *logs.OWN)},
    )
    yield lambda: logs.configure("test")
    logging.captureWarnings(False)
    logging.root.handlers, sys.excepthook = root, hook
    for name, level in levels.items():
        logging.getLogger(name).setLevel(level)
    structlog.reset_defaults()


def lines(capsys):
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_lines_of_libraries_keep_their_place_and_lose_their_words(own_logging, capsys):
    own_logging()
    logging.getLogger("rasa.core.processor").warning("failed to parse zebrafish")
    structlog.get_logger("rasa.core.processor").warning(
        "processor.message.parse", text="quokka", event_info="narwhal"
    )
    structlog.get_logger("rasa.core.processor").warning("Message okapi", rasa_events=["axolotl"])
    plain, named, sentence = lines(capsys)
    assert "test_logs.py" in plain["place"] and plain["logger"] == "rasa.core.processor"
    assert named["event"] == "processor.message.parse" and set(named) == {
        "event",
        "logger",
        "level",
        "time",
        "process",
    }
    assert sentence["event"] == "line of a library"


def test_an_error_is_its_type_and_place(own_logging, capsys):
    own_logging()
    try:
        try:
            int("zebrafish")
        except ValueError as error:
            raise RuntimeError("quokka said zebrafish") from error
    except RuntimeError:
        logging.getLogger("assistant.rasa.web").exception("web channel")
    (line,) = lines(capsys)
    assert (
        line["error"] == "RuntimeError < ValueError"
        and "tests/unit/test_logs.py" in line["place"]
        and "zebrafish" not in str(line)
        and "quokka" not in str(line)
    )


def test_own_lines_lose_personal_data_and_unknown_keys(own_logging, capsys):
    own_logging()
    structlog.get_logger("assistant.turns").info(
        "refused nadia@posteo.example", topics=["pain"], text="zebrafish"
    )
    (line,) = lines(capsys)
    assert line["event"] == "refused [email]" and line["topics"] == ["pain"] and "text" not in line


def test_a_terminal_gets_readable_lines(own_logging, monkeypatch, capsys):
    monkeypatch.setenv("ASSISTANT_LOGS", "console")
    own_logging()
    structlog.get_logger("assistant.turns").info(
        "turn", topics=["pain"], milliseconds=4.2, conversation="abc"
    )
    out = capsys.readouterr().out
    assert (
        "topics=['pain']" in out
        and "milliseconds=4.2" in out
        and "abc" not in out
        and not out.startswith("{")
    )


def test_a_wrong_format_is_refused(monkeypatch):
    monkeypatch.setenv("ASSISTANT_LOGS", "xml")
    with pytest.raises(SystemExit, match="json or console"):
        logs.as_json()
