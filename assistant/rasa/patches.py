"""Workarounds for Rasa Open Source 3.6.21, all in one place. Upstream takes no fixes any more.

The module is imported by assistant.rasa.nlu, which config.yml names: train, run, shell and test all load it. Each
workaround has a switch (an environment variable set to "off") and a test in tests/test_patches.py that fails when Rasa
no longer needs it.
"""
import os
from typing import Optional

import jsonschema
import rasa.core.actions.action as actions
from rasa.utils.endpoints import EndpointConfig

from assistant.webstore import action_key

#: Seconds that an action call may take in all, before the visitor gets the kind sentence (Rasa's own limit is 300 s).
ACTION_TIMEOUT = float(os.environ.get("ASSISTANT_ACTION_TIMEOUT", "4"))


def enabled(name: str) -> bool:
    """Whether the workaround is on (default) or switched off by ASSISTANT_PATCH_<NAME>=off."""
    return os.environ.get(f"ASSISTANT_PATCH_{name.upper()}", "on") != "off"


def short_action_timeout() -> None:
    """RasaHQ/rasa#5419: the time limit of an action call cannot be configured; a hung action server holds a visitor for 300 s."""
    actions.DEFAULT_REQUEST_TIMEOUT = ACTION_TIMEOUT


def constant_action_schema() -> None:
    """RasaHQ/rasa#6971: `jsonschema.validate` re-checks Rasa's own constant schema at every action call (22 ms); build the validator once."""
    validator = jsonschema.Draft7Validator(actions.RemoteAction.action_response_format_spec())

    def validate_action_result(self, result) -> bool:
        validator.validate(result)
        return True

    actions.RemoteAction._validate_action_result = validate_action_result


def authenticated_action_calls() -> None:
    """Rasa's own `token` of an endpoint stands in the address of every call, where logs keep it, and has to be written into endpoints.yml: send a header."""
    original = actions.RemoteAction.__init__

    def __init__(self, name: str, action_endpoint: Optional[EndpointConfig]) -> None:
        if action_endpoint is not None:
            action_endpoint.headers["X-Assistant-Key"] = action_key()
        original(self, name, action_endpoint)

    actions.RemoteAction.__init__ = __init__


def apply() -> None:
    """Install every workaround that is not switched off."""
    for patch in (short_action_timeout, constant_action_schema, authenticated_action_calls):
        if enabled(patch.__name__):
            patch()


apply()
