"""Understanding: encoder, entities, splitting, follow-ups, and the gate on the project's own evaluation set."""
import shutil

import numpy as np
import pytest

from assistant import launch, paths
from assistant.understanding import language, lexicon, splitter
from assistant.understanding.encoder import DIMENSION, Encoder, EncoderFileError, verify
from tests.evaluation import score


@pytest.fixture(scope="module")
def encoder():
    return Encoder.shared()


@pytest.fixture(scope="module")
def words():
    return lexicon.load()


def test_the_encoder_gives_the_same_unit_vector_every_time(encoder):
    for text in ("does it hurt", "a", "नमस्ते", "word " * 500, "?!"):
        first, again = Encoder().encode(text), encoder.encode(text)
        assert first.shape == (DIMENSION,) and np.isclose(np.linalg.norm(first), 1, atol=1e-3)
        assert np.array_equal(first, again)


def test_like_questions_are_near(encoder):
    a, b, c = encoder.encode_all(["does it hurt", "is it painful", "what are your opening hours"])
    assert a @ b > 0.6 > a @ c


def test_a_changed_encoder_file_is_refused(tmp_path):
    folder = shutil.copytree(paths.ENCODER, tmp_path / "encoder")
    with (folder / "tokenizer.json").open("ab") as handle:
        handle.write(b" ")
    with pytest.raises(EncoderFileError, match="tokenizer.json does not have the checksum.*git checkout"):
        verify(folder)
    (folder / "model.int8.onnx").unlink()
    with pytest.raises(EncoderFileError, match="model.int8.onnx is missing"):
        verify(folder)


@pytest.mark.parametrize("text, kind, value", [
    ("on zarelto", "medication", "rivaroxaban"), ("do you do decolettage", "area", "chest"), ("i have ekzema", "condition", "eczema"),
    ("is morphius any good", "device", "morpheus8"), ("roacutane last year", "medication", "isotretinoin"), ("three weeks after", "duration", "3 weeks"),
    ("the vampire facial", "treatment", "prp"), ("MY FOREHEAD", "area", "forehead"),
])
def test_entities_have_canonical_values(words, text, kind, value):
    assert value in words.by_kind(text).get(kind, [])


def test_a_denied_entity_is_marked(words):
    assert words.by_kind("i am not on warfarin, i take aspirin")["medication"] == ["aspirin"]


@pytest.mark.parametrize("text", ["can i go back to work", "asking for a friend", "what a pain", "is it worth it", "cancel my slot", "cheers"])
def test_everyday_words_are_no_entities(words, text):
    assert words.by_kind(text) == {}


def test_a_message_may_fall_into_parts():
    assert ["how much is it?", "does it hurt?"] in splitter.candidates("how much is it? does it hurt?")
    assert ["does it hurt", "how long does it take"] in splitter.candidates("does it hurt and how long does it take")
    assert splitter.candidates("does it hurt") == []


@pytest.mark.parametrize("text, code", [
    ("does it hurt", "en"), ("botox", "en"), ("micro needeling pls", "en"), ("cuánto cuesta una sesión para la cara", "es"),
    ("combien coûte une séance pour le visage", "fr"), ("wie lange ist die haut danach rot", "de"), ("сколько стоит процедура", "ru"), ("इसमें दर्द होता है क्या", "hi"), ("多少钱一次", "zh"),
])
def test_languages(text, code):
    assert language.detect(text) == code


@pytest.mark.slow
def test_the_own_evaluation_set_is_understood():
    """Gates a little below what was measured (docs/understanding.md): a fall is noticed, noise is not."""
    launch.train()
    report = score.score(score.load_parser(), score.rows())
    assert report["first_right"] >= FIRST_RIGHT, report
    assert report["answered_or_offered"] >= HELPED, report
    assert report["messages"] >= 600 and report["in_scope_turned_away"] <= 0.03 and report["out_of_scope_answered_anyway"] <= 0.05, report
    assert report["both_right"] >= 0.75 and report["two_topics_for_one_question"] <= 0.10, report


FIRST_RIGHT, HELPED = 0.87, 0.95
