"""Opening hours, holidays and the clinic's desk, at fixed moments."""

import datetime as dt

import pytest

from assistant import clinic as clinics
from assistant import hours, knowledge
from assistant.conversation import desk, manners
from assistant.hours import Opening

HOURS = {
    "monday": "closed",
    "tuesday": "09:00-18:00",
    "wednesday": "09:00-18:00",
    "thursday": "11:00-20:00",
    "friday": "09:00-18:00",
    "saturday": "10:00-15:00",
    "sunday": "closed",
}


def clinic(**more):
    return clinics.Clinic(
        **{
            "name": "Test Clinic",
            "phone": "+44 20 7946 0000",
            "country": "GB",
            "timezone": "Europe/London",
            "hours": HOURS,
            **more,
        }
    )


def at(text):
    return dt.datetime.fromisoformat(text).replace(tzinfo=dt.timezone.utc)


@pytest.mark.parametrize(
    "moment, opened, words",
    [
        ("2026-11-24 08:59", False, "today at 9:00"),
        ("2026-11-24 09:00", True, "18:00"),
        ("2026-11-24 18:00", False, "tomorrow at 9:00"),
        ("2026-11-28 16:00", False, "Tuesday at 9:00"),
        ("2026-11-22 12:00", False, "Tuesday at 9:00"),
        ("2026-07-01 08:30", True, "18:00"),  # summer time: half past nine in London
    ],
)
def test_open_or_when_again(moment, opened, words):
    opening = Opening(clinic())
    status = opening.status(at(moment))
    assert status.open is opened
    assert (
        hours.clock(status.until)
        if opened
        else hours.moment_words(status.next, opening.local(at(moment)))
    ) == words


@pytest.mark.parametrize(
    "moment, opened, words",
    [
        ("2026-11-24 11:59", True, "12:00"),
        ("2026-11-24 12:00", False, "today at 13:30"),
        ("2026-11-24 13:30", True, "18:00"),
        ("2026-11-24 18:00", False, "tomorrow at 9:00"),
    ],
)
def test_a_lunch_break_is_closed(moment, opened, words):
    opening = Opening(clinic(hours={**HOURS, "tuesday": "09:00-12:00,13:30-18:00"}))
    status = opening.status(at(moment))
    assert status.open is opened
    assert (
        hours.clock(status.until)
        if opened
        else hours.moment_words(status.next, opening.local(at(moment)))
    ) == words


def test_a_lunch_break_is_said():
    said = clinics.opening_hours({"monday": "09:00-12:00, 13:30-18:00"})
    assert said == "Monday 09:00 to 12:00 and 13:30 to 18:00"


def test_holidays_change_the_hours_and_are_skipped():
    holidays = [
        {"on": dt.date(2026, 12, 24), "hours": "09:00-12:00"},
        {"first": dt.date(2026, 12, 25), "last": dt.date(2026, 12, 31), "name": "winter break"},
    ]
    opening = Opening(clinic(holidays=holidays))
    assert opening.status(at("2026-12-24 13:00")).next.isoformat() == "2027-01-01T09:00:00+00:00"
    assert (
        hours.moment_words(
            opening.status(at("2026-12-24 13:00")).next, opening.local(at("2026-12-24 13:00"))
        )
        == "Friday 1 January at 9:00"
    )
    assert opening.status(at("2026-12-24 11:59")).open
    assert [h.name for h in opening.coming_holidays(at("2026-12-25 08:00"))] == ["winter break"]


def test_without_a_time_zone_nothing_is_claimed():
    assert not Opening(clinic(timezone=None)).known and not Opening(clinic(hours=None)).known


def test_a_clinic_that_is_always_closed_has_no_next_opening():
    assert (
        Opening(clinic(hours=dict.fromkeys(HOURS, "closed"))).status(at("2026-11-24 12:00")).next
        is None
    )


@pytest.mark.parametrize(
    "question, says, never",
    [
        (
            "are you open right now?",
            ["closed now and opens again today at 9:00"],
            ["Our opening hours"],
        ),
        ("are you open on sundays", ["Sunday 29 November the clinic is closed"], []),
        (
            "what about tomorrow, are you open",
            ["Wednesday 25 November the clinic is open from 9:00 to 18:00"],
            [],
        ),
        ("what are your opening hours", ["Our opening hours are", "opens again today at 9:00"], []),
        ("is there somewhere to park the car", ["Parking:"], ["opening hours"]),
        (
            "where are you exactly",
            ["12 Invented Lane", "openstreetmap.org/search?query=12+Invented+Lane"],
            [],
        ),
        (
            "are you shut over christmas",
            [
                "Thursday 24 December: 09:00 to 13:00; Friday 25 December to Friday 1 January:"
                " closed"
            ],
            [],
        ),
        ("which languages do you speak", ["English, Polish"], []),
    ],
)
def test_questions_about_the_clinic(kb, question, says, never):
    answer = desk.answer("clinic_info", question, kb, at("2026-11-24 07:00"))
    assert all(words in answer for words in says) and not any(words in answer for words in never), (
        answer
    )


@pytest.mark.parametrize(
    "topic, question, says",
    [
        (
            "cost",
            "how much is a course of three",
            ["three sessions: £480 as a course, which is £60 less than three single ones (£540)"],
        ),
        (
            "cost",
            "three sessions for my face and neck",
            [
                "Microneedling, face and neck, three sessions: £610 as a course, which is £80 less"
                " than three single ones (£690)."
            ],
        ),
        (
            "booking",
            "do i get the deposit back",
            [
                "The clinic's rule for changes and cancellations",
                "The deposit is £40, taken when you book and taken off the price. I cannot",
            ],
        ),
        ("choose_provider", "who's the nurse there", ["two registered nurses"]),
        ("cost", "is there a deposit", ["£40", "48 hours"]),
        ("insurance_financing", "can i pay in instalments", ["three monthly payments"]),
        ("booking", "what if i need to cancel", ["48 hours", "£40", "+44 20 7946 0958"]),
        ("choose_provider", "who does the treatment", ["two registered nurses"]),
    ],
)
def test_questions_about_money_and_visits(kb, topic, question, says):
    answer = desk.answer(topic, question, kb)
    assert all(words in answer for words in says), answer


def test_what_clinic_yml_leaves_out_gets_a_sensible_sentence(tmp_path):
    bare = tmp_path / "clinic.yml"
    bare.write_text("name: Bare Clinic\nphone: '+44 20 7946 0001'\ncountry: GB\n", "utf-8")
    plain = knowledge.load(clinic_path=bare)
    for topic, question in (
        ("clinic_info", "are you open now"),
        ("clinic_info", "where do i park"),
        ("clinic_info", "what is the address"),
        ("cost", "price of a course of three"),
        ("booking", "can i cancel"),
        ("clinic_info", "open at easter?"),
        ("insurance_financing", "payment plan?"),
        ("choose_provider", "who performs it"),
        ("clinic_info", "open on friday?"),
    ):
        answer = desk.answer(topic, question, plain)
        assert "+44 20 7946 0001" in answer and "None" not in answer and "{" not in answer, (
            question,
            answer,
        )


def test_an_ordinary_question_keeps_the_topics_own_answer(kb):
    assert (
        desk.answer("cost", "how much is it", kb) is None
        and desk.answer("pain", "are you open now", kb) is None
    )


@pytest.mark.parametrize(
    "moment, part",
    [
        ("2026-11-24 07:00", "morning"),
        ("2026-11-24 13:00", "afternoon"),
        ("2026-11-24 23:00", "evening"),
    ],
)
def test_the_greeting_knows_the_clinics_clock(kb, moment, part):
    assert manners.part_of_day(kb, at(moment)) == part


@pytest.mark.parametrize(
    "holiday, words",
    [
        ({"name": "no day"}, "on: 2026-12-25"),
        ({"on": "2026-12-25", "first": "2026-12-25"}, "either"),
        ({"on": "2026-12-25", "hours": "9-12"}, "09:00-17:30"),
        ({"first": "2026-12-31", "last": "2026-12-25"}, "later `last:`"),
    ],
)
def test_a_wrong_holiday_is_explained(holiday, words):
    with pytest.raises(ValueError, match=words):
        clinics.Holiday(**holiday)


def test_hours_that_close_before_they_open_and_unknown_zones_are_explained():
    with pytest.raises(ValueError, match="opening before closing"):
        clinic(hours={"monday": "18:00-09:00"})
    with pytest.raises(ValueError, match="such as Europe/London"):
        clinic(timezone="Moon/Base")
