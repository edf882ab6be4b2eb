"""The contract of Rasa's graph components: train, persist, load, process; and a fingerprint that
sees helpers, data and encoder."""

import pytest
from rasa.engine.graph import ExecutionContext, GraphSchema
from rasa.engine.storage.local_model_storage import LocalModelStorage
from rasa.engine.storage.resource import Resource
from rasa.shared.nlu.constants import ENTITIES, INTENT, TEXT
from rasa.shared.nlu.training_data.loading import load_data
from rasa.shared.nlu.training_data.message import Message
from rasa.shared.nlu.training_data.training_data import TrainingData

from assistant import launch, paths
from assistant.rasa import nlu, runtime

COMPONENTS = (nlu.SentenceEncoderFeaturizer, nlu.LexiconEntityExtractor, nlu.TopicClassifier)


@pytest.fixture(scope="module")
def storage(tmp_path_factory):
    return LocalModelStorage(tmp_path_factory.mktemp("storage"))


@pytest.fixture(scope="module")
def context():
    return ExecutionContext(GraphSchema({}), model_id="test", node_name="TopicClassifier2")


def thinned(rows_of):
    """Every 6th of the rows that a model of ours is trained on: how well it reads is not asked
    here."""

    def some(*given):
        texts, labels = rows_of(*given)
        return texts[::6], labels[::6]

    return some


@pytest.fixture(scope="module")
def trained(storage, context):
    """A classifier trained on the fewest topics and messages, and the data it saw. The triage of
    this process is afterwards what it was."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(runtime, "_triage", runtime._triage)
        for name in ("training_rows", "statement_rows"):
            patch.setattr(nlu, name, thinned(getattr(nlu, name)))
        yield small_classifier(storage, context)


def small_classifier(storage, context):
    """Trains on three topics."""
    everything = load_data(str(paths.NLU / "treatment.yml"))
    data = TrainingData(
        [
            m
            for m in everything.training_examples
            if m.get(INTENT) in ("ask_pain", "ask_session_duration", "ask_numbing")
        ]
    )
    featurizer = nlu.SentenceEncoderFeaturizer.create(
        {**nlu.SentenceEncoderFeaturizer.get_default_config(), "alias": "encoder"},
        storage,
        Resource("encoder"),
        context,
    )
    featurizer.process_training_data(data)
    component = nlu.TopicClassifier.create(
        nlu.TopicClassifier.get_default_config(), storage, Resource("topics"), context
    )
    resource = component.train(data)
    return component, resource, featurizer


def parse(component, featurizer, text):
    message = Message({TEXT: text})
    featurizer.process([message])
    return component.process([message])[0]


def test_what_is_trained_is_what_is_loaded(trained, storage, context):
    component, resource, featurizer = trained
    loaded = nlu.TopicClassifier.load(
        nlu.TopicClassifier.get_default_config(), storage, resource, context
    )
    for text in (
        "does it hurt",
        "how long does it take",
        "is there numbing cream",
        "",
        "?!",
        "my tongue is swelling up and I can't breathe",
    ):
        one, other = parse(component, featurizer, text), parse(loaded, featurizer, text)
        assert one.get(INTENT) == other.get(INTENT) and one.get("meaning") == other.get("meaning")
    assert parse(loaded, featurizer, "does it hurt").get(INTENT)["name"] == "ask_pain"
    assert (
        parse(loaded, featurizer, "my tongue is swelling up and I can't breathe").get("meaning")[
            "triage"
        ]["level"]
        == "emergency"
    )


def test_the_same_data_give_the_same_model(trained):
    _, _, featurizer = trained
    texts = ["does it hurt", "is it sore", "how long", "how many minutes"]
    labels = ["pain", "pain", "session_duration", "session_duration"]
    vectors = featurizer.encoder.encode_all(texts)
    one, other = (nlu.TopicModel.train(texts, vectors, labels) for _ in range(2))
    for text in ("will it be painful", "minutes", "what"):
        assert one.rank(text, featurizer.encoder.encode(text)) == other.rank(
            text, featurizer.encoder.encode(text)
        )


def test_an_untrained_component_asks_for_training(storage, context):
    with pytest.raises(ValueError, match="never trained"):
        nlu.TopicClassifier.load(
            nlu.TopicClassifier.get_default_config(), storage, Resource("never trained"), context
        )


def test_entities_and_their_offsets(storage, context):
    extractor = nlu.LexiconEntityExtractor.create({}, storage, Resource("lexicon"), context)
    found = extractor.process([Message({TEXT: "i take zarelto"})])[0].get(ENTITIES)
    assert [(e["entity"], e["value"], "i take zarelto"[e["start"] : e["end"]]) for e in found] == [
        ("medication", "rivaroxaban", "zarelto")
    ]


@pytest.mark.parametrize("component", COMPONENTS)
def test_a_change_of_helpers_or_data_never_meets_a_stale_cache(component, monkeypatch, tmp_path):
    before = component.fingerprint_addon({})
    assert before and before == component.fingerprint_addon({})
    files = nlu.helper_files()
    assert {str(path.relative_to(paths.ROOT)) for path in files} <= set(launch.inputs()), (
        "`make train` would not notice a change of these"
    )
    names = {path.name for path in files}
    assert {
        "reader.py",
        "model.py",
        "classifier.py",
        "statements.py",
        "triage.py",
        "statements.yml",
        "red_flags.yml",
        "emergency.yml",
        "SHA256SUMS",
    } <= names
    for number, path in enumerate(files):
        if path.name in ("reader.py", "emergency.yml", "SHA256SUMS"):
            changed = tmp_path / str(number) / path.name
            changed.parent.mkdir()
            changed.write_bytes(path.read_bytes() + b"\n# changed")
            monkeypatch.setattr(
                nlu,
                "helper_files",
                lambda path=path, changed=changed: [changed if p == path else p for p in files],
            )
            assert component.fingerprint_addon({}) != before, path.name
