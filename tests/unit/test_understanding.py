"""Understanding: encoder, entities, splitting, follow-ups, and the gate on the project's own
evaluation set."""

import shutil
import tarfile

import numpy as np
import pytest

from assistant import launch, paths
from assistant.understanding import language, lexicon, splitter
from assistant.understanding.encoder import DIMENSION, Encoder, EncoderFileError, verify
from assistant.understanding.model import MANY, NEIGHBOURS, TopicModel, lengthened
from assistant.understanding.reader import Reader
from assistant.understanding.text import normalise
from assistant.understanding.words import WordRow, word_features
from tests.evaluation import score


@pytest.fixture(scope="module")
def encoder():
    return Encoder.shared()


@pytest.fixture(scope="module")
def words():
    return lexicon.load()


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    """The topic model as `make train` has written it."""
    folder = tmp_path_factory.mktemp("model")
    with tarfile.open(launch.MODEL) as packed:
        packed.extractall(folder)
    return TopicModel.load(
        max(folder.rglob("examples.npz"), key=lambda path: path.stat().st_size).parent
    )


def test_the_encoder_gives_the_same_unit_vector_every_time(encoder):
    for text in ("does it hurt", "a", "नमस्ते", "word " * 500, "?!"):
        first, again = Encoder().encode(text), encoder.encode(text)
        assert first.shape == (DIMENSION,) and np.isclose(np.linalg.norm(first), 1, atol=1e-3)
        assert np.array_equal(first, again)


def test_words_weigh_what_scikit_learn_gives_them():
    texts = [
        "does it hurt",
        "does it hurt a lot, or only a little",
        "how much does it cost",
        "what does one session cost",
        "numbing cream: does the cream sting",
    ] * 2
    row, matrix = WordRow.fit(texts)
    kept = WordRow.of(row.arrays())
    ours = word_features().fit(texts)
    for text in (*texts, "does the session sting more than héllo", "hurt hurt hurt hurt"):
        columns, values = kept(text)
        dense = np.zeros(matrix.shape[1], np.float32)
        dense[columns] = values
        given = ours.transform([text]).toarray()[0]
        assert (
            np.allclose(np.sort(dense[dense > 0]), np.sort(given[given > 0]), atol=1e-5)
            and len(columns) == (given > 0).sum() > 3
        )
        if text in texts:
            assert np.allclose(dense, matrix[texts.index(text)].toarray()[0], atol=1e-5), (
                "the columns that the linear model was trained on"
            )
    columns, values = kept("zzqx")
    assert not len(columns) and not len(values), "no word that it knows"


def test_like_questions_are_near(encoder):
    a, b, c = encoder.encode_all(["does it hurt", "is it painful", "what are your opening hours"])
    assert a @ b > 0.6 > a @ c


def test_a_part_is_read_where_it_stands(encoder):
    text = "Does the numbing cream sting? What do you charge for three sessions?"
    pain, cost = encoder.encode_all(["does it hurt", "how much does it cost"])
    first, second = encoder.part(text, 0, 29), encoder.part(text, 30, len(text))
    assert (
        np.isclose(np.linalg.norm(first), 1, atol=1e-3)
        and first @ pain > second @ pain
        and second @ cost > first @ cost
    )
    other = Encoder()
    assert np.array_equal(other.part(text, 0, 29), first), "the text need not have been read before"
    assert encoder.part(text, 29, 30) is None, "no word piece"
    assert encoder.part("word " * 500, 2000, 2010) is None, "beyond what is read"
    assert encoder.part("İs it sore", 0, 2) is None, (
        "a letter that is two in lower case: the places are others"
    )


def test_several_questions_are_looked_for_only_where_the_parts_differ(
    encoder, words, model, monkeypatch
):
    reader, read = Reader(encoder, model, words), []
    monkeypatch.setattr(
        reader, "rank", lambda text, rank=reader.rank: read.append(text) or rank(text)
    )
    one = "does it hurt more on the nose and on the forehead"
    assert [q["topic"] for q in reader.read(one)["questions"]] == ["pain"] and set(read) == {one}
    read.clear()
    two = "how much does it cost and how long will I be red afterwards"
    assert [q["topic"] for q in reader.read(two)["questions"]] == ["cost", "downtime"] and len(
        set(read)
    ) == 3
    # the whole message points to the peel alone; the second part asks for the cost where it stands
    assert [
        q["topic"]
        for q in reader.read("is it as good as a peel and does it cost less")["questions"]
    ] == ["vs_chemical_peel", "cost"]


def test_a_changed_encoder_file_is_refused(tmp_path):
    folder = shutil.copytree(paths.ENCODER, tmp_path / "encoder")
    with (folder / "tokenizer.json").open("ab") as handle:
        handle.write(b" ")
    with pytest.raises(
        EncoderFileError, match="tokenizer.json does not have the checksum.*git checkout"
    ):
        verify(folder)
    (folder / "model.int8.onnx").unlink()
    with pytest.raises(EncoderFileError, match="model.int8.onnx is missing"):
        verify(folder)


@pytest.mark.parametrize(
    "text, kind, value",
    [
        ("on zarelto", "medication", "rivaroxaban"),
        ("do you do decolettage", "area", "chest"),
        ("i have ekzema", "condition", "eczema"),
        ("is morphius any good", "device", "morpheus8"),
        ("roacutane last year", "medication", "isotretinoin"),
        ("three weeks after", "duration", "3 weeks"),
        ("the vampire facial", "treatment", "prp"),
        ("MY FOREHEAD", "area", "forehead"),
    ],
)
def test_entities_have_canonical_values(words, text, kind, value):
    assert value in words.by_kind(text).get(kind, [])


def test_a_denied_entity_is_marked(words):
    assert words.by_kind("i am not on warfarin, i take aspirin")["medication"] == ["aspirin"]


@pytest.mark.parametrize(
    "text",
    [
        "can i go back to work",
        "asking for a friend",
        "what a pain",
        "is it worth it",
        "cancel my slot",
        "cheers",
    ],
)
def test_everyday_words_are_no_entities(words, text):
    assert words.by_kind(text) == {}


def test_a_message_may_fall_into_parts():
    assert ["how much is it?", "does it hurt?"] in splitter.candidates(
        "how much is it? does it hurt?"
    )
    assert ["does it hurt", "how long does it take"] in splitter.candidates(
        "does it hurt and how long does it take"
    )
    assert splitter.candidates("does it hurt") == []


@pytest.mark.parametrize(
    "text, code",
    [
        ("does it hurt", "en"),
        ("botox", "en"),
        ("micro needeling pls", "en"),
        ("cuánto cuesta una sesión para la cara", "es"),
        ("combien coûte une séance pour le visage", "fr"),
        ("wie lange ist die haut danach rot", "de"),
        ("сколько стоит процедура", "ru"),
        ("इसमें दर्द होता है क्या", "hi"),
        ("多少钱一次", "zh"),
        ("Quanto custa?", "pt"),
        ("¿cuánto cuesta?", "es"),
        ("combien?", "fr"),
        ("price?", "en"),
        ("ok merci", "en"),
    ],
)
def test_languages(text, code):
    assert language.detect(text) == code


def test_the_own_evaluation_set_is_understood(parse):
    """Gates a little below what was measured (docs/understanding.md): a fall is noticed, noise is
    not."""
    report = score.score(parse, score.rows())
    assert report["first_right"] >= FIRST_RIGHT, report
    assert report["answered_or_offered"] >= HELPED, report
    assert (
        report["messages"] >= 600
        and report["in_scope_turned_away"] <= 0.03
        and report["out_of_scope_answered_anyway"] <= 0.05
    ), report
    assert report["both_right"] >= 0.75 and report["two_topics_for_one_question"] <= 0.10, report


FIRST_RIGHT, HELPED = 0.87, 0.95


def test_the_quick_search_finds_the_nearest_examples(encoder, model):
    """What docs/understanding.md says of it: of the nearest examples of the evaluation set's
    messages, at least 99 % are found."""
    assert len(model.examples) >= MANY
    texts, found = [row["message"] for row in score.rows()], 0
    everything = lengthened(model.examples)
    for text in texts:
        vector = encoder.encode(normalise(text))
        nearest = np.argsort(-(everything @ vector))[:NEIGHBOURS]
        found += len(set(nearest.tolist()) & set(model.neighbours(vector)[0].tolist()))
    print(f"share found: {found / len(texts) / NEIGHBOURS:.4f}")
    assert found / len(texts) / NEIGHBOURS >= 0.99
