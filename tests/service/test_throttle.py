"""Rate limits of a running assistant."""

import asyncio
import re
import time
from types import SimpleNamespace

import jwt
import pytest
import requests
from multidict import CIMultiDict

from assistant import launch, paths
from assistant.clinic import Limits
from assistant.rasa.throttle import Throttle
from tests.support.servers import Assistant, Visitor, free_port, spoken


class Headers(CIMultiDict):
    getall = CIMultiDict.getall


def call(peer, *forwarded):
    return SimpleNamespace(
        ip=peer, headers=Headers([("X-Forwarded-For", value) for value in forwarded])
    )


def waits(throttle, request, calls, **what):
    async def all_of_them():
        return [
            await throttle.check(
                request, Limits(messages_a_minute=3, calls_a_minute=5, sessions_a_minute=2), **what
            )
            for _ in range(calls)
        ]

    return asyncio.run(all_of_them())


def test_without_redis_each_process_counts_for_itself(monkeypatch, caplog):
    monkeypatch.setenv("ASSISTANT_REDIS_URL", f"redis://127.0.0.1:{free_port()}/0")
    assert [bool(wait) for wait in waits(Throttle(), call("203.0.113.9"), 3, opening=True)] == [
        False,
        False,
        True,
    ]
    assert caplog.text.count("Redis does not answer") == 1


@pytest.fixture(scope="module")
def strict(tmp_path_factory):
    """An assistant whose clinic allows three messages a minute, and smaller ones."""
    launch.train()
    folder = tmp_path_factory.mktemp("strict")
    text = re.sub(r"\nlimits:\n.*", "", (paths.ROOT / "clinic.yml").read_text("utf-8"), flags=re.S)
    (folder / "clinic.yml").write_text(
        text
        + "\nlimits: {messages_a_minute: 3, sessions_a_minute: 4, calls_a_minute: 12, characters:"
        " 500, body_kilobytes: 32, token_hours: 2}\n",
        "utf-8",
    )
    running = Assistant(folder, CLINIC_FILE=str(folder / "clinic.yml"))
    try:
        yield running.wait()
    finally:
        running.end()


def test_too_many_messages_are_refused_kindly_and_a_danger_sign_is_answered(strict):
    through = {"X-Forwarded-For": "203.0.113.50"}
    opened = requests.post(strict.url + "/sessions", json={}, headers=through, timeout=30).json()
    headers = {**through, "Authorization": f"Bearer {opened['token']}"}

    def say(text):
        return requests.post(
            strict.url + "/messages", json={"text": text}, headers=headers, timeout=30
        )

    answers = [say("does it hurt") for _ in range(4)]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
    refused = answers[-1]
    assert (
        refused.headers["content-type"] == "application/problem+json"
        and 1 <= int(refused.headers["Retry-After"]) <= 61
    )
    assert (
        refused.json()["status"] == 429
        and "seconds" in refused.json()["detail"]
        and "{" not in refused.json()["detail"]
    )
    urgent = say("my throat is closing up and i cannot breathe")
    assert (
        urgent.status_code == 200
        and urgent.json()["turn"]["urgency"] == "emergency"
        and "999" in spoken(urgent.json()["turn"])
    )
    opened = [
        requests.post(strict.url + "/sessions", json={}, headers=through, timeout=30).status_code
        for _ in range(4)
    ]
    assert opened == [201, 201, 201, 429]


def test_health_and_deletion_count_as_calls_but_life_does_not(strict):
    opened = requests.post(strict.url + "/sessions", json={}, timeout=30).json()
    headers = {"X-Forwarded-For": "203.0.113.60", "Authorization": f"Bearer {opened['token']}"}
    assert [
        requests.get(strict.url + "/health", headers=headers, timeout=30).status_code
        for _ in range(13)
    ] == [200] * 12 + [429]
    refused = requests.delete(strict.url + "/sessions", headers=headers, timeout=30)
    assert refused.status_code == 429 and int(refused.headers["Retry-After"]) >= 1
    assert requests.get(strict.url + "/live", headers=headers, timeout=30).status_code == 200


def test_sizes_and_the_tokens_life_are_the_clinics(strict):
    visitor = Visitor(strict.url)
    assert visitor.opened["expires_in"] == 2 * 3600
    assert jwt.decode(visitor.opened["token"], options={"verify_signature": False})[
        "exp"
    ] == pytest.approx(time.time() + 7200, abs=120)
    assert requests.get(strict.url + "/clinic", timeout=30).json()["characters"] == 500
    assert "one go" in spoken(visitor.say("does it hurt? " * 40))
    answer = visitor.post(
        "/messages",
        data=b'{"text": "' + b"a" * 33_000 + b'"}',
        headers={"Content-Type": "application/json"},
    )
    assert answer.status_code == 413 and "32 KB" in answer.json()["detail"]
