"""Conversations through the running servers: tests/scenarios/*.yml, one file a kind of behaviour.

A step: `user` says something (or `choose` picks the choice with that title); `topics` are the
topics answered, `kind` the kind of the turn, `says` words that the reply holds (any of a list),
`never` words that it does not hold, `offers` topics among the choices, `cautions` circumstances
that the turn keeps in mind.
"""

import pytest
from ruamel.yaml import YAML

from assistant import paths
from tests.support.servers import Visitor, spoken

SCENARIOS = [
    pytest.param(item, id=f"{path.stem}: {item['name']}")
    for path in sorted((paths.ROOT / "tests" / "scenarios").glob("*.yml"))
    for item in YAML(typ="safe").load(path.read_text("utf-8"))["scenarios"]
]


CHECKS = {"user", "choose", "topics", "kind", "says", "never", "offers", "cautions"}


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_scenario(assistant, scenario):
    visitor, offered = Visitor(assistant.url), {}
    for number, step in enumerate(scenario["steps"], 1):
        assert step.keys() <= CHECKS, (
            f"step {number} has a key that nothing checks: {step.keys() - CHECKS}"
        )
        turn = (
            visitor.choose(offered[step["choose"]])
            if "choose" in step
            else visitor.say(step["user"])
        )
        offered.update({choice["title"]: choice["id"] for choice in turn["choices"]})
        said = spoken(turn).lower()
        where = f"step {number}, {step.get('user') or step.get('choose')!r}: {turn}"
        assert said.strip(), where
        if "topics" in step:
            assert turn["topics"] == step["topics"], where
        if "kind" in step:
            assert turn["kind"] == step["kind"], where
        if "says" in step:
            assert any(str(word).lower() in said for word in step["says"]), where
        for word in step.get("never", []):
            assert word.lower() not in said, where
        for topic in step.get("offers", []):
            assert topic in [choice["topic"] for choice in turn["choices"]], where
        for circumstance in step.get("cautions", []):
            assert circumstance in turn["cautions"], where
