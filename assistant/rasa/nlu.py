"""Rasa graph components around assistant.understanding: encoder, entities, topics.

The helpers live in other modules, which Rasa's fingerprint of a component does not see;
`fingerprint_addon` adds them and the files they read, so that a change never meets a stale cache.
"""

import hashlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Dict, Iterable, List, Optional, Tuple, Type

import numpy as np
from rasa.engine.graph import ExecutionContext, GraphComponent
from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.engine.storage.resource import Resource
from rasa.engine.storage.storage import ModelStorage
from rasa.nlu.classifiers.classifier import IntentClassifier
from rasa.nlu.extractors.extractor import EntityExtractorMixin
from rasa.nlu.featurizers.dense_featurizer.dense_featurizer import DenseFeaturizer
from rasa.shared.core.trackers import DialogueStateTracker
from rasa.shared.nlu.constants import (
    ENTITIES,
    FEATURE_TYPE_SENTENCE,
    INTENT,
    INTENT_NAME_KEY,
    INTENT_RANKING_KEY,
    PREDICTED_CONFIDENCE_KEY,
    TEXT,
)
from rasa.shared.nlu.training_data.features import Features
from rasa.shared.nlu.training_data.message import Message
from rasa.shared.nlu.training_data.training_data import TrainingData

from assistant import paths
from assistant.rasa import observe, patches, runtime
from assistant.safety.classifier import TriageModel, training_rows
from assistant.safety.statements import StatementModel, statement_rows
from assistant.understanding import acts, lexicon
from assistant.understanding.encoder import Encoder
from assistant.understanding.model import SEPARATOR, TopicModel, topic_of
from assistant.understanding.reader import BOUNDARIES, Reader, Thresholds, intent_of
from assistant.understanding.spelling import Speller
from assistant.understanding.text import normalise

__all__ = ["SentenceEncoderFeaturizer", "LexiconEntityExtractor", "TopicClassifier", "patches"]
PREFIX = "ask_"


def checksum(files: Iterable[Path]) -> str:
    """One SHA-256 over the names and contents of `files`."""
    digest = hashlib.sha256()
    for path in sorted(files):
        digest.update(path.name.encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()


def helper_files() -> List[Path]:
    """The modules and data files that the components depend on."""
    return [
        Path(__file__),
        *(paths.ROOT / "assistant" / "understanding").glob("*.py"),
        *(paths.ROOT / "assistant" / "safety").glob("*.py"),
        *paths.SAFETY.rglob("*.yml"),
        paths.ENCODER / "SHA256SUMS",
        *paths.LEXICON.glob("*.yml"),
        *paths.LANGUAGE.glob("*.yml"),
    ]


def cleaned(message: Message) -> str:
    """The normalised text of a message."""
    return normalise(message.get(TEXT) or "")


@DefaultV1Recipe.register([DefaultV1Recipe.ComponentType.MESSAGE_FEATURIZER], is_trainable=False)
class SentenceEncoderFeaturizer(DenseFeaturizer, GraphComponent):
    """Sentence features, [1, 384], from the shared sentence encoder
    (assistant.understanding.encoder)."""

    def __init__(self, config: Dict[str, Any], name: str):
        super().__init__(name, config)
        self.encoder = Encoder.shared()

    @staticmethod
    def get_default_config() -> Dict[str, Any]:
        return {**DenseFeaturizer.get_default_config()}

    @staticmethod
    def required_packages() -> List[str]:
        return ["onnxruntime", "tokenizers"]

    @classmethod
    def fingerprint_addon(cls, config: Dict[str, Any]) -> Optional[str]:
        return checksum(helper_files())

    @classmethod
    def validate_config(cls, config: Dict[str, Any]) -> None:
        pass

    @classmethod
    def create(
        cls,
        config: Dict[str, Any],
        model_storage: ModelStorage,
        resource: Resource,
        execution_context: ExecutionContext,
    ) -> "SentenceEncoderFeaturizer":
        return cls(config, execution_context.node_name)

    def process(self, messages: List[Message]) -> List[Message]:
        messages_with_text = [message for message in messages if message.get(TEXT)]
        texts = [cleaned(message) for message in messages_with_text]
        vectors = (
            self.encoder.encode_all(texts)
            if len(texts) > 1
            else [self.encoder.encode(text) for text in texts]
        )
        for message, vector in zip(messages_with_text, vectors):
            message.add_features(
                Features(vector[None], FEATURE_TYPE_SENTENCE, TEXT, self._identifier)
            )
        return messages

    def process_training_data(self, training_data: TrainingData) -> TrainingData:
        self.process(training_data.training_examples)
        return training_data


@DefaultV1Recipe.register([DefaultV1Recipe.ComponentType.ENTITY_EXTRACTOR], is_trainable=False)
class LexiconEntityExtractor(EntityExtractorMixin, GraphComponent):
    """Entities with canonical values from data/lexicon (assistant.understanding.lexicon)."""

    def __init__(self, config: Dict[str, Any]):
        self.config = config
        self.lexicon = lexicon.shared()

    @staticmethod
    def required_packages() -> List[str]:
        return ["spacy", "rapidfuzz"]

    @classmethod
    def fingerprint_addon(cls, config: Dict[str, Any]) -> Optional[str]:
        return checksum(helper_files())

    @classmethod
    def create(
        cls,
        config: Dict[str, Any],
        model_storage: ModelStorage,
        resource: Resource,
        execution_context: ExecutionContext,
    ) -> "LexiconEntityExtractor":
        return cls(config)

    def process(self, messages: List[Message]) -> List[Message]:
        for message in messages:
            found = self.lexicon.entities(message.get(TEXT) or "")
            message.set(ENTITIES, message.get(ENTITIES, []) + found, add_to_output=True)
        return messages


@DefaultV1Recipe.register([DefaultV1Recipe.ComponentType.INTENT_CLASSIFIER], is_trainable=True)
class TopicClassifier(IntentClassifier, GraphComponent):
    """Intents `ask_<topic>`, and `meaning`: the questions of a message as
    assistant.understanding.reader reads them.

    At prediction time the conversation so far is read from the slot `conversation`, so that
    follow-ups, corrections and numbered choices work in `rasa shell` as on the website.
    """

    @classmethod
    def required_components(cls) -> List[Type]:
        return [SentenceEncoderFeaturizer]

    @staticmethod
    def required_packages() -> List[str]:
        return ["sklearn"]

    @staticmethod
    def get_default_config() -> Dict[str, Any]:
        return {"strength": 1.0, "temperature": 1.0, "ranking_length": 10, **vars(Thresholds())}

    @classmethod
    def fingerprint_addon(cls, config: Dict[str, Any]) -> Optional[str]:
        return checksum(helper_files())

    def __init__(
        self,
        config: Dict[str, Any],
        model_storage: ModelStorage,
        resource: Resource,
        model: Optional[TopicModel] = None,
        triage: Optional[TriageModel] = None,
        statements: Optional[StatementModel] = None,
        speller: Optional[Speller] = None,
    ):
        self.config = {**self.get_default_config(), **config}
        self._model_storage, self._resource = model_storage, resource
        self._use(model, triage, statements, speller)

    def _use(
        self,
        model: Optional[TopicModel],
        triage: Optional[TriageModel],
        statements: Optional[StatementModel],
        speller: Optional[Speller],
    ) -> None:
        self.model, self.triage, self.statements, self.speller = model, triage, statements, speller
        self.reader = None
        if model and triage:
            self.reader = Reader(
                Encoder.shared(),
                model,
                lexicon.shared(),
                Thresholds.of(self.config),
                runtime.use_triage_model(triage, speller),
                statements,
            )

    @classmethod
    def create(
        cls,
        config: Dict[str, Any],
        model_storage: ModelStorage,
        resource: Resource,
        execution_context: ExecutionContext,
    ) -> "TopicClassifier":
        return cls(config, model_storage, resource)

    @classmethod
    def load(
        cls,
        config: Dict[str, Any],
        model_storage: ModelStorage,
        resource: Resource,
        execution_context: ExecutionContext,
        **kwargs: Any,
    ) -> "TopicClassifier":
        with model_storage.read_from(resource) as folder:
            return cls(
                config,
                model_storage,
                resource,
                TopicModel.load(folder),
                TriageModel(TopicModel.load(folder / "triage"), Encoder.shared().encode),
                StatementModel.load(folder, Encoder.shared().encode),
                Speller.load(folder),
            )

    def train(self, training_data: TrainingData) -> Resource:
        """Fit the topic model; an intent's `metadata: {situation: ...}` splits it into
        situations."""
        texts, vectors, labels = [], [], []
        for example in training_data.intent_examples:
            intent = example.get(INTENT)
            if not example.get(TEXT) or not (intent.startswith(PREFIX) or intent in acts.names()):
                continue
            texts.append(cleaned(example))
            vectors.append(example.get_dense_features(TEXT)[1].features[0])
            situation = (example.get("metadata") or {}).get("intent", {}).get("situation")
            label = intent[len(PREFIX) :] if intent.startswith(PREFIX) else intent
            labels.append(label + (SEPARATOR + situation if situation else ""))
        known, encoder = dict(zip(texts, vectors)), Encoder.shared()
        # Questions that are added to a topic teach the topic model alone: the reading of reports
        # and of circumstances does not move with them.
        fixed = [
            (text, label)
            for text, label in zip(texts, labels)
            if SEPARATOR not in label or topic_of(label) in BOUNDARIES
        ]
        reports, stated = (
            rows_of(*map(list, zip(*fixed))) for rows_of in (training_rows, statement_rows)
        )
        # liblinear takes one core, and only one call of it at a time: its random numbers are shared
        with ThreadPoolExecutor(1) as beside:
            topics = beside.submit(
                TopicModel.train,
                texts,
                np.stack(vectors),
                labels,
                self.config["strength"],
                self.config["temperature"],
            )
            missing = [
                text for text in dict.fromkeys([*reports[0], *stated[0]]) if text not in known
            ]
            known.update(zip(missing, encoder.encode_all(missing)))
            topics = topics.result()

        def rows(found: Tuple[List[str], List[str]]) -> Tuple[List[str], np.ndarray, List[str]]:
            return found[0], np.stack([known[text] for text in found[0]]), found[1]

        triage = TriageModel.train(*rows(reports), encoder.encode)
        statements = StatementModel.train(*rows(stated), encoder.encode)
        self._use(topics, triage, statements, Speller.train(known, lexicon.shared().words()))
        with self._model_storage.write_to(self._resource) as folder:
            self.model.save(folder)
            (folder / "triage").mkdir()
            self.triage.model.save(folder / "triage")
            self.statements.save(folder)
            self.speller.save(folder)
        return self._resource

    def process(
        self, messages: List[Message], tracker: Optional[DialogueStateTracker] = None
    ) -> List[Message]:
        state = tracker.get_slot("conversation") if tracker else None
        for message in messages:
            text = cleaned(message)
            meaning = self.reader.read(text, state)
            if tracker and tracker.active_loop_name:
                meaning["in_form"] = True  # the stores mask what is said to a form
            intent = intent_of(meaning)
            questions = meaning.get("questions") or []
            ranking = [
                {INTENT_NAME_KEY: PREFIX + c["topic"], PREDICTED_CONFIDENCE_KEY: c["confidence"]}
                for q in questions[:1]
                for c in q["candidates"]
            ]
            confidence = questions[0]["confidence"] if questions else 1.0
            observe.note(confidence=questions[0]["confidence"] if questions else None)
            chosen = {INTENT_NAME_KEY: intent, PREDICTED_CONFIDENCE_KEY: confidence}
            ranking = [chosen, *(r for r in ranking if r[INTENT_NAME_KEY] != intent)]
            message.set(INTENT, chosen, add_to_output=True)
            message.set(
                INTENT_RANKING_KEY, ranking[: self.config["ranking_length"]], add_to_output=True
            )
            message.set("meaning", meaning, add_to_output=True)
        return messages

    def process_training_data(self, training_data: TrainingData) -> TrainingData:
        return training_data
