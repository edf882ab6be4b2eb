"""What is written arrives, the urgent first; every tab and page shows the whole conversation."""

import threading
import urllib.parse

import pytest

from tests.widget import fake
from tests.widget.test_conversation import delete, ready


def said(channel):
    """The texts of the messages so far, in the order in which they came."""
    return [body.get("text") for body in channel.calls("POST", "messages")]


@pytest.mark.parametrize("status", [429, 503, 500])
def test_an_urgent_message_does_not_wait_behind_one_that_failed(visit, channel, status):
    channel.replies["my tongue is swelling"] = fake.emergency
    tab = ready(visit, channel)
    channel.fail("messages", status, Retry_After="600")
    tab.say("does it hurt?", wait=False)
    tab.find(".problem").wait_for()
    channel.held, channel.hold = ("does it hurt?",), threading.Event()
    tab.say("my tongue is swelling")
    assert tab.find(".turn").last.locator(".urgent.emergency .call").first.is_visible()
    # The question that waits stands below, and nothing of it is lost.
    assert tab.find(".visitor .bubble").all_inner_texts() == [
        "my tongue is swelling",
        "does it hurt?",
    ]
    channel.hold.set()
    if status == 429:  # not again before its time, unless the visitor says so
        assert said(channel) == ["does it hurt?", "my tongue is swelling"]
        assert tab.find(".visitor small").inner_text() == "Not sent yet"
        tab.find(".problem button").click()
    tab.find(".turn").nth(2).wait_for()
    assert tab.find(".visitor small").count() == 0 and tab.find(".problem").count() == 0


def test_an_urgent_message_does_not_wait_behind_replies_that_do_not_come(visit, channel):
    channel.replies["my tongue is swelling"] = fake.emergency
    slow = tuple(f"question {number}" for number in range(7))
    channel.held, channel.hold = slow, threading.Event()
    tab = ready(visit, channel)
    for count, text in enumerate(slow, 1):
        tab.say(text, wait=False)
        channel.wait(messages=count)
    tab.say("my tongue is swelling", wait=False)
    card = tab.find(".urgent.emergency")
    card.wait_for()
    scroll, box = tab.find(".scroll").bounding_box(), card.bounding_box()
    assert scroll["y"] <= box["y"] < scroll["y"] + scroll["height"]
    channel.hold.set()
    tab.find(".turn").nth(8).wait_for()
    tab.find(".typing").wait_for(state="detached")
    assert tab.find(".turn").count() == 9 and tab.find(".visitor").count() == 8
    # Some were asked for again by their client_id, and none was answered twice.
    assert sorted(set(said(channel))) == sorted(["my tongue is swelling", *slow])
    assert len(channel.answered) == 8


PAGESHOW = "dispatchEvent(new PageTransitionEvent('pageshow', { persisted: true }))"


def test_a_page_out_of_the_browsers_memory_shows_what_was_said_since(visit, channel):
    tab = ready(visit, channel).say("does it hurt?")
    tab.page.evaluate("dispatchEvent(new PageTransitionEvent('pagehide', { persisted: true }))")
    (conversation,) = channel.sessions.values()
    caution = fake.turn(("caution", "A caution about what was told."))
    conversation += [
        {"from": "visitor", "text": "i take warfarin"},
        {"from": "assistant", "turn": caution},
    ]
    tab.page.evaluate(PAGESHOW)
    tab.find(f".turn[data-id={caution['id']}]").wait_for()
    assert tab.find(".visitor .bubble").all_inner_texts() == ["does it hurt?", "i take warfarin"]
    assert tab.find(".turn").count() == 3
    # Deleted on the page after it: nothing of it comes back.
    tab.page.evaluate("sessionStorage.clear()")
    tab.page.evaluate(PAGESHOW)
    tab.find(".card").get_by_text("has been deleted").wait_for()
    assert tab.find(".turn").count() == 0


def test_a_second_tab_shows_the_same_conversation_and_its_deletion(visit, channel):
    tab = ready(visit, channel).say("does it hurt?")
    with tab.context.expect_page() as opened:
        tab.page.evaluate("() => { window.open('/other'); }")
    other = tab.beside(opened.value)
    other.find(".turn").nth(1).wait_for()
    other.say("and the second time?")
    tab.find(".turn").nth(2).wait_for()
    tab.page.bring_to_front()  # a browser draws little of a tab behind
    tab.say("and after?")
    other.find(".turn").nth(3).wait_for()
    texts = ["does it hurt?", "and the second time?", "and after?"]
    for one in (tab, other):
        assert one.find(".visitor .bubble").all_inner_texts() == texts
    assert len(channel.calls("POST", "sessions")) == 1
    delete(tab)
    for one in (tab, other):
        one.find(".card").get_by_text("has been deleted").wait_for()
        assert one.find(".turn").count() == 0
        kept = one.page.evaluate("Object.keys(sessionStorage).filter((n) => !n.endsWith(' open'))")
        assert kept == []
    assert channel.sessions == {}


def test_a_tab_that_is_come_back_to_shows_what_was_said_meanwhile(visit, channel):
    tab = ready(visit, channel).say("does it hurt?")
    (conversation,) = channel.sessions.values()
    conversation += [
        {"from": "visitor", "text": "and for men?"},
        {"from": "assistant", "turn": fake.turn(("answer", "The same for everybody."))},
    ]
    tab.page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    tab.find(".turn").nth(2).wait_for()
    assert tab.find(".visitor .bubble").all_inner_texts() == ["does it hurt?", "and for men?"]
    channel.expire()
    tab.page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    assert "expired" in tab.find(".note").inner_text()


@pytest.mark.parametrize(
    "key", [{"keyCode": 229}, {"isComposing": True}], ids=["Safari", "other browsers"]
)
def test_the_enter_of_an_input_method_does_not_send(visit, channel, key):
    tab = ready(visit, channel)
    tab.find("#box").fill("テスト")
    kept = tab.find("#box").evaluate(
        """(box, key) => {
          const enter = { key: 'Enter', bubbles: true, cancelable: true, ...key };
          return box.dispatchEvent(new KeyboardEvent('keydown', enter));
        }""",
        key,
    )
    assert kept and tab.find("#box").input_value() == "テスト"
    tab.find("#box").press("Enter")
    tab.find(".turn").nth(1).wait_for()
    assert said(channel) == ["テスト"]


def test_what_waits_is_sent_by_itself_when_the_server_is_back(visit, channel):
    channel.fail("clinic", 503, Retry_After="1")
    tab = visit().go(f"{channel.url}/page").open()
    assert "tried again by itself" in tab.find(".problem").inner_text()
    tab.find(".notice").wait_for()
    channel.fail("sessions", 503, Retry_After="1")
    tab.accept()
    channel.fail("messages", 503, Retry_After="1")
    tab.say("does it hurt?")
    assert tab.find(".problem").count() == 0 and said(channel) == ["does it hurt?"] * 2
    channel.fail("messages", 429, Retry_After="1")
    tab.say("and after?")
    assert tab.find(".problem").count() == 0 and len(channel.answered) == 2


def test_a_website_that_is_not_named_is_told_so(visit, channel):
    # The channel allows no other origin, as the server does for a website it does not know.
    tab = visit(permissions=["local-network-access"])
    port = urllib.parse.urlsplit(channel.url).port
    page = f"<body><script async src='{channel.url}/webhooks/web/widget.js'></script>"
    address = f"http://localhost:{port}/elsewhere"
    tab.context.route(address, lambda route: route.fulfill(body=page, content_type="text/html"))
    tab.go(address).open()
    problem = tab.find(".problem").inner_text()
    assert "cannot be used on this website" in problem and "offline" not in problem
    (named,) = [error for error in tab.errors if "website_origins" in error]
    assert f"http://localhost:{port} is not named" in named
    assert all("CORS" in error for error in tab.errors)
    tab.errors.clear()


def test_a_question_that_the_page_asks_is_an_event_too(visit, channel):
    tab = visit().go(f"{channel.url}/page")
    tab.page.evaluate("""() => {
      window.seen = [];
      const widget = document.querySelector('microneedling-assistant');
      widget.addEventListener('message', ({ detail }) => seen.push(detail));
      return widget.ask('pain');
    }""")
    tab.accept().find(".turn").nth(1).wait_for()
    assert tab.page.evaluate("seen") == [
        {"from": "visitor", "kind": "topic"},
        {"from": "assistant", "kind": "answer"},
    ]
    with tab.page.expect_console_message(lambda one: one.type == "warning") as warning:
        tab.page.evaluate("document.querySelector('microneedling-assistant').ask('nosuch')")
    assert 'there is no topic "nosuch"' in warning.value.text
    assert len(tab.page.evaluate("seen")) == 2
