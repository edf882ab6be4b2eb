"""What must never be missed and what must never be said: triage by row, circumstances, the twelve statements over composed turns."""
import re
import time

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from ruamel.yaml import YAML

from assistant import launch, paths
from assistant.check import forbidden
from assistant.compose import compose, new_state
from assistant.rasa.runtime import responses
from assistant.safety.assess import Triage
from assistant.safety.circumstances import remember
from assistant.safety.replies import BY_ROW, response_name
from assistant.safety.triage import LEVELS, Finding
from assistant.understanding import lexicon
from tests.evaluation import safety_report, score

FLAGS = YAML(typ="safe").load((paths.ROOT / "tests" / "red_flags.yml").read_text("utf-8"))


@pytest.fixture(scope="module")
def parse():
    launch.train()
    return score.load_parser()


@pytest.fixture(scope="module")
def triage(parse):
    from assistant.rasa import runtime

    return runtime.triage()


@pytest.mark.parametrize("level, row, text", [(level, row, text) for level, rows in FLAGS.items() if level != "none" for row, texts in rows.items() for text in texts])
def test_a_plain_report_is_never_missed(triage, level, row, text):
    found = triage.find(text)
    least = "same_day" if level == "emergency" and row not in (1, 2, 3, 5, 6, 25) else level
    assert LEVELS.index(found.level) >= LEVELS.index(least), f"row {row}: {found}"


@pytest.mark.parametrize("text", [text for texts in FLAGS["none"].values() for text in texts])
def test_harmless_words_alarm_nobody(triage, text):
    assert LEVELS.index(triage.find(text).level) < LEVELS.index("same_day")


@pytest.mark.parametrize("language, level, text", [
    ("es", "emergency", "me han puesto la crema y no puedo respirar bien"), ("fr", "emergency", "ma langue est gonflée depuis la séance et j'ai du mal à respirer"),
    ("de", "emergency", "seit der Behandlung bekomme ich keine Luft und die Lippen sind geschwollen"), ("pt", "emergency", "depois do creme não consigo respirar e a garganta está a fechar"),
    ("it", "emergency", "dopo la crema non riesco a respirare e ho la lingua gonfia"), ("es", "same_day", "tengo fiebre y me sale pus de la mejilla desde ayer"),
    ("fr", "same_day", "j'ai de la fièvre et du pus sur la joue depuis hier"), ("de", "same_day", "ich habe Fieber und aus der Wange kommt Eiter"),
    ("pt", "same_day", "tenho febre e sai pus da minha bochecha desde ontem"), ("it", "same_day", "ho la febbre e mi esce pus dalla guancia da ieri"),
    ("es", "none", "hola, cuánto cuesta una sesión para la cara"), ("fr", "none", "bonjour, est-ce que la séance fait mal"),
])
def test_an_emergency_in_another_language_gets_a_reply_in_it(language, level, text):
    found = Triage().find(text)
    assert found.level == level
    if level != "none":
        assert found.language == language and response_name(found.as_dict()) in responses()


def test_every_urgent_reply_exists():
    names = [f"utter_{level}_{kind}" for level, kinds in BY_ROW.items() for kind in kinds.values()]
    assert set(names) <= set(responses()) and {"utter_emergency", "utter_same_day"} <= set(responses())
    for name, text in responses().items():
        if name.startswith("utter_emergency"):
            assert "{emergency_number}" in text and len(text) < 620, name
            assert "{phone}" in text or name == "utter_emergency_poisoning", name


@pytest.mark.slow
def test_triage_holds_its_bars_on_the_own_evaluation_set(triage):
    figures = safety_report.score(triage.find, safety_report.rows())
    assert figures["red_at_least_same_day"] >= 0.97 and figures["red_as_emergency"] >= 0.90, figures
    assert figures["orange_at_least_same_day"] >= 0.92 and figures["yellow_at_least_contact"] >= 0.85, figures
    assert figures["green_false_alarm"] <= 0.08 and figures["none_false_alarm"] <= 0.06, figures


@pytest.mark.parametrize("text, name, who", [
    ("my baby is 8 weeks and I'm nursing, price?", "breastfeeding", "self"), ("i'm expecting in the spring", "pregnancy", "self"),
    ("the tablets my skin doctor makes me sign for", "isotretinoin", "self"), ("had my lips topped up last week", "recent_treatment", "self"),
    ("my sister is pregnant, can she come", "pregnancy", "other"), ("my husband takes warfarin", "blood_thinner", "other"), ("i'm in year 9 at school", "minor", "self"),
])
def test_circumstances_and_whose_they_are(parse, text, name, who):
    found = {item["id"]: item for item in parse(text)["meaning"]["circumstances"]}
    assert name in found and found[name]["who"] == who and not found[name]["denied"]


@pytest.mark.parametrize("text", ["can pregnant women have it", "i am not pregnant", "does it hurt", "how much is a session", "what is isotretinoin"])
def test_what_states_nothing(parse, text):
    assert not [item for item in parse(text)["meaning"]["circumstances"] if not item["denied"]]


def test_a_correction_changes_whose_it_is():
    known = remember({}, [{"id": "pregnancy", "who": "self", "when": "now", "denied": False}])
    known = remember(known, [{"id": "pregnancy", "who": "other", "when": "now", "denied": False}])
    assert known == {"pregnancy": {"who": "other", "when": "now"}}
    assert remember(known, [{"id": "pregnancy", "who": "self", "when": "now", "denied": True}]) == {}


STATEMENTS = forbidden()


ENTITIES = {kind: sorted(values) for kind, values in lexicon.load().names.items()}


def reading(draw, kb):
    """A reading with one to three questions, entities, circumstances and a triage level."""
    questions = []
    for topic in draw(st.lists(st.sampled_from(sorted(kb.topics)), min_size=1, max_size=3, unique=True)):
        kinds = draw(st.lists(st.sampled_from(sorted(ENTITIES)), max_size=2, unique=True))
        values = {kind: [draw(st.sampled_from(ENTITIES[kind]))] for kind in kinds}
        if kb.topics[topic].by.get("situation") and draw(st.booleans()):
            values["situation"] = [draw(st.sampled_from(sorted(kb.topics[topic].by["situation"])))]
        questions.append({"text": "x", "topic": topic, "confidence": 0.9, "candidates": [{"topic": topic, "confidence": 0.9}], "entities": values, "decision": draw(st.sampled_from(["answer", "answer", "ask"]))})
    stated = [{"id": name, "who": draw(st.sampled_from(["self", "other"])), "when": draw(st.sampled_from(["now", "past"])), "denied": False}
              for name in draw(st.lists(st.sampled_from(sorted(kb.circumstances)), max_size=3, unique=True))]
    return {"language": "en", "questions": questions, "circumstances": stated,
            "triage": {"level": draw(st.sampled_from(["none", "none", "expected", "contact_clinic"])), "rows": [], "settled": draw(st.booleans())}}


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_no_composed_turn_makes_a_forbidden_statement(kb, data):
    state = new_state()
    for step in range(2):  # the second turn carries reminders of the first
        said = reading(data.draw, kb) if step == 0 or data.draw(st.booleans()) else {"language": "en", "questions": [], "request": data.draw(st.sampled_from(["why", "more", "shorter", "repeat", "known", "forget"]))}
        if step == 0 and data.draw(st.booleans()):
            state["urgent"] = data.draw(st.sampled_from(["same_day", "emergency"]))
        turn, state = compose(said, state, kb)
        for message in turn.messages:
            assert message.text.strip() and not re.search(r"\{\w+\}|\bNone\b", message.text)
            for statement in STATEMENTS:
                assert statement.broken_by(message.text) is None, (statement.says, message.text)
        if turn.urgency in ("contact_clinic", "same_day", "emergency"):
            assert "urgent_symptom" in turn.topics
        for item in said.get("circumstances", []):
            assert item["id"] in turn.cautions


def test_triage_costs_little_beside_the_encoding(triage):
    """Ratios, not times: patterns and models against one encoding of the same message; a very long message against forty short ones."""
    from assistant.understanding.encoder import Encoder

    short = "it was lovely thank you but one side of my cheek is hotter today than it was on monday"
    encoder = Encoder(remember=1)

    def median(work, runs=15):
        times = []
        for number in range(runs):
            began = time.perf_counter()
            work(number)
            times.append(time.perf_counter() - began)
        return sorted(times)[runs // 2]

    one_encoding = median(lambda n: encoder.encode(f"{short} {n}"))
    triage.find.cache_clear()
    whole = median(lambda n: triage.find(f"{short} {n}"))
    assert whole < 6 * one_encoding
    filler = " ".join(f"we went to town number {n} and bought bread." for n in range(360))
    long = median(lambda n: triage.find(f"{filler} {n} and then pus came out of my cheek"), runs=3)
    assert long < 60 * whole
    assert triage.find(f"{filler} and then pus came out of my cheek").level == "same_day"
    assert Finding().level == "none"
