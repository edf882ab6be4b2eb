"""The custom actions: thin wrappers of `assistant`. Nothing here imports `rasa` (it would load
TensorFlow)."""

from actions.answer import ActionAnswer
from actions.handoff import (
    ActionHandoffEnd,
    AskConsent,
    AskContact,
    AskName,
    AskQuestion,
    AskTime,
    ValidateHandoffForm,
)

__all__ = [
    "ActionAnswer",
    "ActionHandoffEnd",
    "AskConsent",
    "AskContact",
    "AskName",
    "AskQuestion",
    "AskTime",
    "ValidateHandoffForm",
]
