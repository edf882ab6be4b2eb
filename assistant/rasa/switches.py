"""The switches of the workarounds for Rasa (docs/speed.md). Imports nothing of Rasa: one workaround
has to act before its first import."""

import os
from typing import Dict

#: Every workaround: those of assistant.rasa.patches by the name of their function, and two that are
#: more than a function.
NAMES = (
    "tensorflow_stand_in",
    "last_turns",
    "short_action_timeout",
    "constant_action_schema",
    "refuse_components",
    "known_event_types",
    "rules_by_state",
    "graph_in_order",
    "emptiness_known",
    "calls_about_this_turn",
    "training_files_read_once",
    "kept_fingerprints",
    "quick_copies_of_examples",
    "lighter_compression",
)


def variable(name: str) -> str:
    """The environment variable that switches a workaround off when it is set to "off"."""
    return f"ASSISTANT_PATCH_{name.upper()}"


def enabled(name: str) -> bool:
    """Whether the workaround is on (default)."""
    return os.environ.get(variable(name), "on") != "off"


def all_off() -> Dict[str, str]:
    """The environment in which no workaround acts."""
    return {variable(name): "off" for name in NAMES}
