"""Cleaning of typed text."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assistant.understanding.text import has_words, normalise


@pytest.mark.parametrize(
    "raw, clean",
    [
        ("  does\tit   hurt ", "does it hurt"),
        ("\uff0frestart", "/restart"),
        ("do\u200bes it", "does it"),
        ("\u202eevil", "evil"),
        ("it\u2019s", "it's"),
        ("a\n\n \nb", "a\nb"),
        ("\x00a\x07b", "a b"),
        ("mi\u0441r\u043en\u0435\u0435dling", "microneedling"),
        ("\u0431\u043e\u043b\u044c\u043d\u043e", "\u0431\u043e\u043b\u044c\u043d\u043e"),
    ],
)
def test_normalise(raw, clean):
    assert normalise(raw) == clean


@given(st.text(max_size=300))
def test_normalising_twice_changes_nothing(text):
    assert normalise(normalise(text)) == normalise(text)


def test_words_and_no_words():
    assert has_words("ok") and has_words("नमस्ते") and not has_words("🙈 !!")
