"""The order of tests by time and by chance, and what `make flaky` makes of its rounds."""

import pytest

from assistant import paths
from tests.support import flaky, order


class Item:
    """What the orders look at."""

    def __init__(self, nodeid):
        self.nodeid = nodeid


def items():
    return [Item(f"tests/unit/test_{file}.py::test_{n}") for file in "abcd" for n in range(6)]


def names(found):
    return [item.nodeid for item in found]


def test_long_files_come_first_then_those_with_most_tests_and_a_file_keeps_its_order():
    long = order.LONGEST_FIRST[3]
    found = [
        *map(Item, ("tests/x.py::b", "tests/y.py::1", "tests/y.py::2", f"{long}::one")),
        Item("tests/x.py::a"),
        Item("tests/x.py::c"),
    ]
    order.longest_first(found)
    assert names(found) == [
        f"{long}::one",
        *("tests/x.py::b", "tests/x.py::a", "tests/x.py::c"),
        *("tests/y.py::1", "tests/y.py::2"),
    ]


def test_every_file_that_is_named_as_long_is_there():
    assert [name for name in order.LONGEST_FIRST if not (paths.ROOT / name).exists()] == []


def test_an_order_of_chance_is_the_same_for_a_seed_and_keeps_files_together():
    one, same, other = items(), items()[::-1], items()
    for found, seed in ((one, "7"), (same, "7"), (other, "8")):
        order.at_random(found, seed)
    assert names(one) == names(same) != names(other) and sorted(names(one)) == names(items())
    files = [order.file_of(item) for item in one]
    assert len([at for at in range(1, 24) if files[at] != files[at - 1]]) == 3


REPORT = """<testsuites><testsuite>
<testcase classname="tests.unit.test_a" name="test_one"/>
<testcase classname="tests.unit.test_a" name="test_two"><failure>no</failure></testcase>
<testcase classname="tests.unit.test_a" name="test_three"/>
<testcase classname="tests.unit.test_a" name="test_three"><error>at the end</error></testcase>
</testsuite></testsuites>"""


def test_what_was_not_green_in_every_round_is_named(tmp_path, monkeypatch):
    report = tmp_path / "report.xml"
    report.write_text(REPORT, "utf-8")
    ended = flaky.outcomes(report)
    assert ended == {
        "tests.unit.test_a::test_one": "",
        "tests.unit.test_a::test_two": "failure",
        "tests.unit.test_a::test_three": "error",
    }
    green = dict.fromkeys(ended, "")
    rounds = [flaky.Round(41, 9.6, ended), flaky.Round(42, 8.2, green)]
    text = flaky.page(rounds, 2, "tiers unit")
    assert "| 1 | 41 | 3 | 2 | 10 |" in text and "| 2 | 42 | 3 | 0 | 8 |" in text
    assert "- `tests.unit.test_a::test_two`: failure in round 1" in text
    assert "test_one" not in text
    assert "Every test was green" in flaky.page(rounds[1:], 2, "tiers unit")
    monkeypatch.setattr(flaky, "DOCUMENT", tmp_path / "testing.md")
    flaky.DOCUMENT.write_text(f"before\n{flaky.BEGIN}\nold\n{flaky.END}\nafter\n", "utf-8")
    flaky.write("new")
    assert flaky.DOCUMENT.read_text("utf-8") == f"before\n{flaky.BEGIN}\nnew\n{flaky.END}\nafter\n"


def test_a_round_is_what_make_test_runs_or_what_was_asked_for():
    assert [run[0] for run in flaky.runs(["unit", "system"], [])] == [
        *(["tests/unit"] * 2),
        *(["tests/system"] * 2),
    ]
    assert flaky.runs(["unit"], ["tests/unit/test_text.py"]) == [["tests/unit/test_text.py"]]


@pytest.mark.parametrize("name", [flaky.BEGIN, flaky.END])
def test_the_result_has_its_place(name):
    assert flaky.DOCUMENT.read_text("utf-8").count(name) == 1
