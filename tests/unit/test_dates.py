"""Days in a visitor's words, counting back from a big day, and the days between two treatments."""

import datetime as dt

import pytest

from assistant import compose, knowledge
from assistant.clinic import Gaps
from assistant.conversation import counting_back
from assistant.turn import Turn
from assistant.understanding import dates

TODAY = dt.date(2026, 11, 28)  # a Saturday
NOON = dt.datetime(2026, 11, 28, 12, tzinfo=dt.timezone.utc)


@pytest.mark.parametrize(
    "text, days",
    [
        ("my big day is 5 September", ["2027-09-05"]),
        ("it is on May 21st", ["2027-05-21"]),
        ("the party is on 14/2", ["2027-02-14"]),
        ("ceremony 3.7.2027", ["2027-07-03"]),
        ("2027-01-30", ["2027-01-30"]),
        ("in about five weeks", ["2027-01-02"]),
        ("six weeks to go", ["2027-01-09"]),
        ("in ten days' time", ["2026-12-08"]),
        ("next Wednesday", ["2026-12-02"]),
        ("last tuesday", ["2026-11-24"]),
        ("I had it eight days ago", ["2026-11-20"]),
        ("yesterday", ["2026-11-27"]),
        ("filler on the 2nd and needling on the 20th", ["2026-12-02", "2026-12-20"]),
        ("at the end of February", ["2027-02-28"]),
        ("last April", ["2026-04-01"]),
    ],
)
def test_days_are_found(text, days):
    assert [day.on.isoformat() for day in dates.find(text, TODAY)] == days


def test_months_first_where_they_are_written_so():
    assert dates.find("on 3/6", TODAY, day_first=False)[0].on == dt.date(2027, 3, 6)


@pytest.mark.parametrize(
    "text",
    [
        "a 0.5 mm roller",
        "may I come with a friend",
        "I'm 27",
        "for 6 sessions",
        "three times a week",
        "I march on",
        "no sun please",
        "31/2",
        "1.5 is too deep",
        "24/7",
        "open mon to fri",
    ],
)
def test_what_is_no_day(text):
    assert dates.find(text, TODAY) == []


def test_a_plan_leaves_two_weeks_free_and_four_between_sessions():
    plan = counting_back.planned(dt.date(2027, 6, 12), TODAY, Gaps())
    assert plan.latest == dt.date(2027, 5, 29)
    assert plan.first == dt.date(2027, 4, 3)
    assert plan.first_settled == dt.date(2027, 1, 17)
    assert plan.sessions == 6  # the most that are counted


def test_the_clinic_own_rules_are_counted_with():
    gaps = Gaps(event="at least 4 weeks", sessions="6 weeks")
    plan = counting_back.planned(dt.date(2027, 2, 28), TODAY, gaps)
    assert plan.latest == dt.date(2027, 1, 31)
    assert plan.sessions == 2


def told(text, topics, specific=(), state=None, treatments=()):
    """The turn and the state after `text`, the topics having been answered."""
    kb = knowledge.load()
    turn = Turn("answer", topics=list(topics))
    turn.say("answer", "The usual answer.", topics[0])
    state = {**compose.new_state(), "told_last": list(specific), **(state or {})}
    question = {"topic": topics[0], "entities": {"treatment": list(treatments)}}
    after = counting_back.add(text, {"questions": [question]}, turn, state, kb, NOON)
    return " ".join(message.text for message in turn.messages), after


def test_a_wedding_is_counted_back_from():
    said, after = told(
        "we get married on 12 June", ["results_timeline"], ["results_timeline/wedding_date"]
    )
    assert "12 June" in said and "17 January" in said and "29 May" in said
    assert "The usual answer." not in said
    assert after["event"] == {"day": "2027-06-12"}


def test_a_date_is_asked_for_and_then_counted_back_from():
    said, after = told("my prom is coming up", ["downtime"], ["downtime/big_event"])
    assert "When is it?" in said and after["event"]["day"] is None
    said, after = told("the 9th of May", ["smalltalk"], state=after)
    assert "9 May" in said and after["event"]["day"] == "2027-05-09"


def test_a_day_too_close_is_said_to_be_so():
    said, _ = told("birthday party next friday, is there time", ["results_timeline"])
    assert "too close" in said


def test_a_day_told_before_is_remembered():
    state = {"event": {"day": "2027-06-12"}}
    said, _ = told("how many can I fit in before then", ["number_of_sessions"], state=state)
    assert "up to 6" in said and "29 May" in said


def test_a_day_that_was_called_off_is_forgotten():
    state = {"event": {"day": "2027-06-12"}}
    said, after = told("we called the wedding off", ["results_timeline"], state=state)
    assert after["event"] is None and "no date" in said


def test_a_party_after_a_session_is_no_plan():
    said, after = told("I had it yesterday and there is a party on 5 December", ["downtime"])
    assert said == "The usual answer." and after["event"] is None


@pytest.mark.parametrize(
    "text, treatment, words",
    [
        ("botox on the 3rd and needling on the 9th", "botox", "6 days apart"),
        ("had cheek filler ten days ago, can you do me now", "filler", "10 days apart"),
        ("a peel on 1 October, needling on 12 December", "chemical_peel", "at least 4 weeks"),
    ],
)
def test_the_days_between_two_treatments_are_counted(text, treatment, words):
    said, _ = told(text, ["combine_treatments"], treatments=[treatment])
    assert words in said


def test_a_treatment_of_yesterday_is_no_plan():
    wine = "botox yesterday, is a glass of wine all right tonight"
    said, _ = told(wine, ["combine_treatments"], treatments=["botox"])
    assert said == "The usual answer."
    said, _ = told("botox yesterday, needling tonight?", ["aftercare"], treatments=["botox"])
    assert said == "The usual answer.", "a topic that is not about two treatments"


def test_the_counted_days_come_first_and_instead_of_a_yes():
    kb = knowledge.load()
    turn = Turn("caution", topics=["combine_treatments"], cautions=["recent_treatment"])
    turn.say("answer", "Yes, the clinic offers that.", "combine_treatments")
    turn.say("caution", "Please tell the clinic what you had.", "combine_treatments")
    question = {"topic": "combine_treatments", "entities": {"treatment": ["filler"]}}
    text = "filler nine days ago, can you needle my cheeks now"
    counting_back.add(text, {"questions": [question]}, turn, compose.new_state(), kb, NOON)
    assert [message.role for message in turn.messages] == ["answer", "caution"]
    assert "9 days apart" in turn.messages[0].text


def test_nothing_is_counted_where_the_clinic_has_no_rule():
    said, _ = told(
        "facial on the 3rd, needling on the 9th", ["combine_treatments"], [], {}, ["facial"]
    )
    assert said == "The usual answer."
