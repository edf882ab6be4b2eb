"""The contact form as a pure machine: no server, no database, no clock."""

import copy
import dataclasses

import pytest

from assistant.handoff import fields, machine
from assistant.handoff.fields import FIELDS, GIVEN, SKIPPED
from assistant.handoff.machine import Effect, Paper, Said, State

DRAFT = {"id": "r1", "status": "draft", **{column: None for column in fields.COLUMNS}}


def message(text, kb, paper=None, **meaning):
    """A message to the form, with the paper before it."""
    return Said(text, {"questions": [], **meaning}, "s", kb, paper or Paper(new_name="r1"))


def memory(**more):
    """What the form remembers with a request begun."""
    return {"tries": {}, "topics": [], "request": "r1", **more}


def after(effects, request):
    """A request after the effects."""
    for effect in effects:
        if effect.kind == "begin":
            request = dict(DRAFT)
        elif effect.kind == "update":
            request = {**request, **effect.values}
        elif effect.kind == "submit":
            request = {**request, "status": "open"}
        elif effect.kind == "drop":
            request = None
    return request


def test_a_request_from_yes_to_the_end_is_a_list_of_effects(kb):
    slots, effects = machine.step(
        State({"tries": {}, "topics": ["pain"]}, "handoff_consent"), message("yes", kb)
    )
    assert slots["handoff_consent"] is True and slots["handoff_name"] is None
    assert effects == [Effect("begin", "r1", {"topics": ["pain"]})]
    request = after(effects, None)
    for asked, text, values in [
        ("handoff_name", "Ines Q", {"name": "Ines Q"}),
        ("handoff_contact", "020 7946 0555", {"phone": "+442079460555"}),
        ("handoff_time", "skip", {"best_time": ""}),
    ]:
        slots, effects = machine.step(
            State(slots["handoff"], asked), message(text, kb, Paper(dict(request)))
        )
        assert effects == [Effect("update", "r1", values)]
        request = after(effects, request)
    assert (slots["handoff_name"], slots["handoff_contact"]) == (GIVEN, GIVEN)
    assert slots["handoff_time"] == SKIPPED
    slots, effects = machine.step(
        State(slots["handoff"], "handoff_question"),
        message("scars on my chin", kb, Paper(dict(request))),
    )
    deliver = kb.clinic.handoff.deliver != "inbox"
    assert effects == [
        Effect("update", "r1", {"question": "scars on my chin"}),
        Effect("submit", "r1", {"deliver": deliver}),
    ]
    assert slots["handoff"]["outcome"] == "complete" and slots["requested_slot"] is None


@pytest.mark.parametrize(
    "asked, text",
    [
        ("handoff_consent", "it's Ines, 020 7946 0555"),
        ("handoff_name", "Ines"),
        ("handoff_contact", "not a number"),
        ("handoff_time", "forget my name"),
        ("handoff_question", "stop"),
    ],
)
def test_a_step_changes_nothing_that_it_was_given_and_repeats_itself(kb, asked, text):
    request = {**DRAFT, "name": "Ines", "phone": "+442079460555"}
    before = message(text, kb, Paper(request, held={"phone": "1"}))
    state = State(memory(), asked)
    kept = copy.deepcopy((before.paper, state))
    first = machine.step(state, before)
    assert (before.paper, state) == kept
    assert machine.step(state, before) == first


def test_details_before_consent_are_an_effect_that_writes_nothing(kb):
    state = State({"tries": {}, "topics": []}, "handoff_consent")
    _, effects = machine.step(state, message("it's on 020 7946 0555", kb))
    assert effects == [Effect("hold", values={"phone": "+442079460555"})]


def test_a_refusal_holds_nothing_any_longer(kb):
    state = State({"tries": {}, "topics": []}, "handoff_consent")
    _, effects = machine.step(state, message("no", kb, Paper(held={"phone": "+442079460555"})))
    assert effects == [Effect("hold")]


def test_stopping_drops_the_draft_and_says_when_the_clinic_has_it(kb):
    for delivered, outcome in ((False, "cancelled"), (True, "cancelled_late")):
        paper = Paper(dict(DRAFT), delivered=delivered)
        slots, effects = machine.step(State(memory(), "handoff_name"), message("stop", kb, paper))
        assert effects == [Effect("drop", "r1")] and slots["handoff"]["outcome"] == outcome


def test_a_question_of_its_own_gives_no_slots_and_comes_back(kb):
    asks = {
        "text": "does it hurt",
        "topic": "pain",
        "confidence": 0.9,
        "decision": "answer",
        "entities": {},
        "candidates": [],
    }
    said = message("does it hurt", kb, Paper(dict(DRAFT)), questions=[asks])
    state = State(memory(), "handoff_name")
    assert machine.step(state, said) == (None, [])
    slots, effects = machine.step(dataclasses.replace(state, digressed=True), said)
    assert slots["handoff"]["note"] == "again" and slots["handoff_name"] is None and not effects


def test_a_request_that_was_erased_meanwhile_ends_the_form(kb):
    slots, _ = machine.step(State(memory(), "handoff_name"), message("Ines", kb, Paper(None)))
    assert slots["handoff"]["outcome"] == "cancelled"


@pytest.mark.parametrize("field", FIELDS)
def test_every_field_has_its_texts_its_label_and_its_mask(kb, field):
    for text in (f"ask_{field.text}", f"why_{field.text}"):
        assert kb.talk("handoff", text, name="x")
    assert len(field.mask) == len(field.columns)
    for column in field.columns:
        assert "x" in kb.talk("handoff", f"detail_{fields.LABELS[column]}", value="x")


def test_the_marker_of_a_field_says_no_more_than_given_or_skipped():
    name, contact = FIELDS[0], FIELDS[1]
    assert name.marker(DRAFT) is None and name.marker({**DRAFT, "name": ""}) == SKIPPED
    assert name.marker({**DRAFT, "name": "Ines"}) == GIVEN
    assert contact.marker({**DRAFT, "email": "q@posteo.example"}) == GIVEN
    assert contact.marker({**DRAFT, "email": ""}) is None  # it cannot be skipped
