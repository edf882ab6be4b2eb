"""Rasa's domain responses, filled in from clinic.yml and the country's numbers instead of slots
alone."""

from typing import Any, Dict, Optional

from rasa.core.nlg.response import TemplatedNaturalLanguageGenerator
from rasa.shared.core.domain import Domain
from rasa.utils.endpoints import EndpointConfig

from assistant.rasa.runtime import live_knowledge


class ClinicNaturalLanguageGenerator(TemplatedNaturalLanguageGenerator):
    """Like Rasa's own generator; placeholders come from the clinic's file, so that a changed phone
    number needs no training.

    A placeholder that nothing fills raises KeyError: an emergency text must never say "None".
    """

    def __init__(self, endpoint_config: EndpointConfig, domain: Optional[Domain] = None):
        super().__init__((domain or Domain.empty()).responses)

    def _fill_response(
        self, response: Dict[str, Any], filled_slots: Optional[Dict[str, Any]] = None, **kwargs: Any
    ) -> Dict[str, Any]:
        return fill(response, live_knowledge().get().phrases)


def fill(node: Any, phrases) -> Any:
    """Every text inside `node` (nested lists and mappings) with its placeholders filled."""
    if isinstance(node, str):
        return phrases.fill(node)
    if isinstance(node, list):
        return [fill(item, phrases) for item in node]
    if isinstance(node, dict):
        return {key: fill(value, phrases) for key, value in node.items()}
    return node
