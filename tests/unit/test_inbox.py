"""`make inbox`: the clinic's list of requests."""

import csv
import io
import os

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from assistant import database
from assistant.clinic import load_clinic
from assistant.handoff import inbox, requests
from assistant.handoff.inbox import Inbox


@pytest.fixture(autouse=True)
def store(tmp_path, monkeypatch):
    monkeypatch.setenv("ASSISTANT_STATE", str(tmp_path / "state"))
    database.engine.cache_clear()
    yield tmp_path / "state"
    database.engine().dispose()
    database.engine.cache_clear()


@pytest.fixture
def shown():
    """Runs a command and gives what it printed."""

    def run(method, *arguments):
        console = Console(record=True, width=100, file=io.StringIO())
        getattr(Inbox(load_clinic(), console), method)(*arguments)
        return console.export_text()

    return run


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


def test_an_empty_inbox_says_so(shown):
    assert shown("list") == "No requests.\n"


def test_the_list_shows_requests_but_no_drafts(shown):
    name = request()
    requests.update(requests.begin("session"), name="Draft Person")
    text = shown("list")
    assert (
        name in text
        and "Nadia Quill" in text
        and "07700 900461" in text
        and "inbox only" in text
        and "Draft" not in text
    )


def test_one_request_with_everything(shown):
    name = request(question="[bold red]First line[/]\nSecond line")
    text = shown("show", name[:6])
    assert "[bold red]First line[/]" in text and "Second line" in text and "pain, cost" in text


def test_done_and_reopened(shown):
    name = request()
    shown("mark", name, "done")
    assert shown("list", "open") == "No requests.\n" and "done" in shown("list")
    shown("mark", name, "open")
    assert name in shown("list", "open")


def test_an_unknown_id_is_explained(shown):
    with pytest.raises(SystemExit, match="no request has an id that begins with 'zz'"):
        shown("show", "zz")


def test_the_export_opens_no_formulas(shown, tmp_path):
    request(
        name='=HYPERLINK("http://evil.example")',
        question="+1+1",
        best_time="@SUM(A1)",
        email="-x@posteo.example",
    )
    request(question="plain, with a comma\nand a line", name="Åsa")
    shown("export", str(tmp_path / "out.csv"))
    rows = list(csv.DictReader((tmp_path / "out.csv").open(encoding="utf-8-sig", newline="")))
    assert (
        len(rows) == 2
        and rows[0]["question"] == "plain, with a comma\nand a line"
        and rows[0]["name"] == "Åsa"
    )
    for cell in (rows[1][column] for column in ("name", "question", "best_time", "email", "phone")):
        assert cell.startswith("'"), cell


@pytest.mark.parametrize(
    "value, cell",
    [
        ("=1", "'=1"),
        (" =1", "' =1"),
        ("\t=1", "'\t'=1"),
        ("a=1", "a=1"),
        (None, ""),
        ("-", "'-"),
        ("scar;=1+2;end", "scar;'=1+2;end"),
        ("scar; @SUM(A1)", "scar;' @SUM(A1)"),
        ("line\n=1+1", "line\n'=1+1"),
        ("line\r\n-1", "line\r\n'-1"),
        ("a\t+1", "a\t'+1"),
        ("\uff1d1", "'\uff1d1"),
        ("well - yes; no", "well - yes; no"),
    ],
)
def test_cells(value, cell):
    assert inbox.safe_cell(value) == cell


@given(st.text(st.sampled_from("a=+-@;,\t\r\n \"'"), max_size=20))
def test_no_cell_is_a_formula_whatever_separates_cells(text):
    """Also in a program that reads the file with another separator than the comma."""
    line = io.StringIO(newline="")
    csv.writer(line, quoting=csv.QUOTE_ALL).writerow(["id", inbox.safe_cell(text), "end"])
    for separator in ",;\t":
        for row in csv.reader(io.StringIO(line.getvalue(), newline=""), delimiter=separator):
            assert not [cell for cell in row if cell.lstrip()[:1] in ("=", "+", "-", "@")], row


def test_the_export_is_readable_by_its_owner_only(shown, tmp_path):
    before = os.umask(0o022)
    try:
        shown("export", str(tmp_path / "out.csv"))
    finally:
        os.umask(before)
    assert (tmp_path / "out.csv").stat().st_mode & 0o777 == 0o600


def test_erased_for_good(shown, store):
    name = request(name="Xanthippe Vogel")
    assert "is erased" in shown("erase", name)
    assert requests.listing() == []
    assert not any(b"Xanthippe" in path.read_bytes() for path in store.glob("assistant.sqlite*"))


def test_drafts_are_forgotten_after_a_day(monkeypatch):
    name = requests.begin("session")
    assert requests.forget_drafts() == 0 and requests.get(name)
    assert requests.forget_drafts(older_than=-1) == 1 and requests.get(name) is None


def test_a_visitor_who_left_after_giving_a_number_is_not_lost():
    reachable, unreachable = requests.begin("session"), requests.begin("session")
    requests.update(reachable, name="Nadia Quill", phone="+447700900461")
    requests.update(unreachable, name="No Way")
    assert requests.finish_abandoned(deliver=True) == 0, "only after a while"
    assert requests.finish_abandoned(deliver=True, older_than=-1) == 1
    assert [(item["id"], item["waiting"]) for item in requests.listing()] == [(reachable, 1)]
    assert requests.get(unreachable)["status"] == "draft"
