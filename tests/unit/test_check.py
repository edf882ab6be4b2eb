"""`make check` on files that somebody has damaged: each mistake is named with its file and line."""

import shutil

import pytest

from assistant import check, generate, knowledge, paths
from assistant.checks import language, lists, safety, texts
from assistant.yamlfile import ContentError


def damage(folder, name, old, new):
    """Replace `old` by `new` in a file of the folder, once."""
    path = folder / name
    text = path.read_text("utf-8")
    assert old in text, old
    path.write_text(text.replace(old, new, 1), "utf-8")


def must_name(problems, name, words):
    """Some problem is of this file, has a line, and says `words`."""
    assert any(p.file.endswith(name) and p.line > 0 and words in str(p) for p in problems), list(
        map(str, problems)
    )


@pytest.fixture
def safety_copy(tmp_path):
    return shutil.copytree(paths.SAFETY, tmp_path / "safety")


@pytest.mark.parametrize(
    "name, old, new, words",
    [
        ("red_flags.yml", "  - row: 1\n", "  - row: one\n", "is not a whole number"),
        ("red_flags.yml", "level: same_day", "level: sameday", "`sameday` is not allowed"),
        ("red_flags.yml", "with: [numbing]", "with: [numb]", "`numb` is not among the concepts"),
        ("red_flags.yml", "plain: true", "plan: true", "Perhaps `plain` is meant."),
        ("red_flags.yml", "'emla'", "'em(la'", "these words cannot be looked for"),
        ("crisis.yml", "crisis:\n", "crises:\n", "`crisis:` is missing"),
        ("crisis.yml", "    anchors:\n", "    anchor:\n", "Perhaps `anchors` is meant."),
        ("circumstances.yml", "    signs:\n", "    sign:\n", "`signs` is missing"),
        ("circumstances.yml", "[pregnancy, isotretinoin]", "[pregnancy, iso]", "`iso` is no circ"),
        ("languages.yml", "    settled:", "    setled:", "Perhaps `settled` is meant."),
        ("languages.yml", '"pero|sino', '"pero)|sino', "these words cannot be looked for"),
        ("statements.yml", "circumstance: pregnancy", "circumstance: baby", "`baby` is not in"),
        ("statements.yml", "    states:\n", "    said:\n", "`states` is missing"),
        ("messages/same_day.yml", "level: same_day", "level: emergency", "in the file of"),
        ("messages/same_day.yml", "    texts:\n", "    text:\n", "`texts` is missing"),
        ("never.yml", "    mend: ", "    mends: ", "`mend` is missing"),
        ("never.yml", "'\\bwait and see\\b'", "'\\bwait (and see\\b'", "cannot be looked for"),
    ],
)
def test_a_mistake_in_the_safety_files_is_named(kb, safety_copy, name, old, new, words):
    damage(safety_copy, name, old, new)
    problems = safety.check(kb, safety_copy)
    must_name(problems, name.split("/")[-1], words)
    assert not any("Traceback" in str(p) for p in problems)


@pytest.mark.parametrize(
    "name, old, new, words",
    [
        ("dates.yml", "  wedding: (?:", "  wedding: (?:(", "these words cannot be looked for"),
        ("dates.yml", "called_off:", "call_off:", "`called_off:` is missing"),
        ("persons.yml", "taken_back:", "takenback:", "`taken_back:` is missing"),
        ("persons.yml", "  about_me: (?:", "  about_me: ((?:", "these words cannot be looked"),
    ],
)
def test_a_mistake_in_the_words_for_dates_and_persons_is_named(tmp_path, name, old, new, words):
    folder = shutil.copytree(paths.LANGUAGE, tmp_path / "language")
    damage(folder, name, old, new)
    must_name(language.check(folder), name, words)


def test_a_safety_file_that_is_missing_is_named(kb, safety_copy):
    (safety_copy / "messages" / "expected.yml").unlink()
    must_name(safety.check(kb, safety_copy), "expected.yml", "the file is missing")


def test_a_circumstance_has_words_and_texts(kb, safety_copy):
    added = "circumstances:\n  hay_fever:\n    signs: ['hay_fever']\n"
    damage(safety_copy, "circumstances.yml", "circumstances:\n", added)
    must_name(safety.check(kb, safety_copy), "circumstances.yml", "nothing is said about `hay_f")
    fewer = {name: c for name, c in kb.circumstances.items() if name != "pregnancy"}
    damaged = knowledge.Knowledge(**{**vars_of(kb), "circumstances": fewer})
    must_name(safety.check(damaged), "circumstances.yml", "nothing is said about `pregnancy`")


def vars_of(kb):
    """The fields of a knowledge base, without what it keeps at hand."""
    return {name: getattr(kb, name) for name in knowledge.Knowledge.__dataclass_fields__}


def test_a_language_without_a_reply_is_named(kb, safety_copy):
    text = (safety_copy / "languages.yml").read_text("utf-8")
    spanish = text[text.index("  es:\n") : text.index("  fr:\n")]
    (safety_copy / "languages.yml").write_text(text + spanish.replace("  es:", "  sv:", 1), "utf-8")
    problems = safety.check(kb, safety_copy)
    must_name(problems, "replies.yml", "nothing is said to somebody who writes in `sv`")
    must_name(problems, "countries.yml", "`sv` is missing")


@pytest.fixture
def copy(tmp_path):
    return shutil.copytree(paths.KNOWLEDGE, tmp_path / "knowledge")


@pytest.mark.parametrize(
    "name, old, new, words",
    [
        ("replies.yml", "  blank: ", "  blanck: ", "the text `blank` is missing"),
        ("replies.yml", "  blank: ", "  blanck: ", "Perhaps `blank` is meant."),
        ("replies.yml", "  something_else: Something else", "  something_else:", "is empty"),
        ("replies.yml", "  something_else: Something else", "  something_else: 1", "not a text"),
        ("conversation.yml", "  why_time: It", "  why_time: In {reviewer} It", "nothing fills in"),
        ("phrases.yml", "{given:", "{giving:", "is missing"),
    ],
)
def test_a_text_that_the_code_asks_for_is_there(copy, name, old, new, words):
    damage(copy, name, old, new)
    try:
        problems = texts.check(knowledge.load(copy))
    except ContentError as error:
        problems = error.problems
    must_name(problems, name, words)


def test_the_list_of_texts_only_grows(kb, tmp_path):
    path = tmp_path / "texts.txt"
    path.write_text("replies.replies.gone: where\n", "utf-8")
    lines = texts.listing(kb, path).splitlines()
    assert "replies.replies.gone: where" in lines and "replies.replies.welcome:" in lines
    assert texts.LIST.read_text("utf-8") == generate.files(kb)["assistant/checks/texts.txt"]


def test_names_that_lead_to_two_things_are_named(tmp_path):
    folder = shutil.copytree(paths.LEXICON, tmp_path / "lexicon")
    with (folder / "devices.yml").open("a", encoding="utf-8") as file:
        file.write("\n  another_pen: [SkinPen]\n")
    damage(folder, "broader.yml", "  rolling_scars: acne_scars", "  rolling_scars: acne_scarring")
    problems = lists.lexicon_problems(folder)
    must_name(problems, "devices.yml", '"SkinPen" leads to')
    must_name(problems, "broader.yml", "no visitor's words lead to `acne_scarring`")


@pytest.mark.parametrize(
    "old, new, words",
    [
        ("nlu:\n", "nlus:\n", "`nlu:` with the examples is missing"),
        ("examples: |", "examples:", "the examples are not one text"),
        ("    - ", "    ", "has no dash before it"),
        ("intent: ", "intend: ", "`intent:` is missing"),
    ],
)
def test_examples_that_rasa_would_not_learn_are_named(tmp_path, old, new, words):
    folder = shutil.copytree(paths.NLU, tmp_path / "nlu")
    damage(folder, "at_home.yml", old, new)
    must_name(lists.examples_problems(folder), "at_home.yml", words)


def test_a_price_is_of_a_topic_that_exists(kb):
    price = kb.clinic.prices[0].copy(update={"topic": "vampire"})
    clinic = kb.clinic.copy(update={"prices": [price]})
    damaged = knowledge.Knowledge(**{**vars_of(kb), "clinic": clinic})
    must_name(check.offers(damaged), "clinic.yml", "Perhaps `vampire_facial` is meant.")
