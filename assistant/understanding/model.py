"""The topic model: nearest training examples by meaning, and a linear model over words and parts of words, in equal shares.

The two err in different ways. A sentence embedding knows that "my flower of a child is due" is about a pregnancy and confuses sibling
topics; words tell siblings apart and know no paraphrase. Held-out writers: docs/understanding.md.
"""
import json
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Dict, List, Sequence, Tuple

import joblib
import numpy as np

#: Labels may name a situation inside a topic ("smalltalk/thanks"); the part before the slash is the topic.
SEPARATOR = "/"
#: Nearest examples that vote, and how much more a nearer one counts (weight: exp(SHARPNESS x cosine)).
NEIGHBOURS, SHARPNESS = 40, 20.0
#: Turns the margins of the linear model into probabilities; the least probability either half gives a topic.
MARGIN_SCALE, FLOOR = 3.0, 0.003


def topic_of(label: str) -> str:
    """"smalltalk/thanks" gives "smalltalk"."""
    return label.split(SEPARATOR)[0]


def word_features():
    """Words, pairs of words, and parts of words (3 to 5 letters), weighted by how rare they are."""
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.pipeline import FeatureUnion

    return FeatureUnion([
        ("words", TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True)),
        ("parts", TfidfVectorizer(analyzer="char_wb", ngram_range=(3, 5), min_df=2, sublinear_tf=True)),
    ])


class WordRow:
    """What fitted `word_features` give for one text, without scikit-learn's checks of whole matrices, which cost ten times the work (the values are the same)."""

    def __init__(self, features):
        self._parts, start = [], 0
        for _, vectoriser in features.transformer_list:
            self._parts.append((vectoriser.build_analyzer(), vectoriser.vocabulary_, vectoriser.idf_, start))
            start += len(vectoriser.idf_)

    def __call__(self, text: str) -> Tuple[np.ndarray, np.ndarray]:
        """The columns that are not zero, ascending, and their values (float32)."""
        columns, values = [], []
        for analyse, vocabulary, idf, start in self._parts:
            counts = Counter(vocabulary[term] for term in analyse(text) if term in vocabulary)
            found = np.array(sorted(counts), dtype=np.int64)
            weights = (1 + np.log(np.array([counts[column] for column in found.tolist()], dtype=np.float64))) * idf[found]
            columns.append(found + start)
            values.append(weights / (np.sqrt(weights @ weights) or 1.0))
        return np.concatenate(columns), np.concatenate(values).astype(np.float32)


def without_rare_terms(features):
    """Fitted `word_features` without the list of the terms that were too rare, which nothing reads and which is most of their size."""
    for _, vectoriser in features.transformer_list:
        vectoriser.stop_words_ = None
    return features


def softmax(scores: np.ndarray) -> np.ndarray:
    """Probabilities from scores, along the last axis."""
    exp = np.exp(scores - scores.max(axis=-1, keepdims=True))
    return exp / exp.sum(axis=-1, keepdims=True)


@dataclass
class Ranked:
    """What the model says of one text."""

    topics: List[Tuple[str, float]]
    situations: Dict[str, str]
    nearest: float

    @property
    def best(self) -> str:
        return self.topics[0][0]

    @property
    def confidence(self) -> float:
        return self.topics[0][1]

    @property
    def situation(self) -> str:
        """The situation inside the best topic, or an empty text."""
        return self.situations.get(self.best, "")


class TopicModel:
    """Training examples (embeddings [n, dimension], labels) and the linear model (features, weights [features, topics], bias [topics])."""

    def __init__(self, labels: Sequence[str], examples: np.ndarray, example_labels: np.ndarray, features, weights: np.ndarray, bias: np.ndarray, temperature: float = 1.0):
        self.labels, self.temperature = list(labels), float(temperature)
        self.examples, self.example_labels = examples.astype(np.float32, copy=False), example_labels
        self.features, self.weights, self.bias = features, weights, bias
        self._row = WordRow(features)
        self.topics = sorted({topic_of(label) for label in labels})
        index = {topic: i for i, topic in enumerate(self.topics)}
        self._topic_of_example = np.array([index[topic_of(label)] for label in self.labels])[example_labels]

    @classmethod
    def train(cls, texts: Sequence[str], vectors: np.ndarray, labels: Sequence[str], strength: float = 1.0, temperature: float = 1.0) -> "TopicModel":
        """Fit on texts, their embeddings [n, dimension] and labels. `strength` is the inverse of the linear model's regularisation."""
        from sklearn.svm import LinearSVC

        names = sorted(set(labels))
        index = {name: i for i, name in enumerate(names)}
        features = word_features()
        topics = np.array([topic_of(label) for label in labels])
        # random_state: liblinear shuffles the examples; the same data must give the same model
        fitted = LinearSVC(C=strength, random_state=0).fit(features.fit_transform(texts), topics)
        weights, bias = fitted.coef_, fitted.intercept_
        if len(fitted.classes_) == 2:  # liblinear then gives one row, for the second class
            weights, bias = np.vstack([-weights, weights]), np.concatenate([-bias, bias])
        return cls(names, vectors.astype(np.float16), np.array([index[x] for x in labels]), features, weights.T.astype(np.float16), bias.astype(np.float32), temperature)

    def by_words(self, text: str) -> np.ndarray:
        """Probabilities of the topics, [topics], by the linear model."""
        columns, values = self._row(text)
        return softmax(MARGIN_SCALE * (values @ self.weights[columns].astype(np.float32) + self.bias))

    def by_neighbours(self, similar: np.ndarray, nearest: np.ndarray) -> np.ndarray:
        """Probabilities of the topics, [topics], by the votes of the `nearest` examples."""
        votes = np.bincount(self._topic_of_example[nearest], np.exp(SHARPNESS * similar[nearest]), len(self.topics))
        return votes / votes.sum()

    def rank(self, text: str, vector: np.ndarray, length: int = 10) -> Ranked:
        """The most likely topics of one text and its embedding [dimension], the situation inside each, and the cosine to the nearest example."""
        similar = self.examples @ vector
        count = min(NEIGHBOURS, len(similar))
        nearest = np.argpartition(-similar, count - 1)[:count]
        mixed = (np.log(self.by_neighbours(similar, nearest) + FLOOR) + np.log(self.by_words(text) + FLOOR)) / 2
        by_topic = softmax(mixed / self.temperature)
        order = np.argsort(-by_topic)[:length]
        return Ranked([(self.topics[i], float(by_topic[i])) for i in order], self.situations(similar, nearest), float(similar.max()))

    def situations(self, similar: np.ndarray, nearest: np.ndarray) -> Dict[str, str]:
        """By topic, the situation for which the `nearest` examples of that topic vote."""
        votes = np.bincount(self.example_labels[nearest], np.exp(SHARPNESS * similar[nearest]), len(self.labels))
        best: Dict[str, Tuple[float, str]] = {}
        for label in np.flatnonzero(votes):
            topic, _, situation = self.labels[label].partition(SEPARATOR)
            best[topic] = max(best.get(topic, (0.0, "")), (float(votes[label]), situation))
        return {topic: situation for topic, (_, situation) in best.items()}

    def save(self, folder: Path) -> None:
        """Write examples.npz, words.joblib and labels.json."""
        np.savez(folder / "examples.npz", examples=self.examples.astype(np.float16), example_labels=self.example_labels)
        joblib.dump({"features": without_rare_terms(self.features), "weights": self.weights, "bias": self.bias}, folder / "words.joblib")
        (folder / "labels.json").write_text(json.dumps({"labels": self.labels, "temperature": self.temperature}), "utf-8")

    @classmethod
    def load(cls, folder: Path) -> "TopicModel":
        """Read what `save` wrote."""
        meta: Dict = json.loads((folder / "labels.json").read_text("utf-8"))
        words = joblib.load(folder / "words.joblib")
        with np.load(folder / "examples.npz") as data:
            return cls(meta["labels"], data["examples"], data["example_labels"], words["features"], words["weights"], words["bias"], meta["temperature"])
