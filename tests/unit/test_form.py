"""The words that the request form listens for, and what is held before consent."""

import dataclasses
import datetime as dt
import re
import time

import pytest

from assistant import compose, database
from assistant.conversation import aside, privacy, replying
from assistant.handoff import afterwards, agreement, form, patterns, requests, words
from assistant.handoff.form import Held, Said
from assistant.yamlfile import ContentError

YES = [
    "yes",
    "Yeah go on",
    "ok then",
    "sure thing",
    "please do",
    "that's fine by me",
    "alright",
    "of course",
    "no problem at all",
    "yes I agree",
    "👍",
    "y",
    "I consent",
    "happy for them to call",
    "sounds good",
    "yup",
    "fine, whatever",
    "okie",
    "why not",
    "if you like",
    "I don't mind",
    "absolutely",
    "yes, no problem",
    "yes I don't mind",
    "ok that's fine",
    "sure, go ahead",
    "yes please call after nine",
    "yes please",
    "yes, and does it hurt?",
    "ok you can ring me",
    "sure, Friday is good",
    "right you are",
    "that would be great",
    "it's fine",
    "that is fine",
    "lovely",
    "cool",
    "by all means",
    "I'm happy with that",
    "I'm fine with that",
    "I'm ok with that",
    "I'd like that",
    "not a problem",
    "please",
    "👌",
    "👌🏽",
    "no that's fine",
    "no objections",
    "no I don't mind",
    "don't mind",
    "ok my number is 07700 900123",
    "ok, it's Sarah, 07700 900123",
    "sure, thanks",
    "ok after 6pm",
    "all good",
    "sure why not",
    "yes. I'm Leopold Anker, 020 7946 0555, mornings, it is about my voucher",
]
NO = [
    "no",
    "Nope",
    "no thanks",
    "nah you're alright",
    "not now",
    "I'd rather call myself",
    "don't",
    "rather not",
    "I don't want that",
    "not really",
    "leave it",
    "no way",
    "please don't",
    "I'm not comfortable with that",
    "ok no thanks",
    "okay, actually don't",
    "sure, I don't want that",
    "you can't have my number",
    "fine, forget it",
    "yeah forget it",
    "ok I'll ring them myself",
    "ok let me think about it",
    "sure, maybe later",
    "ok bye",
    "yes I'd rather ring them myself",
    "maybe later",
    "not today",
    "I'm good thanks",
    "no, better not",
    "no, how much is it?",
    "later",
    "I would rather not",
    "ok but don't keep my number",
]
NEITHER = [
    "yes but not really",
    "yeah no",
    "great, thanks",
    "I do have a question first",
    "yes but first a question",
    "y'all ever turn folks away",
    "right so how long am I red for",
    "ok and what does it cost",
    "fine but does it hurt?",
    "sure... who does it",
    "great, is there parking",
    "yeah how many goes do people need",
    "purple",
    "right I was wondering about scars",
    "fine lines are my problem",
    "okay so my skin is peeling",
    "please help me with my scars",
    "no that's fine thanks",
    "of course not",
    "good morning",
    "that's good to know",
    "it is fine lines that I have",
]


@pytest.mark.parametrize(
    "text, answer",
    [
        *((text, True) for text in YES),
        *((text, False) for text in NO),
        *((text, None) for text in NEITHER),
    ],
)
def test_consent_is_a_yes_alone(text, answer):
    assert agreement.reading(text) is answer


def test_no_that_is_fine_agrees_to_one_question_and_leaves_the_other_open():
    assert (
        agreement.reading("no that's fine") is True
        and agreement.reading("no that's fine", still=True) is None
    )


def said(text, topic=None, kb=None, **meaning):
    questions = (
        [
            {
                "text": text,
                "topic": topic,
                "confidence": 0.9,
                "decision": "answer",
                "entities": {},
                "candidates": [],
            }
        ]
        if topic
        else []
    )
    return Said(text, {"questions": questions, **meaning}, "session", kb)


@pytest.mark.parametrize(
    "text",
    [
        "stop",
        "cancel",
        "please stop",
        "forget it",
        "never mind",
        "I changed my mind",
        "actually cancel that",
        "i don't want a call any more",
        "can we stop",
        "don't call me",
        "stop, I don't want this",
        "never mind, I'll ring them myself",
        "cancel my request please",
        "sorry, forget about it",
        "I don't want to be contacted",
    ],
)
def test_stop(text):
    assert form.STOP.match(text)


@pytest.mark.parametrize(
    "text",
    [
        "can I cancel my appointment",
        "I want to cancel my booking on Friday",
        "how do I stop the redness",
        "Stoppard",
        "please call in the morning",
        "I want to cancel my session on Friday",
        "can you cancel my consultation",
        "I want to stop taking roaccutane before I come",
        "I changed my mind about filler and want to ask about needling",
        "forget the filler, what about scars",
        "don't call me before nine",
    ],
)
def test_not_stop(text):
    assert not form.STOP.match(text)


@pytest.mark.parametrize(
    "text",
    [
        "skip",
        "Skip it please",
        "no",
        "none",
        "that's all",
        "nothing else",
        "n/a",
        "no preference",
        "I'd rather not say",
        "don't mind",
        "no thank you",
        "done",
    ],
)
def test_skip(text):
    assert form.SKIP.match(text)


@pytest.mark.parametrize(
    "text",
    [
        "no evenings please",
        "nothing hurts but it is red",
        "done twice before, is a third time too much?",
        "passing by on Friday",
    ],
)
def test_not_skip(text):
    assert not form.SKIP.match(text)


@pytest.mark.parametrize(
    "text, digits",
    [
        ("the number ends in 7", "7"),
        ("sorry it ends with 42", "42"),
        ("last digit is 3", "3"),
        ("the last two digits should be 88", "88"),
    ],
)
def test_endings(text, digits):
    found = form.ENDING.search(text)
    assert (found["a"] or found["b"]).strip() == digits


@pytest.mark.parametrize(
    "text",
    [
        "when will they call",
        "how soon will someone get back to me",
        "when am i going to hear back, when will they ring?",
        "what time will the clinic phone me",
    ],
)
def test_when_they_call(text):
    assert afterwards.asks_when(text)


@pytest.mark.parametrize(
    "text",
    ["when can I wash my face", "how soon does the redness go", "when should I call a doctor"],
)
def test_other_whens(text):
    assert not afterwards.asks_when(text)


@pytest.mark.parametrize(
    "text",
    [
        "delete my data",
        "please erase everything you have on me",
        "forget everything about me",
        "wipe this chat",
        "can you delete our conversation please",
        "I want my details removed, delete all of it",
        "remove my number",
        "get rid of everything you have about me",
        "delete everything",
        "please forget all of it",
    ],
)
def test_erasure_is_wanted(text):
    assert privacy.wanted(text)


@pytest.mark.parametrize(
    "text",
    [
        "how do I delete my data",
        "does it remove scars",
        "forget that I said retinol",
        "can it erase wrinkles",
        "I want to remove my tattoo",
        "clear skin is all I want",
        "what happens if you delete my data",
        "get rid of my acne scars",
        "I want to get rid of it all",
        "get rid of everything on my cheeks",
        "will microneedling remove it all",
        "don't delete my data",
        "can it erase everything",
        "please do not delete anything about me",
    ],
)
def test_erasure_is_not_wanted(text):
    assert not privacy.wanted(text)


@pytest.mark.parametrize(
    "text",
    [
        "can somebody check that for me",
        "could a nurse ring me",
        "is there someone I can talk to",
        "please call me back",
        "give me a ring",
    ],
)
def test_a_person_is_wanted(text):
    assert replying.PERSON.search(text) or replying.CALL_ME.search(text)


@pytest.mark.parametrize(
    "text",
    [
        "can anyone have it",
        "can I check the price",
        "call it off",
        "would a doctor do the treatment",
        "what do you call the red bits",
    ],
)
def test_no_person_is_wanted(text):
    assert not replying.PERSON.search(text) and not replying.CALL_ME.search(text)


def test_details_before_consent_are_held_for_a_while_and_by_conversation(store, monkeypatch):
    held = Held()
    held.put("a", {"phone": "1"})
    held.put("a", {"name": "Bo"})
    assert held.get("b") == {} and held.get("a") == {"phone": "1", "name": "Bo"}
    later = time.time() + form.HELD_FOR + 1
    with monkeypatch.context() as clock:
        clock.setattr(time, "time", lambda: later)
        assert held.get("a") == {}
    assert held.take("a") == {"phone": "1", "name": "Bo"} and held.get("a") == {}


@pytest.fixture
def store(tmp_path, monkeypatch):
    monkeypatch.setenv("ASSISTANT_STATE", str(tmp_path / "state"))
    database.engine.cache_clear()
    yield
    database.engine().dispose()
    database.engine.cache_clear()


class Dialogue:
    """The form without Rasa: `say` gives the open question after a message (None when the form has
    ended), `turns` what was said beside it."""

    def __init__(self, kb):
        self.kb = kb
        self.state = None
        self.memory = {"tries": {}, "topics": []}
        self.asked = "handoff_consent"
        self.turns = []

    def say(self, text, topic=None, **meaning):
        message = said(text, topic, self.kb, **meaning)
        slots = form.answered(message, self.asked, self.memory)
        if slots is None:
            slots = form.resumed(message, self.asked, self.memory)
            self.turns.append("answered")
        else:
            turn, self.state = aside.beside(message, slots["handoff"], self.state)
            self.turns.extend([turn] if turn else [])
        self.memory = slots["handoff"]
        open_slots = {**{name: None for name in form.SLOTS}, **slots}
        self.asked = (
            None
            if "requested_slot" in slots
            else (form.still_open(open_slots) if set(form.SLOTS) & set(slots) else [self.asked])[0]
        )
        return self.asked

    @property
    def request(self):
        return requests.get(self.memory["request"])

    def until(self, question, name="Leopold"):
        """Answer what comes before `question`."""
        for text in ("yes", name, "020 7946 0555", "mornings"):
            if self.asked == question:
                break
            self.say(text)
        assert self.asked == question
        return self


@pytest.fixture
def dialogue(store, kb):
    return Dialogue(kb)


def circumstance(name, **more):
    return [{"id": name, "who": "self", "when": "now", "denied": False, **more}]


def words_of(turn):
    return " ".join(message.text for message in turn.messages)


def test_a_circumstance_that_the_form_takes_is_cautioned_and_remembered(dialogue):
    dialogue.until("handoff_question")
    assert (
        dialogue.say(
            "I'm pregnant, can I still have it?",
            "pregnancy_breastfeeding",
            circumstances=circumstance("pregnancy"),
        )
        is None
    )
    (turn,) = dialogue.turns
    assert (
        turn.cautions == ["pregnancy"]
        and "postpone" in words_of(turn)
        and "pregnancy" in dialogue.state["circumstances"]
    )
    assert dialogue.request["question"] == "I'm pregnant, can I still have it?"


@pytest.mark.parametrize(
    "question, text",
    [
        ("handoff_consent", "yes, I take warfarin"),
        ("handoff_name", "Leopold, I take warfarin"),
        ("handoff_contact", "020 7946 0555, I take warfarin"),
        ("handoff_time", "mornings, I take warfarin"),
    ],
)
def test_every_turn_of_the_form_carries_cautions(dialogue, question, text):
    dialogue.until(question).say(text, circumstances=circumstance("blood_thinner"))
    assert (
        dialogue.turns[-1].cautions == ["blood_thinner"]
        and "blood_thinner" in dialogue.state["circumstances"]
    )


def test_every_turn_of_the_form_carries_the_advice_to_contact_the_clinic(dialogue, kb):
    dialogue.until("handoff_question").say(
        "red and sore for five days", triage={"level": "contact_clinic", "rows": [30]}
    )
    assert dialogue.turns[-1].urgency == "contact_clinic" and kb.reply(
        "contact_clinic"
    ) in words_of(dialogue.turns[-1])


def test_nothing_is_said_beside_a_plain_answer(dialogue):
    dialogue.until("handoff_question")
    assert dialogue.turns == []


@pytest.mark.parametrize(
    "text, asked, outcome",
    [("yes, and does it hurt?", "handoff_name", None), ("no, does it hurt?", None, "refused")],
)
def test_consent_is_settled_and_the_question_beside_it_answered(dialogue, kb, text, asked, outcome):
    assert dialogue.say(text, "pain") == asked and dialogue.memory.get("outcome") == outcome
    assert dialogue.turns[0].topics == ["pain"] and "hurt" in words_of(dialogue.turns[0])


@pytest.mark.parametrize(
    "text",
    [
        "don't ring me, email jo@posteo.example",
        "no phone calls please, email me: jo@posteo.example",
    ],
)
def test_a_way_of_contact_is_no_refusal(dialogue, text):
    assert dialogue.say(text) == "handoff_consent" and dialogue.memory["note"] == "held"
    assert (
        dialogue.say("yes") == "handoff_name"
        and dialogue.request["email"] == "jo@posteo.example"
        and not dialogue.request["phone"]
    )


def test_a_way_of_contact_does_not_stop_the_form(dialogue):
    assert (
        dialogue.until("handoff_contact").say("don't ring me, email jo@posteo.example")
        == "handoff_time"
    )


@pytest.mark.parametrize(
    "text, topic",
    [
        ("I want to cancel my session on Friday", "booking"),
        ("can you cancel my consultation", "booking"),
    ],
)
def test_cancelling_something_else_keeps_the_draft(dialogue, text, topic):
    dialogue.until("handoff_contact").say(text, topic)
    assert dialogue.request["name"] == "Leopold"


@pytest.mark.parametrize("text", ["delete my data", "please erase everything about me"])
def test_the_draft_is_kept_until_deleting_is_confirmed(dialogue, kb, text):
    dialogue.until("handoff_time")
    assert dialogue.say(text, "privacy") is None and dialogue.memory["outcome"] == "erasing"
    assert dialogue.request["phone"] == "+442079460555"
    turn, state = replying.reply(
        said("no, keep it", None, kb), {"pending": "erase"}, dialogue.memory, False
    )
    assert turn.begins_form and not turn.settles
    slots = form.opened(said("no, keep it", None, kb), dialogue.memory, state)
    assert (
        form.still_open(slots) == ["handoff_time", "handoff_question"]
        and slots["handoff"]["request"] == dialogue.memory["request"]
    )


@pytest.mark.parametrize(
    "text, keeps",
    [("no", True), ("ok, don't", True), ("wait, keep it", True), ("yes", False), ("sure", False)],
)
def test_an_answer_to_deleting_everything(store, kb, text, keeps):
    turn = privacy.turn_for(text, {}, {"pending": "erase"}, "session", kb)
    assert turn.erase is not keeps


def test_what_is_stored_is_true_in_the_middle_of_the_form(dialogue, kb):
    dialogue.until("handoff_time")
    turn = privacy.explained(["what_stored"], "session", kb)
    assert kb.talk("privacy", "request_draft") in words_of(turn) and kb.talk(
        "privacy", "request_none"
    ) not in words_of(turn)
    assert "your request to be contacted" in words_of(privacy.confirmation("session", kb))


def test_figures_of_something_else_are_no_phone_number(dialogue):
    dialogue.until("handoff_question").say("my booking reference is 2024051234")
    assert (
        dialogue.request["phone"] == "+442079460555"
        and dialogue.request["question"] == "my booking reference is 2024051234"
    )


def test_a_number_in_the_question_replaces_none(dialogue):
    dialogue.until("handoff_question").say("the shop 020 7946 0111 said I cannot have it")
    assert dialogue.request["phone"] == "+442079460555"


@pytest.mark.parametrize(
    "text, field, value",
    [
        ("sorry, my number is 020 7946 0777", "phone", "+442079460777"),
        ("evenings only please", "best_time", "evenings only"),
        ("actually the name is Sara", "name", "Sara"),
        ("my email is jo@posteo.example", "email", "jo@posteo.example"),
    ],
)
def test_a_correction_at_the_last_question_is_no_question(dialogue, text, field, value):
    assert dialogue.until("handoff_question").say(text) == "handoff_question"
    assert dialogue.request[field] == value and dialogue.request["question"] is None


@pytest.mark.parametrize(
    "text", ["Friday, 3pm", "Monday, Wednesday or Friday", "After 5pm. Not Wednesdays"]
)
def test_a_best_time_is_kept_whole(dialogue, text):
    dialogue.until("handoff_time").say(text)
    assert dialogue.request["best_time"] == text


def test_a_best_time_is_bounded(dialogue):
    dialogue.until("handoff_time").say("mornings, " * 60)
    assert len(dialogue.request["best_time"]) <= 200


@pytest.mark.parametrize(
    "text, topic",
    [("prices", "cost"), ("opening hours", "clinic_info"), ("parking", "clinic_info")],
)
def test_a_topic_at_the_question_for_the_name_is_answered(dialogue, text, topic):
    assert dialogue.until("handoff_name").say(text, topic) == "handoff_name"
    assert dialogue.turns == ["answered"] and dialogue.request["name"] is None


@pytest.mark.parametrize("text", ["I'd rather stay anonymous", "no names please"])
def test_nobody_has_to_give_a_name(dialogue, text):
    assert (
        dialogue.until("handoff_name").say(text, "privacy") == "handoff_contact"
        and dialogue.request["name"] == ""
    )


@pytest.mark.parametrize(
    "text, topic, name",
    [
        ("Penny Price", "cost", "Penny Price"),
        ("Rose", "out_of_scope", "Rose"),
        ("Grace", "smalltalk", "Grace"),
    ],
)
def test_a_name_that_reads_like_a_topic_is_a_name(dialogue, text, topic, name):
    dialogue.until("handoff_name").say(text, topic)
    assert dialogue.request["name"] == name


@pytest.mark.parametrize(
    "text", ["contact by email", "email only please", "this is ridiculous", "same as before"]
)
def test_what_is_no_name_is_asked_again(dialogue, text):
    assert (
        dialogue.until("handoff_name").say(text) == "handoff_name" and not dialogue.request["name"]
    )


@pytest.mark.parametrize(
    "text, email",
    [
        ("yes", "jo@gmail.com"),
        ("that's right", "jo@gmail.com"),
        ("no, gmail.com", "jo@gmail.com"),
        ("no I meant gmail", "jo@gmail.com"),
        ("gmail.com", "jo@gmail.com"),
        ("outlook.com", "jo@outlook.com"),
        ("no", "jo@gmial.com"),
        ("no it's right", "jo@gmial.com"),
        ("it is right as I wrote it", "jo@gmial.com"),
        ("my address is right", "jo@gmial.com"),
    ],
)
def test_the_answer_to_a_slip_in_an_address(dialogue, text, email):
    dialogue.until("handoff_contact").say("jo@gmial.com")
    assert dialogue.memory["problem"] == "email_typo" and dialogue.asked == "handoff_contact"
    assert dialogue.say(text) == "handoff_time" and dialogue.request["email"] == email


@pytest.mark.parametrize("text", ["yes it's right", "it's right"])
def test_what_is_right_is_asked_again(dialogue, text):
    dialogue.until("handoff_contact").say("jo@gmial.com")
    assert dialogue.say(text) == "handoff_contact" and dialogue.memory["problem"] == "email_typo"
    assert dialogue.request["email"] == "jo@gmial.com"


@pytest.fixture
def sent(dialogue):
    """A request that was sent: `sent(text)` is the turn for a message after it, or None."""
    dialogue.until("handoff_question").say("can scars on my chin be treated")

    def follow(text, topic=None, changing=False, **meaning):
        return afterwards.follow_up(
            said(text, topic, dialogue.kb, **meaning), {**dialogue.memory, "changing": changing}
        )

    follow.dialogue, follow.id = dialogue, dialogue.memory["request"]
    return follow


@pytest.mark.parametrize(
    "text, meaning",
    [
        ("have a nice weekend", {}),
        ("good night", {}),
        ("see you Monday", {}),
        ("it stings every morning", {}),
        ("I take warfarin every evening", {"circumstances": circumstance("blood_thinner")}),
        ("sorry, it stings after 5pm", {"triage": {"level": "expected", "rows": []}}),
        ("oh and have a lovely evening", {}),
    ],
)
def test_a_word_of_time_alone_changes_no_request(sent, text, meaning):
    assert sent(text, **meaning) is None and requests.get(sent.id)["best_time"] == "mornings"


@pytest.mark.parametrize(
    "text, best",
    [
        ("oh and only on saturdays please", "only on saturdays"),
        ("please call after 6pm", "after 6pm"),
        ("actually evenings", "evenings"),
        ("evenings are better", "evenings are better"),
    ],
)
def test_a_late_time_changes_the_request(sent, text, best):
    assert sent(text) is not None and requests.get(sent.id)["best_time"] == best


def test_somebody_under_age_is_not_passed_on(sent):
    turn = sent("I'm 16 by the way", circumstances=circumstance("minor"))
    assert (
        requests.get(sent.id) is None
        and "under 18" in words_of(turn)
        and "guardian" in words_of(turn)
    )


@pytest.mark.parametrize(
    "text",
    [
        "please don't call me",
        "cancel my request",
        "withdraw it please",
        "no need to call me any more",
        "I don't want a call back",
        "delete my request, I'll ring them myself",
    ],
)
def test_a_request_is_withdrawn_by_nearly_the_whole_message(sent, text):
    assert "deleted" in words_of(sent(text)) and requests.get(sent.id) is None


@pytest.mark.parametrize(
    "text",
    [
        "i had to stop wearing contact lenses",
        "please don't stop, do contact me",
        "I'd like to cancel, please call me",
        "don't call me before nine",
        "can I cancel my appointment",
        "forget what I said about the message on your site",
    ],
)
def test_a_request_is_not_withdrawn_by_a_word(sent, text):
    sent(text)
    assert requests.get(sent.id)["phone"] == "+442079460555"


@pytest.mark.parametrize(
    "text, changing",
    [
        ("please add that I had filler in May", False),
        ("also tell them I had filler in May", False),
        ("I had filler in May", True),
        ("is it fine that I had filler in May?", True),
    ],
)
def test_something_is_added_to_the_question(sent, text, changing):
    assert "filler in May" in words_of(sent(text, changing=changing))
    assert (
        requests.get(sent.id)["question"].startswith("can scars on my chin be treated\n")
        and "filler in May" in requests.get(sent.id)["question"]
    )


def test_nothing_to_change_changes_nothing(sent, kb):
    assert words_of(sent("never mind", changing=True)) == kb.talk("handoff", "nothing_changed")
    assert requests.get(sent.id)["question"] == "can scars on my chin be treated"


def test_a_message_about_a_request_carries_cautions(sent, kb):
    message = said(
        "sorry, my number is 020 7946 0777, I take warfarin",
        None,
        kb,
        circumstances=circumstance("blood_thinner"),
    )
    turn, state = replying.reply(message, None, sent.dialogue.memory, False)
    assert (
        requests.get(sent.id)["phone"] == "+442079460777"
        and turn.cautions == ["blood_thinner"]
        and "blood_thinner" in state["circumstances"]
    )


def test_a_name_beside_a_question_is_kept_and_the_question_answered(dialogue):
    assert (
        dialogue.until("handoff_name").say("Leopold Anker, does it hurt?", "pain")
        == "handoff_contact"
    )
    assert dialogue.turns == ["answered"] and dialogue.request["name"] == "Leopold Anker"


@pytest.mark.parametrize(
    "now, says",
    [
        ("2026-11-24T10:00", "open until 18:00 today"),
        ("2026-11-24T08:00", "closed now and opens again today at 9:00"),
        ("2026-11-22T12:00", "opens again Tuesday at 9:00"),
        ("2026-12-28T12:00", "opens again Saturday at 10:00"),
    ],
)
def test_what_happens_next_is_in_the_clinics_hours(kb, now, says):
    text = words.next_steps(kb, dt.datetime.fromisoformat(now).replace(tzinfo=dt.timezone.utc))
    assert says in re.sub(r"\b0(\d:)", r"\1", text) and kb.phrases.fill("{reply_time}") in text


def test_what_happens_next_without_hours_promises_no_time(kb):
    clinic = kb.clinic.copy(update={"hours": None})
    assert "when the clinic is open" in words.next_steps(dataclasses.replace(kb, clinic=clinic))


def test_the_summary_has_every_detail_and_books_nothing(sent, kb):
    turn = words.completed(requests.get(sent.id), kb, "")
    text = words_of(turn)
    assert all(
        detail in text
        for detail in (
            "name: Leopold",
            "phone: 020 7946 0555",
            "best time: mornings",
            'question: "can scars on my chin be treated"',
            kb.talk("handoff", "not_booked"),
        )
    )
    assert [choice.meaning["form"] for choice in turn.choices] == [
        {"change": True},
        {"withdraw": True},
    ]


@pytest.mark.parametrize(
    "situation",
    [
        "are_you_bot",
        "insult",
        "compliment",
        "laugh",
        "ok",
        "thanks",
        "goodbye",
        "how_are_you",
        "joke",
        "love",
        "threat",
    ],
)
def test_manners_never_say_the_same_twice_in_a_row(kb, situation):
    state, said_before = None, None
    for _ in range(4):
        question = {
            "text": "x",
            "topic": "smalltalk",
            "confidence": 1.0,
            "decision": "answer",
            "candidates": [],
            "entities": {"situation": [situation]},
        }
        turn, state = compose.compose({"questions": [question]}, state, kb)
        assert words_of(turn) != said_before and turn.kind == "smalltalk"
        said_before = words_of(turn)


@pytest.mark.parametrize(
    "text, topic, entities, says, never",
    [
        ("how much for the face", "cost", {"area": ["face"]}, ["£180", "£480"], ["£230", "£380"]),
        (
            "how much is a vampire facial",
            "vampire_facial",
            {"treatment": ["prp"]},
            ["£380"],
            ["£180"],
        ),
        ("what does PRP cost", "cost", {"treatment": ["prp"]}, ["£380"], ["£180"]),
        ("how much for face and neck", "cost", {"area": ["face", "neck"]}, ["£230"], ["£180"]),
        ("price for acne scars", "cost", {"condition": ["acne_scars"]}, ["£180"], ["£380"]),
        (
            "how much for my scalp",
            "cost",
            {"area": ["scalp"]},
            ["ask the team on"],
            ["£180", "£380"],
        ),
        ("what is a vampire facial", "vampire_facial", {"treatment": ["prp"]}, [], ["£"]),
        ("how much does a vampire facial hurt", "vampire_facial", {}, [], ["£"]),
        (
            "can I book PRP",
            "booking",
            {"treatment": ["prp"]},
            ["https://moonwort.example/book", "+44 20 7946 0958"],
            [],
        ),
    ],
)
def test_the_clinics_own_facts_stand_behind_an_answer_about_one_treatment(
    kb, text, topic, entities, says, never
):
    question = {
        "text": text,
        "topic": topic,
        "confidence": 1.0,
        "decision": "answer",
        "candidates": [],
        "entities": entities,
    }
    turn, _ = compose.compose({"questions": [question]}, None, kb)
    answer = " ".join(message.text for message in turn.messages if message.role == "answer")
    assert all(word in answer for word in says) and not any(word in answer for word in never)


def test_listed_prices_are_said_once(kb):
    question = {
        "text": "how much is it",
        "topic": "cost",
        "confidence": 1.0,
        "decision": "answer",
        "candidates": [],
        "entities": {},
    }
    turn, _ = compose.compose({"questions": [question]}, None, kb)
    assert words_of(turn).count("£180") == 1


@pytest.mark.parametrize(
    "text",
    ["I want to get rid of it all", "get rid of everything on my cheeks", "don't delete my data"],
)
def test_what_is_said_of_skin_deletes_nothing_whatever_it_was_understood_as(text):
    question = {
        "text": text,
        "topic": "privacy",
        "confidence": 0.9,
        "decision": "answer",
        "entities": {"situation": ["delete"]},
    }
    assert not privacy.asks_deletion(text, {"questions": [question]})


@pytest.mark.parametrize(
    "text",
    [
        "don't ring me, email jo@posteo.example",
        "no phone calls please, email me: jo@posteo.example",
    ],
)
def test_a_way_of_contact_begins_the_form(kb, text):
    assert replying.wants_call(said(text, None, kb))


def test_a_question_first_is_invited(dialogue, kb):
    assert dialogue.say("I do have a question first") == "handoff_consent"
    assert (
        kb.talk("handoff", "ask_first")
        in words_of(words.ask("handoff_consent", dialogue.memory, kb, ""))
        and not dialogue.memory["tries"]
    )


HUFF = [
    "this is hopeless, I want somebody to sort it out today",
    "I don't want another number, I want someone who deals with it",
    "no, I rang three times and nobody picks up",
    "you lot are useless",
    "I've had enough of this",
]


@pytest.mark.parametrize("text", HUFF)
def test_anger_is_no_refusal_and_its_words_go_to_the_team(dialogue, kb, text):
    assert dialogue.say(text) == "handoff_consent" and dialogue.memory["problem"] == "complaint"
    asked = words_of(words.ask("handoff_consent", dialogue.memory, kb, text))
    assert "sorry" in asked and "not sure whether" not in asked
    dialogue.say("yes")
    assert dialogue.request["question"] == text
    assert dialogue.until("handoff_question").say("nothing else") is None
    assert dialogue.request["question"] == text


@pytest.mark.parametrize(
    "text",
    [
        "no thanks, you lot are useless",
        "forget it, this is ridiculous",
        "I've had enough, don't contact me",
        "don't call, text or email me",
        "useless. leave me alone",
    ],
)
def test_an_explicit_refusal_is_one_in_anger_too(dialogue, text):
    assert dialogue.say(text) is None and dialogue.memory["outcome"] == "refused"


def test_regret_is_said_in_full_once(dialogue):
    dialogue.say(HUFF[0])
    dialogue.say(HUFF[3])
    assert dialogue.memory["problem"] == "complaint_again"


@pytest.mark.parametrize("question", ["handoff_name", "handoff_contact", "handoff_time"])
def test_anger_answers_no_question_of_the_form(dialogue, question):
    assert dialogue.until(question).say("why is this so slow, what a joke") == question
    assert dialogue.request["question"] == "why is this so slow, what a joke"
    assert dialogue.request["best_time"] is None


@pytest.mark.parametrize(
    "text",
    [
        "I'm profoundly deaf so please don't ring, text only",
        "I use a wheelchair",
        "I can't talk on the phone, I have a stammer",
        "please email me instead",
    ],
)
@pytest.mark.parametrize(
    "question", ["handoff_consent", "handoff_name", "handoff_contact", "handoff_time"]
)
def test_a_need_is_kept_for_the_team_at_every_question(dialogue, text, question):
    assert dialogue.until(question).say(text) == question
    dialogue.until("handoff_question").say("scars on my chin")
    assert dialogue.request["question"] == f"{text}\nscars on my chin"


@pytest.mark.parametrize("text", ["any time after four", "weekday mornings", "only after 6pm"])
def test_a_time_before_consent_is_held(dialogue, text):
    assert dialogue.say(text) == "handoff_consent" and dialogue.memory["note"] == "held"
    dialogue.say("yes")
    assert dialogue.request["best_time"] == text


@pytest.mark.parametrize("question", ["handoff_consent", "handoff_name", "handoff_contact"])
def test_a_condition_is_no_failed_answer(dialogue, kb, question):
    told = circumstance("diabetes")
    assert (
        dialogue.until(question).say("type 1 diabetic by the way", circumstances=told) == question
    )
    assert not dialogue.memory["tries"] and dialogue.turns[-1].cautions == ["diabetes"]
    assert "not sure" not in words_of(words.ask(question, dialogue.memory, kb, ""))


def test_conditions_told_while_a_yes_is_awaited_do_not_drop_the_offer(dialogue):
    for text in ("I take warfarin, is that ok", "and eczema, is that ok"):
        told = circumstance("blood_thinner")
        assert dialogue.say(text, "medications", circumstances=told) == "handoff_consent"


@pytest.mark.parametrize("question", ["handoff_name", "handoff_contact", "handoff_time"])
@pytest.mark.parametrize(
    "text, topic",
    [
        ("is it safe with eczema", "skin_conditions"),
        ("is this safe on brown skin?", "skin_tones_types"),
        ("why do you need to numb it", "numbing"),
        ("who gets treated first thing", "clinic_info"),
    ],
)
def test_a_question_of_safety_is_about_the_treatment(dialogue, question, text, topic):
    assert dialogue.until(question).say(text, topic) == question
    assert dialogue.turns == ["answered"] and not dialogue.memory["tries"]


@pytest.mark.parametrize(
    "text",
    ["why do you need that", "is my number safe with you?", "what for?", "who gets my email"],
)
def test_a_question_about_the_detail_is_about_the_detail(dialogue, text):
    assert dialogue.until("handoff_contact").say(text) == "handoff_contact"
    assert dialogue.memory["problem"] == "why_contact"


def test_a_question_at_the_last_step_is_kept_and_answered(dialogue):
    assert dialogue.until("handoff_question").say("will it hurt?", "pain") is None
    assert dialogue.request["question"] == "will it hurt?"
    assert dialogue.turns[-1].topics == ["pain"] and "hurt" in words_of(dialogue.turns[-1])


@pytest.mark.parametrize("text", ["Summer", "may", "Grace Will", "Mark", "autumn"])
def test_a_name_that_is_a_word_of_the_topic_is_a_name(dialogue, text):
    assert dialogue.until("handoff_name").say(text, "sun_after") == "handoff_contact"
    assert dialogue.request["name"] == text.title()


@pytest.mark.parametrize(
    "text, field, value",
    [
        ("sorry, 020 7946 0777", "phone", "+442079460777"),
        ("oops, extension 21", "phone", "+442079460555;ext=21"),
        ("sorry, it's Leonie", "name", "Leonie"),
        ("actually nadia@posteo.example", "email", "nadia@posteo.example"),
    ],
)
def test_a_correction_while_the_time_is_asked(dialogue, text, field, value):
    assert dialogue.until("handoff_time").say(text) == "handoff_time"
    assert dialogue.request[field] == value


@pytest.mark.parametrize(
    "text, field, asked",
    [
        ("forget my number", "phone", "handoff_contact"),
        ("please delete my name", "name", "handoff_name"),
        ("don't keep my phone number please", "phone", "handoff_contact"),
    ],
)
def test_a_detail_is_forgotten_and_asked_again(dialogue, text, field, asked):
    assert dialogue.until("handoff_time").say(text) == asked
    assert dialogue.request[field] is None and dialogue.memory["problem"] == "forgotten"


def test_a_detail_held_before_consent_is_forgotten(dialogue):
    dialogue.say("my number is 020 7946 0555")
    assert dialogue.say("forget my number") == "handoff_consent"
    dialogue.say("yes")
    assert dialogue.request["phone"] is None


@pytest.mark.parametrize(
    "text, says",
    [
        ("change my request", "What should I change"),
        ("I want to change my details", "What should I change"),
        ("I spelt my name wrong", "What name should it be"),
        ("that's the wrong number", "right number"),
        ("can I change my email address", "right email"),
    ],
)
def test_a_change_that_says_no_value_is_asked_for_it(sent, text, says):
    follow = sent.dialogue.memory
    assert afterwards.asks_to_change(said(text, None, sent.dialogue.kb), follow)
    assert says in words_of(sent(text))


@pytest.mark.parametrize(
    "text, field, value",
    [
        ("Summer Lane", "name", "Summer Lane"),
        ("summer", "name", "Summer"),
        ("Ines", "name", "Ines"),
        ("020 7946 0777", "phone", "+442079460777"),
        ("nadia@posteo.example", "email", "nadia@posteo.example"),
        ("thursdays", "best_time", "thursdays"),
    ],
)
def test_a_plain_value_after_a_change_was_asked_for(sent, text, field, value):
    assert sent(text, changing=True) is not None and requests.get(sent.id)[field] == value


@pytest.mark.parametrize(
    "text", ["020 7946 0777", "it's 020 7946 0777 sorry", "07700 900461 thanks"]
)
def test_a_bare_number_after_the_request_replaces_the_number(sent, text):
    sent(text)
    assert requests.get(sent.id)["phone"] != "+442079460555"


def test_a_detail_of_a_sent_request_is_forgotten_while_a_way_is_left(sent):
    assert sent("forget my number") is None and requests.get(sent.id)["phone"]
    sent("my email is nadia@posteo.example")
    assert "deleted" in words_of(sent("forget my number"))
    assert requests.get(sent.id)["phone"] is None and requests.get(sent.id)["email"]


@pytest.mark.parametrize(
    "text",
    [
        "I spoke to a nurse about it last week",
        "I'll ring them tomorrow",
        "I dropped my phone in the bath",
        "my GP said it was fine",
    ],
)
def test_a_mention_of_a_person_or_a_phone_begins_no_form(kb, text):
    turn, _ = replying.reply(said(text, "human_handoff", kb), None, {}, False)
    assert turn.settles and not turn.begins_form
    assert turn.choices[-1].meaning.get("topic") == "human_handoff"


@pytest.mark.parametrize(
    "text",
    [
        "I spoke to a nurse last week and want to speak to her again",
        "can I talk to somebody",
        "I rang twice and nobody answers",
        "my phone died, please email me",
    ],
)
def test_a_request_for_a_person_begins_the_form(store, kb, text):
    turn, _ = replying.reply(said(text, "human_handoff", kb), None, {}, False)
    assert turn.begins_form and not turn.settles


def test_a_form_that_danger_signs_closed_goes_on_where_it_was(dialogue, kb):
    dialogue.until("handoff_contact")
    closed, slots = (
        dialogue.memory,
        form.opened(said("020 7946 0777", "human_handoff", kb), dialogue.memory, {}),
    )
    assert slots["handoff"]["request"] == closed["request"] and slots["handoff_time"] is None
    assert slots["handoff_name"] == form.GIVEN and slots["handoff_contact"] == form.GIVEN
    assert requests.get(closed["request"])["phone"] == "+442079460777"
    assert replying.comes_back(said("ok they saw me, carry on with the form", None, kb), closed)


def test_an_offer_that_was_left_aside_is_taken_up_by_a_yes(store, kb):
    dropped = {"outcome": "dropped"}
    assert replying.comes_back(said("yes please", None, kb), dropped)
    assert not replying.comes_back(
        said("yes but does it hurt after a week or so", None, kb), dropped
    )
    slots = form.opened(said("yes please", None, kb), dropped, {})
    assert slots["handoff_consent"] is True and slots["handoff"]["request"]


def test_a_complaint_is_in_the_form_from_the_start(store, kb):
    text = "your nurse burnt my cheek, I want to complain"
    slots = form.opened(said(text, "human_handoff", kb), {}, {})
    begun = form.answered(said("yes", None, kb), "handoff_consent", slots["handoff"])
    assert requests.get(begun["handoff"]["request"])["question"] == text
    assert begun["handoff_question"] is None  # it is asked whether there is more


def test_patterns_name_the_line_of_a_bad_one(tmp_path):
    file = tmp_path / "contact_form.yml"
    file.write_text("anywhere:\n  need: |\n    (deaf\n", "utf-8")
    with pytest.raises(ContentError, match="contact_form.yml:2"):
        patterns.load(file)


def test_nothing_more_sends_what_was_noted(dialogue):
    dialogue.until("handoff_contact").say("020 7946 0555, and I use a wheelchair")
    dialogue.say("mornings")
    assert dialogue.say("that's all") is None and dialogue.memory["outcome"] == "complete"
    assert "wheelchair" in dialogue.request["question"]


@pytest.mark.parametrize(
    "question, text", [("handoff_name", "May Summer"), ("handoff_contact", "q@posteo.example")]
)
def test_a_plain_detail_asks_nothing(dialogue, question, text):
    dialogue.until(question).say(text, "sun_after")
    assert dialogue.turns == [] and dialogue.asked != question


def test_a_complaint_is_no_question_about_a_word_in_it(store, kb):
    text = "your nurse burnt my cheek and nobody calls me back"
    questions = [
        {**said(text, topic).meaning["questions"][0]} for topic in ("sunburn_tan", "human_handoff")
    ]
    turn, _ = replying.reply(Said(text, {"questions": questions}, "s", kb), None, {}, False)
    assert turn.topics == ["human_handoff"] and "sorry" in words_of(turn)


def test_what_is_held_is_opened_by_any_worker_and_read_by_nobody_else(store, kb, monkeypatch):
    slots = form.opened(said("ring me on 020 7946 0555", None, kb), {}, {})
    with database.engine().connect() as connection:
        (row,) = connection.execute(database.contact_requests.select()).mappings()
    assert row["status"] == "held" and "7946" not in str(dict(row))
    assert requests.listing() == [] and requests.draft_of("session") is None
    assert not requests.mark(row["id"], "done")
    # Another worker has nothing but the database and the secret.
    assert Held().get("session") == {"phone": "+442079460555"}
    slots = form.answered(said("yes", None, kb), "handoff_consent", slots["handoff"])
    with database.engine().connect() as connection:
        (row,) = connection.execute(database.contact_requests.select()).mappings()
    assert row["status"] == "draft" and row["phone"] == "+442079460555"


def test_what_is_held_ends_with_the_no_and_with_the_time(store, kb, monkeypatch):
    for ending in ("no", None):
        slots = form.opened(said("ring me on 020 7946 0555", None, kb), {}, {})
        if ending:
            form.answered(said(ending, None, kb), "handoff_consent", slots["handoff"])
        else:
            requests.forget_held(older_than=-1)
        with database.engine().connect() as connection:
            assert not list(connection.execute(database.contact_requests.select()))


def test_what_another_secret_sealed_is_asked_again(store, kb, monkeypatch):
    form.opened(said("ring me on 020 7946 0555", None, kb), {}, {})
    monkeypatch.setenv("ASSISTANT_SECRET", "another secret of at least some length 123")
    assert Held().get("session") == {}


@pytest.mark.parametrize(
    "text, topic",
    [
        ("red after 1 day, normal I guess", "downtime"),
        ("prices", "cost"),
        ("sore after 2 weeks", "pain"),
    ],
)
def test_what_is_no_time_is_no_best_time(dialogue, text, topic):
    assert dialogue.until("handoff_time").say(text, topic) == "handoff_time"
    assert dialogue.request["best_time"] is None and dialogue.turns == ["answered"]


@pytest.mark.parametrize("text", ["thank you", "not sure, whatever", "whatever"])
def test_courtesy_at_the_last_question_is_no_question(dialogue, text):
    assert dialogue.until("handoff_question").say(text) is None
    assert dialogue.request["question"] == ""


def test_somebody_who_gives_no_number_is_told_what_follows(dialogue):
    text = "I'd rather not give my number"
    assert dialogue.until("handoff_contact").say(text) == "handoff_contact"
    assert dialogue.memory["problem"] == "contact_needed"


def test_what_happens_with_a_number_is_told_before_consent(dialogue):
    dialogue.say("before I say yes, what happens with my number")
    assert dialogue.memory["problem"] == "why_consent"


def test_a_name_is_put_right_after_the_request(sent):
    sent("actually it's Rory")
    assert requests.get(sent.id)["name"] == "Rory"
