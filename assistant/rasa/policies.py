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

from assistant import compose
from assistant.handoff.machine import SKIP
from assistant.rasa.runtime import live_knowledge, responses
from assistant.safety.circumstances import remember
from assistant.safety.replies import URGENT, language_of, response_name, said_by_rasa
from assistant.turn import URGENCY

DEACTIVATE_LOOP = "action_deactivate_loop"


@DefaultV1Recipe.register(
    [DefaultV1Recipe.ComponentType.POLICY_WITHOUT_END_TO_END_SUPPORT], is_trainable=False
)
class TriagePolicy(Policy):
    """On an emergency or same-day finding, and in a crisis: the domain response for it, an active
    form closed, then listen.

    `is_no_user_prediction` is set because a form's own prediction otherwise overrules every
    priority. Domain responses need no action server: they reach the visitor when it is down or
    hangs.
    """

    @staticmethod
    def get_default_config() -> Dict[str, Any]:
        return {"priority": 10}

    @classmethod
    def create(
        cls,
        config: Dict[str, Any],
        model_storage: ModelStorage,
        resource: Resource,
        execution_context: ExecutionContext,
        **kwargs: Any,
    ) -> "TriagePolicy":
        return cls(config, model_storage, resource, execution_context)

    @classmethod
    def load(
        cls,
        config: Dict[str, Any],
        model_storage: ModelStorage,
        resource: Resource,
        execution_context: ExecutionContext,
        **kwargs: Any,
    ) -> "TriagePolicy":
        return cls(config, model_storage, resource, execution_context)

    def train(
        self, training_trackers: List[TrackerWithCachedStates], domain: Domain, **kwargs: Any
    ) -> Resource:
        return self._resource

    def predict_action_probabilities(
        self,
        tracker: DialogueStateTracker,
        domain: Domain,
        rule_only_data: Optional[Dict[str, Any]] = None,
        **kwargs: Any,
    ) -> PolicyPrediction:
        latest = tracker.latest_message
        finding = ((latest.parse_data if latest else None) or {}).get("meaning", {}).get(
            "triage"
        ) or {}
        name = response_name(finding)
        # "rather not" refuses a question of the form.
        if (
            name is None
            or finding["level"] not in URGENT
            and tracker.active_loop_name
            and SKIP.match(latest.text or "")
        ):
            return self._prediction(self._default_predictions(domain))
        done = actions_since_message(tracker)
        events: List[Any] = []
        if name not in done:
            action = name
            told = remember(
                (tracker.get_slot("conversation") or {}).get("circumstances") or {},
                latest.parse_data["meaning"].get("circumstances") or [],
            )
            events = [
                SlotSet(
                    "conversation",
                    {
                        **noted(name, finding, tracker.get_slot("conversation")),
                        "circumstances": told,
                    },
                )
            ]
        elif tracker.active_loop_name and DEACTIVATE_LOOP not in done:
            action = DEACTIVATE_LOOP
        else:
            action = ACTION_LISTEN_NAME
        return self._prediction(
            confidence_scores_for(action, 1.0, domain), events=events, is_no_user_prediction=True
        )


def noted(name: str, finding: Dict[str, Any], state: Optional[Dict[str, Any]]) -> Dict[str, Any]:
    """What the conversation remembers once the response `name` was said: the turn, so that it can
    be said again, and the most urgent level that is not settled."""
    state = {**compose.new_state(), **(state or {})}
    turn = said_by_rasa(
        name, live_knowledge().get().phrases.fill(responses()[name], language_of(name))
    )
    if finding["level"] in URGENT:
        before = state["urgent"] or "none"
        state.update(
            urgent=max(before, finding["level"], key=URGENCY.index),
            urgent_language=finding.get("language", "en"),
        )
    data = turn.as_dict()
    return {
        **state,
        "topic": turn.topics[0],
        "topics": turn.topics,
        "misses": 0,
        "choices": [],
        "last": {key: data[key] for key in compose.LASTING},
    }


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
