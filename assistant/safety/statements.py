"""The trained half of detecting circumstances: messages that state one without any of the words of
the patterns.

One linear model for each circumstance against all others (words, parts of words and the sentence
embedding), fitted on data/safety/statements.yml and, as messages that state nothing, on the
questions of topics without circumstances.
"""

import json
from pathlib import Path
from typing import Callable, Dict, List, Sequence, Tuple

import numpy as np

from assistant import paths
from assistant.understanding.text import normalise
from assistant.understanding.words import WordRow
from assistant.yamlfile import YamlFile, plain

NOTHING = "none"
#: Topics whose questions state no circumstance.
TOPICS_WITHOUT = frozenset(
    (
        "what_is",
        "how_it_works",
        "benefits",
        "pores_texture",
        "pain",
        "procedure_steps",
        "session_duration",
        "number_of_sessions",
        "results_timeline",
        "results_longevity",
        "needle_depth",
        "devices_brands",
        "rf_microneedling",
        "downtime",
        "makeup_after",
        "exercise_after",
        "vampire_facial",
        "prp_vs_plain",
        "vs_laser",
        "vs_chemical_peel",
        "choose_provider",
        "cost",
        "insurance_financing",
        "booking",
        "clinic_info",
        "out_of_scope",
        "privacy",
        "feedback",
    )
)
#: How much the embedding (length 1) counts beside the words (length 1 each), and the margin from
#: which a circumstance counts as stated.
EMBEDDING_WEIGHT, LEAST_MARGIN = 3.0, 0.2
#: Of the questions that state nothing, every so-manieth is used: more would drown the
#: circumstances.
EVERY = 2


def read_statements(path: Path = paths.SAFETY / "statements.yml") -> List[Tuple[str, str]]:
    """(text, circumstance or "none") of every training message. Raises ContentError."""
    rows: List[Tuple[str, str]] = []
    for entry in plain(YamlFile.read(path, paths.ROOT).data["statements"]):
        rows += [(normalise(str(text)), entry["circumstance"]) for text in entry["states"]]
        rows += [(normalise(str(text)), NOTHING) for text in entry.get("not", [])]
    return rows


def statement_rows(
    topic_texts: Sequence[str], topic_labels: Sequence[str]
) -> Tuple[List[str], List[str]]:
    """Texts and labels to train on. `topic_labels` are topic ids or "topic/situation"."""
    rows = read_statements()
    nothing = [
        text
        for text, label in zip(topic_texts, topic_labels)
        if label.split("/")[0] in TOPICS_WITHOUT
    ]
    rows += [(text, NOTHING) for text in nothing[::EVERY]]
    return [text for text, _ in rows], [label for _, label in rows]


class StatementModel:
    """Which circumstances a sentence states. `weights` [terms + dimension, circumstances], `bias`
    [circumstances]."""

    def __init__(
        self,
        names: Sequence[str],
        row: WordRow,
        weights: np.ndarray,
        bias: np.ndarray,
        encode: Callable[[str], np.ndarray],
    ):
        self.names = list(names)
        self._row = row
        self.weights = weights
        self.bias = bias
        self.encode = encode
        self._words = len(weights) - len(encode("a"))

    @classmethod
    def train(
        cls,
        texts: Sequence[str],
        vectors: np.ndarray,
        labels: Sequence[str],
        encode: Callable[[str], np.ndarray],
    ) -> "StatementModel":
        """Fit on sentences, their embeddings [n, dimension] and the circumstance that each states,
        or NOTHING."""
        import scipy.sparse
        from sklearn.svm import LinearSVC

        row, words = WordRow.fit(texts)
        both = scipy.sparse.hstack(
            [words, scipy.sparse.csr_matrix(vectors * EMBEDDING_WEIGHT)]
        ).tocsr()
        fitted = LinearSVC(C=1.0, class_weight="balanced", random_state=0).fit(both, labels)
        return cls(
            fitted.classes_,
            row,
            fitted.coef_.T.astype(np.float16),
            fitted.intercept_.astype(np.float32),
            encode,
        )

    def margins(self, text: str) -> Dict[str, float]:
        """The margin of each circumstance (and of NOTHING): above zero it is on that side of the
        boundary."""
        columns, values = self._row(text)
        scores = values @ self.weights[columns].astype(np.float32)
        scores = (
            scores
            + EMBEDDING_WEIGHT * self.encode(text) @ self.weights[self._words :].astype(np.float32)
            + self.bias
        )
        return dict(zip(self.names, scores.tolist()))

    def find(self, text: str) -> List[Tuple[str, float]]:
        """The circumstances that one sentence states, with their margins, the surest first."""
        margins = self.margins(text)
        nothing = margins.pop(NOTHING, -1.0)
        return [
            (name, margin)
            for name, margin in sorted(margins.items(), key=lambda item: -item[1])
            if margin > max(LEAST_MARGIN, nothing)
        ]

    def save(self, folder: Path) -> None:
        """Write statements.npz and statements.json."""
        np.savez(
            folder / "statements.npz", weights=self.weights, bias=self.bias, **self._row.arrays()
        )
        (folder / "statements.json").write_text(json.dumps(self.names), "utf-8")

    @classmethod
    def load(cls, folder: Path, encode: Callable[[str], np.ndarray]) -> "StatementModel":
        """Read what `save` wrote."""
        with np.load(folder / "statements.npz") as data:
            return cls(
                json.loads((folder / "statements.json").read_text("utf-8")),
                WordRow.of(data),
                data["weights"],
                data["bias"],
                encode,
            )
