"""Whatever somebody types or writes into the knowledge base: no unexpected error, and never more time than in proportion. About half a minute."""
import random
import shutil
import string
import time
import unicodedata

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from assistant import knowledge, paths, redaction
from assistant.handoff import details
from assistant.safety.triage import RedFlags
from assistant.understanding import lexicon
from assistant.understanding.splitter import candidates, sentences
from assistant.understanding.text import INVISIBLE, has_words, normalise
from assistant.yamlfile import ContentError

FLAGS, LEXICON = RedFlags(), lexicon.load()
WORDS = ("does it hurt", "my name is", "call me on", "07700 900461", "nadia@posteo.example", "I can't breathe", "born on 12/05/1985", "pregnant", "0.5 mm", "SW1A 1AA", "roaccutane", " and ", "; ", "?", "…", "\n", "/", "@", " at ", " dot ", "-", ".", "(", "+44",
         "4111 1111 1111 1111", "12 high street", "swollen", "’", "İ", "ß", "ﬁ", "１２", "\u200b", "\u202e", "😀", "не", "the ", "my friend ", "Anna ", "'s")
#: What people type, bent: pieces of real messages among any characters.
MESSAGES = st.lists(st.one_of(st.sampled_from(WORDS), st.text(max_size=12), st.text(string.printable, max_size=12)), max_size=25).map("".join)
few = settings(max_examples=150, deadline=2000, suppress_health_check=[HealthCheck.too_slow])


@few
@given(MESSAGES)
@example("/\u200b/restart")
def test_normalising_twice_changes_nothing_more_and_leaves_nothing_invisible(text):
    once = normalise(text)
    assert normalise(once) == once
    assert not INVISIBLE.search(once) and once == once.strip()
    assert all(unicodedata.category(character) not in ("Cc", "Cs") or character == "\n" for character in once)
    assert isinstance(has_words(once), bool)


@few
@given(MESSAGES)
def test_the_splitter_invents_nothing(text):
    text = normalise(text)
    for part in [*sentences(text), *(part for way in candidates(text) for part in way)]:
        assert part and part in text
    assert all(len(way) > 1 for way in candidates(text))


@few
@given(MESSAGES)
def test_triage_gives_a_level_and_sees_a_danger_sign_among_anything(text):
    text = normalise(text)
    assert FLAGS.find(text).as_dict()["level"] in ("none", "expected", "contact_clinic", "same_day", "emergency")


@few
@given(st.text(string.punctuation + " \n", max_size=20), st.text(string.punctuation.replace("'", "").replace('"', "") + " \n", max_size=20))
def test_punctuation_around_it_hides_no_emergency(before, after):
    assert FLAGS.find(normalise(f"{before}\nI can't breathe\n{after}")).as_dict()["level"] == "emergency"


@few
@given(MESSAGES)
def test_entities_are_where_they_say(text):
    text = normalise(text)
    for entity in LEXICON.entities(text):
        assert 0 <= entity["start"] < entity["end"] <= len(text) and entity["value"]


@few
@given(MESSAGES)
def test_redaction_stays_within_the_text_and_keeps_the_rest(text):
    spans = redaction.find(text)
    assert all(0 <= span.start < span.end <= len(text) and span.kind in redaction.MASKS for span in spans)
    assert all(one.end <= other.start for one, other in zip(spans, spans[1:]))
    rest, at = redaction.redact(text), 0
    for span in spans:
        kept = text[at:span.start] + redaction.MASKS[span.kind]
        assert rest.startswith(kept)
        rest, at = rest[len(kept):], span.end
    assert rest == text[at:]


@few
@given(st.text(string.ascii_letters + " ,.!?\n", max_size=40), st.sampled_from(["07700 900461", "nadia@posteo.example", "4111 1111 1111 1111", "GB29 NWBK 6016 1331 9268 19"]), st.text(string.ascii_letters + " ,!?\n", max_size=40))
def test_a_number_or_an_address_is_found_among_any_words(before, secret, after):
    assert secret not in redaction.redact(f"{before} {secret} {after}")


@few
@given(MESSAGES)
def test_details_are_found_or_refused_with_a_reason(text):
    for find in (lambda: details.find_phone(text, "GB"), lambda: details.find_email(text)):
        try:
            find()
        except details.NotUsable as error:
            assert error.reason.startswith(("phone_", "email_"))
    assert details.find_name(text, True) is None or len(details.find_name(text, True)) <= details.MOST_NAME
    details.find_time(text)


PIECES = ("a", "a ", "1 ", "1", "07700 ", "a@", "a.", "@a.b", "I can't ", "my name is ", "my friend ", "and ", "; ", "? ", "\n", "- ", "born ", "12 High ", "I'm A ", "0.5 mm ", "not ", "swollen ", " at a dot ", "aB1 ", "(", "é", "/", "'", "x'x-")
PARTS = {"normalise": normalise, "sentences": sentences, "candidates": candidates, "triage": FLAGS.find, "lexicon": LEXICON.entities, "redaction": redaction.redact,
         "phone": lambda text: details.EMAIL.sub(" ", details.DIGITS.sub(" ", text)), "name": lambda text: details.find_name(text, True), "time": details.find_time}


def seconds(work, text):
    """Processor time of the shortest of three runs."""
    def once():
        begun = time.thread_time()  # of the processor: other programs on the machine do not count
        work(text)
        return time.thread_time() - begun

    return min(once() for _ in range(3))


@pytest.mark.parametrize("part", PARTS)
def test_eight_times_the_text_takes_no_more_than_in_proportion(part):
    for piece in PIECES:
        short, long = (piece * (size // len(piece) + 1) for size in (500, 4000))
        base, took = seconds(PARTS[part], short[:500]), seconds(PARTS[part], long[:4000])
        assert took < 8 * 4 * max(base, 0.002), f"{part}: {took:.3f} s for 4,000 characters of {piece!r}, {base:.4f} s for 500"


def mutated(text, rng):
    """A YAML file after one slip of the hand."""
    lines = text.split("\n")
    at = rng.randrange(len(lines))
    slips = (
        lambda: lines.pop(at), lambda: lines.insert(at, lines[at]), lambda: lines.__setitem__(at, " " * rng.randrange(1, 5) + lines[at]), lambda: lines.__setitem__(at, lines[at].lstrip()),
        lambda: lines.__setitem__(at, lines[at].replace(":", "", 1)), lambda: lines.__setitem__(at, lines[at] + rng.choice([":", " #", "\"", "'", " [", " {", "\t", " &a", " *b", " !!python/object:os.system", "{price}", "{nonsense"])),
        lambda: lines.__setitem__(at, "".join(rng.sample(lines[at], len(lines[at])))), lambda: lines.__setitem__(at, lines[at].split(":")[0] + ": " + rng.choice(["", "null", "yes", "[]", "{}", "12", "2026-02-30", "- a", "\x07", "é" * 50])),
        lambda: lines.__setitem__(slice(at, at + 5), []), lambda: lines.__setitem__(at, "\u202e" + lines[at]),
    )
    rng.choice(slips)()
    return "\n".join(lines)


def test_a_slip_in_the_knowledge_base_loads_or_is_explained(tmp_path):
    folder = tmp_path / "knowledge"
    shutil.copytree(paths.ROOT / "data" / "knowledge", folder)
    rng, files, explained = random.Random(20260707), sorted(folder.glob("*.yml")), 0
    limit, tried = time.monotonic() + 15, 0
    while tried < 25 and (tried < 4 or time.monotonic() < limit):
        file = rng.choice(files)
        whole = file.read_text("utf-8")
        file.write_text(mutated(whole, rng), "utf-8")
        try:
            knowledge.load(folder)
        except ContentError as error:
            explained += 1
            assert error.problems and all(problem.file and problem.line >= 1 and problem.what and problem.mend for problem in error.problems)
        finally:
            file.write_text(whole, "utf-8")
        tried += 1
    assert tried >= 4 and explained, "some slips are mistakes"
