"""Which classifier? Each writer of data/nlu is held out in turn and the others are trained on
(grouped folds).

    python -m benchmarks.held_out_writers [--encoder DIR] [--writers w2 w4]

Compared: logistic regression over sentence embeddings, votes of the nearest examples, the linear
model over words, and the mixture of the last two that the assistant uses. An encoder that was
fine-tuned on a writer knows that writer: give the folder of the upstream model
(scripts/encoder/export.py --weights ... --out ...) for figures that no fine-tuning flatters.
"""

import argparse
from pathlib import Path
from typing import List, Tuple

import numpy as np

from assistant import paths
from assistant.check import training_examples
from assistant.understanding.encoder import Encoder
from assistant.understanding.model import FLOOR, TopicModel, softmax, topic_of
from assistant.understanding.text import normalise
from assistant.yamlfile import YamlFile, plain


def examples() -> List[Tuple[str, str, str]]:
    """(text, label, writer) of every training example."""
    rows = []
    for path in sorted(paths.NLU.rglob("*.yml")):
        for item in plain(YamlFile.read(path, paths.ROOT).data["nlu"]):
            meta = item.get("metadata") or {}
            label = item["intent"][4:] + ("/" + meta["situation"] if meta.get("situation") else "")
            rows += [
                (normalise(line[2:]), label, str(meta.get("writer")))
                for line in item["examples"].splitlines()
            ]
    assert len(rows) == sum(map(len, training_examples().values()))
    return rows


def shares(probabilities: np.ndarray, topics: List[str], wanted: List[str]) -> Tuple[float, float]:
    """Share of messages with the right topic first, and among the first three."""
    order = np.argsort(-probabilities, axis=1)
    return (
        float(np.mean([topics[row[0]] == topic for row, topic in zip(order, wanted)])),
        float(
            np.mean([topic in [topics[i] for i in row[:3]] for row, topic in zip(order, wanted)])
        ),
    )


def fold(train, test) -> dict:
    """First and first-three shares of each classifier on one held-out writer. Rows are (text,
    label, vector)."""
    from sklearn.linear_model import LogisticRegression

    vectors = np.stack([v for _, _, v in train])
    labels = [label for _, label, _ in train]
    model = TopicModel.train([t for t, _, _ in train], vectors, labels)
    wanted = [topic_of(label) for _, label, _ in test]
    neighbours, words = [], []
    for text, _, vector in test:
        neighbours.append(model.by_neighbours(*model.neighbours(vector)))
        words.append(model.by_words(text))
    neighbours, words = np.stack(neighbours), np.stack(words)
    regression = LogisticRegression(C=8, max_iter=300, tol=1e-3, class_weight="balanced").fit(
        vectors, [topic_of(label) for label in labels]
    )
    mixed = softmax((np.log(neighbours + FLOOR) + np.log(words + FLOOR)) / 2)
    return {
        "logistic regression over embeddings": shares(
            regression.predict_proba(np.stack([v for _, _, v in test])),
            list(regression.classes_),
            wanted,
        ),
        "nearest examples": shares(neighbours, model.topics, wanted),
        "words": shares(words, model.topics, wanted),
        "nearest examples and words": shares(mixed, model.topics, wanted),
    }


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--encoder", type=Path, default=paths.ENCODER)
    parser.add_argument("--writers", nargs="*")
    args = parser.parse_args()
    rows = examples()
    encoder = Encoder(args.encoder, remember=0)
    vectors = encoder.encode_all([text for text, _, _ in rows])
    rows = [(text, label, vector, writer) for (text, label, writer), vector in zip(rows, vectors)]
    print(
        "| writer held out | messages | "
        + " | ".join(
            f"{name}: first / first three"
            for name in ("regression", "nearest", "words", "nearest and words")
        )
        + " |\n|---|---|---|---|---|---|"
    )
    for writer in args.writers or sorted({w for *_, w in rows}):
        train = [r[:3] for r in rows if r[3] != writer]
        test = [r[:3] for r in rows if r[3] == writer]
        found = fold(train, test)
        print(
            f"| {writer} | {len(test)} | "
            + " | ".join(f"{a:.3f} / {b:.3f}" for a, b in found.values())
            + " |",
            flush=True,
        )


if __name__ == "__main__":
    main()
