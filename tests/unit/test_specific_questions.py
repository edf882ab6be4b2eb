"""Specific questions inside a topic: each is found by its own words, answered first, and said once;
acts, prices and caveats beside them."""

import re
import shutil

import numpy as np
import pytest

from assistant import check, compose, knowledge, paths
from assistant.conversation import prices
from assistant.conversation.memory import MOST_TEXTS, was_said, with_said
from assistant.understanding import acts
from assistant.understanding.model import Facets
from assistant.understanding.text import normalise
from assistant.yamlfile import ContentError


def asked(topic, situation=None, **more):
    """A reading with one question that is certain."""
    return {
        "language": "en",
        "questions": [
            {
                "text": "",
                "topic": topic,
                "confidence": 1.0,
                "candidates": [],
                "entities": {"situation": [situation]} if situation else {},
                "decision": "answer",
                **more,
            }
        ],
    }


def said(turn):
    return [message.text for message in turn.messages]


def specific(kb):
    return [(topic, name) for topic in kb.topics.values() for name in topic.questions]


def test_every_topic_that_teaches_has_specific_questions(kb):
    silent = {topic.id for topic in kb.topics.values() if not topic.questions}
    assert silent <= {
        *("smalltalk", "feedback", "crisis", "out_of_scope", "out_of_scope_treatment"),
        "urgent_symptom",
    }
    assert len(specific(kb)) >= 1000


def test_a_question_in_its_own_words_gets_its_own_answer(kb, reader):
    """`ask` of every entry, typed in. The few that another topic answers too are counted."""
    missed = []
    for topic, name in specific(kb):
        ranked = reader.rank(normalise(topic.questions[name].ask))
        if (ranked.best, ranked.situation) != (topic.id, name):
            missed.append((topic.id, name, ranked.best, ranked.situation))
    assert len(missed) <= 0.02 * len(specific(kb)), missed


def test_the_answer_to_a_specific_question_comes_first(kb):
    turn, _ = compose.compose(asked("numbing", "wrapped"), None, kb)
    entry = kb.topic("numbing").questions["wrapped"]
    assert said(turn)[0] == kb.phrases.fill(entry.answer) and turn.specific == ["numbing"]


#: How a question begins that wants a yes or a no, and how an answer begins that gives one or says
#: at once that nobody knows it.
CLOSED = re.compile(r"(?:Can|Is|Are|Does|Do|Will|Would|Should|Could|Has|Have|May) ")
ANSWERED = re.compile(
    r"Yes|No\b|Not\b|Nobody|Nothing|Never|Neither|Hardly|Maybe|Perhaps|Possibly|Probably|Some|"
    r"Usually|Often|Rarely|Mostly|Partly|Fairly|Only|Better|Closer|In some|I (?:do not|can)|"
    r"(?:It|They) (?:can|may|did)|You can|We (?:do|would) not|Please do not|"
    r"Do(?: not|n't)|There is no"
)


def test_a_closed_question_is_answered_in_the_first_words(kb):
    """A yes, a no, or that it is not known comes before anything else."""
    closed = [
        (topic.id, name, topic.questions[name].lead)
        for topic, name in specific(kb)
        if CLOSED.match(re.split(r"(?<=[.?!])\s", topic.questions[name].ask)[-1])
    ]
    open_ended = [entry for entry in closed if not ANSWERED.match(entry[2])]
    assert len(closed) > 500 and len(open_ended) <= 0.04 * len(closed), open_ended


def test_a_specific_answer_is_said_by_one_question_only(kb):
    leads = [" ".join(topic.questions[name].lead.split()) for topic, name in specific(kb)]
    assert len(leads) == len(set(leads))


def test_no_text_denies_a_gap_that_the_clinic_sets(kb):
    for said_somewhere in check.visitor_texts(kb):
        assert "no date can be worked out" not in said_somewhere.text, said_somewhere.location


def test_an_unsure_question_is_named(kb):
    turn, _ = compose.compose(asked("numbing", "wrapped", unsure=True), None, kb)
    entry = kb.topic("numbing").questions["wrapped"]
    assert said(turn)[0] == f"**{entry.ask}** {kb.phrases.fill(entry.answer)}"


def test_nothing_is_said_twice_in_a_conversation(kb):
    state, texts = None, []
    for reading in (
        asked("downtime"),
        asked("aftercare"),
        asked("downtime"),
        asked("downtime"),
        asked("makeup_after"),
        asked("downtime"),
    ):
        turn, state = compose.compose(reading, state, kb)
        texts += [text for text in said(turn) if len(text.split()) >= 8]
    assert len(texts) == len(set(texts))


def test_what_was_said_is_remembered_up_to_a_limit():
    state = {}
    for number in range(MOST_TEXTS + 10):
        state = {"said": with_said([f"text {number}"], state)}
    assert len(state["said"]) == MOST_TEXTS
    assert was_said(f"text {MOST_TEXTS + 9}", state) and not was_said("text 0", state)


@pytest.mark.parametrize(
    "text, act",
    [
        ("hmm I find that hard to believe", "doubt"),
        ("where did you read that", "cite"),
        ("was this checked by someone medical", "reviewer"),
        ("does that happen to a lot of people", "how_likely"),
        ("I'm lost, what does that mean", "explain"),
    ],
)
def test_an_act_is_about_the_last_answer(kb, reader, text, act):
    _, state = compose.compose(asked("side_effects"), None, kb)
    assert reader.read(text, state).get("request") == act
    turn, _ = compose.compose({"language": "en", "request": act, "questions": []}, state, kb)
    assert turn.topics[0] == "side_effects" and said(turn)[0]


def test_without_an_answer_nobody_doubts_it():
    rules = acts.shared()
    assert rules.believed("really?", {"doubt": 0.9}, {}) is None
    assert rules.believed("has a doctor checked this", {"reviewer": 0.9}, {}) == "reviewer"
    # What the state does not allow leaves its share to the rest.
    assert rules.in_state({"doubt": 0.6, "reviewer": 0.3}, {}) == {"reviewer": pytest.approx(0.75)}


def test_a_source_is_named_and_that_no_clinician_has_signed(kb):
    _, state = compose.compose(asked("acne_scars"), None, kb)
    turn, _ = compose.compose({"language": "en", "request": "cite", "questions": []}, state, kb)
    source = kb.sources[kb.topic("acne_scars").sources[0]]
    assert source.title in said(turn)[0]
    turn, _ = compose.compose({"language": "en", "request": "reviewer", "questions": []}, state, kb)
    assert "No doctor or other clinician has signed" in said(turn)[0]


def test_a_bad_act_is_named_with_its_line(tmp_path):
    file = tmp_path / "acts.yml"
    file.write_text("acts:\n  doubt: {needs: luck, least: 0.5, words: 3}\n", "utf-8")
    with pytest.raises(ContentError, match="acts.yml:2.*`luck` is not known"):
        acts.load(file)


@pytest.mark.parametrize(
    "text, sessions, people",
    [
        ("how much is it", None, 1),
        ("price for four sessions", 4, 1),
        ("a package of 6", 6, 1),
        ("what does a course cost", 3, 1),
        ("one session for me and my sister", 1, 2),
        ("my cousin, my brother and me, each once", None, 3),
        ("for the two of us", None, 2),
    ],
)
def test_sessions_and_people_are_counted(text, sessions, people):
    found = prices.sessions_in(text)
    assert found == sessions or sessions is None and found in (None, 1)
    assert prices.people_in(text) == people


def test_sums_are_those_of_the_price_list(kb):
    face = next(price for price in kb.clinic.prices if price.name == "Microneedling, face")
    assert [prices.total(face, number) for number in (1, 2, 3, 4, 6)] == [180, 360, 480, 660, 960]
    answer = prices.answer("four sessions of the face for two people", {"area": ["face"]}, kb)
    assert "£1,320" in answer and "£660" in answer


def test_what_is_offered_is_said(kb):
    no = prices.offered("do you do radiofrequency", {"treatment": ["rf_microneedling"]}, kb)
    yes = prices.offered("do you offer PRP", {"treatment": ["prp"]}, kb)
    assert "does not offer" in no and yes.startswith("Yes") and "£380" in yes
    assert prices.offered("what is PRP", {"treatment": ["prp"]}, kb) is None


def test_a_ridge_regression_tells_situations_apart():
    rng = np.random.default_rng(0)
    centres = rng.normal(size=(3, 16))
    vectors = np.concatenate([centre + 0.1 * rng.normal(size=(12, 16)) for centre in centres])
    labels = ["pain/tattoo"] * 12 + ["pain/cry"] * 12 + ["pain/general"] * 12
    facets = Facets.train(vectors, labels)
    found = [facets.of("pain", centre) for centre in centres]
    assert [name for name, _ in found] == ["tattoo", "cry", ""]
    assert all(margin > 0.3 for _, margin in found)
    assert facets.of("cost", centres[0]) is None
    assert Facets.train(vectors, ["pain"] * 36).of("pain", centres[0]) is None


def test_a_question_file_of_no_topic_is_named(tmp_path):
    copy = shutil.copytree(paths.KNOWLEDGE, tmp_path / "knowledge")
    (copy / "questions" / "nonsense.yml").write_text("questions: {}\n", "utf-8")
    with pytest.raises(ContentError, match="`nonsense` is not a topic"):
        knowledge.load(copy)


def test_a_topics_own_title_and_question_get_its_own_answer(kb):
    for topic in kb.topics.values():
        for words in (topic.title, topic.question, topic.question.upper().rstrip("?")):
            assert kb.named(words) is topic
    assert kb.named("does it hurt on the forehead") is None


@pytest.mark.parametrize("topic", ["vampire_facial", "vampire_facial_safety", "prp_vs_plain"])
def test_what_a_topic_is_about_picks_no_variant(kb, topic):
    turn, _ = compose.compose(asked(topic, entities={"treatment": ["prp"]}), None, kb)
    assert said(turn)[0] == kb.phrases.fill(kb.topic(topic).answer)


@pytest.mark.parametrize(
    "text, forgets",
    [
        ("please forget the diabetes bit", True),
        ("scratch that from your notes", True),
        ("don't hold the tablets thing against me", True),
        ("don't forget to mention the price", False),
        ("will the clinic keep my notes", False),
    ],
)
def test_what_was_told_can_be_put_aside(reader, text, forgets):
    assert (reader.read(text, {}).get("request") == "forget") == forgets


def test_statements_are_the_context_of_a_question(reader):
    text = "My niece got me a voucher and I work outdoors most days. How long does a visit take?"
    assert [q["topic"] for q in reader.read(text, {})["questions"]] == ["session_duration"]


def test_an_offer_of_an_unknown_name_is_named(kb, tmp_path, monkeypatch):
    clinic = tmp_path / "clinic.yml"
    text = (paths.ROOT / "clinic.yml").read_text("utf-8")
    clinic.write_text(text.replace("  exosomes: false", "  exosoms: false"), "utf-8")
    monkeypatch.setenv("CLINIC_FILE", str(clinic))
    found = check.offers(knowledge.load(clinic_path=clinic))
    assert len(found) == 1 and "`exosoms`" in str(found[0]) and found[0].line > 1
