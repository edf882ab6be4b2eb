"""Misspelt words of the field are put right before anything reads them; everything else is left as
it was written."""

import pytest

from assistant.understanding import lexicon
from assistant.understanding.spelling import Speller
from assistant.understanding.text import normalise


@pytest.mark.parametrize(
    "wrong, right",
    [
        ("i hav keliod scars", "i hav keloid scars"),
        ("brestfeeding my son", "breastfeeding my son"),
        ("radio theripy ended", "radio therapy ended"),
        ("my imune system", "my immune system"),
        ("derma rolller", "derma roller"),
        ("had botxo last week", "had botox last week"),
        ("psorasis on my elbow", "psoriasis on my elbow"),
        ("numbinng creem", "numbing cream"),
        ("is my bottm ok", "is my bottom ok"),
    ],
)
def test_a_misspelt_word_of_the_field_is_put_right(triage, wrong, right):
    got = triage.spelled(wrong)
    assert got == right or got == right.replace("cream", "creme")


@pytest.mark.parametrize(
    "text",
    [
        "ta muchly, am i ok 2 book 4 tmrw",
        "My name is Siobhan Okonkwo",
        "colour and labour, organised and analysed",
        "gonna be glowing innit",
        "Dr Pen Ultima M8",
        "zyxxqq plorf",
        "it hurts",
        "Warszawa to Leeds",
        "",
        "¿duele mucho el tratamiento en la cara?",
        "je suis enceinte de trois mois",
    ],
)
def test_nothing_else_is_touched(triage, text):
    assert triage.spelled(normalise(text)) == normalise(text)


def test_it_is_the_same_after_saving(tmp_path):
    speller = Speller.train(["my rosacea flares"] * 10, lexicon.shared().words())
    speller.save(tmp_path)
    again = Speller.load(tmp_path)
    assert [s.correct("rosasea on my face") for s in (speller, again)] == ["rosacea on my face"] * 2
    assert (
        again.correct(again.correct("rosasea")) == "rosacea"
        and again.knows("english")
        and not again.knows("rosasea")
    )


def test_a_misspelt_danger_sign_is_found(triage):
    assert triage.find(normalise("my throte is swoling up and i cant breeth")).level == "emergency"


def test_a_misspelt_circumstance_is_found(parse):
    found = parse("im brestfeding, can i book")["meaning"]["circumstances"]
    assert [item["id"] for item in found] == ["breastfeeding"]
