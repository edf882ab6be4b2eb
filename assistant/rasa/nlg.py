"""Rasa's domain responses, filled in from clinic.yml and the country's numbers instead of slots
alone."""

from typing import Any, Dict, Optional

from rasa.core.nlg.response import TemplatedNaturalLanguageGenerator
from rasa.shared.core.domain import Domain
from rasa.utils.endpoints import EndpointConfig

from assistant.clinic import Phrases
from assistant.rasa.runtime import live_knowledge
from assistant.safety.replies import language_of


class ClinicNaturalLanguageGenerator(TemplatedNaturalLanguageGenerator):
    """Like Rasa's own generator; placeholders come from the clinic's file, so that a changed phone
    number needs no training.

    A placeholder that nothing fills raises KeyError: an emergency text must never say "None".
    """

    def __init__(self, endpoint_config: EndpointConfig, domain: Optional[Domain] = None):
        super().__init__((domain or Domain.empty()).responses)

    def generate_from_slots(
        self,
        utter_action: str,
        filled_slots: Dict[str, Any],
        output_channel: str,
        **kwargs: Any,
    ) -> Optional[Dict[str, Any]]:
        return super().generate_from_slots(
            utter_action,
            filled_slots,
            output_channel,
            **{**kwargs, "language": language_of(utter_action)},
        )

    def _fill_response(
        self, response: Dict[str, Any], filled_slots: Optional[Dict[str, Any]] = None, **kwargs: Any
    ) -> Dict[str, Any]:
        return fill(response, live_knowledge().get().phrases, kwargs.get("language"))


def fill(node: Any, phrases: Phrases, language: Optional[str] = None) -> Any:
    """Every text inside `node` (nested lists and mappings), written in `language`, with its
    placeholders filled."""
    if isinstance(node, str):
        return phrases.fill(node, language)
    if isinstance(node, list):
        return [fill(item, phrases, language) for item in node]
    if isinstance(node, dict):
        return {key: fill(value, phrases, language) for key, value in node.items()}
    return node
