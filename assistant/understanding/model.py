"""The topic model: multinomial logistic regression over sentence embeddings, with a nearest-example gate."""
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Dict, List, Sequence, Tuple

import numpy as np

#: Labels may name a situation inside a topic ("smalltalk/thanks"); the part before the slash is the topic.
SEPARATOR = "/"


def topic_of(label: str) -> str:
    """"smalltalk/thanks" gives "smalltalk"."""
    return label.split(SEPARATOR)[0]


@dataclass
class Ranked:
    """What the model says of one text."""

    topics: List[Tuple[str, float]]
    situation: str
    nearest: float

    @property
    def best(self) -> str:
        return self.topics[0][0]

    @property
    def confidence(self) -> float:
        return self.topics[0][1]


class TopicModel:
    """Weights [dimension, labels], bias [labels], temperature, and the training examples (float16) for the gate."""

    def __init__(self, labels: Sequence[str], weights: np.ndarray, bias: np.ndarray, temperature: float, examples: np.ndarray, example_labels: np.ndarray):
        self.labels, self.weights, self.bias = list(labels), weights.astype(np.float32), bias.astype(np.float32)
        self.temperature, self.examples, self.example_labels = float(temperature), examples, example_labels
        self._dense = examples.astype(np.float32)
        self.topics = sorted({topic_of(label) for label in labels})
        index = {topic: i for i, topic in enumerate(self.topics)}
        self._topic_index = np.array([index[topic_of(label)] for label in self.labels])

    @classmethod
    def train(cls, vectors: np.ndarray, labels: Sequence[str], strength: float = 8.0, temperature: float = 1.0) -> "TopicModel":
        """Fit on embeddings [n, dimension] and their labels. `strength` is the inverse of the L2 regularisation."""
        from sklearn.linear_model import LogisticRegression

        names = sorted(set(labels))
        fitted = LogisticRegression(C=strength, max_iter=300, tol=1e-3, class_weight="balanced").fit(vectors, labels)
        order = [list(fitted.classes_).index(name) for name in names]
        index = {name: i for i, name in enumerate(names)}
        return cls(names, fitted.coef_[order].T, fitted.intercept_[order], temperature, vectors.astype(np.float16), np.array([index[x] for x in labels]))

    def probabilities(self, vectors: np.ndarray) -> np.ndarray:
        """Calibrated probabilities of the labels, [n, labels]."""
        scores = (vectors @ self.weights + self.bias) / self.temperature
        scores -= scores.max(axis=1, keepdims=True)
        exp = np.exp(scores)
        return exp / exp.sum(axis=1, keepdims=True)

    def rank(self, vector: np.ndarray, most: int = 10) -> Ranked:
        """The likeliest topics of one embedding, with the cosine of the nearest training example."""
        by_label = self.probabilities(vector[None])[0]
        by_topic = np.bincount(self._topic_index, weights=by_label, minlength=len(self.topics))
        order = np.argsort(-by_topic)[:most]
        best = self.topics[order[0]]
        inside = [(p, label) for p, label in zip(by_label, self.labels) if topic_of(label) == best and SEPARATOR in label]
        situation = max(inside)[1].split(SEPARATOR)[1] if inside else ""
        return Ranked([(self.topics[i], float(by_topic[i])) for i in order], situation, float((self._dense @ vector).max()))

    def save(self, folder: Path) -> None:
        """Write weights.npz and labels.json."""
        np.savez_compressed(folder / "weights.npz", weights=self.weights, bias=self.bias, examples=self.examples, example_labels=self.example_labels)
        (folder / "labels.json").write_text(json.dumps({"labels": self.labels, "temperature": self.temperature}), "utf-8")

    @classmethod
    def load(cls, folder: Path) -> "TopicModel":
        """Read what `save` wrote."""
        meta: Dict = json.loads((folder / "labels.json").read_text("utf-8"))
        with np.load(folder / "weights.npz") as data:
            return cls(meta["labels"], data["weights"], data["bias"], meta["temperature"], data["examples"], data["example_labels"])
