"""The knowledge base: schema, links, forbidden statements, reloading."""

import dataclasses
import datetime as dt
import shutil

import pytest

from assistant import check, knowledge, paths
from assistant.yamlfile import ContentError

REVIEW_DAY = dt.date(2026, 11, 23)
TOPICS = """
    what_is how_it_works benefits conditions_treated before_after acne_scars other_scars
    stretch_marks pores_texture wrinkles_aging pigmentation hair_loss candidacy age skin_tones_types
    treatable_areas contraindications pregnancy_breastfeeding isotretinoin medications active_acne
    cold_sores skin_conditions keloids health_conditions allergies sunburn_tan moles_tattoos pain
    numbing procedure_steps session_duration number_of_sessions results_timeline results_longevity
    needle_depth devices_brands rf_microneedling preparation downtime side_effects safety_risks
    aftercare makeup_after sun_after exercise_after skincare_after post_treatment_worry
    urgent_symptom vampire_facial vampire_facial_safety prp_vs_plain exosomes_serums home_rollers
    home_needle_length home_hygiene home_vs_clinic vs_laser vs_chemical_peel vs_other_treatments
    combine_treatments choose_provider cost insurance_financing booking clinic_info human_handoff
    out_of_scope_treatment out_of_scope crisis privacy feedback diagnosis_request smalltalk
""".split()


@pytest.fixture
def copy(tmp_path):
    """A copy of the knowledge base that a test may damage."""
    return shutil.copytree(paths.KNOWLEDGE, tmp_path / "knowledge")


def edit(folder, name, old, new, count=1):
    path = folder / name
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new, count), "utf-8")


def problems_of(folder):
    try:
        return check.consistency(knowledge.load(folder))
    except ContentError as error:
        return error.problems


def test_every_topic_of_the_contract_is_there(kb):
    """Ours; a clinic or a developer may add others."""
    assert set(TOPICS) <= kb.topics.keys()


def test_make_check_finds_nothing():
    assert [str(p) for p in check.everything(REVIEW_DAY)] == []


def test_an_overdue_review_is_named(kb):
    overdue = check.reviews(kb, dt.date(2030, 1, 1))
    assert len(overdue) == len(kb.topics) and "the review was due on" in str(overdue[0])


@pytest.mark.parametrize(
    "name, old, new, words",
    [
        (
            "treatment.yml",
            "  pain:\n    title:",
            "  pain:\n    titel:",
            "`titel` is not a known key. Known keys here: answer",
        ),
        ("treatment.yml", "topics:", "topics", "not valid YAML"),
        (
            "treatment.yml",
            "follow_ups: [",
            "follow_ups: [nonsense, ",
            "`nonsense` is not in the topic files",
        ),
        ("treatment.yml", "caveats: [", "caveats: [nonsense, ", "`nonsense` is not in caveats.yml"),
        ("treatment.yml", "sources: [", "sources: [nonsense, ", "`nonsense` is not in sources.yml"),
        (
            "treatment.yml",
            "evidence: ",
            "evidence: super-",
            "is not allowed; use one of: strong, moderate",
        ),
        (
            "treatment.yml",
            "    answer: >-\n",
            "    answer: >-\n      It is completely safe and you will see.\n",
            "statement 1 of those never to be made",
        ),
        (
            "treatment.yml",
            "    answer: >-\n",
            "    answer: >-\n      Ask for {fone} first.\n",
            "`{fone}` is not a placeholder",
        ),
        (
            "treatment.yml",
            "    answer: >-\n",
            "    answer: |-\n      A line.\n\n      Another line.\n",
            "a blank line inside a text",
        ),
        ("treatment.yml", "due: 2027-05-23", "due: 2020-01-01", "`due` must be after `on`"),
        (
            "cautions.yml",
            "    topic: pregnancy_breastfeeding",
            "    topic: nonsense",
            "`nonsense` is not a topic",
        ),
        (
            "sources.yml",
            "https://www.cdc.gov/mmwr",
            "https://copies.example/www.cdc.gov/mmwr",
            "is not an address of US Centers for Disease Control",
        ),
        (
            "sources.yml",
            "https://www.cdc.gov/mmwr",
            "https://cdc.gov.copies.example/mmwr",
            "is not an address of US Centers for Disease Control",
        ),
        (
            "sources.yml",
            "https://www.cdc.gov/mmwr",
            "http://www.cdc.gov/mmwr",
            "is not an address of US Centers for Disease Control",
        ),
        (
            "sources.yml",
            "    publisher: StatPearls",
            "    publisher: A clinic's website",
            "is not an address of A clinic's website",
        ),
    ],
)
def test_a_mistake_is_named_with_its_line(copy, name, old, new, words):
    edit(copy, name, old, new)
    found = problems_of(copy)
    assert any(words in str(p) and p.file.endswith(name) and p.line > 0 for p in found), list(
        map(str, found)
    )


def test_a_link_leads_to_the_publisher_or_to_a_register():
    domains = ["nhs.uk", "doi.org"]
    for url in ("https://nhs.uk/a", "https://www.nhs.uk/a?b=1", "https://doi.org/10.1/x"):
        assert check.leads_to(url, domains), url
    for url in ("https://mynhs.uk/a", "http://nhs.uk/a", "https://b.org/?u=nhs.uk", "nhs.uk/a"):
        assert not check.leads_to(url, domains), url


def test_a_publisher_without_a_linked_source_is_named(copy):
    edit(copy, "sources.yml", "publishers:\n", "publishers:\n  Nobody at all: [nobody.example]\n")
    (found,) = check.unused(knowledge.load(copy))
    assert "Nobody at all" in str(found) and found.line > 0


def test_what_is_said_about_the_review_is_true(kb):
    assert check.unsigned(kb) == []
    signed = {
        name: topic.copy(
            update={"reviewed": topic.reviewed.copy(update={"clinician": "Dr Ada Example"})}
        )
        for name, topic in kb.topics.items()
    }
    found = check.unsigned(dataclasses.replace(kb, topics=signed))
    assert len(found) == len(check.UNSIGNED) and all(p.line > 0 for p in found)


def test_a_risk_topic_needs_a_caveat(kb):
    for name in kb.risk_topics:
        assert kb.topics[name].caveats, name
    bare = kb.topics["rf_microneedling"].copy(update={"caveats": []})
    damaged = dataclasses.replace(kb, topics={**kb.topics, "rf_microneedling": bare})
    assert any("has no caveat" in p.what for p in check.links(damaged))


def test_an_edit_that_no_check_foresaw_keeps_the_last_good_version(copy, monkeypatch):
    """Brackets without end, and an error of any other kind while an edit is read."""
    live = knowledge.LiveKnowledge(copy, every=0)
    before, file = live.get(), copy / "basics.yml"
    good = file.read_text("utf-8")
    file.write_text("topics: " + "[" * 5000, "utf-8")
    assert live.get() is before and "nested too deeply" in str(live.problems[0])
    file.write_text(good + "\n# another edit", "utf-8")

    def fails(*_):
        raise ZeroDivisionError

    with monkeypatch.context() as patched:
        patched.setattr(knowledge, "load", fails)
        assert live.get() is before and "ZeroDivisionError" in str(live.problems[0])
    file.write_text(good, "utf-8")
    assert live.get() is not before and not live.problems


def test_edits_show_without_a_restart_and_broken_ones_do_not(copy):
    reported = []
    live = knowledge.LiveKnowledge(copy, report=reported.extend, every=0)
    title = live.get().topics["pain"].title
    edit(copy, "treatment.yml", f"title: {title}", "title: Will it hurt much")
    assert live.get().topics["pain"].title == "Will it hurt much"
    edit(copy, "treatment.yml", "title: Will it hurt much", "titel: Broken edit")
    assert live.get().topics["pain"].title == "Will it hurt much"
    assert any("titel" in str(p) for p in reported) and live.problems
    edit(copy, "treatment.yml", "titel: Broken edit", "title: Mended again")
    assert live.get().topics["pain"].title == "Mended again" and not live.problems


#: One sentence that makes each of the twelve statements, and one near it that does not.
STATEMENTS = {
    1: (
        "You are a good candidate for this.",
        "Nobody can say in a chat whether it is right for you.",
    ),
    2: ("It works on all skin tones.", "Deeper skin tones can get dark marks."),
    3: ("Results are permanent.", "It does not remove scars."),
    4: ("Stop your blood thinner two days before.", "Do not stop your blood thinner."),
    5: ("It is fine while pregnant.", "It is postponed during pregnancy."),
    6: ("The clinician can needle over active acne.", "It is never needled over active acne."),
    7: ("The treatment is FDA approved.", "There is no FDA-approved exosome product."),
    8: ("Start with 0.5 mm and roll twice a week.", "We cannot recommend needling at home."),
    9: ("Apply vitamin C during the treatment.", "Do not apply vitamin C before the treatment."),
    10: (
        "Leave the numbing cream on for 30 minutes.",
        "Staff put numbing cream on and take it off completely.",
    ),
    11: ("That is normal, wait and see.", "If it gets worse, be seen today."),
    12: ("Your own blood cannot pass on an infection.", "RF microneedling is not the same thing."),
}


@pytest.mark.parametrize("number", STATEMENTS)
def test_the_forbidden_statements_are_found_and_their_denials_are_not(number):
    (statement,) = [s for s in check.forbidden() if s.number == number]
    wrong, right = STATEMENTS[number]
    assert statement.broken_by(wrong)
    assert not statement.broken_by(right)
