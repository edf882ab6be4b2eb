"""docs/data-protection.md says what the database has, and nothing leaves the machine unasked."""

import re
import socket

import pytest

from assistant import database, paths, redaction
from tests.evaluation import redaction as evaluation

DOC = paths.ROOT / "docs" / "data-protection.md"


def test_tables_and_columns_are_those_of_the_database():
    rows = re.findall(r"^\| `(\w+)` \| ((?:`\w+`(?:, )?)+) \|", DOC.read_text("utf-8"), re.M)
    written = {table: re.findall(r"`(\w+)`", columns) for table, columns in rows}
    assert written == {
        name: [column.name for column in table.columns]
        for name, table in database.metadata.tables.items()
    }


def test_the_masks_are_named():
    text = DOC.read_text("utf-8")
    assert {mask for mask in redaction.MASKS.values() if f"`{mask}`" not in text} == set()


def test_the_figures_are_those_that_are_measured():
    total, text = evaluation.score(), DOC.read_text("utf-8")
    assert f"{len(evaluation.messages())} messages with {total.labelled} labelled pieces" in text
    assert f"recall {total.recall:.3f}, precision {total.precision:.3f}" in text


def test_only_requests_have_columns_for_contact_details():
    contact = {
        table.name
        for table in database.metadata.tables.values()
        if {"phone", "email"} & {column.name for column in table.columns}
    }
    assert contact == {"contact_requests"}


def test_understanding_and_answering_open_no_connection(monkeypatch, kb):
    def refused(self, address):
        raise AssertionError(f"a connection to {address}")

    monkeypatch.setattr(socket.socket, "connect", refused)
    monkeypatch.setattr(socket.socket, "connect_ex", refused)
    monkeypatch.setattr(
        socket, "getaddrinfo", lambda *arguments, **_: pytest.fail(f"a look-up of {arguments[0]}")
    )
    from assistant.rasa.runtime import triage
    from assistant.understanding import lexicon
    from assistant.understanding.encoder import Encoder

    text = "does it hurt, email me at nadia@posteo.example or 07700 900461"
    assert Encoder.shared().encode(text).shape == (384,)
    assert (
        lexicon.load().entities("needling on my face")
        and triage().find("I can't breathe").as_dict()
    )
    assert redaction.redact(text) == "does it hurt, email me at [email] or [phone]"


def test_telemetry_is_off():
    from assistant import launch

    assert launch.ENVIRONMENT["RASA_TELEMETRY_ENABLED"] == "false"
    assert "RASA_TELEMETRY_ENABLED := false" in (paths.ROOT / "Makefile").read_text("utf-8")


def test_the_widget_names_no_other_address():
    for file in (paths.ROOT / "widget" / "dist").glob("*.js"):
        hosts = set(re.findall(r"https?://([\w.-]+)", file.read_text("utf-8")))
        assert hosts <= {"www.w3.org"}, f"{file.name} names {hosts}"
