"""Contact details in visitors' words: what is taken, what is asked about, what is refused and
why."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assistant.handoff import details
from assistant.handoff.details import NotUsable


@pytest.mark.parametrize(
    "text, number, shown",
    [
        ("07700 900461", "+447700900461", "07700 900461"),
        ("(020) 7946-0777", "+442079460777", "020 7946 0777"),
        ("+447700900461", "+447700900461", "07700 900461"),
        ("0044 7700 900461", "+447700900461", "07700 900461"),
        ("ring me on +33 6 39 98 01 23 please", "+33639980123", "+33 6 39 98 01 23"),
        ("my mobile's 07700900461, after 6pm", "+447700900461", "07700 900461"),
    ],
)
def test_phone_numbers_are_read_for_the_clinics_country(text, number, shown):
    assert details.find_phone(text, "GB") == details.Phone(number, shown)


@pytest.mark.parametrize(
    "text, reason",
    [
        ("55512", "phone_short"),
        ("07700 9004", "phone_short"),
        ("07700 900 461 222 333", "phone_long"),
        ("+999 555 123 456", "phone_country"),
        ("01111 111111", "phone_wrong"),
        ("(212) 555-0123", "phone_country"),
        ("718 555 1234", "phone_country"),
        ("1 212 555 0199", "phone_country"),
        ("98765 43210", "phone_country"),
    ],
)
def test_unusable_phone_numbers_say_why(text, reason):
    with pytest.raises(NotUsable) as error:
        details.find_phone(text, "GB")
    assert error.value.reason == reason


def test_a_number_of_home_is_no_other_countrys():
    assert (
        details.find_phone("(212) 555-0123", "US").number == "+12125550123"
        and details.find_phone("512 345 678", "PL").number == "+48512345678"
    )
    assert (
        details.find_phone("447700900461", "GB").number == "+447700900461"
        and details.find_phone("312 345 6789", "IT").number == "+393123456789"
    )
    with pytest.raises(NotUsable, match="phone_country"):
        details.find_phone("07700 900461", "US")


@pytest.mark.parametrize(
    "text", ["between 10 and 12", "on 2026-12-24", "at 10:30", "i am 45", "no number here"]
)
def test_other_figures_are_no_phone_numbers(text):
    assert details.find_phone(text, "GB") is None


def test_the_last_digits_can_be_corrected():
    assert details.with_ending("+447700900461", "8", "GB").shown == "07700 900468"
    assert details.with_ending("+447700900461", "552", "GB").shown == "07700 900552"


@pytest.mark.parametrize(
    "text, address, suggestion",
    [
        ("write to nadia.q@posteo.example", "nadia.q@posteo.example", None),
        ("nadia@gmial.com", "nadia@gmial.com", "gmail.com"),
        ("nadia@hotmial.co.uk", "nadia@hotmial.co.uk", "hotmail.co.uk"),
        ("nadia@outlok.com", "nadia@outlok.com", "outlook.com"),
        ("NADIA@Gmail.com.", "NADIA@gmail.com", None),
        ("nadia @yahoo.com", "nadia@yahoo.com", None),
        ("it is nadia.q at posteo.example", "nadia.q@posteo.example", None),
        ("nadia@müller-klinik.de", "nadia@müller-klinik.de", None),
    ],
)
def test_email_addresses_are_read_and_slips_noticed(text, address, suggestion):
    assert details.find_email(text) == details.Email(address, suggestion)


@pytest.mark.parametrize(
    "domain",
    [
        "mail.com",
        "ymail.com",
        "yahoo.ca",
        "hotmail.ca",
        "hotmail.de",
        "yahoo.co.in",
        "email.com",
        "gmx.net",
        "mee.com",
        "live.ca",
        "outlook.ie",
        "protonmail.ch",
        "fastmail.com",
        "skye.com",
    ],
)
def test_real_domains_are_not_doubted(domain):
    assert details.find_email(f"nadia@{domain}").suggestion is None


@pytest.mark.parametrize(
    "domain, meant",
    [
        ("gmail.con", "gmail.com"),
        ("gmail.co", "gmail.com"),
        ("yahoo.co.ukk", "yahoo.co.uk"),
        ("hotmail.co.k", "hotmail.co.uk"),
        ("icoud.com", "icloud.com"),
        ("yaho.com", "yahoo.com"),
        ("gamil.com", "gmail.com"),
    ],
)
def test_slips_in_domains_are_noticed(domain, meant):
    assert details.find_email(f"nadia@{domain}").suggestion == meant


@pytest.mark.parametrize(
    "text, domain",
    [
        ("no, gmail.com", "gmail.com"),
        ("I meant gmail", "gmail.com"),
        ("it is posteo.example", "posteo.example"),
        ("yes", None),
        ("me too", None),
    ],
)
def test_a_domain_that_an_answer_names(text, domain):
    assert details.named_domain(text, "gmail.com") == domain


@pytest.mark.parametrize("text", ["nadia@", "nadia@@gmail.com", "nadia@gmail", "it is nadia @"])
def test_broken_email_addresses_are_refused(text):
    with pytest.raises(NotUsable, match="email_wrong"):
        details.find_email(text)


@pytest.mark.parametrize(
    "text, asked, name",
    [
        ("Nadia Quill", True, "Nadia Quill"),
        ("nadia", True, "Nadia"),
        ("it's nadia", True, "Nadia"),
        ("my name is Seán O'Dowd and i have a question", False, "Seán O'Dowd"),
        ("Hi, I'm Nadia", False, "Nadia"),
        ("i'm nervous", False, None),
        ("i am very sore", True, None),
        ("yes please", True, None),
        ("陈伟", True, "陈伟"),
        ("Åsa Ek-Lund", True, "Åsa Ek-Lund"),
        ("😀😀", True, None),
        ("12345", True, None),
        ("<b>Bo</b>", True, None),
        ("=HYPERLINK(1)", True, None),
        ("what for?", True, None),
        ("nadia q, 07700 900461", True, "Nadia Q"),
        ("Will", True, "Will"),
        ("Will Smith", True, "Will Smith"),
        ("Sarah Best", True, "Sarah Best"),
        ("Linh Do", True, "Linh Do"),
        ("just Sarah", True, "Sarah"),
        ("Sarah please", True, "Sarah"),
        ("Sarah is fine", True, "Sarah"),
        ("Sarah :)", True, "Sarah"),
        ("Sarah 😊", True, "Sarah"),
        ("Sarah Jones and my number is 07700 900123", True, "Sarah Jones"),
        ("Sarah, call after 6pm", True, "Sarah"),
        ("contact by email", True, None),
        ("email only please", True, None),
        ("this is ridiculous", True, None),
        ("same as before", True, None),
        ("Will it hurt", True, None),
        ("Will you call me", True, None),
        ("will", True, None),
        ("do it", True, None),
        ("actually the name is Sara", True, "Sara"),
        ("i am sara", True, "Sara"),
    ],
)
def test_names(text, asked, name):
    assert details.find_name(text, asked) == name


@pytest.mark.parametrize(
    "text, best",
    [
        ("weekday evenings", "weekday evenings"),
        ("oh and mornings only please", "mornings only"),
        ("07700 900461, any time after 4pm", "any time after 4pm"),
        (
            "phone me on 07700 900461 before 9am because I am in meetings for the rest of the day",
            "before 9am",
        ),
        ("does it hurt in the morning?", None),
        ("whatever", None),
        ("could you ring me on 07700 900461 after 5pm? thanks", "after 5pm"),
    ],
)
def test_best_times(text, best):
    assert details.find_time(text) == best


@pytest.mark.parametrize(
    "text, best",
    [
        ("Friday, 3pm", "Friday, 3pm"),
        ("Monday, Wednesday or Friday", "Monday, Wednesday or Friday"),
        ("After 5pm. Not Wednesdays.", "After 5pm. Not Wednesdays"),
        ("07700 900461, any time after 4pm", "any time after 4pm"),
    ],
)
def test_a_whole_answer_about_the_time(text, best):
    assert details.whole_time(text) == best


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=300))
def test_no_text_is_too_strange(text):
    for find in (
        lambda: details.find_phone(text, "GB"),
        lambda: details.find_email(text),
        lambda: details.find_name(text, True),
        lambda: details.find_time(text),
    ):
        try:
            find()
        except NotUsable as error:
            assert error.reason.startswith(("phone_", "email_"))


@pytest.mark.parametrize(
    "text, number",
    [
        ("07700 900461, hang on, 07700 900462", "+447700900462"),
        ("it was 07700 900461 but use this: 07700 900462", "+447700900462"),
        ("07700 900461 is my old one, 07700 900462", "+447700900462"),
        ("07700 900462 not 07700 900461", "+447700900462"),
        ("not 07700 900461 but 07700 900462", "+447700900462"),
        ("07700 900462 or 020 7946 0777", "+447700900462"),
    ],
)
def test_of_several_numbers_the_one_that_is_meant_is_taken(text, number):
    assert details.find_phone(text, "GB").number == number


def test_a_correction_that_cannot_be_used_is_asked_about():
    with pytest.raises(NotUsable, match="phone_short"):
        details.find_phone("07700 900461, sorry, 07700 9004", "GB")


@pytest.mark.parametrize("words", ["ext 21", "x21", "extension 21", ", ext. 21", "(ext: 21)"])
def test_an_extension_belongs_to_the_number(words):
    found = details.find_phone(f"020 7946 0777 {words}", "GB")
    assert found == details.Phone("+442079460777;ext=21", "020 7946 0777 ext. 21")
    changed = details.with_ending(found.number, "8", "GB")
    assert changed == details.Phone("+442079460778;ext=21", "020 7946 0778 ext. 21")


@pytest.mark.parametrize("text", ["10.30-11.30 please", "14:00 - 15:30", "on 24.12.2026"])
def test_times_and_dates_are_no_numbers(text):
    assert details.find_phone(text, "GB") is None


@pytest.mark.parametrize(
    "text, address",
    [
        ("it's d'arcy.quill@posteo.example", "d'arcy.quill@posteo.example"),
        ("d’arcy@posteo.example", "d'arcy@posteo.example"),
        ("'nadia@posteo.example'", "nadia@posteo.example"),
        ("(nadia@posteo.example)", "nadia@posteo.example"),
        ("email:nadia@posteo.example", "nadia@posteo.example"),
        ("q&a@posteo.example", "q&a@posteo.example"),
        ("nadia dot quill at posteo dot example", "nadia.quill@posteo.example"),
        ("my email is nadia underscore q at posteo.example", "nadia_q@posteo.example"),
        ("nadia@posteo.example, sorry, quill@posteo.example", "quill@posteo.example"),
    ],
)
def test_an_address_is_taken_whole(text, address):
    assert details.find_email(text).address == address


@pytest.mark.parametrize("text", ["q(two)@posteo.example", '"nadia q"@posteo.example'])
def test_an_address_that_is_not_understood_whole_is_asked_about(text):
    with pytest.raises(NotUsable, match="email_wrong"):
        details.find_email(text)


def test_a_place_of_work_is_no_address():
    assert details.find_email("I work at posteo.example") is None


LOCAL = st.text("abz09.'+_&-", min_size=1, max_size=12)


@settings(max_examples=200, deadline=None)
@given(LOCAL, st.sampled_from(["{}", "my email is {}", "{} thanks", "mail me: {}, please", "({})"]))
def test_an_address_is_a_whole_token_of_the_text_or_none(local, frame):
    address = f"{local}@posteo.example"
    try:
        found = details.find_email(frame.format(address))
    except NotUsable:
        return
    # Quotes at the ends are taken for quotation marks.
    assert found.address == address.lstrip(details.AROUND_ADDRESS)


@pytest.mark.parametrize(
    "text, asked, name",
    [
        ("my name is will", False, "Will"),
        ("my name is will porter and i have a question", False, "Will Porter"),
        ("My name is Best", True, "Best"),
        ("the name's Hope", True, "Hope"),
        ("An Nguyen", True, "An Nguyen"),
        ("this is Will", True, "Will"),
        ("May Summer", True, "May Summer"),
        ("Dr O'Hara-Quill", True, "Dr O'Hara-Quill"),
        ("my name is not important", True, None),
        ("my name is private", True, None),
        ("Sara, not Sarah", True, "Sara"),
        ("it's Sara not Sarah", True, "Sara"),
    ],
)
def test_names_that_are_words(text, asked, name):
    assert details.find_name(text, asked) == name


@pytest.mark.parametrize(
    "name, called",
    [("Nadia Quill", "Nadia"), ("Dr. O'Hara-Quill", "Dr. O'Hara-Quill"), ("Mrs Ama Q", "Mrs Q")],
)
def test_how_somebody_is_addressed(name, called):
    assert details.first_name(name) == called
