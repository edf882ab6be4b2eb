"""What a visitor gets: every feature of the widget, against a scripted channel."""

import threading
import time

import pytest

from assistant import contact, knowledge, paths
from assistant.rasa.runtime import responses
from assistant.safety.replies import level_of, said_by_rasa
from tests.support.waiting import until
from tests.widget import fake
from tests.widget.fake import turn


def ready(visit, channel, size="desktop", **options):
    """A tab with an open conversation."""
    return visit(size, **options).go(f"{channel.url}/page").open().accept()


def test_nothing_is_sent_before_the_notice_is_accepted(visit, channel):
    tab = visit().go(f"{channel.url}/page").open()
    notice = tab.find(".notice").inner_text()
    for words in (
        "automated",
        "not a clinician",
        "general information",
        "photos",
        "medical history",
        "999",
        "30 days",
        "Privacy notice",
    ):
        assert words in notice, words
    assert (
        tab.find(
            ".notice a",
        ).first.get_attribute("href")
        == "tel:999"
    )
    assert tab.find(".notice .links a").get_attribute("href") == "https://moonwort.example/privacy"
    assert tab.find("#box").count() == 0
    assert {(method, path) for method, path, _ in channel.requests} == {("GET", "clinic")}
    tab.accept()
    assert [path for _, path, _ in channel.requests] == ["clinic", "sessions"]
    # The notice is not said twice.
    assert tab.find(".turn .message").all_inner_texts() == [
        "What would you like to know about microneedling?"
    ]


def test_suggested_questions_lead_on(visit, channel):
    tab = ready(visit, channel)
    assert tab.find(".chip").all_inner_texts() == ["Pain", "Downtime and recovery", "Cost"]
    tab.find(".chip").first.click()
    tab.find(".turn").nth(1).wait_for()
    (body,) = channel.calls("POST", "messages")
    assert set(body) == {"choice", "client_id"} and body["choice"].startswith("choice")
    assert tab.find(".visitor .bubble").inner_text() == "Pain"


def test_an_answer_its_caveat_sources_and_review_date(visit, channel):
    tab = ready(visit, channel).say("does it hurt?")
    answer = tab.find(".turn").nth(1)
    assert answer.locator(".answer strong").inner_text() == "pressure and a prickle"
    assert answer.locator(".caveat").inner_text().startswith("Please note")
    assert answer.locator(".caution").inner_text().startswith("Important for you")
    source = answer.locator(".sources li a")
    assert not source.is_visible()
    answer.locator("summary").click()
    assert (
        source.is_visible()
        and source.get_attribute("href") == "https://journal.example/review"
        and "noopener" in source.get_attribute("rel")
    )
    assert "Journal of Skin, 2021" in source.inner_text()
    assert answer.locator(".reviewed").inner_text() == "Reviewed 20 November 2026"


def test_the_typing_indicator_shows_while_a_reply_is_on_its_way(visit, channel):
    tab = ready(visit, channel)
    channel.hold = threading.Event()
    tab.say("does it hurt?", wait=False)
    tab.find(".typing").wait_for()
    assert tab.find("[role=status]").last.text_content() == "Fern is writing"
    channel.hold.set()
    tab.find(".turn").nth(1).wait_for()
    assert tab.find(".typing").count() == 0


@pytest.mark.parametrize(
    "reply, style, title, numbers",
    [
        (fake.emergency, "emergency", "Emergency", ["tel:999", "tel:+442079460958"]),
        (fake.same_day, "today", "Urgent", ["tel:111", "tel:+442079460958", "tel:999"]),
        (
            lambda: turn(
                (
                    "triage",
                    (
                        "Call 999 if it spreads. Else NHS 111 today, and the clinic on +44 20 7946"
                        " 0958."
                    ),
                ),
                kind="triage",
                urgency="same_day",
            ),
            "today",
            "Urgent",
            ["tel:111", "tel:+442079460958", "tel:999"],
        ),
        (
            lambda: turn(
                ("triage", "Tell NHS 111 and then call 999."), kind="triage", urgency="emergency"
            ),
            "emergency",
            "Emergency",
            ["tel:999", "tel:111"],
        ),
        (
            lambda: turn(("triage", "Get help at once."), kind="triage", urgency="emergency"),
            "emergency",
            "Emergency",
            ["tel:999"],
        ),
        (
            lambda: turn(("triage", "See a doctor today."), kind="triage", urgency="same_day"),
            "today",
            "Urgent",
            ["tel:+442079460958"],
        ),
        (fake.soon, "soon", "Contact the clinic", ["tel:+442079460958", "tel:999"]),
        (lambda: fake.reminder("emergency"), "emergency", "Emergency", ["tel:999"]),
        (
            lambda: fake.reminder("emergency", "contact_clinic"),
            "emergency",
            "Emergency",
            ["tel:999"],
        ),
        (lambda: fake.reminder("same_day", "contact_clinic"), "today", "Urgent", ["tel:111"]),
        (fake.crisis, "crisis", "You are not alone", ["tel:999", "tel:116123"]),
    ],
)
def test_an_urgent_reply_looks_urgent_and_is_a_tap_away(
    visit, channel, reply, style, title, numbers
):
    channel.replies["help"] = reply
    tab = ready(visit, channel, "phone").say("help")
    card = tab.find(f".urgent.{style}")
    assert card.locator("h3").inner_text() == title
    calls = card.locator(".call")
    assert [calls.nth(at).get_attribute("href") for at in range(calls.count())] == numbers
    assert calls.first.bounding_box()["height"] >= 44
    assert (tab.find(".thumb").count() == 0) == (style == "crisis")


@pytest.fixture
def elsewhere(channel, tmp_path):
    """The knowledge base of a clinic in a country that countries.yml does not name, and its card on
    the channel."""
    text = (
        (paths.ROOT / "clinic.yml")
        .read_text("utf-8")
        .replace("country: GB", "country: ZW")
        .replace('"+44 20 7946 0958"', '"+263 4 123 4567"')
    )
    (tmp_path / "clinic.yml").write_text(text, "utf-8")
    before, kb = channel.card, knowledge.load(clinic_path=tmp_path / "clinic.yml")
    channel.card = contact.card(kb)
    yield kb
    channel.card = before


@pytest.mark.parametrize(
    "response",
    [
        "utter_emergency",
        "utter_emergency_allergy",
        "utter_emergency_es",
        "utter_same_day",
        "utter_same_day_eye",
    ],
)
def test_where_the_country_is_not_known_the_emergency_number_is_words_and_no_button(
    visit, channel, elsewhere, response
):
    channel.replies["help"] = said_by_rasa(
        response, elsewhere.phrases.fill(responses()[response])
    ).as_dict()
    tab = ready(visit, channel, "phone").say("help")
    card = tab.find(".urgent")
    assert [call.get_attribute("href") for call in card.locator(".call").all()] == [
        "tel:+26341234567"
    ]
    # Nor is it a link.
    assert {link.get_attribute("href") for link in tab.find("a[href^='tel:']").all()} == {
        "tel:+26341234567"
    }
    if level_of(response) == "emergency":
        assert (
            card.locator(".words").inner_text()
            == "Emergency: call your local emergency number (such as 911, 999, 112 or 000)"
        )
        assert card.locator(".call.first").count() == 0  # the clinic is not the first to call
        # Both places in one look: the log may still be scrolling.
        assert card.evaluate(
            "card => card.querySelector('.words').getBoundingClientRect().y"
            " < card.querySelector('.text').getBoundingClientRect().y"
        )
    else:
        assert card.locator(".words").count() == 0 and card.locator(".call.first").count() == 1


@pytest.mark.parametrize("level", ["emergency", "same_day", "contact_clinic", "none"])
def test_an_urgent_reply_without_any_number_is_shown_all_the_same(visit, channel, level):
    before = channel.card
    channel.card = {**before, "numbers": [], "emergency_number": "the ambulance"}
    channel.replies["help"] = turn(("triage", "Get help."), kind="triage", urgency=level)
    try:
        card = ready(visit, channel).say("help").find(".urgent")
        assert "Get help." in card.inner_text() and (
            "Emergency: call the ambulance" in card.inner_text()
        ) == (level == "emergency")
    finally:
        channel.card = before


def test_a_reminder_in_an_ordinary_answer_keeps_that_answer_ordinary(visit, channel):
    channel.replies["price"] = fake.reminder("emergency")
    tab = ready(visit, channel).say("price")
    assert (
        tab.find(".urgent.emergency h3").inner_text() == "Emergency"
        and tab.find(".turn").last.locator(".message.answer").inner_text()
        == "A session costs £180."
    )


@pytest.mark.parametrize(
    "caution, shown",
    [("pregnancy", 0), ("breastfeeding", 0), ("isotretinoin", 0), ("minor", 0), ("keloid", 1)],
)
def test_the_booking_link_is_not_offered_where_a_person_has_to_be_asked_first(
    visit, channel, caution, shown
):
    channel.replies["I am"] = {**turn(("caution", "A caution.")), "cautions": [caution]}
    tab = ready(visit, channel)
    tab.find(".person").click()
    assert tab.find(".sheet").get_by_text("Book online").count() == 1
    tab.page.keyboard.press("Escape")
    tab.say("I am").say("does it hurt?")
    tab.page.reload()
    tab.find(".turn").nth(2).wait_for()
    tab.find(".person").click()
    assert tab.find(".sheet").get_by_text("Book online").count() == shown


def test_thumbs_with_an_optional_word(visit, channel):
    tab = ready(visit, channel).say("does it hurt?")
    down = tab.find(".thumb").nth(1)
    down.click()
    tab.find(".feedback input").wait_for()
    assert down.get_attribute("aria-pressed") == "true"
    channel.wait(feedback=1)
    tab.find(".feedback input").fill("too long")
    tab.find(".feedback form button").click()
    tab.find(".thanks").wait_for()
    first, second = channel.calls("POST", "feedback")
    assert (
        first["vote"] == second["vote"] == "down"
        and first["topic"] == "pain"
        and "comment" not in first
        and second["comment"] == "too long"
    )
    assert first["turn"] == tab.find(".turn").nth(1).get_attribute("data-id")


def test_a_vote_that_could_not_be_sent_is_taken_back_and_said(visit, channel):
    tab = ready(visit, channel).say("does it hurt?")
    channel.fail("feedback", 503)
    tab.find(".thumb").first.click()
    tab.page.wait_for_function(
        "document.querySelector('microneedling-assistant').shadowRoot.querySelector('.panel >"
        " [role=status]').textContent.includes('could not be sent')"
    )
    assert tab.find(".thumb").first.get_attribute("aria-pressed") == "false"


def test_a_person_is_always_in_reach(visit, channel):
    tab = visit("narrow").go(f"{channel.url}/page").open()
    for state in ("notice", "conversation", "answer"):
        if state == "conversation":
            tab.accept()
        if state == "answer":
            tab.say("does it hurt?")
        assert tab.find(".person").is_visible(), state
    tab.find(".person").click()
    sheet = tab.find(".sheet")
    assert sheet.locator(".row").first.get_attribute("href") == "tel:+442079460958"
    assert (
        sheet.locator("a[href^='mailto:']").count() == 1
        and "Tuesday to Wednesday" in sheet.inner_text()
    )
    sheet.get_by_text("Ask here to be put in touch").click()
    tab.find(".turn").nth(2).wait_for()
    assert channel.calls("POST", "messages")[-1]["text"] == "I would like to talk to a person."


def test_restart_begins_anew_after_asking(visit, channel):
    tab = ready(visit, channel).say("does it hurt?")
    tab.find(".menu-button").click()
    tab.find(".sheet").get_by_text("Start again").click()
    assert len(channel.calls("POST", "sessions")) == 1
    tab.find(".sheet .primary").click()
    tab.find(".note").wait_for()
    tab.find(".turn").wait_for()
    assert tab.find(".turn").count() == 1 and tab.find(".visitor").count() == 0
    assert len(channel.calls("POST", "sessions")) == 2


def test_deleting_erases_server_and_tab(visit, channel):
    tab = ready(visit, channel).say("does it hurt?")
    tab.find(".menu-button").click()
    tab.find(".sheet").get_by_text("Delete my conversation").click()
    tab.find(".sheet .danger").click()
    tab.find(".card").get_by_text("has been deleted").wait_for()
    assert channel.sessions == {}
    kept = tab.page.evaluate(
        "Object.entries(sessionStorage).filter(([name]) => !name.endsWith(' open'))"
    )
    assert kept == []
    tab.find(".card .primary").click()
    assert tab.find(".notice").is_visible()


def delete(tab):
    """Through the menu to the deletion, and confirm it."""
    tab.find(".menu-button").click()
    tab.find(".sheet").get_by_text("Delete my conversation").click()
    tab.find(".sheet .danger").click()


def test_deleting_reaches_what_a_restart_left_behind(visit, channel):
    tab = ready(visit, channel).say("does it hurt?")
    for _ in range(2):
        tab.find(".menu-button").click()
        tab.find(".sheet").get_by_text("Start again").click()
        tab.find(".sheet .primary").click()
        tab.find(".note").wait_for()
        tab.find(".turn").wait_for()
    tab.page.reload()
    tab.find(".turn").wait_for()
    assert len(channel.sessions) == 3
    channel.fail("sessions", 503)
    delete(tab)
    tab.find(".sheet .problem").wait_for()
    tab.find(".sheet .danger").click()
    tab.find(".card").get_by_text("Your conversation has been deleted.").wait_for()
    assert channel.sessions == {}


def test_deleting_does_not_send_what_waits_first(visit, channel):
    tab = ready(visit, channel)
    channel.hold = threading.Event()
    for text in ("one", "two", "three"):
        tab.say(text, wait=False)
    channel.wait(messages=1)
    delete(tab)
    tab.find(".sheet .danger[aria-disabled=true]").wait_for()
    channel.hold.set()
    tab.find(".card").get_by_text("has been deleted").wait_for()
    assert [body["text"] for body in channel.calls("POST", "messages")] == [
        "one"
    ] and channel.sessions == {}
    assert len(channel.calls("POST", "sessions")) == 1


def test_what_waited_is_still_there_when_the_deletion_fails(visit, channel):
    tab = ready(visit, channel)
    channel.hold = threading.Event()
    for text in ("one", "two"):
        tab.say(text, wait=False)
    channel.wait(messages=1)
    channel.fail("sessions", 503)
    delete(tab)
    tab.find(".sheet .danger[aria-disabled=true]").wait_for()
    channel.hold.set()
    tab.find(".sheet .problem").wait_for()
    tab.page.keyboard.press("Escape")
    assert tab.find(".visitor small").all_inner_texts() == ["Not sent yet"]
    tab.find(".problem button").click()
    tab.find(".turn").nth(2).wait_for()
    assert [body["text"] for body in channel.calls("POST", "messages")] == ["one", "two"]


def test_deleting_says_that_the_clinic_has_a_request_already(visit, channel):
    tab = ready(visit, channel).say("does it hurt?")
    channel.delivered = "2026-11-23T09:00:00+00:00"
    tab.find(".menu-button").click()
    tab.find(".sheet").get_by_text("Delete my conversation").click()
    tab.find(".sheet .danger").click()
    text = tab.find("section.card").inner_text()
    assert (
        "has been deleted" in text
        and "already has your request" in text
        and "+44 20 7946 0958" in text
    )


def test_a_deletion_that_fails_is_said_and_can_be_tried_again(visit, channel):
    tab = ready(visit, channel).say("does it hurt?")
    channel.fail("sessions", 503)
    tab.find(".menu-button").click()
    tab.find(".sheet").get_by_text("Delete my conversation").click()
    tab.find(".sheet .danger").click()
    assert "+44 20 7946 0958" in tab.find(".sheet .problem").inner_text()
    tab.find(".sheet .danger").click()
    tab.find(".card").get_by_text("has been deleted").wait_for()


def test_deleting_an_expired_conversation_tells_the_truth(visit, channel):
    tab = ready(visit, channel).say("does it hurt?")
    channel.expire()
    tab.find(".menu-button").click()
    tab.find(".sheet").get_by_text("Delete my conversation").click()
    tab.find(".sheet .danger").click()
    text = tab.find("section.card").inner_text()
    assert "has expired" in text and "30 days" in text and "+44 20 7946 0958" in text


def test_the_transcript_is_a_text_file(visit, channel, tmp_path):
    channel.replies["throat"] = fake.emergency
    tab = ready(visit, channel).say("does it hurt?").say("throat")
    tab.find(".menu-button").click()
    with tab.page.expect_download() as download:
        tab.find(".sheet").get_by_text("Save as text").click()
    assert download.value.suggested_filename == "Fern.txt"
    download.value.save_as(tmp_path / "t.txt")
    text = (tmp_path / "t.txt").read_text("utf-8")
    for words in (
        "You: does it hurt?",
        "Fern: Most people feel pressure",
        "Please note: ",
        "https://journal.example/review",
        "Reviewed 20 November 2026",
        "Emergency: Call 999 now",
        "call 999",
    ):
        assert words in text, words
    assert "**" not in text


def test_the_conversation_survives_reload_and_page_change(visit, channel):
    tab = ready(visit, channel).say("does it hurt?")
    tab.find("#box").fill("half a quest")
    tab.find(".thumb").first.click()
    channel.wait(feedback=1)
    for address in ("/page", "/other"):
        tab.page.goto(channel.url + address)
        tab.find(".turn").nth(1).wait_for()
        assert tab.find(".visitor .bubble").all_inner_texts() == ["does it hurt?"]
        assert tab.find("#box").input_value() == "half a quest"
        assert tab.find(".thumb").first.get_attribute("aria-pressed") == "true"
        assert tab.page.evaluate("document.activeElement === document.body")
    assert len(channel.calls("POST", "sessions")) == 1


def test_on_a_phone_the_next_page_is_not_covered_but_the_conversation_is_there(visit, channel):
    tab = ready(visit, channel, "phone").say("does it hurt?")
    tab.page.goto(f"{channel.url}/other")
    tab.find(".launcher").wait_for()
    assert tab.find(".panel[open]").count() == 0
    tab.open()
    tab.find(".turn").nth(1).wait_for()


def test_an_expired_session_says_so_and_starts_anew(visit, channel):
    tab = ready(visit, channel).say("does it hurt?")
    channel.expire()
    tab.find(".turn").nth(1).locator(".chip").first.click()
    tab.find(".note").wait_for()
    tab.find(".turn").nth(3).wait_for()
    assert "has expired" in tab.find(".note").inner_text()
    # A choice of the old conversation is asked in words.
    assert channel.calls("POST", "messages")[-1]["text"] == "Numbing cream"
    assert tab.find(".turn.old .chip").count() == 0 and tab.find(".turn.old .thumb").count() == 0
    assert tab.find(".visitor").count() == 2 and tab.find(".visitor small").count() == 0


def test_a_session_that_expired_between_pages_says_so(visit, channel):
    tab = ready(visit, channel).say("does it hurt?")
    channel.expire()
    tab.page.reload()
    tab.find(".note").wait_for()
    tab.find(".turn").wait_for()
    assert len(channel.calls("POST", "sessions")) == 2


def test_what_is_sent_while_waiting_is_queued_in_order(visit, channel):
    tab = ready(visit, channel)
    channel.hold = threading.Event()
    for text in ("one", "two", "three"):
        tab.say(text, wait=False)
    assert tab.find(".visitor small").all_inner_texts() == ["Waiting to be sent"] * 2
    assert len(channel.calls("POST", "messages")) == 1
    channel.hold.set()
    tab.find(".turn").nth(3).wait_for()
    assert [body["text"] for body in channel.calls("POST", "messages")] == ["one", "two", "three"]
    assert tab.find(".visitor small").count() == 0


def test_a_message_under_way_outlives_the_page_and_is_answered_once(visit, channel):
    tab = ready(visit, channel)
    channel.hold = threading.Event()
    tab.say("does it hurt?", wait=False)
    channel.wait(messages=1)
    tab.page.goto("about:blank")
    channel.hold.set()
    time.sleep(0.2)
    tab.page.goto(f"{channel.url}/other")
    tab.find(".turn").nth(1).wait_for()
    channel.wait(messages=2)
    first, again = channel.calls("POST", "messages")
    assert first == again
    tab.page.wait_for_timeout(300)
    assert (
        tab.find(".visitor").count() == 1
        and tab.find(".turn").count() == 2
        and tab.find(".visitor small").count() == 0
    )


@pytest.mark.parametrize(
    "status, words",
    [
        (429, "wait 7 seconds"),
        (503, "cannot answer just now"),
        (500, "cannot answer just now"),
        (409, "cannot answer just now"),
    ],
)
def test_each_trouble_has_its_sentence_a_retry_and_the_phone(visit, channel, status, words):
    tab = ready(visit, channel)
    channel.fail("messages", status, Retry_After="7")
    tab.say("does it hurt?", wait=False)
    problem = tab.find(".problem")
    assert (
        words in problem.inner_text()
        and problem.locator("a").get_attribute("href") == "tel:+442079460958"
    )
    assert tab.find(".visitor small").inner_text() == "Not sent yet"
    problem.locator("button").click()
    tab.find(".turn").nth(1).wait_for()
    assert tab.find(".problem").count() == 0
    first, again = channel.calls("POST", "messages")
    assert first == again


def test_offline_keeps_the_message_and_sends_it_when_connected(visit, channel):
    tab = ready(visit, channel)
    tab.context.set_offline(True)
    tab.say("does it hurt?", wait=False)
    assert (
        "offline" in tab.find(".problem").inner_text()
        and "+44" in tab.find(".problem").inner_text()
    )
    tab.context.set_offline(False)
    tab.find(".turn").nth(1).wait_for()
    assert tab.find(".problem").count() == 0


def test_a_broken_connection_is_tried_once_more_without_a_word(visit, channel):
    tab = ready(visit, channel)
    tab.page.route("**/messages", lambda route: route.abort(), times=1)
    tab.say("does it hurt?")
    assert tab.find(".problem").count() == 0 and len(channel.calls("POST", "messages")) == 1


def test_a_server_that_cannot_be_reached_is_not_called_offline(visit, channel):
    tab = ready(visit, channel)
    sent = []
    tab.page.route(
        "**/messages", lambda route: (sent.append(route.request.post_data_json), route.abort())
    )
    tab.say("does it hurt?", wait=False)
    problem = tab.find(".problem")
    assert (
        "cannot answer just now" in problem.inner_text() and "offline" not in problem.inner_text()
    )
    assert len(sent) == 2 and sent[0] == sent[1]
    tab.page.unroute("**/messages")
    problem.locator("button").click()
    tab.find(".turn").nth(1).wait_for()
    assert channel.calls("POST", "messages") == sent[:1]


def test_a_session_that_cannot_be_reached_is_opened_once(visit, channel):
    tab = visit().go(f"{channel.url}/page").open()
    tab.page.route("**/sessions", lambda route: route.abort())
    tab.find(".notice .primary").click()
    assert "cannot answer just now" in tab.find(".problem").inner_text()
    tab.page.unroute("**/sessions")
    tab.find(".problem button").click()
    tab.find(".turn").wait_for()
    assert len(channel.calls("POST", "sessions")) == 1


def test_the_clinics_phone_is_there_when_its_server_is_not(visit, channel):
    tab = ready(visit, channel).say("does it hurt?")
    channel.fail("clinic", 503)
    channel.fail("messages", 503)
    tab.page.reload()
    assert tab.find(".problem a").get_attribute("href") == "tel:+442079460958"
    tab.find(".person").click()
    assert tab.find(".sheet .row").first.get_attribute("href") == "tel:+442079460958"
    tab.page.keyboard.press("Escape")
    tab.find(".problem button").click()
    tab.find(".turn").nth(1).wait_for()


def test_trouble_at_the_very_start_names_the_phone_of_the_script_tag(visit, channel):
    channel.attributes["phone"] = "+44 20 7946 0958"
    channel.fail("clinic", 503)
    tab = visit().go(f"{channel.url}/page").open()
    assert tab.find(".problem a").get_attribute("href") == "tel:+442079460958"
    tab.find(".problem button").click()
    tab.find(".notice").wait_for()


def test_a_session_that_cannot_be_opened_is_tried_again(visit, channel):
    tab = visit().go(f"{channel.url}/page").open()
    channel.fail("sessions", 503)
    tab.find(".notice .primary").click()
    tab.find(".problem button").click()
    tab.find(".turn").wait_for()
    assert len(channel.calls("POST", "sessions")) == 2


def test_a_panel_that_does_not_arrive_can_be_asked_for_again(visit, channel):
    channel.attributes["phone"] = "+44 20 7946 0958"
    tab = visit()
    tab.page.route("**/assets/panel-*", lambda route: route.abort())
    tab.go(f"{channel.url}/page")
    tab.find(".launcher").click()
    tab.page.wait_for_function("""() => {
      const root = document.querySelector('microneedling-assistant').shadowRoot;
      return root.querySelector('.launcher').innerText.includes('+44');
    }""")
    tab.page.unroute("**/assets/panel-*")
    tab.open()
    assert tab.find(".notice").is_visible()
    assert all("dynamically imported module" in error for error in tab.errors)
    tab.errors.clear()


def test_enter_sends_and_shift_enter_breaks_the_line(visit, channel):
    tab = ready(visit, channel)
    box = tab.find("#box")
    box.press_sequentially("one")
    box.press("Shift+Enter")
    box.press_sequentially("two")
    assert box.input_value() == "one\ntwo" and channel.calls("POST", "messages") == []
    box.press("Enter")
    tab.find(".turn").nth(1).wait_for()
    assert channel.calls("POST", "messages")[0]["text"] == "one\ntwo" and box.input_value() == ""
    box.press("Enter")
    tab.page.wait_for_timeout(150)
    assert len(channel.calls("POST", "messages")) == 1


def test_the_limit_is_shown_near_its_end(visit, channel):
    tab = ready(visit, channel)
    for length, words in ((3499, ""), (3600, "400 characters left"), (4012, "12 characters over")):
        tab.find("#box").fill("x" * length)
        assert words in tab.find("#count").text_content() and bool(words) == bool(
            tab.find("#count").text_content()
        )
    # The server triages the whole text before it asks for a shorter one.
    tab.find("#box").press("Enter")
    tab.find(".turn").nth(1).wait_for()
    assert len(channel.calls("POST", "messages")[0]["text"]) == 4012


@pytest.mark.parametrize("status, words", [(413, "too large"), (400, "could not be sent")])
def test_a_text_that_the_server_does_not_take_comes_back_to_the_box(visit, channel, status, words):
    tab = ready(visit, channel)
    channel.fail("messages", status)
    tab.say("a very long story", wait=False)
    assert words in tab.find(".note").inner_text()
    assert (
        tab.find("#box").input_value() == "a very long story" and tab.find(".visitor").count() == 0
    )


def test_a_text_that_comes_back_does_not_push_out_what_is_being_written(visit, channel):
    tab = ready(visit, channel)
    channel.hold = threading.Event()
    channel.fail("messages", 503)
    tab.say("a very long story", wait=False)
    tab.find(".problem").wait_for()
    tab.find("#box").fill("and another th")
    channel.fail("messages", 413)
    tab.find(".problem button").click()
    tab.find(".note").wait_for()
    assert tab.find("#box").input_value() == "a very long story\n\nand another th"
    tab.find("#box").press_sequentially("ing")
    tab.page.reload()
    tab.find(".turn").wait_for()
    assert tab.find("#box").input_value() == "a very long story\n\nand another thing"


def test_a_choice_that_the_server_does_not_know_is_explained(visit, channel):
    tab = ready(visit, channel)
    channel.fail("messages", 400)
    tab.find(".chip").first.click()
    assert "type your question" in tab.find(".note").inner_text()


def test_escape_closes_what_is_open_and_gives_the_focus_back(visit, channel):
    tab = ready(visit, channel)
    tab.find(".menu-button").click()
    tab.page.keyboard.press("Escape")
    assert tab.find(".sheet").count() == 0 and tab.find(".panel[open]").count() == 1
    tab.page.keyboard.press("Escape")
    assert tab.find(".panel[open]").count() == 0
    assert (
        tab.page.evaluate("document.activeElement.shadowRoot.activeElement.className") == "launcher"
    )


def test_the_back_gesture_of_a_phone_closes_the_panel(visit, channel):
    tab = ready(visit, channel, "phone")
    tab.find(".person").tap()
    back = """() => {
      const event = new Event('cancel', { cancelable: true });
      const root = document.querySelector('microneedling-assistant').shadowRoot;
      root.querySelector('dialog').dispatchEvent(event);
      return event.defaultPrevented;
    }"""
    assert (
        tab.page.evaluate(back)
        and tab.find(".sheet").count() == 0
        and tab.find(".panel[open]").count() == 1
    )
    assert (
        tab.page.evaluate(back)
        and tab.find(".panel[open]").count() == 0
        and tab.find(".launcher").is_visible()
    )
    tab.open()
    # As a browser does that does not ask first.
    tab.page.evaluate("""() => {
      const root = document.querySelector('microneedling-assistant').shadowRoot;
      root.querySelector('dialog').close();
    }""")
    tab.find(".launcher").wait_for()


def lower_edge(tab):
    """Where the box to write in ends, in pixels from the top of the window."""
    box = tab.find("#box").bounding_box()
    return box["y"] + box["height"]


def test_turning_the_phone_keeps_the_conversation(visit, channel):
    tab = ready(visit, channel, "phone").say("does it hurt?")
    tab.find("#box").fill("and after")
    for width, height in ((844, 390), (1024, 768), (390, 844)):
        tab.page.set_viewport_size({"width": width, "height": height})
        until(lambda height=height: lower_edge(tab) <= height, "the panel to fit the window")
        assert tab.find(".turn").count() == 2 and tab.find("#box").input_value() == "and after"


def test_a_deep_link_asks_once_the_notice_is_accepted(visit, channel):
    tab = visit().go(f"{channel.url}/page#ask=pain")
    tab.find(".notice").wait_for()
    assert channel.calls("POST", "messages") == [] and "#" not in tab.page.url
    tab.accept()
    tab.find(".turn").nth(1).wait_for()
    assert channel.calls("POST", "messages")[0]["text"] == "Does microneedling hurt?"
    tab.page.locator("#link").click()  # the same link again, on the page itself
    tab.find(".turn").nth(2).wait_for()
    assert [body["text"] for body in channel.calls("POST", "messages")] == [
        "Does microneedling hurt?"
    ] * 2


@pytest.mark.parametrize("link", ["#ask=nothing_of_the_kind", "#ask=%3Cscript%3E", "#other"])
def test_a_link_to_something_else_sends_nothing(visit, channel, link):
    tab = visit().go(f"{channel.url}/page{link}")
    # the link may be opening the panel itself just now: opening it twice is opening it once
    tab.page.evaluate("document.querySelector('microneedling-assistant').open()")
    tab.accept()
    tab.page.wait_for_timeout(300)
    assert channel.calls("POST", "messages") == []


def test_events_tell_the_page_what_happens_but_never_what_is_said(visit, channel):
    channel.replies["throat is closing"] = fake.emergency
    tab = visit().go(f"{channel.url}/page")
    tab.page.evaluate("""() => {
      window.seen = [];
      const widget = document.querySelector('microneedling-assistant');
      for (const name of ['open', 'close', 'message', 'urgent']) {
        widget.addEventListener(name, (event) => seen.push([name, event.detail]));
      }
      window.addEventListener('message', () => seen.push(['window', null]));
    }""")
    tab.open().accept().say("throat is closing")
    tab.page.keyboard.press("Escape")
    seen = tab.page.evaluate("seen")
    assert [name for name, _ in seen] == ["open", "message", "message", "urgent", "close"]
    assert seen[3][1] == {"urgency": "emergency"} and seen[2][1] == {
        "from": "assistant",
        "kind": "triage",
    }
    assert "throat" not in str(seen) and "999" not in str(seen)


def test_two_tags_make_one_widget_and_no_global_name(visit, channel):
    bare = visit()
    bare.page.goto(f"{channel.url}/bare")
    channel.body = "<script async src='/webhooks/web/widget.js'></script>"
    tab = visit().go(f"{channel.url}/page").open().accept().say("does it hurt?")
    assert tab.page.locator("microneedling-assistant").count() == 1
    assert set(tab.page.evaluate("Object.keys(window)")) == set(
        bare.page.evaluate("Object.keys(window)")
    )


def test_without_storage_the_conversation_lasts_as_long_as_the_page(visit, channel):
    tab = visit()
    tab.page.add_init_script(
        "Object.defineProperty(window, 'sessionStorage', { get() { throw new DOMException('no',"
        " 'SecurityError'); } })"
    )
    tab.go(f"{channel.url}/page").open().accept().say("does it hurt?")
    assert tab.find(".turn").count() == 2


def test_the_panel_comes_before_the_click_but_runs_only_when_wanted(visit, channel):
    tab = visit().go(f"{channel.url}/page")
    tab.page.wait_for_function("document.querySelector('link[rel=modulepreload]')")
    assert tab.find(".panel").count() == 0
    tab.find(".launcher").hover()
    tab.find(".panel").wait_for(state="attached")
    assert channel.requests == []


def test_spanish_interface(visit, channel):
    channel.attributes["lang"] = "es"
    tab = visit(locale="es-ES").go(f"{channel.url}/page")
    assert tab.find(".launcher").inner_text() == "Haga una pregunta"
    tab.open()
    notice = tab.find(".notice").inner_text()
    assert (
        "no un profesional sanitario" in notice
        and "30 días" in notice
        and "999" in notice
        and "{" not in notice
    )
    tab.accept().say("does it hurt?")
    assert (
        tab.find(".panel").get_attribute("lang") == "es" and tab.find(".notice .text").count() == 0
    )
    spoken = "(e) => e.closest('[lang]').lang"
    for selector, language in (
        (".answer .text", "en"),
        (".chip", "en"),
        (".sources li a", "en"),
        (".caveat .label", "es"),
        ("summary", "es"),
        (".reviewed", "es"),
        (".thumb", "es"),
    ):
        assert tab.find(".turn").last.locator(selector).first.evaluate(spoken) == language, selector
    channel.replies["hola"] = turn(
        ("answer", "Lo siento, solo puedo responder en inglés."), kind="fallback"
    )
    channel.replies["hola"]["messages"][0]["language"] = "es"
    assert tab.say("hola").find(".turn").last.locator(".text").evaluate(spoken) == "es"
    tab.find(".menu-button").click()
    tab.find(".sheet").get_by_text("Sobre este asistente").click()
    assert tab.find(".sheet .text").evaluate(spoken) == "es"
    tab.page.keyboard.press("Escape")
    assert tab.find(".reviewed").inner_text() == "Revisado el 20 de noviembre de 2026"
    assert channel.calls("POST", "sessions")[0] == {"locale": "es"}


def test_spanish_falls_back_to_english_when_its_file_does_not_arrive(visit, channel):
    channel.attributes["lang"] = "es"
    tab = visit()
    tab.page.route("**/assets/es-*", lambda route: route.abort())
    tab.go(f"{channel.url}/page").open()
    assert (
        tab.find(".notice .primary").inner_text() == "I understand, start"
        and tab.find(".panel").get_attribute("lang") == "en"
    )
    tab.errors.clear()


def test_an_answer_without_sources_or_choices_is_plain(visit, channel):
    channel.replies["hello"] = turn(("answer", "Hello!"), kind="smalltalk", topics=("smalltalk",))
    tab = ready(visit, channel).say("hello")
    last = tab.find(".turn").nth(1)
    assert (
        last.locator(".sources, .choices").count() == 0
        and last.locator(".answer").inner_text() == "Hello!"
    )
