"""The words of a text as numbers (tf-idf), for linear models: fitted by scikit-learn, read with
arrays alone.

A fitted vectoriser keeps each term of its vocabulary as a Python text: 20 MB for each of the models
that read a message. Here a term is 32 bits of its checksum; of 130,000 terms two or three share
one, and a word that nobody knows is taken for one of them once in 30,000 times.
"""

import functools
import zlib
from collections import Counter
from typing import Any, Callable, Dict, List, Mapping, Sequence, Tuple

import numpy as np


def fingerprint(term: str) -> int:
    """32 bits of a term."""
    return zlib.crc32(term.encode("utf-8"))


def word_features():
    """Words, pairs of words, and parts of words (3 to 5 letters), weighted by how rare they are."""
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.pipeline import FeatureUnion

    return FeatureUnion(
        [
            ("words", TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True)),
            (
                "parts",
                TfidfVectorizer(
                    analyzer="char_wb", ngram_range=(3, 5), min_df=2, sublinear_tf=True
                ),
            ),
        ]
    )


@functools.cache
def _analysers() -> Tuple[Callable[[str], List[str]], ...]:
    """The analyser of each part of `word_features`."""
    return tuple(vectoriser.build_analyzer() for _, vectoriser in word_features().transformer_list)


@functools.lru_cache(maxsize=256)
def terms(text: str) -> Tuple[Tuple[np.ndarray, np.ndarray], ...]:
    """The terms of a text (fingerprints, uint32) and how often each stands in it, for each part of
    `word_features`: several models read the same message."""
    counted = [Counter(map(fingerprint, analyse(text))) for analyse in _analysers()]
    return tuple(
        (
            np.fromiter(found, np.uint32, len(found)),
            np.fromiter(found.values(), np.float64, len(found)),
        )
        for found in counted
    )


class WordRow:
    """What fitted `word_features` give for one text, without scikit-learn's checks of whole
    matrices, which cost ten times the work (the values are the same).

    For each part of the features: the sorted fingerprints of its terms [n, uint32] and their idf
    [n, float32], in that order.
    """

    def __init__(self, parts: Sequence[Tuple[np.ndarray, np.ndarray]]):
        self.parts = list(parts)

    @classmethod
    def fit(cls, texts: Sequence[str]) -> Tuple["WordRow", Any]:
        """From training texts; with their rows as a sparse matrix [texts, terms], whose columns are
        in this object's order."""
        features = word_features()
        matrix = features.fit_transform(texts)
        parts, order = [], []
        for _, vectoriser in features.transformer_list:
            prints = np.array(
                [fingerprint(term) for term in vectoriser.get_feature_names_out()], dtype=np.uint32
            )
            by_print = np.argsort(prints, kind="stable")
            parts.append((prints[by_print], vectoriser.idf_[by_print].astype(np.float32)))
            order.append(by_print + sum(map(len, order)))
        return cls(parts), matrix[:, np.concatenate(order)]

    def __call__(self, text: str) -> Tuple[np.ndarray, np.ndarray]:
        """The columns that are not zero and their values (float32), in no order."""
        columns, values, start = [], [], 0
        for (known, idf), (prints, counts) in zip(self.parts, terms(text)):
            places = np.minimum(np.searchsorted(known, prints), len(known) - 1)
            met = known[places] == prints
            found = places[met]
            weights = (1 + np.log(counts[met])) * idf[found]
            columns.append(found + start)
            values.append(weights / (np.sqrt(weights @ weights) or 1.0))
            start += len(known)
        return np.concatenate(columns), np.concatenate(values).astype(np.float32)

    def arrays(self) -> Dict[str, np.ndarray]:
        """What `of` reads, for numpy.savez."""
        return {
            f"{name}_{number}": array
            for number, part in enumerate(self.parts)
            for name, array in zip(("terms", "idf"), part)
        }

    @classmethod
    def of(cls, arrays: Mapping[str, np.ndarray]) -> "WordRow":
        """From what `arrays` gave."""
        return cls(
            [
                (arrays[f"terms_{number}"], arrays[f"idf_{number}"])
                for number in range(len(_analysers()))
            ]
        )
