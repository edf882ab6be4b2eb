"""Workarounds for Rasa: each is in force, and each test fails when Rasa no longer needs it."""
import copy
import inspect
import json
import subprocess
import sys
import tarfile

import pytest
import rasa.core.actions.action as actions
import rasa.shared.importers.utils as importing
from rasa.core import constants
from rasa.engine.storage import local_model_storage
from rasa.shared.core.events import Event, SlotSet, UserUttered
from rasa.shared.nlu.training_data.message import Message
from rasa.shared.nlu.training_data.training_data import TrainingData

from assistant import launch, paths
from assistant.rasa import patches, standin, switches


def python(code, *arguments, **environment):
    """What a new Python of the project prints."""
    env = {**launch.environment(), **environment}
    done = subprocess.run([sys.executable, "-W", "ignore", "-c", code, *arguments], cwd=paths.ROOT, env=env, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout.strip()


def own_source(module, name):
    """The source of a function of Rasa as Rasa has it: in this process a workaround may have taken its place."""
    return python(f"import inspect, {module} as m; print(inspect.getsource(m.{name}))")


def test_an_action_call_ends_after_a_few_seconds():
    assert actions.DEFAULT_REQUEST_TIMEOUT == patches.ACTION_TIMEOUT <= 10
    assert constants.DEFAULT_REQUEST_TIMEOUT >= 60, "Rasa's own limit is short now: drop short_action_timeout"


def test_the_action_schema_is_compiled_once():
    source = inspect.getsource(actions)
    assert "validate(result, self.action_response_format_spec())" in source, "Rasa no longer re-checks its schema: drop constant_action_schema"
    action = actions.RemoteAction("action_answer", None)
    assert action._validate_action_result({"events": [], "responses": []})
    with pytest.raises(Exception, match="is not of type"):
        action._validate_action_result({"events": "nonsense"})


def test_a_switch_turns_a_workaround_off(monkeypatch):
    assert patches.enabled("short_action_timeout")
    monkeypatch.setenv("ASSISTANT_PATCH_SHORT_ACTION_TIMEOUT", "off")
    assert not patches.enabled("short_action_timeout")


def test_every_workaround_is_listed_with_its_switch_and_in_the_documentation():
    own = {patch.__name__ for patch in patches.PATCHES}
    assert set(switches.NAMES) == own | {standin.SWITCH, "last_turns"}
    documented = (paths.ROOT / "docs" / "speed.md").read_text("utf-8")
    assert not [name for name in switches.NAMES if f"`{name}`" not in documented]


def test_rasa_still_imports_tensorflow_for_everyone():
    assert python("import sys, rasa.core.agent; print('tensorflow' in sys.modules)") == "True", "Rasa imports TensorFlow only where it is needed now: drop assistant.rasa.standin"


def test_the_stand_in_keeps_tensorflow_out_and_says_who_needs_it():
    code = """
import sys
from pathlib import Path
from assistant.rasa import standin
standin.install(Path("config.yml"))
import rasa.__main__, rasa.core.run, rasa.engine.recipes.default_components, rasa.nlu.classifiers.diet_classifier as diet
from assistant.rasa import patches
from rasa.engine.recipes.default_recipe import DefaultV1Recipe
needing = {name for name, item in DefaultV1Recipe._registered_components.items() if standin.needs_tensorflow(item.clazz)}
assert needing == standin.NEED_TENSORFLOW, needing
assert not [name for name in sys.modules if name.startswith("tensorflow.") and hasattr(sys.modules[name], "__file__")]
import tensorflow
for attempt in (lambda: tensorflow.constant(1), lambda: tensorflow.keras.layers.Dense(3), lambda: diet.DIET(None, None, None)):
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
    config.write_text("pipeline:\n- name: WhitespaceTokenizer\n- name: DIETClassifier\npolicies:\n- name: rasa.core.policies.ted_policy.TEDPolicy\n", "utf-8")
    done = subprocess.run([sys.executable, "-m", "assistant.rasa_cli", "train", "--config", "config.yml", str(config), "--out", str(tmp_path)], cwd=paths.ROOT, env=launch.environment(), capture_output=True, text=True, timeout=120)
    assert done.returncode == 1 and not list(tmp_path.glob("*.tar.gz"))
    assert str(config) in done.stderr and "DIETClassifier, rasa.core.policies.ted_policy.TEDPolicy" in done.stderr and "ASSISTANT_PATCH_TENSORFLOW_STAND_IN=off" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.slow
def test_the_switch_loads_tensorflow_again():
    code = "import sys; from pathlib import Path; from assistant.rasa import standin; standin.install(Path('config.yml')); import rasa.core.agent; print(sys.modules['tensorflow'].__version__)"
    assert python(code, ASSISTANT_PATCH_TENSORFLOW_STAND_IN="off").startswith("2.")


def test_the_action_server_imports_neither_rasa_nor_models():
    code = "import sys, assistant.action_server, actions.actions, assistant.handoff.outbox, rasa_sdk.endpoint; print([name for name in sys.argv[1:] if name in sys.modules])"
    assert python(code, "rasa", "tensorflow", "numpy", "spacy", "sklearn", "onnxruntime", "joblib", "thinc") == "[]"


def test_event_types_are_looked_up_once():
    assert "all_subclasses(Event)" in own_source("rasa.shared.core.events", "Event.resolve_by_type"), "Rasa no longer searches for each event's class: drop known_event_types"
    assert Event.resolve_by_type("slot") is SlotSet and Event.resolve_by_type("user") is UserUttered and Event.resolve_by_type("topic") is None
    assert Event.resolve_by_type("nonsense", SlotSet) is SlotSet
    with pytest.raises(ValueError, match="nonsense"):
        Event.resolve_by_type("nonsense")


def nlu_file(folder, *examples):
    """A file of training data."""
    file = folder / "nlu.yml"
    file.write_text('version: "3.1"\nnlu:\n- intent: ask_pain\n  examples: |\n' + "".join(f"    - {example}\n" for example in examples), "utf-8")
    return str(file)


def test_training_files_are_read_once_and_again_after_a_change(tmp_path, monkeypatch):
    assert "load_data(nlu_file, language) for nlu_file in paths" in own_source("rasa.shared.importers.utils", "training_data_from_paths"), "Rasa reads its files in another way: look at training_files_read_once"
    from rasa.shared.nlu.training_data import loading

    read, real = [], loading.load_data
    monkeypatch.setattr(loading, "load_data", lambda *given: read.append(given) or real(*given))
    file = nlu_file(tmp_path, "does it hurt")
    first, second = (importing.training_data_from_paths([file], "en") for _ in range(2))
    assert len(read) == 1 and [m.get("text") for m in second.training_examples] == ["does it hurt"]
    first.training_examples[0].set("text", "changed")
    assert importing.training_data_from_paths([file], "en").training_examples[0].get("text") == "does it hurt"
    nlu_file(tmp_path, "does it hurt", "is it painful")
    assert len(importing.training_data_from_paths([file], "en").training_examples) == 2 and len(read) == 2


def test_merging_keeps_fingerprints():
    source = own_source("rasa.shared.nlu.training_data.training_data", "TrainingData.sanitize_examples")
    assert "ex.set(INTENT, ex.get(INTENT).strip())" in source, "Rasa no longer strips what is stripped: drop kept_fingerprints"
    spaced, plain = Message.build("it hurts", " ask_pain "), Message.build("does it hurt", "ask_pain")
    fingerprint = plain.fingerprint()
    kept = TrainingData.sanitize_examples([spaced, plain, Message.build("does it hurt", "ask_pain")])
    assert kept == [spaced, plain] and spaced.get("intent") == "ask_pain" and plain._cached_fingerprint == fingerprint


def test_copies_of_examples_are_whole_and_their_own():
    assert python("from rasa.shared.nlu.training_data.message import Message; print(hasattr(Message, '__deepcopy__'))") == "False", "Rasa copies examples itself: drop quick_copies_of_examples"
    message = Message.build("does it hurt", "ask_pain", entities=[{"entity": "area", "value": "face", "start": 0, "end": 4}])
    twin = copy.deepcopy(message)
    assert twin == message and twin is not message and vars(twin).keys() == vars(message).keys()
    twin.get("entities")[0]["value"] = "lips"
    assert message.get("entities")[0]["value"] == "face"


def test_a_model_is_packed_lightly_and_read_by_anyone(tmp_path):
    source = own_source("rasa.engine.storage.local_model_storage", "LocalModelStorage.create_model_package")
    assert '"w:gz")' in source, "Rasa packs models in another way: look at lighter_compression"
    (tmp_path / "data").write_text(json.dumps(list(range(5000))), "utf-8")
    with local_model_storage.TarSafe.open(tmp_path / "a.tar.gz", "w:gz") as tar:
        tar.add(tmp_path / "data", arcname="data")
    assert (tmp_path / "a.tar.gz").read_bytes()[8] == 0  # gzip's header: 2 would be the strongest level
    with tarfile.open(tmp_path / "a.tar.gz") as tar:
        assert tar.getnames() == ["data"]
