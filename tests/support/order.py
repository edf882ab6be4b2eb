"""In which order files are handed out to the test processes: those that take longest first, so that
none of them is still at work when the others are done; or at random, by a seed (`make flaky`)."""

import random
from collections import Counter
from typing import List

import pytest

#: The files that take longest, by their time of their own on two quiet processors (the durations at
#: the end of a run).
LONGEST_FIRST = (
    # system
    "tests/system/test_faults.py",
    "tests/system/test_cluster.py",
    "tests/system/test_readme.py",
    "tests/system/test_benchmarks.py",
    "tests/system/test_patches.py",
    "tests/system/test_workers.py",
    "tests/system/test_commands.py",
    "tests/system/test_stories.py",
    # widget
    "tests/widget/test_conversation.py",
    "tests/widget/test_access.py",
    "tests/widget/test_hostile.py",
    "tests/widget/test_served.py",
    # service
    "tests/service/test_web.py",
    "tests/service/test_delivery.py",
    "tests/service/test_handoff.py",
    "tests/service/test_api.py",
    "tests/service/test_http_edge.py",
    "tests/service/test_conversations.py",
    # unit
    "tests/unit/test_understanding.py",
    "tests/unit/test_safety.py",
    "tests/unit/test_fuzz.py",
    "tests/unit/test_components.py",
    "tests/unit/test_benchmarks.py",
    "tests/unit/test_training_data.py",
)


def file_of(item: pytest.Item) -> str:
    """The file of a test, from the project's root."""
    return item.nodeid.split("::", 1)[0]


def longest_first(items: List[pytest.Item]) -> None:
    """Order the tests by file, the long ones first, then those with most tests; in a file the order
    stays."""
    rank = {name: place for place, name in enumerate(LONGEST_FIRST)}
    tests = Counter(map(file_of, items))

    def place(item: pytest.Item):
        name = file_of(item)
        return rank.get(name, len(rank)), -tests[name], name

    items.sort(key=place)


def at_random(items: List[pytest.Item], seed: str) -> None:
    """Order the files, and in each file the tests, as `seed` has it: the same in every process."""
    chance = random.Random(seed)
    items.sort(key=lambda item: item.nodeid)
    files = sorted(set(map(file_of, items)))
    place = dict(zip(files, chance.sample(range(len(files)), len(files))))
    keys = {item: (place[file_of(item)], chance.random()) for item in items}
    items.sort(key=keys.__getitem__)
