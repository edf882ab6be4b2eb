"""How varied the training data is: near-duplicates inside an intent, and a report for each intent.

make variety      (python -m assistant.variety)
"""

import re
import statistics
import sys
from typing import Dict, Iterator, List, Set, Tuple

from assistant.check import training_examples

#: Jaccard similarity of letter trigrams from which two texts of an intent count as the same
#: sentence written twice (Broder 1997).
NEAR = 0.72
#: Shorter texts are compared word by word only: three letters of difference are a lot in them.
LEAST_LETTERS = 14


def trigrams(text: str) -> Set[str]:
    """Groups of three letters of a text, without case and signs."""
    plain = f"  {re.sub(r'[^a-z0-9 ]+', '', text.lower())} "
    return {plain[i : i + 3] for i in range(len(plain) - 2)}


def near_duplicates(texts: List[str]) -> Iterator[Tuple[str, str, float]]:
    """Pairs of texts that are nearly the same, the earlier one first, with their similarity."""
    from sklearn.feature_extraction.text import CountVectorizer

    kept = [text for text in texts if len(text) >= LEAST_LETTERS]
    if not kept:
        return
    rows = CountVectorizer(analyzer=trigrams, binary=True).fit_transform(kept)
    sizes, shared = rows.sum(axis=1).A1, (rows @ rows.T).tocoo()
    shares = shared.data / (sizes[shared.row] + sizes[shared.col] - shared.data)
    near = (shares >= NEAR) & (shared.col < shared.row)
    for later, earlier, share in sorted(zip(shared.row[near], shared.col[near], shares[near])):
        yield kept[earlier], kept[later], float(share)


def figures(texts: List[str]) -> Dict[str, float]:
    """Examples, share of different openings (first two words), words a text (quartiles), share of
    texts without punctuation, different words a text."""
    words = [re.findall(r"[\w']+", text.lower()) for text in texts]
    lengths = sorted(len(w) for w in words)
    low, middle, high = statistics.quantiles(lengths, n=4) if len(lengths) > 1 else lengths * 3
    return {
        "examples": len(texts),
        "openings": len({tuple(w[:2]) for w in words}) / len(texts),
        "short": low,
        "median": middle,
        "long": high,
        "longest": lengths[-1],
        "bare": sum(not re.search(r"[.?!,]", text) for text in texts) / len(texts),
        "vocabulary": len({word for w in words for word in w}) / len(texts),
    }


def main() -> int:
    """Print the report, the least varied intent first. Exit status 1 when there are
    near-duplicates."""
    examples = {
        intent: [text for _, _, text in lines] for intent, lines in training_examples().items()
    }
    table = sorted(
        ((intent, figures(texts)) for intent, texts in examples.items()),
        key=lambda item: item[1]["openings"],
    )
    print(
        f"{'intent':34}{'examples':>9}{'openings':>10}{'words: 25 %':>12}{'50 %':>6}{'75 %':>6}"
        f"{'most':>6}{'bare':>7}{'words/text':>12}"
    )
    for intent, f in table:
        print(
            f"{intent:34}{f['examples']:9}{f['openings']:10.2f}{f['short']:12.0f}{f['median']:6.0f}"
            f"{f['long']:6.0f}{f['longest']:6}{f['bare']:7.2f}{f['vocabulary']:12.1f}"
        )
    pairs = [
        (intent, *pair) for intent, texts in examples.items() for pair in near_duplicates(texts)
    ]
    for intent, one, other, share in pairs:
        print(f"{intent}: {share:.2f} alike: {one!r} and {other!r}")
    print(
        f"{sum(map(len, examples.values()))} examples of {len(examples)} intents, {len(pairs)}"
        " near-duplicates"
    )
    return 1 if pairs else 0


if __name__ == "__main__":
    sys.exit(main())
