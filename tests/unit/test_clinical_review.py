"""docs/clinical-review.md: every medical text stands in it, with what it rests on."""

import pytest

from assistant import clinical_review, paths
from assistant.knowledge import EVIDENCE
from assistant.yamlfile import YamlFile, plain

REVIEW = plain(YamlFile.read(paths.ROOT / "data" / "review.yml", paths.ROOT).data)


def test_every_urgent_reply_caveat_and_circumstance_has_a_basis(kb):
    assert clinical_review.UNNOTED["background"] not in clinical_review.page(kb)
    assert (
        set(REVIEW["caveats"]) == set(kb.caveats)
        and set(REVIEW["circumstances"]) == set(kb.circumstances)
        and set(REVIEW["topics"]) <= set(kb.topics)
    )


def test_evidence_marks_and_sources_exist(kb):
    for part in ("replies", "sentences", "caveats", "circumstances", "times"):
        for name, entry in REVIEW[part].items():
            assert entry["evidence"] in EVIDENCE and entry.keys() <= {
                "sources",
                "evidence",
                "background",
            }, name
            assert set(entry.get("sources", [])) <= set(kb.sources), name


@pytest.mark.parametrize(
    "line",
    [
        "| contact_clinic | Please contact the clinic that treated you within 24 hours",
        "| still_same_day | First: please get help today",
        "| hair_removal_gap | about 2 weeks | evidence: practice; **background knowledge",
        "| United Kingdom | crisis_lines | Samaritans",
        "| emergency_stroke | Call {emergency_number} now.",
    ],
)
def test_lines_that_a_clinician_has_to_see(kb, line):
    assert line in clinical_review.page(kb)


def test_what_no_source_was_found_for_is_marked(kb):
    page = clinical_review.page(kb)
    for name in ("emergency_stroke", "emergency_bleeding", "same_day_needle"):
        (found,) = [text for text in page.splitlines() if text.startswith(f"| ☐ | {name} |")]
        assert "**background knowledge, to be verified**" in found
