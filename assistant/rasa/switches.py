"""The switches of the workarounds for Rasa (docs/speed.md). Imports nothing of Rasa: one workaround has to act before its first import."""
import os


def variable(name: str) -> str:
    """The environment variable that switches a workaround off when it is set to "off"."""
    return f"ASSISTANT_PATCH_{name.upper()}"


def enabled(name: str) -> bool:
    """Whether the workaround is on (default)."""
    return os.environ.get(variable(name), "on") != "off"
