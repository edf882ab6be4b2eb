"""Rate limits: whose address counts, what is refused, and that a danger sign never is."""
import asyncio
import re
from types import SimpleNamespace

import pytest
import requests
from multidict import CIMultiDict

from assistant import clinic, launch, paths
from assistant.clinic import Limits
from assistant.rasa.throttle import Throttle, address_of
from tests.servers import Assistant, free_port, spoken

TRUSTED = Limits().trusted_proxies


class Headers(CIMultiDict):
    getall = CIMultiDict.getall


def call(peer, *forwarded):
    return SimpleNamespace(ip=peer, headers=Headers([("X-Forwarded-For", value) for value in forwarded]))


@pytest.mark.parametrize("peer, forwarded, address", [
    ("127.0.0.1", [], None), ("::1", [], None), ("203.0.113.9", [], "203.0.113.9"),
    ("127.0.0.1", ["203.0.113.9"], "203.0.113.9"),
    ("127.0.0.1", ["198.51.100.7, 203.0.113.9"], "203.0.113.9"),  # the left one is what the client says of itself
    ("127.0.0.1", ["198.51.100.7", "203.0.113.9"], "203.0.113.9"),
    ("203.0.113.9", ["198.51.100.7"], "203.0.113.9"),  # a client that names another address
    ("203.0.113.9", ["127.0.0.1"], "203.0.113.9"),
    ("127.0.0.1", ["203.0.113.9, 127.0.0.1"], "203.0.113.9"),
    ("127.0.0.1", ["2001:db8:1:2:3:4:5:6"], "2001:db8:1:2::/64"), ("127.0.0.1", ["[2001:db8:1:2::9]"], "2001:db8:1:2::/64"),
    ("::ffff:203.0.113.9", [], "203.0.113.9"), ("127.0.0.1", ["nonsense"], None), ("203.0.113.9", ["nonsense"], "203.0.113.9"),
])
def test_whose_address_counts(peer, forwarded, address):
    assert address_of(call(peer, *forwarded), TRUSTED) == address


def test_a_proxy_that_is_not_named_is_a_client():
    assert address_of(call("10.0.0.5", "203.0.113.9"), TRUSTED) == "10.0.0.5"
    assert address_of(call("10.0.0.5", "203.0.113.9"), [*TRUSTED, "10.0.0.0/8"]) == "203.0.113.9"


def waits(throttle, request, calls, **what):
    async def all_of_them():
        return [await throttle.check(request, Limits(messages_a_minute=3, calls_a_minute=5, sessions_a_minute=2), **what) for _ in range(calls)]

    return asyncio.run(all_of_them())


def test_each_limit_is_counted_by_itself():
    throttle, one, other = Throttle(), call("203.0.113.9"), call("203.0.113.10")
    first = waits(throttle, one, 4, session="a")
    assert first[:3] == [None] * 3 and 1 <= first[3] <= 61
    assert waits(throttle, one, 2, session="b")[0] is None  # another conversation of the same address
    assert waits(throttle, one, 1, session="c")[0] >= 1  # the address has had its five
    assert waits(throttle, other, 1, session="d") == [None]
    assert [bool(wait) for wait in waits(throttle, one, 3, opening=True)] == [False, False, True]
    assert waits(throttle, call("127.0.0.1"), 50, session="e") == [None] * 50


def test_without_redis_each_process_counts_for_itself(monkeypatch, caplog):
    monkeypatch.setenv("ASSISTANT_REDIS_URL", f"redis://127.0.0.1:{free_port()}/0")
    assert [bool(wait) for wait in waits(Throttle(), call("203.0.113.9"), 3, opening=True)] == [False, False, True]
    assert caplog.text.count("Redis does not answer") == 1


@pytest.fixture(scope="module")
def strict(tmp_path_factory):
    """An assistant whose clinic allows three messages a minute."""
    launch.train()
    folder = tmp_path_factory.mktemp("strict")
    text = re.sub(r"\nlimits:\n.*", "", (paths.ROOT / "clinic.yml").read_text("utf-8"), flags=re.S)
    (folder / "clinic.yml").write_text(text + "\nlimits: {messages_a_minute: 3, sessions_a_minute: 4}\n", "utf-8")
    running = Assistant(folder, CLINIC_FILE=str(folder / "clinic.yml"))
    try:
        yield running.wait()
    finally:
        running.end()


@pytest.mark.slow
def test_too_many_messages_are_refused_kindly_and_a_danger_sign_is_answered(strict):
    through = {"X-Forwarded-For": "203.0.113.50"}
    opened = requests.post(strict.url + "/sessions", json={}, headers=through, timeout=30).json()
    headers = {**through, "Authorization": f"Bearer {opened['token']}"}

    def say(text):
        return requests.post(strict.url + "/messages", json={"text": text}, headers=headers, timeout=30)

    answers = [say("does it hurt") for _ in range(4)]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
    refused = answers[-1]
    assert refused.headers["content-type"] == "application/problem+json" and 1 <= int(refused.headers["Retry-After"]) <= 61
    assert refused.json()["status"] == 429 and "seconds" in refused.json()["detail"] and "{" not in refused.json()["detail"]
    urgent = say("my throat is closing up and i cannot breathe")
    assert urgent.status_code == 200 and urgent.json()["turn"]["urgency"] == "emergency" and "999" in spoken(urgent.json()["turn"])
    opened = [requests.post(strict.url + "/sessions", json={}, headers=through, timeout=30).status_code for _ in range(4)]
    assert opened == [201, 201, 201, 429]


def test_a_wrong_limit_names_its_line(tmp_path):
    from assistant.yamlfile import ContentError

    path = tmp_path / "clinic.yml"
    path.write_text("name: Test Clinic\nphone: '+44 20 7946 0000'\ncountry: GB\nlimits:\n  trusted_proxies: [the balancer]\n", "utf-8")
    with pytest.raises(ContentError, match="clinic.yml:5 .*neither an address nor a network"):
        clinic.load_clinic(path)
