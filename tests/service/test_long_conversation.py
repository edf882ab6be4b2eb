"""A conversation of 220 turns over HTTP: nothing that was told is forgotten."""

import json

import pytest
import requests

from assistant import launch
from benchmarks.machine import processor_seconds
from tests.support.servers import Assistant, Visitor, spoken

#: Most processor time that the last turns may take against the first (the bar is measured by
#: benchmarks.costs; this notices when it grows with the turns again: it was 8).
GROWTH = 2.5
QUESTIONS = (
    "how long will i be red",
    "what does it cost",
    "does it hurt",
    "how many sessions do i need",
)


@pytest.fixture
def assistant(tmp_path):
    """A server of this test's own: its processor time is looked at."""
    launch.train()
    running = Assistant(tmp_path)
    try:
        yield running.wait()
    finally:
        running.end()


def test_what_was_told_first_is_in_the_caution_of_turn_220(assistant):
    """The pregnancy of turn 1 is in the answer to turn 220, the last turns take about as much
    processor time as the first, and the history has them all."""
    visitor = Visitor(assistant.url)
    processes = [assistant.rasa.pid, assistant.actions.pid]
    visitor.say("i am 20 weeks pregnant")
    spent = [processor_seconds(processes)]
    for number in range(218):
        visitor.say(QUESTIONS[number % 4])
        spent.append(processor_seconds(processes))
    last = visitor.say("can i have microneedling on my face")
    assert "pregnan" in spoken(last).lower(), json.dumps(last)
    assert spent[-1] - spent[-41] < GROWTH * (spent[44] - spent[4])
    history = requests.get(visitor.url + "/messages", headers=visitor.headers, timeout=60)
    assert sum(turn["from"] == "visitor" for turn in history.json()["turns"]) == 220
    visitor.say("please forget my health details")
    gone = requests.delete(visitor.url + "/sessions", headers=visitor.headers, timeout=60)
    assert gone.status_code == 204
    after = requests.get(visitor.url + "/messages", headers=visitor.headers, timeout=60)
    assert after.status_code == 401
