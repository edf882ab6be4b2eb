"""The training data: enough of it, no near-duplicates, variety in every intent, nothing of the evaluation set in it."""
from assistant import variety
from assistant.check import training_examples
from assistant.safety.classifier import read_messages
from assistant.safety.statements import NOTHING, read_statements
from tests.evaluation import score

EXAMPLES = {intent: [text for _, _, text in lines] for intent, lines in training_examples().items()}
OUTSIDE = ("ask_out_of_scope", "ask_out_of_scope_treatment", "ask_smalltalk", "ask_diagnosis_request")


def test_every_topic_has_at_least_eighty_examples():
    few = {intent: len(texts) for intent, texts in EXAMPLES.items() if len(texts) < 80}
    assert not few and sum(map(len, EXAMPLES.values())) >= 7000
    assert all(len(EXAMPLES[intent]) >= 200 for intent in OUTSIDE)


def test_no_near_duplicates_within_an_intent():
    assert list(variety.near_duplicates(["how long does it take to heal", "how long does it take to heal?!"])), "the check itself must see one"
    pairs = [(intent, *pair) for intent, texts in EXAMPLES.items() for pair in variety.near_duplicates(texts)]
    assert not pairs, pairs[:5]


def test_every_intent_is_varied():
    for intent, texts in EXAMPLES.items():
        found = variety.figures(texts)
        assert found["openings"] >= 0.6, (intent, found)
        assert found["longest"] >= 12 and found["short"] <= 12, (intent, found)


def test_the_evaluation_set_is_not_in_the_training_data():
    known = {text.lower().strip(" ?.!") for texts in EXAMPLES.values() for text in texts}
    assert not [row["message"] for row in score.rows() if row["message"].lower().strip(" ?.!") in known]


def test_safety_messages_of_every_level():
    count = {}
    for _, label in read_messages():
        count[label.split("/")[0]] = count.get(label.split("/")[0], 0) + 1
    assert all(count[level] >= 150 for level in ("emergency", "same_day", "contact_clinic", "expected")) and count["none"] >= 400, count


def test_every_circumstance_has_statements(kb):
    stated = [name for _, name in read_statements() if name != NOTHING]
    assert set(stated) == set(kb.circumstances)
    assert min(map(stated.count, set(stated))) >= 20
