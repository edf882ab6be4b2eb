"""The training data: enough of it, no near-duplicates, variety in every intent, nothing of the
evaluation set in it."""

import collections

import numpy as np

from assistant import variety
from assistant.check import training_examples
from assistant.safety.classifier import read_messages
from assistant.safety.statements import NOTHING, read_statements
from assistant.safety.triage import LEVELS
from assistant.understanding import acts
from tests.evaluation import safety_report, score
from tests.unit.test_knowledge import TOPICS

EXAMPLES = {intent: [text for _, _, text in lines] for intent, lines in training_examples().items()}
OUTSIDE = (
    "ask_out_of_scope",
    "ask_out_of_scope_treatment",
    "ask_smalltalk",
    "ask_diagnosis_request",
)


def test_our_own_topics_have_at_least_eighty_examples():
    """Ours alone: `make check` says how many a topic of somebody else needs."""
    few = {
        f"ask_{topic}": len(EXAMPLES[f"ask_{topic}"])
        for topic in TOPICS
        if len(EXAMPLES[f"ask_{topic}"]) < 80
    }
    few.update({name: len(EXAMPLES[name]) for name in acts.names() if len(EXAMPLES[name]) < 30})
    assert not few and sum(map(len, EXAMPLES.values())) >= 7000
    assert all(len(EXAMPLES[intent]) >= 200 for intent in OUTSIDE)


def test_no_near_duplicates_within_an_intent():
    assert list(
        variety.near_duplicates(
            ["how long does it take to heal", "how long does it take to heal?!"]
        )
    ), "the check itself must see one"
    pairs = [
        (intent, *pair)
        for intent, texts in EXAMPLES.items()
        for pair in variety.near_duplicates(texts)
    ]
    assert not pairs, pairs[:5]


def test_every_intent_is_varied():
    """The messages of writers, that is: plain forms of one question (data/nlu/questions) begin
    alike by nature, and are told from noise by the rule against near-duplicates alone."""
    for intent, lines in training_examples().items():
        texts = [text for file, _, text in lines if not file.startswith("questions/")]
        found = variety.figures(texts)
        assert found["openings"] >= 0.6, (intent, found)
        assert found["longest"] >= 12 and found["short"] <= 12, (intent, found)


def near_copies(texts, known):
    """(text, known text, similarity) of every text that is nearly one of `known`, by letter
    trigrams as in assistant.variety; very short ones only when the same."""
    index = collections.defaultdict(list)
    for number, other in enumerate(known):
        for gram in variety.trigrams(other):
            index[gram].append(number)
    index = {gram: np.array(numbers) for gram, numbers in index.items()}
    sizes = np.array([len(variety.trigrams(other)) for other in known])
    for text in texts:
        grams = variety.trigrams(text)
        places = [index[gram] for gram in grams if gram in index]
        shared = (
            np.bincount(np.concatenate(places), minlength=len(known))
            if places
            else np.zeros(len(known))
        )
        shares = shared / (sizes + len(grams) - shared)
        for number in np.flatnonzero(shares >= variety.NEAR):
            if shares[number] > 0.95 or min(len(text), len(known[number])) >= variety.LEAST_LETTERS:
                yield text, known[number], round(float(shares[number]), 2)


def test_no_evaluation_text_is_nearly_a_training_text():
    """Every set that is scored (messages, safety, circumstances) against everything that is trained
    on (questions, safety messages, statements)."""
    known = sorted(
        {text for texts in EXAMPLES.values() for text in texts}
        | {text for text, _ in read_messages()}
        | {text for text, _ in read_statements()}
    )
    scored = [
        row["message"]
        for rows in (score.rows(), safety_report.rows(), safety_report.circumstance_rows())
        for row in rows
    ]
    assert list(near_copies(["How red will I be?!"], ["how red will i be"])), (
        "the check itself must see one"
    )
    assert not list(near_copies(scored, known))


def test_no_near_duplicates_within_a_level_of_safety_messages():
    messages = read_messages()
    for level in LEVELS:
        texts = [text for text, label in messages if label.split("/")[0] == level]
        pairs = [pair for pair in near_copies(texts, texts) if pair[0] < pair[1]]
        assert not pairs, pairs[:5]
        assert len(texts) == len(set(texts)), level


def test_safety_messages_of_every_level():
    count = {}
    for _, label in read_messages():
        count[label.split("/")[0]] = count.get(label.split("/")[0], 0) + 1
    assert (
        all(
            count[level] >= 150 for level in ("emergency", "same_day", "contact_clinic", "expected")
        )
        and count["none"] >= 400
    ), count


def test_every_circumstance_has_statements(kb):
    stated = [name for _, name in read_statements() if name != NOTHING]
    assert set(stated) == set(kb.circumstances)
    assert min(map(stated.count, set(stated))) >= 20
