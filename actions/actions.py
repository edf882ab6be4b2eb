"""The custom actions: thin wrappers of `assistant`. Nothing here imports `rasa` (it would load TensorFlow)."""
import logging
from typing import Any, Dict, List

from rasa_sdk import Action, Tracker
from rasa_sdk.events import SlotSet
from rasa_sdk.executor import CollectingDispatcher

from assistant.compose import compose
from assistant.knowledge import LiveKnowledge
from assistant.turn import Turn, as_text

logger = logging.getLogger(__name__)


def report(problems) -> None:
    """Say what is wrong with an edit of the knowledge base; the last good version stays in use."""
    for problem in problems:
        logger.error("the last good version stays in use: %s", problem)


class ActionAnswer(Action):
    """Answers from the knowledge base: reads `meaning` of the latest message and the slot `conversation`."""

    _knowledge = None

    def name(self) -> str:
        return "action_answer"

    @classmethod
    def knowledge(cls):
        """The live knowledge base of this process. Raises ContentError when it cannot be loaded at all."""
        if cls._knowledge is None:
            cls._knowledge = LiveKnowledge(report=report)
        return cls._knowledge.get()

    def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: Dict[str, Any]) -> List[Dict[str, Any]]:
        kb = self.knowledge()
        try:
            turn, state = compose(tracker.latest_message.get("meaning") or {}, tracker.get_slot("conversation"), kb)
        except Exception as error:  # whatever goes wrong, the visitor gets a kind sentence and the phone
            logger.exception("action_answer failed: %s", type(error).__name__)
            turn, state = Turn("fallback"), tracker.get_slot("conversation")
            turn.say("answer", kb.reply("error"))
        if tracker.get_latest_input_channel() == "web":
            dispatcher.utter_message(json_message={"turn": turn.as_dict()})
        else:
            dispatcher.utter_message(text=as_text(turn.as_dict(), kb.replies["labels"]))
        return [SlotSet("conversation", state)]
