"""Workarounds for Rasa Open Source 3.6.21, all in one place. Upstream takes no fixes any more.

The module is imported by assistant.rasa.nlu, which config.yml names: train, run, shell and test all load it. Each
workaround has a switch (an environment variable set to "off") and a test in tests/test_patches.py that fails when Rasa
no longer needs it.
"""
import copy
import os
from pathlib import Path
from typing import Any, Dict, Iterable, List, Optional, Tuple, Type

import jsonschema
import rasa.core.actions.action as actions
import rasa.shared.core.events as events
import rasa.shared.importers.utils as importing
from rasa.engine.storage import local_model_storage
from rasa.shared.nlu.constants import INTENT, RESPONSE
from rasa.shared.nlu.training_data.message import Message
from rasa.shared.nlu.training_data.training_data import TrainingData
from rasa.utils.endpoints import EndpointConfig

from assistant.rasa.standin import refuse_components
from assistant.rasa.switches import enabled
from assistant.webstore import action_key

#: Seconds that an action call may take in all, before the visitor gets the kind sentence (Rasa's own limit is 300 s).
ACTION_TIMEOUT = float(os.environ.get("ASSISTANT_ACTION_TIMEOUT", "4"))


def short_action_timeout() -> None:
    """RasaHQ/rasa#5419: the time limit of an action call cannot be configured; a hung action server holds a visitor for 300 s."""
    actions.DEFAULT_REQUEST_TIMEOUT = ACTION_TIMEOUT


def constant_action_schema() -> None:
    """RasaHQ/rasa#6971: `jsonschema.validate` re-checks Rasa's own constant schema at every action call (22 ms); build the validator once."""
    validator = jsonschema.Draft7Validator(actions.RemoteAction.action_response_format_spec())

    def validate_action_result(self, result) -> bool:
        validator.validate(result)
        return True

    actions.RemoteAction._validate_action_result = validate_action_result


def authenticated_action_calls() -> None:
    """Rasa's own `token` of an endpoint stands in the address of every call, where logs keep it, and has to be written into endpoints.yml: send a header."""
    original = actions.RemoteAction.__init__

    def __init__(self, name: str, action_endpoint: Optional[EndpointConfig]) -> None:
        if action_endpoint is not None:
            action_endpoint.headers["X-Assistant-Key"] = action_key()
        original(self, name, action_endpoint)

    actions.RemoteAction.__init__ = __init__


def known_event_types() -> None:
    """RasaHQ/rasa#3011: every stored event that is loaded looks through all subclasses of Event for its class; a table is made once."""
    look = events.Event.resolve_by_type
    known: Dict[str, Type[events.Event]] = {}

    def resolve_by_type(type_name: str, default: Optional[Type[events.Event]] = None) -> Optional[Type[events.Event]]:
        if type_name not in known:
            found = look(type_name, default)
            if found is None or found is default:
                return found
            known[type_name] = found
        return known[type_name]

    events.Event.resolve_by_type = staticmethod(resolve_by_type)


def training_files_read_once() -> None:
    """RasaHQ/rasa#7272: `rasa train` reads and checks every file of training data four times; files that did not change are read once."""
    read = importing.training_data_from_paths
    known: Dict[Tuple[Any, ...], TrainingData] = {}

    def training_data_from_paths(paths: Iterable[str], language: str) -> TrainingData:
        files = list(paths)
        state = (language, *((file, Path(file).stat().st_mtime_ns, Path(file).stat().st_size) for file in files))
        if state not in known:
            known[state] = read(files, language)
        return TrainingData().merge(known[state])  # a copy: components change the examples

    importing.training_data_from_paths = training_data_from_paths


def kept_fingerprints() -> None:
    """RasaHQ/rasa#7272: each merge of training data strips every intent and so forgets every fingerprint, even when there is nothing to strip."""

    def sanitize_examples(examples: List[Message]) -> List[Message]:
        for example in examples:
            for name in (INTENT, RESPONSE):
                value = example.get(name)
                if value and value != value.strip():
                    example.set(name, value.strip())
        return list(dict.fromkeys(examples))

    TrainingData.sanitize_examples = staticmethod(sanitize_examples)


def quick_copies_of_examples() -> None:
    """RasaHQ/rasa#7272: training data is copied a dozen times with `copy.deepcopy`, which looks at every text of every example."""

    def deepcopy_message(self: Message, memo: Dict[int, Any]) -> Message:
        twin = memo[id(self)] = type(self).__new__(type(self))
        for name, value in vars(self).items():
            setattr(twin, name, copy.deepcopy(value, memo) if name != "data" else {key: v if isinstance(v, str) else copy.deepcopy(v, memo) for key, v in value.items()})
        return twin

    Message.__deepcopy__ = deepcopy_message


def lighter_compression() -> None:
    """RasaHQ/rasa#7272: a model is packed at gzip's strongest level, which takes seconds and saves little of its size."""

    class Archive(local_model_storage.TarSafe):
        @classmethod
        def gzopen(cls, name: str, mode: str = "r", fileobj: Any = None, compresslevel: int = 2, **options: Any) -> Any:
            return super().gzopen(name, mode, fileobj, compresslevel, **options)

    local_model_storage.TarSafe = Archive


#: In the order in which they are installed.
PATCHES = (
    short_action_timeout, constant_action_schema, refuse_components, known_event_types, training_files_read_once, kept_fingerprints, quick_copies_of_examples,
    lighter_compression)


def apply() -> None:
    """Install every workaround that is not switched off, and the action server's key, which is none."""
    authenticated_action_calls()
    for patch in PATCHES:
        if enabled(patch.__name__):
            patch()


apply()
