"""The figures for Prometheus of a running assistant."""

import pytest
import requests
from prometheus_client.parser import text_string_to_metric_families

from assistant import launch
from tests.support.servers import Assistant, Visitor


@pytest.fixture(scope="module")
def assistant(tmp_path_factory):
    """A server of this module's own: it counts everything that anybody says to it."""
    launch.train()
    running = Assistant(tmp_path_factory.mktemp("metrics"))
    try:
        yield running.wait()
    finally:
        running.end()


def figures(url, **headers):
    """Samples by name and labels."""
    answer = requests.get(url + "/metrics", headers=headers, timeout=30)
    assert answer.status_code == 200 and answer.headers["content-type"].startswith("text/plain")
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }


def gained(before, after, name, **labels):
    key = (name, tuple(sorted(labels.items())))
    return after.get(key, 0) - before.get(key, 0)


def test_turns_topics_urgency_latency_errors_and_model_are_counted(assistant, kb):
    visitor, before = Visitor(assistant.url), figures(assistant.url)
    visitor.say("does microneedling hurt")
    assert visitor.say("I can't breathe and my lips are swelling")["urgency"] == "emergency"
    assert visitor.post("/messages", json={"text": 1}).status_code == 400
    after = figures(assistant.url)
    assert gained(before, after, "assistant_turns_total", kind="answer", urgency="none") == 1
    assert gained(before, after, "assistant_turns_total", kind="triage", urgency="emergency") == 1
    assert gained(before, after, "assistant_topics_total", topic="pain") == 1
    assert gained(before, after, "assistant_turn_seconds_count") == 2
    assert gained(before, after, "assistant_errors_total", where="http_400") == 1
    model = requests.get(assistant.url + "/health", timeout=30).json()["model"]
    assert after["assistant_model_info", (("model", model),)] == 1
    assert (
        after["assistant_messages_outstanding", ()] == 0
        and after["assistant_turns_unwritten", ()] == 0
    )
    assert {
        dict(labels)["topic"] for name, labels in after if name == "assistant_topics_total"
    } <= {*kb.topics, "unknown"}


def test_requests_and_their_delivery_are_counted(assistant):
    before = figures(assistant.url)
    visitor = Visitor(assistant.url)
    for text in ("I want to talk to a person", "yes", "Nadia", "07700 900461"):
        visitor.say(text)
    after = figures(assistant.url)
    assert (
        sum(
            gained(before, after, "assistant_contact_requests", status=status)
            for status in ("draft", "open")
        )
        == 1
    )
    assert ("assistant_requests_undelivered", ()) in after


@pytest.mark.parametrize("header", ["X-Forwarded-For", "X-Real-IP", "Forwarded", "X-Request-ID"])
def test_what_a_proxy_passes_on_is_refused_like_an_address_that_does_not_exist(assistant, header):
    refused = requests.get(assistant.url + "/metrics", headers={header: "127.0.0.1"}, timeout=30)
    nothing = requests.get(assistant.url + "/nothing", timeout=30)
    assert (refused.status_code, refused.json()) == (404, nothing.json())
