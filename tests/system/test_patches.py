"""Workarounds for Rasa that are compared with Rasa itself, in a Python of its own: each test fails
when Rasa no longer needs it."""

import copy
import functools
import json
import subprocess
import sys
import tarfile

import pytest
import rasa.core.actions.action as actions
import rasa.shared.importers.utils as importing
from rasa.core.policies.rule_policy import RulePolicy
from rasa.engine.exceptions import GraphRunError
from rasa.engine.graph import GraphSchema, SchemaNode
from rasa.engine.runner.dask import DaskGraphRunner
from rasa.engine.storage import local_model_storage
from rasa.shared.core.domain import Domain
from rasa.shared.core.events import Event, SlotSet, UserUttered
from rasa.shared.core.trackers import DialogueStateTracker
from rasa.shared.nlu.training_data.message import Message
from rasa.shared.nlu.training_data.training_data import TrainingData
from rasa.utils.endpoints import read_endpoint_config

from assistant import launch, paths
from assistant.rasa import patches

#: The workarounds are in force in this process: importing them installs them.
IN_FORCE = patches.PATCHES


def python(code, *arguments, **environment):
    """What a new Python of the project prints."""
    env = {**launch.environment(), **environment}
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code, *arguments],
        cwd=paths.ROOT,
        env=env,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout.strip()


#: The functions of Rasa that the workarounds were made for.
FUNCTIONS = (
    "rasa.core.actions.action:RemoteAction._action_call_format",
    "rasa.core.policies.rule_policy:RulePolicy._get_possible_keys",
    "rasa.engine.runner.dask:DaskGraphRunner.run",
    "rasa.engine.storage.local_model_storage:LocalModelStorage.create_model_package",
    "rasa.shared.core.domain:Domain.is_empty",
    "rasa.shared.core.events:Event.resolve_by_type",
    "rasa.shared.importers.utils:training_data_from_paths",
    "rasa.shared.nlu.training_data.training_data:TrainingData.sanitize_examples",
)


@functools.cache
def stock_rasa():
    """What Rasa is without the workarounds, from one Python in which none is in force: `tensorflow`
    (is it imported with Rasa's agent?), `deepcopy` (can examples be copied by their own method?)
    and the `sources` of FUNCTIONS."""
    code = """
import importlib, inspect, json, operator, sys
import rasa.core.agent
found = {"tensorflow": "tensorflow" in sys.modules, "sources": {}}
from rasa.shared.nlu.training_data.message import Message
found["deepcopy"] = hasattr(Message, "__deepcopy__")
for name in sys.argv[1:]:
    module, function = name.split(":")
    own = operator.attrgetter(function)(importlib.import_module(module))
    found["sources"][name] = inspect.getsource(own)
print(json.dumps(found))
"""
    return json.loads(python(code, *FUNCTIONS).splitlines()[-1])


def own_source(module, name):
    """The source of a function of Rasa as Rasa has it: in this process a workaround may have taken
    its place."""
    return stock_rasa()["sources"][f"{module}:{name}"]


def test_rules_that_fit_are_those_that_rasa_finds():
    source = own_source("rasa.core.policies.rule_policy", "RulePolicy._get_possible_keys")
    assert "self._is_rule_applicable(_key, i, state), possible_keys" in source, (
        "Rasa finds rules in another way: look at rules_by_state"
    )
    listen = {"prev_action": {"action_name": "action_listen"}}
    answer = {"prev_action": {"action_name": "action_answer"}}
    asked = [{}, {**listen, "user": {"intent": "ask_pain"}}]
    rules = [
        asked,
        [*asked, answer],
        [{}, {**listen, "user": {"intent": "ask_cost"}}],
        [listen, {**listen, "user": {"intent": "ask_pain"}}],
    ]
    lookup = {json.dumps(rule): "action" for rule in rules}
    policy = RulePolicy.__new__(RulePolicy)

    def as_rasa_does(states):
        keys = set(lookup)
        for turn, state in enumerate(reversed(states)):
            keys = {key for key in keys if policy._is_rule_applicable(key, turn, state)}
        return keys

    for states in (
        [],
        [{}],
        asked,
        [*asked, answer],
        [listen, asked[1]],
        [{}, listen],
        [{}, listen, asked[1]],
    ):
        for _ in range(2):
            assert policy._get_possible_keys(lookup, states) == as_rasa_does(states)
    lookup[json.dumps([*asked, answer, listen])] = "action"
    assert policy._get_possible_keys(lookup, [*asked, answer, listen]) == as_rasa_does(
        [*asked, answer, listen]
    )


class Graph(DaskGraphRunner):
    """Sums: `c` needs `a` and an input, `d` needs `a` and `c`; `e` is needed by nobody."""

    NEEDS = {"a": {}, "c": {"x": "a", "y": "given"}, "d": {"x": "a", "y": "c"}, "e": {"x": "a"}}

    def __init__(self, broken=False):
        self.calls = []
        self._graph_schema = GraphSchema(
            {
                name: SchemaNode(needs, object, "create", "run", {})
                for name, needs in self.NEEDS.items()
            }
        )
        self._execution_context = None
        self._instantiated_nodes = {name: self.node(name, broken) for name in self.NEEDS}

    def node(self, name, broken):
        def call(*inputs):
            self.calls.append(name)
            if broken and name == "d":
                raise RuntimeError("no")
            return name, sum(value for _, value in inputs) + 1

        return call


def test_a_graph_gives_in_order_what_dask_gives():
    source = own_source("rasa.engine.runner.dask", "DaskGraphRunner.run")
    assert "dask.get(run_graph, run_targets)" in source, (
        "Rasa runs its graph in another way: drop graph_in_order"
    )
    given = {"given": 10}
    for _ in range(2):
        graph = Graph()
        assert graph.run(given, ["d"]) == {"d": 14} and graph.calls == ["a", "c", "d"]
        assert graph.run(given, ["c", "e"]) == {"c": 12, "e": 2} and graph.calls == [
            "a",
            "c",
            "d",
            "a",
            "c",
            "e",
        ]
    with pytest.raises(GraphRunError):
        Graph(broken=True).run(given, ["d"])
    assert graph.run({"given": 20}, ["d"]) == {"d": 24}


def test_an_empty_domain_is_known_once(monkeypatch):
    assert "Domain.empty().as_dict()" in own_source("rasa.shared.core.domain", "Domain.is_empty"), (
        "Rasa no longer writes the domain out: drop emptiness_known"
    )
    full = Domain.load(str(paths.ROOT / "domain.yml"))
    for _ in range(2):
        assert Domain.empty().is_empty() and not full.is_empty()
    monkeypatch.setattr(Domain, "as_dict", None)
    assert not full.is_empty()


def test_an_action_call_carries_this_turn_only():
    assert "tracker.current_state(EventVerbosity.ALL)" in own_source(
        "rasa.core.actions.action", "RemoteAction._action_call_format"
    ), "Rasa sends events in another way: look at calls_about_this_turn"
    domain = Domain.load(str(paths.ROOT / "domain.yml"))
    said = [
        UserUttered("does it hurt"),
        SlotSet("conversation", {"topic": "pain"}),
        UserUttered("why"),
        SlotSet("requested_slot", None),
    ]
    tracker = DialogueStateTracker.from_events("c", said, domain.slots)
    call = actions.RemoteAction(
        "action_answer", read_endpoint_config(str(paths.ROOT / "endpoints.yml"), "action_endpoint")
    )._action_call_format(tracker, domain)
    assert [event["event"] for event in call["tracker"]["events"]] == ["user", "slot"] and call[
        "tracker"
    ]["latest_message"]["text"] == "why"
    assert (
        call["tracker"]["slots"]["conversation"] == {"topic": "pain"}
        and call["next_action"] == "action_answer"
        and call["sender_id"] == "c"
    )
    assert "domain" not in call, (
        "no action of ours reads it: endpoints.yml says enable_selective_domain"
    )


def test_rasa_still_imports_tensorflow_for_everyone():
    assert stock_rasa()["tensorflow"], (
        "Rasa imports TensorFlow only where it is needed now: drop assistant.rasa.standin"
    )


def test_the_stand_in_keeps_tensorflow_out_and_says_who_needs_it():
    code = """
import sys
from pathlib import Path
from assistant.rasa import standin
standin.install(Path("config.yml"))
import rasa.__main__, rasa.core.run, rasa.engine.recipes.default_components
import rasa.nlu.classifiers.diet_classifier as diet
from assistant.rasa import patches
from rasa.engine.recipes.default_recipe import DefaultV1Recipe
components = DefaultV1Recipe._registered_components
needing = {name for name, item in components.items() if standin.needs_tensorflow(item.clazz)}
assert needing == standin.NEED_TENSORFLOW, needing
parts = [name for name in sys.modules if name.startswith("tensorflow.")]
assert not [name for name in parts if hasattr(sys.modules[name], "__file__")]
import tensorflow
for attempt in (
    lambda: tensorflow.constant(1),
    lambda: tensorflow.keras.layers.Dense(3),
    lambda: diet.DIET(None, None, None),
):
    try:
        attempt()
    except standin.TensorFlowLeftOut as error:
        assert "ASSISTANT_PATCH_TENSORFLOW_STAND_IN=off" in str(error)
    else:
        raise AssertionError("nothing was said")
print("good")
"""
    assert python(code).endswith("good")


def test_a_configuration_that_needs_tensorflow_is_refused_by_name(tmp_path):
    config = tmp_path / "config.yml"
    config.write_text(
        "pipeline:\n- name: WhitespaceTokenizer\n- name: DIETClassifier\npolicies:\n- name:"
        " rasa.core.policies.ted_policy.TEDPolicy\n",
        "utf-8",
    )
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "assistant.rasa_cli",
            "train",
            "--config",
            "config.yml",
            str(config),
            "--out",
            str(tmp_path),
        ],
        cwd=paths.ROOT,
        env=launch.environment(),
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 1 and not list(tmp_path.glob("*.tar.gz"))
    assert (
        str(config) in done.stderr
        and "DIETClassifier, rasa.core.policies.ted_policy.TEDPolicy" in done.stderr
        and "ASSISTANT_PATCH_TENSORFLOW_STAND_IN=off" in done.stderr
    )
    assert "Traceback" not in done.stderr


def test_the_switch_loads_tensorflow_again():
    code = (
        "import sys; from pathlib import Path; from assistant.rasa import standin;"
        " standin.install(Path('config.yml')); import rasa.core.agent;"
        " print(sys.modules['tensorflow'].__version__)"
    )
    assert python(code, ASSISTANT_PATCH_TENSORFLOW_STAND_IN="off").startswith("2.")


def test_the_action_server_imports_neither_rasa_nor_models():
    code = (
        "import sys, assistant.action_server, actions.actions, assistant.handoff.outbox,"
        " rasa_sdk.endpoint; print([name for name in sys.argv[1:] if name in sys.modules])"
    )
    assert (
        python(
            code,
            "rasa",
            "tensorflow",
            "numpy",
            "spacy",
            "sklearn",
            "onnxruntime",
            "joblib",
            "thinc",
        )
        == "[]"
    )


def test_event_types_are_looked_up_once():
    assert "all_subclasses(Event)" in own_source(
        "rasa.shared.core.events", "Event.resolve_by_type"
    ), "Rasa no longer searches for each event's class: drop known_event_types"
    assert (
        Event.resolve_by_type("slot") is SlotSet
        and Event.resolve_by_type("user") is UserUttered
        and Event.resolve_by_type("topic") is None
    )
    assert Event.resolve_by_type("nonsense", SlotSet) is SlotSet
    with pytest.raises(ValueError, match="nonsense"):
        Event.resolve_by_type("nonsense")


def nlu_file(folder, *examples):
    """A file of training data."""
    file = folder / "nlu.yml"
    file.write_text(
        'version: "3.1"\nnlu:\n- intent: ask_pain\n  examples: |\n'
        + "".join(f"    - {example}\n" for example in examples),
        "utf-8",
    )
    return str(file)


def test_training_files_are_read_once_and_again_after_a_change(tmp_path, monkeypatch):
    assert "load_data(nlu_file, language) for nlu_file in paths" in own_source(
        "rasa.shared.importers.utils", "training_data_from_paths"
    ), "Rasa reads its files in another way: look at training_files_read_once"
    from rasa.shared.nlu.training_data import loading

    read, real = [], loading.load_data
    monkeypatch.setattr(loading, "load_data", lambda *given: read.append(given) or real(*given))
    file = nlu_file(tmp_path, "does it hurt")
    first, second = (importing.training_data_from_paths([file], "en") for _ in range(2))
    assert len(read) == 1 and [m.get("text") for m in second.training_examples] == ["does it hurt"]
    first.training_examples[0].set("text", "changed")
    assert (
        importing.training_data_from_paths([file], "en").training_examples[0].get("text")
        == "does it hurt"
    )
    nlu_file(tmp_path, "does it hurt", "is it painful")
    assert (
        len(importing.training_data_from_paths([file], "en").training_examples) == 2
        and len(read) == 2
    )


def test_merging_keeps_fingerprints():
    source = own_source(
        "rasa.shared.nlu.training_data.training_data", "TrainingData.sanitize_examples"
    )
    assert "ex.set(INTENT, ex.get(INTENT).strip())" in source, (
        "Rasa no longer strips what is stripped: drop kept_fingerprints"
    )
    spaced = Message.build("it hurts", " ask_pain ")
    plain = Message.build("does it hurt", "ask_pain")
    fingerprint = plain.fingerprint()
    kept = TrainingData.sanitize_examples(
        [spaced, plain, Message.build("does it hurt", "ask_pain")]
    )
    assert (
        kept == [spaced, plain]
        and spaced.get("intent") == "ask_pain"
        and plain._cached_fingerprint == fingerprint
    )


def test_copies_of_examples_are_whole_and_their_own():
    assert not stock_rasa()["deepcopy"], (
        "Rasa copies examples itself: drop quick_copies_of_examples"
    )
    message = Message.build(
        "does it hurt",
        "ask_pain",
        entities=[{"entity": "area", "value": "face", "start": 0, "end": 4}],
    )
    twin = copy.deepcopy(message)
    assert twin == message and twin is not message and vars(twin).keys() == vars(message).keys()
    twin.get("entities")[0]["value"] = "lips"
    assert message.get("entities")[0]["value"] == "face"


def test_a_model_is_packed_lightly_and_read_by_anyone(tmp_path):
    source = own_source(
        "rasa.engine.storage.local_model_storage", "LocalModelStorage.create_model_package"
    )
    assert '"w:gz")' in source, "Rasa packs models in another way: look at lighter_compression"
    (tmp_path / "data").write_text(json.dumps(list(range(5000))), "utf-8")
    with local_model_storage.TarSafe.open(tmp_path / "a.tar.gz", "w:gz") as tar:
        tar.add(tmp_path / "data", arcname="data")
    # Gzip's header: 2 would be the strongest level.
    assert (tmp_path / "a.tar.gz").read_bytes()[8] == 0
    with tarfile.open(tmp_path / "a.tar.gz") as tar:
        assert tar.getnames() == ["data"]
