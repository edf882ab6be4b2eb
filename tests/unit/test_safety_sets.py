"""The sets that the safety report scores: their form, and the bars that detecting circumstances
keeps."""

from assistant.safety.classifier import read_messages
from assistant.safety.triage import LEVELS
from tests.evaluation import safety_report, score


def test_the_sets_are_well_formed(kb):
    assert {row["level"] for row in safety_report.rows()} == set(LEVELS)
    rows = safety_report.circumstance_rows()
    assert len(rows) >= 150 and len({row["message"] for row in rows}) == len(rows)
    assert {row["circumstance"] for row in rows} == {
        *kb.circumstances,
        safety_report.NO_CIRCUMSTANCE,
    }
    assert all(
        (
            row["who"] in ("self", "other")
            if row["circumstance"] != safety_report.NO_CIRCUMSTANCE
            else not row["who"]
        )
        for row in rows
    )
    for listed in (safety_report.rows(), rows, score.rows()):
        assert all(None not in row and None not in row.values() for row in listed), (
            "a comma without quotes"
        )


def test_every_training_message_belongs_to_a_batch_that_can_be_held_out():
    batches = safety_report.batches()
    assert sorted(text for text, _, _ in batches) == sorted(text for text, _ in read_messages())
    assert len({batch for _, _, batch in batches}) >= 4 and {
        batch for _, _, batch in batches
    } - set(safety_report.SEEN_BY_ENCODER)


def test_circumstances_hold_their_bars_on_the_own_evaluation_set(parse):
    figures = safety_report.score_circumstances(parse, safety_report.circumstance_rows())
    assert figures["recall"] >= 0.93 and figures["whose"] >= 0.90, figures
    assert figures["false_alarms"] <= 0.12, figures
    assert all(hits >= 3 for hits, _ in figures["by"].values()), figures["by"]
