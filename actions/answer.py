"""The action that answers: a thin wrapper of `assistant.compose`."""

import logging
from typing import Any, Dict, List

from rasa_sdk import Action, Tracker
from rasa_sdk.events import FollowupAction, SlotSet
from rasa_sdk.executor import CollectingDispatcher

from assistant import compose
from assistant.conversation.replying import reply
from assistant.handoff import afterwards, form
from assistant.handoff.veil import storable
from assistant.knowledge import LiveKnowledge
from assistant.turn import Turn, as_text

logger = logging.getLogger(__name__)


def report(problems) -> None:
    """Say what is wrong with an edit of the knowledge base; the last good version stays in use."""
    for problem in problems:
        logger.error("the last good version stays in use: %s", problem)


class ActionAnswer(Action):
    """Answers from the knowledge base: reads `meaning` of the latest message and the slot
    `conversation`."""

    _knowledge = None

    def name(self) -> str:
        return "action_answer"

    @classmethod
    def knowledge(cls):
        """The live knowledge base of this process. Raises ContentError when it cannot be loaded at
        all."""
        if cls._knowledge is None:
            cls._knowledge = LiveKnowledge(report=report)
        return cls._knowledge.get()

    def run(
        self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: Dict[str, Any]
    ) -> List[Dict[str, Any]]:
        kb, message = self.knowledge(), tracker.latest_message
        in_form = bool((tracker.active_loop or {}).get("name"))
        memory = tracker.get_slot("handoff") or {}
        changing = False
        try:
            said = form.Said(
                message.get("text") or "", message.get("meaning") or {}, tracker.sender_id, kb
            )
            turn, state = reply(said, tracker.get_slot("conversation"), memory, in_form)
            changing = not in_form and afterwards.asks_to_change(said, memory)
        except Exception as error:
            # Whatever goes wrong, the visitor gets a kind sentence and the phone.
            logger.exception("action_answer failed: %s", type(error).__name__)
            turn, state = compose.fixed("fallback", "error", kb), tracker.get_slot("conversation")
        give(turn, dispatcher, tracker, kb)
        events = [SlotSet("conversation", state)]
        if not in_form:
            if memory.get("outcome") == "dropped" and not turn.begins_form:
                memory = {}  # the offer that was left aside can be taken up by the next message
            events.append(
                SlotSet("handoff", {**memory, "quiet": turn.settles, "changing": changing})
            )
        if (
            turn.begins_form
            and not in_form
            and (message.get("intent") or {}).get("name") != "ask_human_handoff"
        ):
            events.append(FollowupAction("handoff_form"))
        return events


def give(turn: Turn, dispatcher: CollectingDispatcher, tracker: Tracker, kb: Any) -> None:
    """Say a turn: as data to the website channel, as text with masked details everywhere else
    (`rasa shell` keeps what it prints)."""
    if tracker.get_latest_input_channel() == "web":
        dispatcher.utter_message(json_message={"turn": turn.as_dict()})
    else:
        dispatcher.utter_message(text=as_text(storable(turn.as_dict()), kb.replies["labels"]))
