"""The benchmarks work from end to end, in small; their arithmetic is right. No timing is asserted:
the figures of --quick mean nothing."""

import asyncio
import json

import numpy as np
import pytest
import yaml

from assistant import paths
from benchmarks import bench, load, machine, soak, systems, understanding

#: The safe loader in C where PyYAML was built with it: the training data are large.
QUICK_YAML = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def test_training_data_in_smaller_amounts():
    small, large, whole = (
        yaml.load(understanding.subset(count), Loader=QUICK_YAML)["nlu"] for count in (3, 10, None)
    )

    def texts(items):
        found = {}
        for item in items:
            found.setdefault(item["intent"], set()).update(item["examples"].splitlines())
        return found

    every = {
        intent: set(f"- {text}" for text in found)
        for intent, found in understanding.examples_by_intent().items()
    }
    assert texts(whole) == every
    for intent, some in texts(small).items():
        assert len(some) == 3 and some < texts(large)[intent] < every[intent]
    few = yaml.load(understanding.subset(3, 12), Loader=QUICK_YAML)["nlu"]
    assert {item["intent"] for item in few} == set(list(texts(whole))[:12]), "and of fewer topics"
    assert any(item.get("metadata", {}).get("situation") for item in small), "situations survive"


def test_calibration_error():
    sure_and_right, half = np.array([0.95] * 20), np.array([0.55] * 20)
    assert understanding.calibration_error(sure_and_right, np.ones(20, bool)) == pytest.approx(0.05)
    assert understanding.calibration_error(half, np.arange(20) % 2 == 0) == pytest.approx(0.05)
    assert understanding.calibration_error(
        np.concatenate([sure_and_right, half]), np.zeros(40, bool)
    ) == pytest.approx(0.75)
    assert understanding.calibration_error(np.array([1.0]), np.array([True])) == 0


def test_a_fall_back_is_not_an_answer():
    row = {"message": "?", "topic": "pain", "also_ok": "", "style": "short"}
    ranking = [
        {"name": "nlu_fallback", "confidence": 0.3},
        {"name": "ask_pain", "confidence": 0.2},
        {"name": "ask_cost", "confidence": 0.1},
    ]
    other = [
        {"name": "ask_out_of_scope", "confidence": 0.9},
        {"name": "ask_pain", "confidence": 0.1},
    ]
    training = understanding.Training(
        "diet",
        found={
            "milliseconds": [1.0, 2.0],
            "load_seconds": 1,
            "resident_megabytes": 1,
            "parsed": [
                {"intent": ranking[0], "intent_ranking": ranking},
                {"intent": other[0], "intent_ranking": other},
            ],
        },
    )
    found = understanding.figures(training, [row, row])
    assert (found["first"], found["answered"], found["helped"], found["three"]) == (0.5, 0, 0.5, 1)
    assert (found["asked_back"], found["turned_away"]) == (0.5, 0.5)
    assert understanding.mistakes(training, [row, row]) == {("pain", "out_of_scope"): 1}


def test_a_section_is_rewritten_and_a_missing_place_named(tmp_path, monkeypatch):
    document = tmp_path / "benchmarks.md"
    monkeypatch.setattr(machine, "DOCUMENT", document)
    document.write_text("before\n<!-- begin: a -->\nold\n<!-- end: a -->\nafter\n", "utf-8")
    machine.write_section("a", "new")
    machine.write_section("a", "newer")
    assert (
        document.read_text("utf-8") == "before\n<!-- begin: a -->\nnewer\n<!-- end: a -->\nafter\n"
    )
    with pytest.raises(SystemExit, match="begin: b"):
        machine.write_section("b", "text")


def test_every_section_and_picture_is_there():
    text = machine.DOCUMENT.read_text("utf-8")
    for name in ("understanding", "server", "soak"):
        assert text.count(f"<!-- begin: {name} -->") == text.count(f"<!-- end: {name} -->") == 1


class SlowVisitor:
    """Answers after a while, or never well."""

    def __init__(self, fails):
        self.fails, self.asked = fails, 0

    async def arrive(self):
        pass

    async def say(self, text):
        self.asked += 1
        await asyncio.sleep(0.01)
        return "HTTP 503" if self.fails else ""


def test_visitors_are_counted_and_errors_named():
    well = asyncio.run(load.visit(lambda http: SlowVisitor(False), 3, 0.5))
    assert well.failed == 0 and well.percentile(50) >= 10 and 10 < well.throughput < 300
    ill = asyncio.run(load.visit(lambda http: SlowVisitor(True), 2, 0.3))
    assert not ill.times and ill.errors["HTTP 503"] > 2 and ill.percentile(50) is None
    with pytest.raises(RuntimeError, match="HTTP 503"):
        asyncio.run(load.burst(lambda http: SlowVisitor(True)))


def test_growth_of_a_soak_is_that_of_its_last_half():
    samples = [
        (minute, {"Rasa": 900.0 + max(0, minute - 10), "action server": 100.0})
        for minute in range(21)
    ]
    found = soak.summary(load.Result([10.0] * 90 + [30.0] * 10, {}, 10.0), samples, 1.0)
    assert found["growth"] == pytest.approx(60) and (
        found["memory_start"],
        found["memory_end"],
    ) == (1000, 1010)
    assert (found["p50_first"], found["p50_last"]) == (10, 30)


def test_bars_say_met_and_missed():
    one = {"p50_1": 10, "p95_10": 70, "burst": 5, "growth": 1.5, "start": 5, "memory": 400}
    other = {"p50_1": 40, "p95_10": 100, "burst": 90, "growth": 3, "start": 10, "memory": 1000}
    clusters = {
        1: bench.Scaling(load.Result([1.0] * 10, {}, 1)),
        2: bench.Scaling(load.Result([1.0] * 14, {}, 1)),
    }
    lines = bench.bars(
        {"ours": one, "stock, like for like": other, "stock, leanest": other}, clusters
    ).splitlines()[2:]
    assert ["met" in line for line in lines] == [True, False, True, False, True, True, True]
    assert ["**missed**" in line for line in lines] == [
        False,
        True,
        False,
        True,
        False,
        False,
        False,
    ]


def test_a_stock_bot_says_what_ours_says(tmp_path):
    texts = systems.answers()
    assert set(texts) == {*understanding.examples_by_intent(), "nlu_fallback"}
    bot = systems.stock.write_bot(tmp_path / "bot", texts, paths.NLU, 7499, True, 1)
    assert json.loads((bot / "texts.json").read_text("utf-8")) == texts
    (tmp_path / "some").mkdir()
    (tmp_path / "some" / "some.yml").write_text(understanding.subset(4, 12), "utf-8")
    assert len(systems.answers(tmp_path / "some")) == 13
    rules = yaml.load((bot / "rules.yml").read_text("utf-8"), Loader=QUICK_YAML)["rules"]
    assert {rule["steps"][0]["intent"] for rule in rules} == set(texts)
