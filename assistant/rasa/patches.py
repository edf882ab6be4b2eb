"""Workarounds for Rasa Open Source 3.6.21, all in one place. Upstream takes no fixes any more.

The module is imported by assistant.rasa.nlu, which config.yml names: train, run, shell and test all load it. Each
workaround has a switch (an environment variable set to "off") and a test in tests/test_patches.py that fails when Rasa
no longer needs it.
"""
import os
from typing import Dict, Optional, Type

import jsonschema
import rasa.core.actions.action as actions
import rasa.shared.core.events as events

from assistant.rasa.standin import refuse_components
from assistant.rasa.switches import enabled

#: Seconds that an action call may take in all, before the visitor gets the kind sentence (Rasa's own limit is 300 s).
ACTION_TIMEOUT = float(os.environ.get("ASSISTANT_ACTION_TIMEOUT", "4"))


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


def known_event_types() -> None:
    """RasaHQ/rasa#3011: every stored event that is loaded looks through all subclasses of Event for its class; a table is made once."""
    look = events.Event.resolve_by_type
    known: Dict[str, Type[events.Event]] = {}

    def resolve_by_type(type_name: str, default: Optional[Type[events.Event]] = None) -> Optional[Type[events.Event]]:
        if type_name not in known:
            found = look(type_name, default)
            if found is None or found is default:
                return found
            known[type_name] = found
        return known[type_name]

    events.Event.resolve_by_type = staticmethod(resolve_by_type)


def apply() -> None:
    """Install every workaround that is not switched off."""
    for patch in (short_action_timeout, constant_action_schema, refuse_components, known_event_types):
        if enabled(patch.__name__):
            patch()


apply()
