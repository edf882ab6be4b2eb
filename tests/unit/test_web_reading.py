"""What the channel does with a text before Rasa gets it, without a server."""

import asyncio
import threading

import pytest
from rasa.shared.constants import INTENT_MESSAGE_PREFIX

from assistant import redaction
from assistant.rasa import web
from tests.support.servers import EMERGENCY
from tests.support.waiting import GENEROUS

LONG = "no pus " * 2000


@pytest.mark.parametrize("blank", [*" \t\n\x0b\x1c\x85\xa0\u1680\u2003\u2028\u2029\u3000", "/", ""])
def test_no_white_space_makes_a_command_of_a_text(blank):
    for said in (f"/{blank}/restart", f"{blank}/{blank}/back", f"/{blank}/{blank}ask_cost"):
        assert not web.never_command(said).strip().startswith(INTENT_MESSAGE_PREFIX)


@pytest.mark.parametrize("said", ["1/2 an hour?", "pain and/or redness", ""])
def test_other_texts_stay_as_they_are(said):
    assert web.never_command(said) == said


@pytest.mark.parametrize(
    "value", [None, 5, "", "a" * 65, "\ud800", "a\x00b", "a\nb", "\u202e", ["a"]]
)
def test_what_is_no_name(value):
    assert not web.plain(value, 64)


@pytest.mark.parametrize(
    "personal", ["gwendolina.p@posteo.example", "07700 900461", "my name is Gwendolina Plumb"]
)
def test_a_cut_leaves_no_half_of_a_detail(personal):
    for into in range(1, len(personal)):
        text = "x " * 300 + personal + " and more"
        kept = redaction.redact(redaction.cut(text, 600 + into))
        assert len(kept) <= 640 and not any(
            part in kept for part in ("gwen", "Gwen", "0770", "900")
        )


@pytest.fixture
def held(monkeypatch):
    """Reading of long texts that waits until the test lets it go on."""
    go_on, read = threading.Event(), web.read

    def wait(text):
        if threading.current_thread() is not threading.main_thread():
            assert go_on.wait(GENEROUS)
        return read(text)

    monkeypatch.setattr(web, "read", wait)
    yield go_on
    go_on.set()


def test_a_text_that_takes_too_long_is_read_in_part(held, monkeypatch):
    monkeypatch.setattr(web, "READ_TIME", 0.05)
    text = asyncio.run(web.heard(LONG + EMERGENCY))
    assert len(text) <= web.limits().characters + 101
    assert web.Endpoints.urgent(web.normalise(text)).urgency == "emergency"


def test_an_emergency_in_a_long_text_waits_for_no_other_one(held, monkeypatch):
    monkeypatch.setattr(web, "READ_TIME", GENEROUS)

    async def visitors():
        other = asyncio.ensure_future(web.heard(LONG))
        await asyncio.sleep(0)
        text = await web.heard(LONG + EMERGENCY)
        assert not other.done() and web.Endpoints.urgent(web.normalise(text))
        held.set()
        assert await other == LONG

    asyncio.run(visitors())
