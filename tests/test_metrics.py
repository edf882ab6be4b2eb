"""The figures for Prometheus: what they count, and who may see them."""

import pytest
import requests
from prometheus_client.parser import text_string_to_metric_families

from assistant import paths
from assistant.cluster.nginx import Nginx
from assistant.rasa import observe
from tests.servers import Visitor


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


class Asked:
    """A request as `allowed` looks at it."""

    def __init__(self, ip, **headers):
        self.ip, self.headers = ip, headers


def test_addresses_and_token(monkeypatch):
    assert (
        observe.allowed(Asked("127.0.0.1"))
        and observe.allowed(Asked("::1"))
        and not observe.allowed(Asked("10.1.2.3"))
    )
    monkeypatch.setenv("ASSISTANT_METRICS_ALLOW", "10.1.0.0/16, 192.168.7.7")
    assert (
        observe.allowed(Asked("10.1.2.3"))
        and observe.allowed(Asked("192.168.7.7"))
        and not observe.allowed(Asked("10.2.2.3"))
    )
    monkeypatch.setenv("ASSISTANT_METRICS_ALLOW", "nonsense")
    assert not observe.allowed(Asked("10.1.2.3"))
    monkeypatch.setenv("ASSISTANT_METRICS_TOKEN", "s3cret")
    assert (
        observe.allowed(Asked("10.9.9.9", authorization="Bearer s3cret"))
        and not observe.allowed(Asked("127.0.0.1"))
        and not observe.allowed(Asked("127.0.0.1", authorization="Bearer wrong"))
    )


def test_nginx_never_passes_the_metrics_on(tmp_path):
    Nginx(tmp_path, 7301, 7302).write([7303], [7304])
    block = (
        (tmp_path / "nginx.conf")
        .read_text("utf-8")
        .split("location = /webhooks/web/metrics {", 1)[1]
        .split("}", 1)[0]
    )
    assert "return 404" in block and "proxy_pass" not in block


def test_every_metric_is_documented():
    text = (paths.ROOT / "docs" / "operations.md").read_text("utf-8")
    names = {
        f"{family.name}_total" if family.type == "counter" else family.name
        for family in observe.registry.collect()
        if family.name.startswith("assistant_")
    }
    assert {name for name in names if f"`{name}`" not in text} == set()


def test_a_database_that_is_away_hides_no_other_figure():
    page = observe.page(None, 3, "abc").decode()
    assert (
        "assistant_requests_undelivered NaN" in page
        and "assistant_turns_unwritten 3.0" in page
        and 'assistant_model_info{model="abc"} 1.0' in page
    )
