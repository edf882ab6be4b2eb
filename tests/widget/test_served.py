"""The widget as the real server serves it: compression, caching, policy, the demo page, and one
conversation with the real assistant."""

import re

import pytest
import requests

from assistant import contact
from assistant.rasa.assets import preferred
from tests.widget.browser import SIZES

pytestmark = pytest.mark.slow


def panel_address(url):
    return (
        url
        + "/"
        + re.search(
            r"assets/panel-\w+\.js", requests.get(url + "/widget.js", timeout=30).text
        ).group()
    )


def test_the_launcher_is_asked_for_again_and_the_hashed_files_are_kept(assistant):
    launcher = requests.get(assistant.url + "/widget.js", timeout=30)
    panel = requests.get(panel_address(assistant.url), timeout=30)
    assert (
        launcher.headers["Cache-Control"] == "public, max-age=600"
        and panel.headers["Cache-Control"] == "public, max-age=31536000, immutable"
    )
    for answer in (launcher, panel):
        assert (
            answer.headers["Content-Type"] == "text/javascript; charset=utf-8"
            and answer.headers["X-Content-Type-Options"] == "nosniff"
        )
        assert (
            answer.headers["Access-Control-Allow-Origin"] == "*"
            and answer.headers["Vary"] == "Accept-Encoding"
        )
        again = requests.get(
            answer.url, headers={"If-None-Match": answer.headers["ETag"]}, timeout=30
        )
        assert again.status_code == 304 and not again.content


def test_a_launcher_from_before_an_update_still_gets_its_panel(assistant):
    newest = requests.get(panel_address(assistant.url), timeout=30)
    before = requests.get(re.sub(r"panel-\w+", "panel-0123456789", newest.url), timeout=30)
    assert (
        before.status_code == 200
        and before.content == newest.content
        and before.headers["Content-Type"] == newest.headers["Content-Type"]
    )
    assert before.headers["Cache-Control"] == "no-cache"  # the name does not say what is in it
    assert requests.get(assistant.url + "/assets/es-0123456789.js", timeout=30).status_code == 200


@pytest.mark.parametrize(
    "accepted, coding",
    [("br, gzip", "br"), ("gzip, deflate", "gzip"), ("identity", None), ("br;q=0, gzip", "gzip")],
)
def test_files_come_compressed_as_the_browser_asks(assistant, accepted, coding):
    plain = requests.get(
        panel_address(assistant.url), headers={"Accept-Encoding": "identity"}, timeout=30
    )
    answer = requests.get(
        panel_address(assistant.url), headers={"Accept-Encoding": accepted}, timeout=30, stream=True
    )
    assert answer.headers.get("Content-Encoding") == coding
    assert (int(answer.headers["Content-Length"]) < len(plain.content) / 2) == (coding is not None)


@pytest.mark.parametrize(
    "accepted, coding",
    [
        ("", "identity"),
        ("*", "br"),
        ("gzip;q=1.0, br;q=0.0", "gzip"),
        ("GZIP", "gzip"),
        ("br;q=x", "identity"),
        ("*;q=0", "identity"),
    ],
)
def test_the_coding_that_is_preferred(accepted, coding):
    assert preferred(accepted, {"identity": b"", "br": b"", "gzip": b""}) == coding


@pytest.mark.parametrize(
    "name",
    [
        "nothing.js",
        "nothing-0123456789.js",
        "panel-01234567.js",
        "panel-0123456789.svg",
        "panel.js",
        "..%2f..%2fclinic.yml",
        "panel.js.gz",
        "%00",
    ],
)
def test_nothing_else_is_served(assistant, name):
    answer = requests.get(f"{assistant.url}/assets/{name}", timeout=30)
    assert (
        answer.status_code == 404 and answer.headers["Content-Type"] == "application/problem+json"
    )


def test_the_clinics_card_and_a_topics_question(assistant, kb):
    card = requests.get(assistant.url + "/clinic", timeout=30).json()
    assert card == contact.card(kb)
    assert (
        card["phone"] == {"text": "+44 20 7946 0958", "tel": "+442079460958"}
        and "not a clinician" in card["notice"]
    )
    topic = requests.get(assistant.url + "/topics/pain", timeout=30).json()
    assert topic["question"] == kb.topic("pain").question
    assert requests.get(assistant.url + "/topics/nothing", timeout=30).status_code == 404


def test_only_numbers_to_call_are_offered_as_links(kb):
    # 85258 is for text messages.
    assert [number["tel"] for number in contact.numbers(kb)] == [
        "+442079460958",
        "999",
        "111",
        "116123",
        "08082000247",
    ]


def test_the_demo_page_fills_in_the_clinics_facts_under_its_policy(assistant):
    page = requests.get(assistant.url + "/demo", timeout=30)
    policy = page.headers["Content-Security-Policy"]
    for words in (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "connect-src 'self'",
        "img-src 'self'",
        "require-trusted-types-for 'script'",
    ):
        assert words in policy
    for words in (
        "Moonwort Skin Clinic",
        "tel:+442079460958",
        "£180",
        "Tuesday to Wednesday",
        "12 Invented Lane",
    ):
        assert words in page.text, words
    assert "$" not in page.text and "style=" not in page.text


@pytest.mark.parametrize("size", list(SIZES))
def test_a_conversation_on_the_demo_page(assistant, visit, size):
    tab = visit(size, reduced_motion="reduce").go(assistant.url + "/demo")
    assert (
        tab.page.locator("#code").inner_text()
        == f'<script async src="{assistant.url}/widget.js" data-color="#2f6f6a" data-phone="+44 20'
        ' 7946 0958"></script>'
    )
    assert tab.page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    tab.page.locator("a[href='#ask=pain']").click()
    tab.find(".notice").wait_for()
    tab.accept()
    tab.find(".turn").nth(1).wait_for()
    assert tab.find(".visitor .bubble").inner_text() == "Does microneedling hurt?"
    assert tab.find(".turn").nth(1).locator(".sources").count() == 1
    tab.find(".turn").nth(1).locator(".chip").first.click()
    tab.find(".turn").nth(2).wait_for()
    tab.say("my throat is swelling and I cannot breathe")
    assert tab.find(".urgent.emergency .call").first.get_attribute("href") == "tel:999"
    tab.find(".thumb").last.click()
    tab.find(".feedback input").fill("clear")
    tab.find(".feedback form button").click()
    tab.find(".thanks").wait_for()
    tab.page.reload()
    if size != "desktop":
        tab.open()
    tab.find(".urgent.emergency").wait_for()
    tab.find(".menu-button").click()
    tab.find(".sheet").get_by_text("Delete my conversation").click()
    tab.find(".sheet .danger").click()
    tab.find(".card").get_by_text("has been deleted").wait_for()


def elsewhere(tab, assistant, address):
    """Open a website of another origin that embeds the widget as the documentation says, with the
    policy that it names."""
    server = assistant.url.split("/webhooks")[0]
    page = (
        "<!doctype html><html lang='en'><title>Elsewhere</title><body><h1>Elsewhere</h1><script"
        f" async src='{assistant.url}/widget.js'></script></body></html>"
    )
    policy = f"default-src 'none'; script-src {server}; connect-src {server}"
    tab.context.route(
        address,
        lambda route: route.fulfill(
            body=page, content_type="text/html", headers={"Content-Security-Policy": policy}
        ),
    )
    tab.go(address).find(".launcher").click()


def test_embedded_in_a_website_that_the_clinic_names(assistant, kb, visit):
    tab, address = visit(permissions=["local-network-access"]), kb.clinic.website_origins[0] + "/"
    elsewhere(tab, assistant, address)
    tab.find(".notice").wait_for()
    tab.accept().say("does it hurt?")
    assert tab.outside == [address]  # the page itself, answered by the test
    tab.outside.clear()


def test_a_website_that_the_clinic_does_not_name_gets_no_conversation(assistant, visit):
    tab = visit(permissions=["local-network-access"])
    elsewhere(tab, assistant, "http://localhost:6199/")
    tab.find(".problem").wait_for()
    assert tab.errors and all("CORS" in error for error in tab.errors)
    tab.errors.clear()
