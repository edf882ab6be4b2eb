"""The policy that puts danger signs before everything else, forms included."""
from typing import Any, Dict, List, Optional

from rasa.core.policies.policy import Policy, PolicyPrediction
from rasa.engine.graph import ExecutionContext
from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.engine.storage.resource import Resource
from rasa.engine.storage.storage import ModelStorage
from rasa.shared.core.constants import ACTION_LISTEN_NAME
from rasa.shared.core.domain import Domain
from rasa.shared.core.events import ActionExecuted, SlotSet, UserUttered
from rasa.shared.core.generator import TrackerWithCachedStates
from rasa.shared.core.trackers import DialogueStateTracker

from assistant.safety.replies import response_name

DEACTIVATE_LOOP = "action_deactivate_loop"


@DefaultV1Recipe.register([DefaultV1Recipe.ComponentType.POLICY_WITHOUT_END_TO_END_SUPPORT], is_trainable=False)
class TriagePolicy(Policy):
    """On an emergency or same-day finding: the domain response for it, an active form closed, then listen.

    `is_no_user_prediction` is set because a form's own prediction otherwise overrules every priority. Domain responses need no
    action server: they reach the visitor when it is down or hangs.
    """

    @staticmethod
    def get_default_config() -> Dict[str, Any]:
        return {"priority": 10}

    @classmethod
    def create(cls, config: Dict[str, Any], model_storage: ModelStorage, resource: Resource, execution_context: ExecutionContext, **kwargs: Any) -> "TriagePolicy":
        return cls(config, model_storage, resource, execution_context)

    @classmethod
    def load(cls, config: Dict[str, Any], model_storage: ModelStorage, resource: Resource, execution_context: ExecutionContext, **kwargs: Any) -> "TriagePolicy":
        return cls(config, model_storage, resource, execution_context)

    def train(self, training_trackers: List[TrackerWithCachedStates], domain: Domain, **kwargs: Any) -> Resource:
        return self._resource

    def predict_action_probabilities(self, tracker: DialogueStateTracker, domain: Domain, rule_only_data: Optional[Dict[str, Any]] = None, **kwargs: Any) -> PolicyPrediction:
        latest = tracker.latest_message
        finding = ((latest.parse_data if latest else None) or {}).get("meaning", {}).get("triage") or {}
        name = response_name(finding)
        if name is None:
            return self._prediction(self._default_predictions(domain))
        done = actions_since_message(tracker)
        events: List[Any] = []
        if name not in done:
            action, state = name, tracker.get_slot("conversation") or {}
            events = [SlotSet("conversation", {**state, "urgent": finding["level"], "topic": "urgent_symptom", "topics": ["urgent_symptom"]})]
        elif tracker.active_loop_name and DEACTIVATE_LOOP not in done:
            action = DEACTIVATE_LOOP
        else:
            action = ACTION_LISTEN_NAME
        return self._prediction(confidence_scores_for(action, 1.0, domain), events=events, is_no_user_prediction=True)


def actions_since_message(tracker: DialogueStateTracker) -> List[str]:
    """Names of the actions run since the visitor's latest message."""
    names: List[str] = []
    for event in reversed(tracker.applied_events()):
        if isinstance(event, UserUttered):
            break
        if isinstance(event, ActionExecuted):
            names.append(event.action_name)
    return names


def confidence_scores_for(action: str, value: float, domain: Domain) -> List[float]:
    """A prediction that gives `value` to one action and nothing to the others."""
    scores = [0.0] * domain.num_actions
    scores[domain.index_for_action(action)] = value
    return scores
