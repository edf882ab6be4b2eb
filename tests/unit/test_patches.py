"""Workarounds for Rasa: each is in force, and each test fails when Rasa no longer needs it."""

import inspect
import re

import pytest
import rasa.core.actions.action as actions
from rasa.core import constants
from rasa.shared.core.events import SlotSet, UserUttered

from assistant import paths
from assistant.rasa import patches, standin, switches


def test_an_action_call_ends_after_a_few_seconds():
    assert actions.DEFAULT_REQUEST_TIMEOUT == patches.ACTION_TIMEOUT <= 10
    assert constants.DEFAULT_REQUEST_TIMEOUT >= 60, (
        "Rasa's own limit is short now: drop short_action_timeout"
    )


def test_the_action_schema_is_compiled_once():
    source = inspect.getsource(actions)
    assert "validate(result, self.action_response_format_spec())" in source, (
        "Rasa no longer re-checks its schema: drop constant_action_schema"
    )
    action = actions.RemoteAction("action_answer", None)
    assert action._validate_action_result({"events": [], "responses": []})
    with pytest.raises(Exception, match="is not of type"):
        action._validate_action_result({"events": "nonsense"})
    assert action._validate_action_result(
        {
            "events": [
                SlotSet("conversation", {"topic": "pain"}).as_dict(),
                UserUttered("hello").as_dict(),
            ],
            "responses": [{"text": "hi"}],
        }
    )
    for wrong in (
        {"event": "slot", "name": 7},
        {"event": "no such event"},
        {"name": "conversation"},
        {"event": "slot", "name": "conversation", "timestamp": "noon"},
    ):
        with pytest.raises(Exception, match="is not (?:of type|valid)|is a required|was expected"):
            action._validate_action_result({"events": [wrong], "responses": []})


def test_a_switch_turns_a_workaround_off(monkeypatch):
    assert patches.enabled("short_action_timeout")
    monkeypatch.setenv("ASSISTANT_PATCH_SHORT_ACTION_TIMEOUT", "off")
    assert not patches.enabled("short_action_timeout")


def test_every_workaround_is_listed_with_its_switch_and_in_the_documentation():
    own = {patch.__name__ for patch in patches.PATCHES}
    assert set(switches.NAMES) == own | {standin.SWITCH, "last_turns"}
    documented = (paths.ROOT / "docs" / "speed.md").read_text("utf-8")
    assert not [name for name in switches.NAMES if f"`{name}`" not in documented]


def test_each_workaround_names_the_issue_that_the_documentation_names():
    """The number in a function's first line is that of the table."""
    documented = dict(
        re.findall(
            r"^\| `(\w+)` \| `\w+\.py` \| ([^|]+) \|",
            (paths.ROOT / "docs" / "speed.md").read_text("utf-8"),
            re.M,
        )
    )
    for patch in (*patches.PATCHES, patches.authenticated_action_calls):
        if patch is not standin.refuse_components:
            assert re.findall(r"rasa(?:-sdk)?#(\d+)", patch.__doc__) == re.findall(
                r"#(\d+)", documented[patch.__name__]
            ), patch.__name__
