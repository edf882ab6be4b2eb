"""The topic model: nearest training examples by meaning, and a linear model over words and parts of
words, in equal shares.

The two err in different ways. A sentence embedding knows that "my flower of a child is due" is
about a pregnancy and confuses sibling topics; words tell siblings apart and know no paraphrase.
Held-out writers: docs/understanding.md.
"""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Dict, List, Optional, Sequence, Tuple

import numpy as np

from assistant.understanding.words import WordRow

#: Labels may name a situation inside a topic ("smalltalk/thanks"); the part before the slash is the
#: topic.
SEPARATOR = "/"
#: Nearest examples that vote, and how much more a nearer one counts (weight: exp(SHARPNESS x
#: cosine)).
NEIGHBOURS, SHARPNESS = 40, 20.0
#: From so many examples on, the nearest are looked for among CANDIDATES that are near in the ROUGH
#: main directions of the examples: of the evaluation set's nearest examples 99.5 % are found so, in
#: a third of the time (the whole matrix does not fit into a core's cache).
MANY, CANDIDATES, ROUGH = 4000, 180, 128
#: Turns the margins of the linear model into probabilities; the least probability either half gives
#: a topic.
MARGIN_SCALE, FLOOR = 3.0, 0.003
#: The situation of examples that ask for a topic as such, in plain words.
GENERAL = "general"
#: Penalty of the ridge regression that finds specific questions (five-fold, 1,033 questions of 66
#: topics: 0.717 of the specific and 0.844 of the plain ones right; 0.700 and 0.713 with 0.1 and 1).
RIDGE = 0.3
#: The most likely topics whose specific questions are looked at.
FACETED = 5
#: Tolerance of the linear model: no weight changes by more than 0.0003 against liblinear's own,
#: which takes half as long again.
TOLERANCE = 1e-3


def topic_of(label: str) -> str:
    """ "smalltalk/thanks" gives "smalltalk"."""
    return label.split(SEPARATOR)[0]


def softmax(scores: np.ndarray) -> np.ndarray:
    """Probabilities from scores, along the last axis."""
    exp = np.exp(scores - scores.max(axis=-1, keepdims=True))
    return exp / exp.sum(axis=-1, keepdims=True)


def shortened(numbers: np.ndarray) -> np.ndarray:
    """float32 as bfloat16: the upper half of each number, rounded. numpy turns these back ten times
    as fast as float16."""
    return ((numbers.view(np.uint32) + 0x8000) >> 16).astype(np.uint16)


def lengthened(halves: np.ndarray) -> np.ndarray:
    """bfloat16 as float32."""
    return (halves.astype(np.uint32) << 16).view(np.float32)


@dataclass
class Ranked:
    """What the model says of one text."""

    topics: List[Tuple[str, float]]
    situations: Dict[str, str]
    nearest: float
    #: By topic, how much better than the next one the specific question fits.
    margins: Dict[str, float] = field(default_factory=dict)
    #: Probabilities of what a message may do beside asking (assistant.understanding.acts).
    acts: Dict[str, float] = field(default_factory=dict)

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


class Facets:
    """Which specific question inside a topic a text asks: for each topic a ridge regression of its
    situations on the embedding (Hoerl & Kennard 1970, closed form), the highest score wins.

    `weights` holds for each topic the situations and the weights [dimension + 1, situations], the
    last row being the intercept.
    """

    def __init__(self, weights: Dict[str, Tuple[List[str], np.ndarray]]):
        self.weights = weights

    @classmethod
    def train(cls, vectors: np.ndarray, labels: Sequence[str]) -> "Facets":
        """Fit on embeddings [n, dimension] and labels, of which those with a situation count, in
        topics that mark their plain forms (`GENERAL`)."""
        rows: Dict[str, Dict[str, List[int]]] = {}
        for number, label in enumerate(labels):
            topic, _, situation = label.partition(SEPARATOR)
            if situation:
                rows.setdefault(topic, {}).setdefault(situation, []).append(number)
        weights = {}
        for topic, situations in rows.items():
            if GENERAL not in situations:
                continue
            names = sorted(situations)
            numbers = [number for name in names for number in situations[name]]
            wanted = np.repeat(
                np.eye(len(names)), [len(situations[name]) for name in names], axis=0
            )
            weights[topic] = (names, ridge(vectors[numbers], wanted))
        return cls(weights)

    def scores(self, topic: str, vector: np.ndarray) -> Dict[str, float]:
        """How well each situation of `topic` fits a text with this embedding: about 1 where it is
        asked and 0 where it is not; empty where the topic has none."""
        if topic not in self.weights:
            return {}
        names, weights = self.weights[topic]
        return dict(zip(names, (vector @ weights[:-1] + weights[-1]).tolist()))

    def of(self, topic: str, vector: np.ndarray) -> Optional[Tuple[str, float]]:
        """The specific question that a text with this embedding asks inside `topic`, empty where it
        asks for the topic as such, and its lead over the next; None where the topic has none."""
        scores = self.scores(topic, vector)
        if not scores:
            return None
        best = max(scores, key=scores.get)
        second, first = sorted(scores.values())[-2:]
        return ("" if best == GENERAL else best), first - second

    def arrays(self) -> Dict[str, np.ndarray]:
        """The weights as half-precision arrays by topic."""
        return {topic: weights.astype(np.float16) for topic, (_, weights) in self.weights.items()}


def ridge(inputs: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """Weights [dimension + 1, outputs] of the ridge regression of `wanted` [n, outputs] on `inputs`
    [n, dimension]; the last row is the intercept, which is not penalised."""
    inputs = inputs.astype(np.float64)
    mean, middle = inputs.mean(axis=0), wanted.mean(axis=0)
    centred = inputs - mean
    gram = centred @ centred.T + RIDGE * np.eye(len(centred))
    weights = centred.T @ np.linalg.solve(gram, wanted - middle)
    return np.vstack([weights, middle - mean @ weights])


class TopicModel:
    """Training examples (embeddings [n, dimension], labels) and the linear model (row of words,
    weights [terms, topics], bias [topics])."""

    def __init__(
        self,
        labels: Sequence[str],
        examples: np.ndarray,
        example_labels: np.ndarray,
        row: WordRow,
        weights: np.ndarray,
        bias: np.ndarray,
        temperature: float = 1.0,
        facets: Optional[Facets] = None,
    ):
        self.facets = facets or Facets({})
        self.labels, self.temperature = list(labels), float(temperature)
        self.examples, self.example_labels = examples.astype(np.float32, copy=False), example_labels
        self._row, self.weights, self.bias = row, weights, bias
        self.topics = sorted({topic_of(label) for label in labels})
        index = {topic: i for i, topic in enumerate(self.topics)}
        self._topic_of_example = np.array([index[topic_of(label)] for label in self.labels])[
            example_labels
        ]
        self._directions = self._rough = None
        if len(self.examples) >= MANY:
            main = np.linalg.eigh(self.examples.T @ self.examples)[1][:, -ROUGH:]
            self._directions, self._rough = main, self.examples @ main
            self.examples = shortened(self.examples)  # of which few are read at a time

    @classmethod
    def train(
        cls,
        texts: Sequence[str],
        vectors: np.ndarray,
        labels: Sequence[str],
        strength: float = 1.0,
        temperature: float = 1.0,
    ) -> "TopicModel":
        """Fit on texts, their embeddings [n, dimension] and labels. `strength` is the inverse of
        the linear model's regularisation."""
        from sklearn.svm import LinearSVC

        names = sorted(set(labels))
        index = {name: i for i, name in enumerate(names)}
        row, words = WordRow.fit(texts)
        topics = np.array([topic_of(label) for label in labels])
        # random_state: liblinear shuffles the examples; the same data must give the same model
        fitted = LinearSVC(C=strength, tol=TOLERANCE, random_state=0).fit(words, topics)
        weights, bias = fitted.coef_, fitted.intercept_
        if len(fitted.classes_) == 2:  # liblinear then gives one row, for the second class
            weights, bias = np.vstack([-weights, weights]), np.concatenate([-bias, bias])
        return cls(
            names,
            vectors.astype(np.float16),
            np.array([index[x] for x in labels]),
            row,
            weights.T.astype(np.float16),
            bias.astype(np.float32),
            temperature,
            Facets.train(vectors, labels),
        )

    def by_words(self, text: str) -> np.ndarray:
        """Probabilities of the topics, [topics], by the linear model."""
        columns, values = self._row(text)
        return softmax(
            MARGIN_SCALE * (values @ self.weights[columns].astype(np.float32) + self.bias)
        )

    def neighbours(self, vector: np.ndarray) -> Tuple[np.ndarray, np.ndarray]:
        """The numbers of the nearest examples, in no order, and their cosines with a text's
        embedding [dimension]."""
        among, examples = None, self.examples
        if self._rough is not None:
            among = np.argpartition(self._rough @ (vector @ self._directions), -CANDIDATES)[
                -CANDIDATES:
            ]
            examples = lengthened(self.examples[among])
        similar = examples @ vector
        count = min(NEIGHBOURS, len(similar))
        best = np.argpartition(similar, -count)[-count:]
        return best if among is None else among[best], similar[best]

    def by_neighbours(self, nearest: np.ndarray, similar: np.ndarray) -> np.ndarray:
        """Probabilities of the topics, [topics], by the votes of the `nearest` examples."""
        votes = np.bincount(
            self._topic_of_example[nearest], np.exp(SHARPNESS * similar), len(self.topics)
        )
        return votes / votes.sum()

    def rank(self, text: str, vector: np.ndarray, length: int = 10) -> Ranked:
        """The most likely topics of one text and its embedding [dimension], the situation inside
        each, and the cosine to the nearest example."""
        nearest, similar = self.neighbours(vector)
        mixed = (
            np.log(self.by_neighbours(nearest, similar) + FLOOR)
            + np.log(self.by_words(text) + FLOOR)
        ) / 2
        by_topic = softmax(mixed / self.temperature)
        order = np.argsort(-by_topic)[:length]
        topics = [(self.topics[i], float(by_topic[i])) for i in order]
        situations = self.situations(nearest, similar)
        margins: Dict[str, float] = {}
        for topic, _ in topics[:FACETED]:
            facet = self.facets.of(topic, vector)
            if facet is not None:
                situations[topic], margins[topic] = facet
        return Ranked(topics, situations, float(similar.max()), margins)

    def situations(self, nearest: np.ndarray, similar: np.ndarray) -> Dict[str, str]:
        """By topic, the situation for which the `nearest` examples of that topic vote."""
        votes = np.bincount(
            self.example_labels[nearest], np.exp(SHARPNESS * similar), len(self.labels)
        )
        best: Dict[str, Tuple[float, str]] = {}
        for label in np.flatnonzero(votes):
            topic, _, situation = self.labels[label].partition(SEPARATOR)
            best[topic] = max(best.get(topic, (0.0, "")), (float(votes[label]), situation))
        return {topic: situation for topic, (_, situation) in best.items()}

    def save(self, folder: Path) -> None:
        """Write examples.npz, words.npz and labels.json."""
        np.savez(
            folder / "examples.npz",
            examples=(self.examples if self._rough is None else lengthened(self.examples)).astype(
                np.float16
            ),
            example_labels=self.example_labels,
        )
        np.savez(folder / "facets.npz", **self.facets.arrays())
        np.savez(folder / "words.npz", weights=self.weights, bias=self.bias, **self._row.arrays())
        (folder / "labels.json").write_text(
            json.dumps(
                {
                    "labels": self.labels,
                    "temperature": self.temperature,
                    "facets": {topic: names for topic, (names, _) in self.facets.weights.items()},
                }
            ),
            "utf-8",
        )

    @classmethod
    def load(cls, folder: Path) -> "TopicModel":
        """Read what `save` wrote."""
        meta: Dict = json.loads((folder / "labels.json").read_text("utf-8"))
        with np.load(folder / "facets.npz") as arrays:
            facets = Facets(
                {
                    topic: (names, arrays[topic].astype(np.float32))
                    for topic, names in meta["facets"].items()
                }
            )
        with np.load(folder / "examples.npz") as data, np.load(folder / "words.npz") as words:
            return cls(
                meta["labels"],
                data["examples"],
                data["example_labels"],
                WordRow.of(words),
                words["weights"],
                words["bias"],
                meta["temperature"],
                facets,
            )
