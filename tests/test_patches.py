"""Workarounds for Rasa: each is in force, and each test fails when Rasa no longer needs it."""
import inspect

import pytest
import rasa.core.actions.action as actions
from rasa.core import constants

from assistant.rasa import patches


def test_an_action_call_ends_after_a_few_seconds():
    assert actions.DEFAULT_REQUEST_TIMEOUT == patches.ACTION_TIMEOUT <= 10
    assert constants.DEFAULT_REQUEST_TIMEOUT >= 60, "Rasa's own limit is short now: drop short_action_timeout"


def test_the_action_schema_is_compiled_once():
    source = inspect.getsource(actions)
    assert "validate(result, self.action_response_format_spec())" in source, "Rasa no longer re-checks its schema: drop constant_action_schema"
    action = actions.RemoteAction("action_answer", None)
    assert action._validate_action_result({"events": [], "responses": []})
    with pytest.raises(Exception, match="is not of type"):
        action._validate_action_result({"events": "nonsense"})


def test_a_switch_turns_a_workaround_off(monkeypatch):
    assert patches.enabled("short_action_timeout")
    monkeypatch.setenv("ASSISTANT_PATCH_SHORT_ACTION_TIMEOUT", "off")
    assert not patches.enabled("short_action_timeout")
