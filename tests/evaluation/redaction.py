"""How well personal data is found in the labelled messages of redaction.yml: `python -m
tests.evaluation.redaction` prints recall, precision and every mistake.

A label counts as found when every letter and digit of it is covered; a find counts as right when it
covers nothing else than labels and what stands between them.
"""

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Dict, List, Tuple

from ruamel.yaml import YAML

from assistant import redaction

FILE = Path(__file__).with_name("redaction.yml")
LABEL = re.compile(r"\{(\w+)\|([^{}]+)\}")


def parse(marked: str) -> Tuple[str, List[redaction.Span]]:
    """A message and the spans that its marks name. Raises ValueError for a kind that does not
    exist."""
    text, spans, at = "", [], 0
    for match in LABEL.finditer(marked):
        if match[1] not in redaction.MASKS:
            raise ValueError(
                f"{FILE.name}: {marked!r} names the kind {match[1]!r}; known are"
                f" {', '.join(redaction.MASKS)}"
            )
        text += marked[at : match.start()]
        spans.append(redaction.Span(len(text), len(text) + len(match[2]), match[1]))
        text, at = text + match[2], match.end()
    return text + marked[at:], spans


def messages() -> List[Tuple[str, str, List[redaction.Span]]]:
    """Group, text and labelled spans of every message."""
    groups: Dict[str, List[str]] = YAML(typ="safe").load(FILE.read_text("utf-8"))
    return [(group, *parse(str(marked))) for group, listed in groups.items() for marked in listed]


@dataclass
class Score:
    """Counts over spans: labelled, of them found, reported, of them right; and the mistakes in
    words."""

    labelled: int = 0
    found: int = 0
    reported: int = 0
    right: int = 0
    mistakes: List[str] = field(default_factory=list)

    @property
    def recall(self) -> float:
        return self.found / self.labelled

    @property
    def precision(self) -> float:
        return self.right / self.reported


def covered(text: str, span: redaction.Span, by: List[redaction.Span]) -> bool:
    """Whether every letter and digit of `span` is inside one of `by`."""
    return all(
        not text[at].isalnum() or any(other.start <= at < other.end for other in by)
        for at in range(span.start, span.end)
    )


def score(country: str = "GB") -> Score:
    """The score of assistant.redaction on the labelled messages."""
    result = Score()
    for _, text, labels in messages():
        found = redaction.find(text, country)
        for label in labels:
            result.labelled += 1
            if covered(text, label, found):
                result.found += 1
            else:
                result.mistakes.append(
                    f"missed {label.kind} {text[label.start : label.end]!r} in {text!r}"
                )
        for span in found:
            result.reported += 1
            if covered(text, span, labels):
                result.right += 1
            else:
                result.mistakes.append(
                    f"wrongly {span.kind} {text[span.start : span.end]!r} in {text!r}"
                )
    return result


def main() -> None:
    total = score()
    print("\n".join(total.mistakes))
    print(
        f"-- {len(messages())} messages, {total.labelled} labelled spans: recall"
        f" {total.recall:.3f}, precision {total.precision:.3f}"
    )


if __name__ == "__main__":
    main()
