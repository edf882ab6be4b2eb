"""Workarounds for Rasa Open Source 3.6.21, all in one place. Upstream takes no fixes any more.

The module is imported by assistant.rasa.nlu, which config.yml names: train, run, shell and test all
load it. Each workaround has a switch (an environment variable set to "off") and a test in
tests/unit/test_patches.py that fails when Rasa no longer needs it.
"""

import copy
import os
from pathlib import Path
from typing import Any, Dict, FrozenSet, Iterable, List, Optional, Set, Tuple, Type

import jsonschema
import rasa.core.actions.action as actions
import rasa.shared.core.events as events
import rasa.shared.importers.utils as importing
from rasa.core.policies.rule_policy import SHOULD_NOT_BE_SET, RulePolicy
from rasa.engine.exceptions import GraphRunError
from rasa.engine.runner.dask import DaskGraphRunner
from rasa.engine.storage import local_model_storage
from rasa.shared.core.domain import Domain
from rasa.shared.core.trackers import DialogueStateTracker, EventVerbosity
from rasa.shared.nlu.constants import INTENT, RESPONSE
from rasa.shared.nlu.training_data.message import Message
from rasa.shared.nlu.training_data.training_data import TrainingData
from rasa.utils.endpoints import EndpointConfig

from assistant.rasa.standin import refuse_components
from assistant.rasa.switches import enabled
from assistant.webstore import action_key

#: Rule tables, and states of a conversation, for which the fitting rules are remembered.
MOST_LOOKUPS, MOST_STATES = 8, 2000
#: Seconds that an action call may take in all, before the visitor gets the kind sentence (Rasa's
#: own limit is 300 s).
ACTION_TIMEOUT = float(os.environ.get("ASSISTANT_ACTION_TIMEOUT", "4"))


def short_action_timeout() -> None:
    """RasaHQ/rasa#9789: the time limit of an action call cannot be configured; a hung action server
    holds a visitor for 300 s."""
    actions.DEFAULT_REQUEST_TIMEOUT = ACTION_TIMEOUT


def constant_action_schema() -> None:
    """RasaHQ/rasa#11717: `jsonschema.validate` re-checks Rasa's own constant schema at every action
    call (22 ms), and each event against every kind of event.

    The validators are built once, and an event meets that of its own kind only. What they find
    wrong is left to the whole schema to say.
    """
    schema = actions.RemoteAction.action_response_format_spec()
    whole = jsonschema.Draft7Validator(schema)
    item = schema["properties"]["events"]["items"]
    outside = jsonschema.Draft7Validator(
        {
            **schema,
            "properties": {
                **schema["properties"],
                "events": {
                    "type": "array",
                    "items": {key: value for key, value in item.items() if key != "oneOf"},
                },
            },
        }
    )
    kinds = {
        kind["properties"]["event"]["const"]: jsonschema.Draft7Validator(kind)
        for kind in item["oneOf"]
    }

    def validate_action_result(self, result) -> bool:
        if not outside.is_valid(result) or not all(
            event["event"] in kinds and kinds[event["event"]].is_valid(event)
            for event in result.get("events", [])
        ):
            whole.validate(result)
        return True

    actions.RemoteAction._validate_action_result = validate_action_result


def authenticated_action_calls() -> None:
    """RasaHQ/rasa#3036, rasa-sdk#56: Rasa's own `token` of an endpoint stands in the address of
    every call, where logs keep it, and has to be written into endpoints.yml: send a header."""
    original = actions.RemoteAction.__init__

    def __init__(self, name: str, action_endpoint: Optional[EndpointConfig]) -> None:
        if action_endpoint is not None:
            action_endpoint.headers["X-Assistant-Key"] = action_key()
        original(self, name, action_endpoint)

    actions.RemoteAction.__init__ = __init__


def known_event_types() -> None:
    """RasaHQ/rasa#3011: every stored event that is loaded looks through all subclasses of Event for
    its class; a table is made once."""
    look = events.Event.resolve_by_type
    known: Dict[str, Type[events.Event]] = {}

    def resolve_by_type(
        type_name: str, default: Optional[Type[events.Event]] = None
    ) -> Optional[Type[events.Event]]:
        if type_name not in known:
            found = look(type_name, default)
            if found is None or found is default:
                return found
            known[type_name] = found
        return known[type_name]

    events.Event.resolve_by_type = staticmethod(resolve_by_type)


def rules_by_state() -> None:
    """RasaHQ/rasa#10703: every prediction compares the conversation with every rule.

    Only rules that end with the state's action and intent are compared, and which of them fit a
    last state is remembered.
    """
    applicable = RulePolicy._is_rule_applicable
    known: Dict[
        int,
        Tuple[
            Dict[str, str],
            int,
            Dict[str, FrozenSet[str]],
            Dict[Tuple[Optional[str], Optional[str]], List[str]],
        ],
    ] = {}

    def ending(state: Any) -> Tuple[Optional[str], Optional[str]]:
        action = state.get("prev_action", {}).get("action_name")
        intent = state.get("user", {}).get("intent")
        return tuple(None if value == SHOULD_NOT_BE_SET else value for value in (action, intent))

    def first(policy: RulePolicy, lookup: Dict[str, str], state: Any) -> FrozenSet[str]:
        kept, size, by_state, by_ending = known.get(id(lookup), (None, 0, {}, {}))
        if kept is not lookup or size != len(lookup) or len(by_state) > MOST_STATES:
            by_state, by_ending = {}, {}
            for key in lookup:
                by_ending.setdefault(ending(policy._rule_key_to_state(key)[-1]), []).append(key)
            if len(known) > MOST_LOOKUPS:
                known.clear()
            # The reference keeps the id from being another's.
            known[id(lookup)] = (
                lookup,
                len(lookup),
                by_state,
                by_ending,
            )
        name = repr(state)
        if name not in by_state:
            action, intent = ending(state)
            maybe = (
                [
                    key
                    for end in {(action, intent), (action, None), (None, intent), (None, None)}
                    for key in by_ending.get(end, ())
                ]
                if action
                else lookup
            )
            by_state[name] = frozenset(key for key in maybe if applicable(policy, key, 0, state))
        return by_state[name]

    def _get_possible_keys(self: RulePolicy, lookup: Dict[str, str], states: List[Any]) -> Set[str]:
        if not states:
            return set(lookup)
        keys = set(first(self, lookup, states[-1]))
        for turn, state in enumerate(reversed(states[:-1]), 1):
            keys = {key for key in keys if applicable(self, key, turn, state)}
        return keys

    RulePolicy._get_possible_keys = _get_possible_keys


def graph_in_order() -> None:
    """Since 3.0 (no issue of Rasa's is known) each reading of a message and each prediction goes
    through dask's scheduler, which plans the graph anew and passes tasks through queues.

    The nodes that the targets need are put in order once, and called one after another.
    """

    def order(graph: DaskGraphRunner, targets: List[str]) -> List[Tuple[str, List[str]]]:
        schema, ordered = graph._graph_schema.minimal_graph_schema(targets), {}

        def add(name: str) -> None:
            if name in schema.nodes and name not in ordered:
                needs = list(schema.nodes[name].needs.values())
                for need in needs:
                    add(need)
                ordered[name] = needs

        for target in targets:
            add(target)
        return list(ordered.items())

    def run(
        self: DaskGraphRunner,
        inputs: Optional[Dict[str, Any]] = None,
        targets: Optional[List[str]] = None,
    ) -> Dict[str, Any]:
        targets = targets or self._graph_schema.target_names
        orders = self.__dict__.setdefault("_orders", {})
        if tuple(targets) not in orders:
            orders[tuple(targets)] = order(self, targets)
        done: Dict[str, Any] = {}
        self._add_inputs_to_graph(inputs, done)
        try:
            for name, needs in orders[tuple(targets)]:
                done[name] = self._instantiated_nodes[name](
                    *(done.get(need, need) for need in needs)
                )
        except RuntimeError as error:
            raise GraphRunError("Error running runner.") from error
        return dict(done[target] for target in targets)

    DaskGraphRunner.run = run


def emptiness_known() -> None:
    """No issue of Rasa's is known: every message that is read writes the whole domain out, to see
    whether it is empty."""
    look = Domain.is_empty

    def is_empty(self: Domain) -> bool:
        if "_is_empty" not in self.__dict__:
            self._is_empty = look(self)
        return self._is_empty

    Domain.is_empty = is_empty


def calls_about_this_turn() -> None:
    """RasaHQ/rasa#6334: every action call carries all events that are loaded; ours read those since
    the visitor's latest message."""
    body = actions.RemoteAction._action_call_format

    class Shortened:
        """A conversation as an action call shows it."""

        def __init__(self, tracker: DialogueStateTracker):
            self.tracker, self.sender_id = tracker, tracker.sender_id

        def current_state(self, _verbosity: EventVerbosity) -> Dict[str, Any]:
            latest: List[events.Event] = []
            for event in reversed(self.tracker.events):
                latest.insert(0, event)
                if isinstance(event, events.UserUttered):
                    break
            return {
                **self.tracker.current_state(EventVerbosity.NONE),
                "events": [event.as_dict() for event in latest],
            }

    def _action_call_format(
        self: actions.RemoteAction, tracker: DialogueStateTracker, domain: Domain
    ) -> Dict[str, Any]:
        return body(self, Shortened(tracker), domain)

    actions.RemoteAction._action_call_format = _action_call_format


def training_files_read_once() -> None:
    """RasaHQ/rasa#7272: `rasa train` reads and checks every file of training data four times; files
    that did not change are read once."""
    read = importing.training_data_from_paths
    known: Dict[Tuple[Any, ...], TrainingData] = {}

    def training_data_from_paths(paths: Iterable[str], language: str) -> TrainingData:
        files = list(paths)
        state = (
            language,
            *((file, Path(file).stat().st_mtime_ns, Path(file).stat().st_size) for file in files),
        )
        if state not in known:
            known[state] = read(files, language)
        return TrainingData().merge(known[state])  # a copy: components change the examples

    importing.training_data_from_paths = training_data_from_paths


def kept_fingerprints() -> None:
    """RasaHQ/rasa#7272: each merge of training data strips every intent and so forgets every
    fingerprint, even when there is nothing to strip."""

    def sanitize_examples(examples: List[Message]) -> List[Message]:
        for example in examples:
            for name in (INTENT, RESPONSE):
                value = example.get(name)
                if value and value != value.strip():
                    example.set(name, value.strip())
        return list(dict.fromkeys(examples))

    TrainingData.sanitize_examples = staticmethod(sanitize_examples)


def quick_copies_of_examples() -> None:
    """RasaHQ/rasa#7272: training data is copied a dozen times with `copy.deepcopy`, which looks at
    every text of every example."""

    def copied(name: str, value: Any, memo: Dict[int, Any]) -> Any:
        if name == "data":
            return {
                key: v if isinstance(v, str) else copy.deepcopy(v, memo) for key, v in value.items()
            }
        if name == "features":
            return list(value)  # components add features and change none
        return set(value) if isinstance(value, set) else copy.deepcopy(value, memo)

    def deepcopy_message(self: Message, memo: Dict[int, Any]) -> Message:
        twin = memo[id(self)] = type(self).__new__(type(self))
        vars(twin).update((name, copied(name, value, memo)) for name, value in vars(self).items())
        return twin

    Message.__deepcopy__ = deepcopy_message


def lighter_compression() -> None:
    """No issue of Rasa's is known: a model is packed at gzip's strongest level, which takes seconds
    and saves little of its size."""

    class Archive(local_model_storage.TarSafe):
        @classmethod
        def gzopen(
            cls,
            name: str,
            mode: str = "r",
            fileobj: Any = None,
            compresslevel: int = 2,
            **options: Any,
        ) -> Any:
            return super().gzopen(name, mode, fileobj, compresslevel, **options)

    local_model_storage.TarSafe = Archive


#: In the order in which they are installed.
PATCHES = (
    short_action_timeout,
    constant_action_schema,
    refuse_components,
    known_event_types,
    rules_by_state,
    graph_in_order,
    emptiness_known,
    calls_about_this_turn,
    training_files_read_once,
    kept_fingerprints,
    quick_copies_of_examples,
    lighter_compression,
)


def apply() -> None:
    """Install every workaround that is not switched off, and the action server's key, which is
    none."""
    authenticated_action_calls()
    for patch in PATCHES:
        if enabled(patch.__name__):
            patch()


apply()
