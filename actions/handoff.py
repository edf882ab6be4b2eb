"""The actions of the form that takes a request to the clinic: thin wrappers of
`assistant.handoff`."""

import logging
from typing import Any, Callable, Dict, List, Optional

from rasa_sdk import Action, Tracker
from rasa_sdk.events import SlotSet
from rasa_sdk.executor import CollectingDispatcher

from actions.answer import ActionAnswer, give
from assistant import compose
from assistant.conversation import aside
from assistant.handoff import form, words
from assistant.handoff.veil import veil
from assistant.turn import Turn

logger = logging.getLogger(__name__)


def said_by(tracker: Tracker, kb: Any) -> form.Said:
    """The visitor's latest message, for the form."""
    message = tracker.latest_message
    return form.Said(message.get("text") or "", message.get("meaning") or {}, tracker.sender_id, kb)


def remembered(tracker: Tracker, turn: Turn, kb: Any) -> Dict[str, Any]:
    """The slot `conversation` after a turn of the form: its choices can be picked by number, it can
    be said again; details masked."""
    state = {**compose.new_state(), **(tracker.get_slot("conversation") or {})}
    data = veil(turn.as_dict(), turn.masks)
    return {
        **state,
        "misses": 0,
        "choices": turn.as_dict()["choices"] or state["choices"],
        "last": {key: data[key] for key in compose.LASTING},
    }


def careful(work: Callable[..., Optional[Turn]], *arguments: Any) -> Optional[Turn]:
    """The turn that `work` gives, or None when it fails: an action that raises would make Rasa log
    the whole conversation."""
    try:
        return work(*arguments)
    except Exception as error:
        logger.exception("%s failed: %s", work.__name__, type(error).__name__)
        return None


def failure(kb: Any) -> Turn:
    """The kind sentence with the phone."""
    return compose.fixed("fallback", "error", kb)


class ValidateHandoffForm(Action):
    """Reads a message while the form is open. No slots come back when it is a question of its own:
    Rasa then answers it and resumes the form."""

    def name(self) -> str:
        return "validate_handoff_form"

    def run(
        self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: Dict[str, Any]
    ) -> List[Dict[str, Any]]:
        said, memory = said_by(tracker, ActionAnswer.knowledge()), tracker.get_slot("handoff") or {}
        asked, beside = tracker.get_slot("requested_slot"), []
        try:
            if asked is None:
                slots: Optional[Dict[str, Any]] = form.opened(
                    said, memory, tracker.get_slot("conversation") or {}
                )
            elif digressed(tracker):
                slots = form.resumed(said, asked, memory)
            else:
                slots = form.answered(said, asked, memory)
                beside = self.beside(said, slots, dispatcher, tracker) if slots else []
        # Rasa would log the whole conversation; the visitor gets a kind sentence and the phone
        except Exception as error:
            logger.exception("validate_handoff_form failed: %s", type(error).__name__)
            slots = {"handoff": {"outcome": "store_down"}, "requested_slot": None}
        return [*beside, *(SlotSet(name, value) for name, value in (slots or {}).items())]

    @staticmethod
    def beside(
        said: form.Said, slots: Dict[str, Any], dispatcher: CollectingDispatcher, tracker: Tracker
    ) -> List[Dict[str, Any]]:
        """Say what a message that the form takes asks or tells besides, before the form goes on;
        the event that remembers it."""
        turn, state = aside.beside(
            said, slots.get("handoff") or {}, tracker.get_slot("conversation")
        )
        if turn is not None:
            give(turn, dispatcher, tracker, said.kb)
        return [SlotSet("conversation", state)]


def digressed(tracker: Tracker) -> bool:
    """Whether a question in the middle was answered since the latest message."""
    for event in reversed(tracker.events):
        if event["event"] == "user":
            return False
        if event["event"] == "action" and event["name"] == "action_answer":
            return True
    return False


class AskHandoff(Action):
    """Asks the open question of the form (subclasses name the slot)."""

    slot = ""

    def name(self) -> str:
        return f"action_ask_handoff_form_{self.slot}"

    def run(
        self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: Dict[str, Any]
    ) -> List[Dict[str, Any]]:
        kb = ActionAnswer.knowledge()
        turn = careful(
            words.ask,
            self.slot,
            tracker.get_slot("handoff") or {},
            kb,
            tracker.latest_message.get("text") or "",
        ) or failure(kb)
        give(turn, dispatcher, tracker, kb)
        return [SlotSet("conversation", remembered(tracker, turn, kb))]


class AskConsent(AskHandoff):
    slot = "handoff_consent"


class AskName(AskHandoff):
    slot = "handoff_name"


class AskContact(AskHandoff):
    slot = "handoff_contact"


class AskTime(AskHandoff):
    slot = "handoff_time"


class AskQuestion(AskHandoff):
    slot = "handoff_question"


class ActionHandoffEnd(Action):
    """Says how the form ended: the summary and what happens next, or that nothing was kept. The
    form's slots are emptied."""

    def name(self) -> str:
        return "action_handoff_end"

    def run(
        self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: Dict[str, Any]
    ) -> List[Dict[str, Any]]:
        kb, memory = ActionAnswer.knowledge(), tracker.get_slot("handoff") or {}
        turn = careful(words.outcome, memory, kb, tracker.latest_message.get("text") or "")
        events = [SlotSet(name, None) for name in form.SLOTS]
        events.append(SlotSet("handoff", form.remembered_after(memory)))
        if turn is None:
            return events
        give(turn, dispatcher, tracker, kb)
        return [*events, SlotSet("conversation", remembered(tracker, turn, kb))]
