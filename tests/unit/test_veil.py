"""Contact details are taken out of what is stored; several turns become one."""

from assistant.handoff.veil import ANSWER, event_texts, masks, storable, stored_message, veil
from assistant.turn import Turn, together


def test_masks_cover_what_is_in_the_text_and_what_is_known():
    words = masks(
        "Ring 07700 900461 or nadia@posteo.example",
        {"name": "Nadia Quill", "phone": "+447700900461"},
        ["07700 900461"],
    )
    assert (
        veil("nadia QUILL: 07700 900461, +447700900461, nadia@posteo.example", words)
        == "[name]: [phone], [phone], [email]"
    )


def test_a_short_name_does_not_eat_other_words():
    assert veil("Al said it also hurts", {"Al": "[name]"}) == "[name] said it also hurts"


def test_keys_stay_and_nothing_is_changed_without_masks():
    data = {"Nadia": ["Nadia", 3, None, {"text": "for nadia"}]}
    assert veil(data, {"Nadia": "[name]"}) == {"Nadia": ["[name]", 3, None, {"text": "for [name]"}]}
    assert veil(data, {}) is data


def test_a_stored_turn_has_no_masks():
    turn = Turn("form", masks={"Nadia": "[name]"})
    turn.say("question", "Thank you, Nadia.")
    stored = storable(turn.as_dict())
    assert "masks" not in stored and stored["messages"][0]["text"] == "Thank you, [name]."


def user(text, **meaning):
    return {
        "event": "user",
        "text": text,
        "parse_data": {"text": text, "meaning": {"questions": [{"text": text}], **meaning}},
    }


def bot(turn):
    return {"event": "bot", "data": {"custom": {"turn": turn}}}


def test_events_of_a_form_are_masked_everywhere():
    turn = {
        "kind": "form",
        "messages": [{"text": "Nadia, your number?"}],
        "masks": {"nadia": "[name]"},
    }
    said, answered = event_texts([user("nadia", in_form=True), bot(turn)], "GB")
    assert (
        "nadia" not in str(said).lower()
        and said["parse_data"]["meaning"]["questions"][0]["text"] == "[name]"
    )
    assert answered["data"]["custom"]["turn"] == {
        "kind": "form",
        "messages": [{"text": "[name], your number?"}],
    }
    assert turn["masks"], "the turn on its way to the visitor keeps its words"


def test_an_answer_that_no_turn_answered_is_hidden_whole():
    (said,) = event_texts([user("nadia quill", in_form=True)], "GB")
    assert said["text"] == ANSWER and "nadia" not in str(said)
    (said,) = event_texts([user("does it hurt")], "GB")
    assert said["text"] == "does it hurt"


def test_turns_are_put_together():
    first = Turn("answer", topics=["pain"], urgency="expected", cautions=["keloid"])
    second = Turn("form", topics=["pain", "human_handoff"], masks={"a": "b"})
    first.say("answer", "It can hurt.")
    second.say("question", "Your name?")
    turn = together([first.as_dict(), second.as_dict()])
    assert (turn["kind"], turn["topics"], turn["urgency"], turn["cautions"], turn["masks"]) == (
        "form",
        ["pain", "human_handoff"],
        "expected",
        ["keloid"],
        {"a": "b"},
    )
    assert [message["text"] for message in turn["messages"]] == [
        "It can hurt.",
        "Your name?",
    ] and turn["id"] == first.id


def test_an_urgent_turn_stays_urgent():
    assert (
        together([Turn("form").as_dict(), Turn("triage", urgency="same_day").as_dict()])["kind"]
        == "triage"
    )


def test_personal_data_outside_the_form_is_masked_in_every_part_of_the_event():
    (said,) = event_texts(
        [
            user(
                "my name is Nadia Quill, ring 07700 900461, it is red since Tuesday",
                entities=[{"value": "07700"}],
                triage={"level": "none"},
            )
        ],
        "GB",
    )
    assert said["text"] == "my name is [name], ring [phone], it is red since Tuesday"
    assert "07700" not in str(said) and "900461" not in str(said) and "Quill" not in str(said)


def test_a_visitor_whose_name_is_a_word_of_the_program_changes_nothing_but_words():
    event = {**user("my name is User"), "input_channel": "web", "message_id": "user"}
    (said,) = event_texts([event], "GB")
    assert (said["event"], said["input_channel"], said["message_id"], said["text"]) == (
        "user",
        "web",
        "user",
        "my name is [name]",
    )


def test_what_the_turn_repeats_is_masked_with_the_message():
    said, turn = stored_message(
        "I'm called Nadia", {"id": "nadia", "messages": [{"text": "Hello Nadia."}]}, "GB"
    )
    assert said == "I'm called [name]" and turn == {
        "id": "nadia",
        "messages": [{"text": "Hello [name]."}],
    }
