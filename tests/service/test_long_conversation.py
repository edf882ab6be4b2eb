"""A conversation of 220 turns over HTTP: nothing that was told is forgotten."""

import json

from tests.support.servers import spoken
from tests.test_stores import state  # noqa: F401 - a fixture

#: Most that turn 200 may take against turn 2 (the bar is measured by benchmarks.costs; this notices
#: when it grows with the turns again: it was 8).
GROWTH = 2.5


def test_what_was_told_first_is_in_the_caution_of_turn_220(visitor):
    """Over HTTP: the pregnancy of turn 1 is in the answer to turn 220, which takes about as long as
    turn 2, and the history has them all."""
    import statistics
    import time

    visitor.say("i am 20 weeks pregnant")
    questions, seconds = (
        [
            "how long will i be red",
            "what does it cost",
            "does it hurt",
            "how many sessions do i need",
        ],
        [],
    )
    for number in range(218):
        started = time.perf_counter()
        visitor.say(questions[number % 4])
        seconds.append(time.perf_counter() - started)
    last = visitor.say("can i have microneedling on my face")
    assert "pregnan" in spoken(last).lower(), json.dumps(last)
    assert statistics.median(seconds[-20:]) < GROWTH * statistics.median(seconds[:20])
    import requests

    history = requests.get(visitor.url + "/messages", headers=visitor.headers, timeout=60).json()[
        "turns"
    ]
    assert sum(turn["from"] == "visitor" for turn in history) == 220
    visitor.say("please forget my health details")
    assert (
        requests.delete(visitor.url + "/sessions", headers=visitor.headers, timeout=30).status_code
        == 204
    )
    assert (
        requests.get(visitor.url + "/messages", headers=visitor.headers, timeout=30).status_code
        == 401
    )
