"""Answers are easy to take in: bold leads, lists, short paragraphs, questions to pick, steps of the
form, the time of day, the logo; an ordinary answer fits one screen."""

import json
import re
import shutil
import subprocess
import time

import pytest

from assistant import compose, knowledge, paths
from assistant.handoff import words as form_words
from assistant.turn import public, together
from tests.widget.fake import turn
from tests.widget.test_conversation import ready

SHAPE = paths.ROOT / "tests" / "widget" / "shape.mjs"


def shaped(texts):
    """What the widget makes of pairs of a text and whether it is an answer; needs Node.js alone."""
    if not shutil.which("node") or not (paths.ROOT / "widget/node_modules/esbuild").exists():
        pytest.skip("Node.js and `make widget-packages` are needed to run the widget's functions")
    done = subprocess.run(
        ["node", str(SHAPE)],
        input=json.dumps(texts),
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    return json.loads(done.stdout)


def answers(kb):
    """The ordinary answer of every topic, as the channel sends it."""
    return {
        name: public(
            compose.compose(
                {"questions": [{"decision": "answer", "topic": name, "text": "asked"}]}, None, kb
            )[0].as_dict()
        )
        for name in kb.topics
    }


def test_sentences_are_shaped_and_no_word_is_lost():
    pairs = [
        (
            "Yes, a little. It feels like a prickle. Numbing cream helps.",
            "**Yes, a little.**\n\nIt feels like a prickle. Numbing cream helps.",
        ),
        ("One sentence is left as it is.", "One sentence is left as it is."),
        ("See Dr. Moss first. Then book.", "**See Dr. Moss first.**\n\nThen book."),
        ("A **bold** word stays. So it is.", "A **bold** word stays. So it is."),
        ("- a list\n- stays", "- a list\n- stays"),
        (
            "Our prices: face: £1.50; neck: £20 (with cream); both: £30. Ask us. Please.",
            "Our prices:\n\n- face: £1.50\n- neck: £20 (with cream)\n- both: £30\n\nAsk us."
            " Please.",
        ),
        (
            "It depends: some do; some do not. Ask.",
            "**It depends: some do; some do not.**\n\nAsk.",
        ),
    ]
    assert shaped([(text, True) for text, _ in pairs]) == [wanted for _, wanted in pairs]
    # What is not an answer is never emphasised.
    (caution,) = shaped([("Please wait. Ask the clinic first.", False)])
    assert caution == "Please wait. Ask the clinic first."


def test_every_answer_of_the_knowledge_base_keeps_its_words(kb):
    texts = [
        (message["text"], message["role"] == "answer")
        for made in answers(kb).values()
        for message in made["messages"]
    ]
    bare = lambda text: re.sub(r"[^\w]+", " ", text).split()
    for (before, answer), after in zip(texts, shaped(texts)):
        assert bare(before) == bare(after)
        assert not answer or max(map(len, after.split("\n\n"))) <= 420, after


@pytest.fixture(scope="module")
def kb():
    return knowledge.load()


def test_prices_and_summaries_are_lists(visit, channel, kb):
    channel.replies["how much is it"] = answers(kb)["cost"]
    tab = ready(visit, channel).say("how much is it")
    points = tab.find(".answer").first.locator("ul").first.locator("li").all_inner_texts()
    assert len(points) == len(kb.clinic.prices)
    for price, point in zip(kb.clinic.prices, points):
        assert point.startswith(price.name)
    request = {"name": "Ada", "phone": "+447700900123", "question": "my scars", "best_time": "noon"}
    channel.replies["done"] = turn(
        ("answer", f"Thank you. We have: {form_words.summary(request, kb)}. See you."),
        kind="handoff",
    )
    assert tab.say("done").find(".turn").last.locator(".answer li").count() == 4


def test_choices_are_questions_and_only_the_newest_can_be_picked(visit, channel, kb):
    made = answers(kb)["pain"]
    channel.replies["does it hurt?"] = made
    tab = ready(visit, channel).say("does it hurt?")
    questions = [kb.topic(choice["topic"]).question for choice in made["choices"]]
    assert tab.find(".chip").all_inner_texts() == questions
    tab.find(".chip").first.click()
    tab.find(".turn").nth(2).wait_for()
    assert channel.calls("POST", "messages")[-1]["choice"] == made["choices"][0]["id"]
    asked = ["does it hurt?", questions[0]]
    assert tab.find(".visitor .bubble").all_inner_texts() == asked
    tab.page.reload()  # the server knows it by its title
    tab.find(".turn").nth(2).wait_for()
    assert tab.find(".visitor .bubble").all_inner_texts() == asked


def test_the_form_shows_its_steps_and_the_keyboard_for_each(visit, channel, kb):
    steps = ["consent", "name", "contact", "time", "question"]
    for name in steps:
        asked = form_words.ask(f"handoff_{name}", {}, kb, "").as_dict()
        channel.replies[name] = public(asked)
        assert channel.replies[name]["asks"] == name
    # A question in the middle is answered, and the form goes on.
    channel.replies["aside"] = public(together([answers(kb)["pain"], channel.replies["contact"]]))
    tab = ready(visit, channel, "phone")
    wanted = {
        "consent": ("Type your question", "off", "text", None),
        "name": ("Your name", "name", "text", "Step 1 of 4"),
        "contact": ("Phone number or email", "tel", "email", "Step 2 of 4"),
        "aside": ("Phone number or email", "tel", "email", "Step 2 of 4"),
        "time": ("A good time to reach you", "off", "text", "Step 3 of 4"),
        "question": ("What it is about", "off", "text", "Step 4 of 4"),
    }
    for name, (placeholder, autofill, keyboard, step) in wanted.items():
        tab.say(name)
        box = tab.find("#box")
        found = [box.get_attribute(key) for key in ("placeholder", "autocomplete", "inputmode")]
        assert found == [placeholder, autofill, keyboard], name
        said = tab.find(".turn").last.locator(".step").all_inner_texts()
        assert [text.strip() for text in said] == ([step] if step else []), name
        assert tab.find(".turn").last.locator(".thumb").count() == 2 * (name == "aside")
    tab.say("does it hurt?")
    assert tab.find("#box").get_attribute("placeholder") == "Type your question"


@pytest.mark.parametrize("country, clock", [("GB", "14:05"), ("US", "2:05\u202fPM")])
def test_the_time_of_day_is_shown_after_a_pause_as_the_country_writes_it(
    visit, channel, country, clock
):
    before = channel.card
    channel.card = {**before, "country": country}
    noon = time.mktime((2026, 11, 20, 14, 5, 0, 0, 0, 0))
    try:
        tab = ready(visit, channel, timezone_id="UTC", locale="de-DE")
        (conversation,) = channel.sessions.values()
        for minutes, text in ((0, "one"), (1, "two"), (20, "three")):
            at = int(noon) + 60 * minutes
            conversation += [
                {"from": "visitor", "text": text, "at": at},
                {"from": "assistant", "turn": turn(("answer", "Yes.")), "at": at},
            ]
        tab.page.reload()
        tab.find(".turn").nth(3).wait_for()
        stamps = tab.find("time").all_inner_texts()
        assert len(stamps) == 2 and clock in stamps[0] and "20" in stamps[0]
        first = tab.find("time").first.get_attribute("datetime")
        assert first == "2026-11-20T14:05:00.000Z"
        tab.say("does it hurt?")
        assert len(tab.find("time").all_inner_texts()) == 3
        # Today needs no date.
        assert re.fullmatch(r"\d\d?:\d\d(\s[AP]M)?", tab.find("time").last.inner_text())
        date = {"GB": "20 November 2026", "US": "November 20, 2026"}[country]
        assert tab.find(".reviewed").inner_text() == f"Reviewed {date}"
    finally:
        channel.card = before


def test_the_clinics_logo(visit, channel):
    channel.attributes["logo"] = "/icon.svg"
    tab = visit().go(f"{channel.url}/page").open()
    logo = tab.find(".header img.avatar")
    assert logo.get_attribute("src") == "/icon.svg" and logo.get_attribute("alt") == ""
    assert tab.find(".header .icon-leaf").count() == 0


#: What visitors ask most (`suggested_topics` and what follows them).
ORDINARY = ("pain", "downtime", "cost", "number_of_sessions", "numbing", "results_timeline")


def test_an_ordinary_answer_fits_one_screen_of_a_phone(visit, channel, kb):
    channel.replies.update(answers(kb))
    tab = ready(visit, channel, "phone", reduced_motion="reduce")
    seen = tab.find(".scroll").bounding_box()["height"]
    tall = {}
    for name in ORDINARY:
        tab.say(name)
        box = tab.find(".turn").last.bounding_box()
        if box["height"] > seen:
            tall[name] = box["height"] / seen
    assert tall == {}
