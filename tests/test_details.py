"""Contact details in visitors' words: what is taken, what is asked about, what is refused and why."""
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assistant.handoff import details
from assistant.handoff.details import NotUsable


@pytest.mark.parametrize("text, number, shown", [
    ("07700 900461", "+447700900461", "07700 900461"),
    ("(020) 7946-0777", "+442079460777", "020 7946 0777"),
    ("+447700900461", "+447700900461", "07700 900461"),
    ("0044 7700 900461", "+447700900461", "07700 900461"),
    ("ring me on +33 6 39 98 01 23 please", "+33639980123", "+33 6 39 98 01 23"),
    ("my mobile's 07700900461, after 6pm", "+447700900461", "07700 900461"),
])
def test_phone_numbers_are_read_for_the_clinics_country(text, number, shown):
    assert details.find_phone(text, "GB") == details.Phone(number, shown)


@pytest.mark.parametrize("text, reason", [
    ("55512", "phone_short"), ("07700 9004", "phone_short"), ("07700 900 461 222 333", "phone_long"), ("+999 555 123 456", "phone_country"), ("01111 111111", "phone_wrong"),
])
def test_unusable_phone_numbers_say_why(text, reason):
    with pytest.raises(NotUsable) as error:
        details.find_phone(text, "GB")
    assert error.value.reason == reason


@pytest.mark.parametrize("text", ["between 10 and 12", "on 2026-12-24", "at 10:30", "i am 45", "no number here"])
def test_other_figures_are_no_phone_numbers(text):
    assert details.find_phone(text, "GB") is None


def test_the_last_digits_can_be_corrected():
    assert details.with_ending("+447700900461", "8", "GB").shown == "07700 900468"
    assert details.with_ending("+447700900461", "552", "GB").shown == "07700 900552"


@pytest.mark.parametrize("text, address, suggestion", [
    ("write to nadia.q@posteo.example", "nadia.q@posteo.example", None),
    ("nadia@gmial.com", "nadia@gmial.com", "gmail.com"),
    ("nadia@hotmial.co.uk", "nadia@hotmial.co.uk", "hotmail.co.uk"),
    ("nadia@outlok.com", "nadia@outlok.com", "outlook.com"),
    ("NADIA@Gmail.com.", "NADIA@gmail.com", None),
    ("nadia @yahoo.com", "nadia@yahoo.com", None),
    ("it is nadia.q at posteo.example", "nadia.q@posteo.example", None),
    ("nadia@müller-klinik.de", "nadia@müller-klinik.de", None),
])
def test_email_addresses_are_read_and_slips_noticed(text, address, suggestion):
    assert details.find_email(text) == details.Email(address, suggestion)


@pytest.mark.parametrize("text", ["nadia@", "nadia@@gmail.com", "nadia@gmail", "it is nadia @"])
def test_broken_email_addresses_are_refused(text):
    with pytest.raises(NotUsable, match="email_wrong"):
        details.find_email(text)


@pytest.mark.parametrize("text, asked, name", [
    ("Nadia Quill", True, "Nadia Quill"), ("nadia", True, "Nadia"), ("it's nadia", True, "Nadia"), ("my name is Seán O'Dowd and i have a question", False, "Seán O'Dowd"),
    ("Hi, I'm Nadia", False, "Nadia"), ("i'm nervous", False, None), ("i am very sore", True, None), ("yes please", True, None), ("陈伟", True, "陈伟"), ("Åsa Ek-Lund", True, "Åsa Ek-Lund"),
    ("😀😀", True, None), ("12345", True, None), ("<b>Bo</b>", True, None), ("=HYPERLINK(1)", True, None), ("what for?", True, None), ("nadia q, 07700 900461", True, "Nadia Q"),
])
def test_names(text, asked, name):
    assert details.find_name(text, asked) == name


@pytest.mark.parametrize("text, best", [
    ("weekday evenings", "weekday evenings"), ("oh and mornings only please", "mornings only"), ("07700 900461, any time after 4pm", "any time after 4pm"),
    ("phone me on 07700 900461 before 9am because I am in meetings for the rest of the day", "before 9am"), ("does it hurt in the morning?", None), ("whatever", None), ("could you ring me on 07700 900461 after 5pm? thanks", "after 5pm"),
])
def test_best_times(text, best):
    assert details.find_time(text) == best


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=300))
def test_no_text_is_too_strange(text):
    for find in (lambda: details.find_phone(text, "GB"), lambda: details.find_email(text), lambda: details.find_name(text, True), lambda: details.find_time(text)):
        try:
            find()
        except NotUsable as error:
            assert error.reason.startswith(("phone_", "email_"))
