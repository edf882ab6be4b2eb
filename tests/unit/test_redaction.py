"""Personal data is found in what visitors write, and nothing else is; none of it is left in the
files of the store."""

import time

import pytest

from assistant import redaction
from tests.evaluation import redaction as evaluation


def test_recall_and_precision_on_the_labelled_messages():
    listed = evaluation.messages()
    assert len(listed) >= 250 and sum(1 for _, _, labels in listed if not labels) >= 100
    total = evaluation.score()
    assert total.recall >= 0.98 and total.precision >= 0.95, "\n".join(total.mistakes)


@pytest.mark.parametrize("kind", redaction.MASKS)
def test_every_kind_is_found_in_most_of_its_messages(kind):
    labels = [
        (text, label)
        for _, text, spans in evaluation.messages()
        for label in spans
        if label.kind == kind
    ]
    found = [evaluation.covered(text, label, redaction.find(text)) for text, label in labels]
    assert len(labels) >= 5 and sum(found) / len(found) >= 0.9


def test_what_is_masked_is_masked_once():
    for _, text, _ in evaluation.messages():
        once = redaction.redact(text)
        assert redaction.redact(once) == once


def test_the_clinic_country_decides_about_numbers_without_a_plus():
    assert (
        redaction.redact("0412 345 678", "AU") == "[phone]"
        and redaction.redact("21 23 45 67", "DK") == "[phone]"
    )


def test_a_very_long_text_takes_time_in_proportion():
    def seconds(text):
        begun = time.thread_time()
        redaction.redact(text)
        return time.thread_time() - begun

    for piece in (
        "07700 900461 ",
        "a.b@",
        "I'm Anna ",
        "0.5 1.0 ",
        "12 High ",
        "born 12 ",
        "my name is ",
    ):
        short, long = piece * (500 // len(piece)), piece * (4000 // len(piece))
        assert min(seconds(long) for _ in range(3)) < 24 * max(
            min(seconds(short) for _ in range(3)), 0.002
        ), piece
