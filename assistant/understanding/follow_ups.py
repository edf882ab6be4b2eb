"""A short message read as one more question about what was asked before it: "which hurts less?"
after "is a laser better for scars?".

The message is read twice, by itself and together with the question that it leans on. Of the topics
that were talked about, and those that either reading finds, the specific question wins that both
readings fit best. Measured on tests/evaluation/follow_ups.csv (docs/understanding.md).
"""

from dataclasses import dataclass
from typing import Collection, Dict, List, Optional, Sequence, Tuple

import numpy as np

from assistant.understanding.model import GENERAL, Facets, Ranked

#: Most words of a message that leans on an earlier one.
MOST_WORDS = 10
#: What a topic's probability counts, beside how well its specific question fits (about 1 where it
#: is asked, 0 where it is not).
TOPIC_SHARE = 0.5
#: What the message alone counts, and its reading together with the earlier question.
WEIGHTS = (0.6, 0.4)
#: How well a specific question of what was talked about has to fit at least.
LEAST_FIT = 0.2
#: Least sum of the two from which a reading is believed.
LEAST = 0.45


@dataclass(frozen=True)
class FollowUp:
    """The topic and the specific question (empty: the topic as such) that a message asks for, how
    well both readings fit it, and its lead over the topic's next one."""

    topic: str
    situation: str
    score: float
    margin: float


def joined(before: str, text: str) -> str:
    """The question that a message leans on and the message, as one text."""
    return f"{before.rstrip(' ?.!')}, {text}"


def weighted(values: Sequence[float]) -> float:
    """One number of those of the readings."""
    return float(np.average(values, weights=WEIGHTS[: len(values)]))


def find(
    facets: Facets,
    readings: Sequence[Tuple[Ranked, np.ndarray]],
    talked_of: Sequence[str],
    told: Collection[str] = (),
) -> Optional[FollowUp]:
    """What a message asks in a conversation about the topics `talked_of`. `readings`: its ranking
    and its embedding [dimension], alone and joined. `told`: the specific questions that were
    answered last ("topic/question"). None where nothing fits well enough."""
    topics = [*talked_of, *(ranked.best for ranked, _ in readings)]
    found = [
        best
        for topic in dict.fromkeys(topics)
        for best in [_inside(facets, topic, readings, topic in talked_of, told)]
        if best is not None
    ]
    best = max(found, key=lambda follow_up: follow_up.score, default=None)
    return best if best is not None and best.score >= LEAST else None


def _inside(
    facets: Facets,
    topic: str,
    readings: Sequence[Tuple[Ranked, np.ndarray]],
    talked_of: bool,
    told: Collection[str],
) -> Optional[FollowUp]:
    """The best specific question of one topic. What was talked about is not asked again as such."""
    each: List[Dict[str, float]] = [facets.scores(topic, vector) for _, vector in readings]
    fits = {
        name: weighted([scores[name] for scores in each])
        for name in each[0]
        if not (talked_of and name == GENERAL) and f"{topic}/{name}" not in told
    }
    if not fits:
        return None
    likely = weighted([dict(ranked.topics).get(topic, 0.0) for ranked, _ in readings])
    order = sorted(fits, key=fits.get, reverse=True)
    best = order[0]
    if talked_of and fits[best] < LEAST_FIT:
        return None
    margin = fits[best] - fits[order[1]] if len(order) > 1 else 1.0
    return FollowUp(
        topic, "" if best == GENERAL else best, fits[best] + TOPIC_SHARE * likely, margin
    )
