"""Whether a message is written in English, and if not, in which language."""

import functools
import re
import unicodedata

#: Share of a message's words that must be known English words for it to count as English whatever
#: the model says.
ENGLISH_ENOUGH = 0.25
#: Languages in which the assistant can apologise (data/knowledge/replies.yml); others get the
#: general text.
KNOWN = (
    "en",
    "es",
    "fr",
    "de",
    "pt",
    "it",
    "pl",
    "nl",
    "tr",
    "ro",
    "hi",
    "ur",
    "ar",
    "zh",
    "ja",
    "ko",
    "ru",
    "uk",
)
SCRIPTS = {
    "CJK": "zh",
    "HIRAGANA": "ja",
    "KATAKANA": "ja",
    "HANGUL": "ko",
    "ARABIC": "ar",
    "DEVANAGARI": "hi",
    "CYRILLIC": "ru",
}
ENGLISH = frozenset(
    """
    a about after all also am an and any are as at be because been before best better book but by
    can cant clinic could day days did do does doing done dont face feel for from get go going good
    got had has have help her hi hello here hey how hurt i if im in into is it its just know last
    like long look make many me more much my need needle needles needling never new no not now of
    off often ok on one only or our out pain people per please price cost really red safe scar scars
    see she should skin so some still take than thanks that the their them then there these they
    thing this time to today too treatment two u under up ur use using want was we week weeks well
    were what when where which while who why will with without work would yes you your
    """.split()
)

#: Words of very short questions ("¿cuánto cuesta?") that no English one has, by language.
SHORT = {
    word: code
    for code, words in {
        "es": "cuanto cuánto cuesta precio precios duele dónde cuándo gracias",
        "pt": "custa preço preços dói onde obrigada obrigado",
        "fr": "combien coûte coute tarif tarifs prix douloureux où bonjour",
        "de": "kostet preis preise schmerzhaft wieviel wann danke",
        "it": "costa prezzo prezzi dolore",
        "pl": "ile kosztuje boli cena",
        "nl": "hoeveel kost prijs doet",
    }.items()
    for word in words.split()
}


@functools.lru_cache(maxsize=1)
def _identifier():
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    identifier = LanguageIdentifier.from_pickled_model(MODEL_FILE, norm_probs=True)
    identifier.set_languages([code for code in KNOWN])
    return identifier


def script_language(text: str) -> str:
    """The language that a non-Latin script stands for, or an empty text."""
    if text.isascii():
        return ""
    names = [unicodedata.name(c, "").split(" ")[0] for c in text if c.isalpha()]
    for script, language in (("HIRAGANA", "ja"), ("KATAKANA", "ja"), *SCRIPTS.items()):
        if names and sum(name == script for name in names) > len(names) * (
            0.15 if language == "ja" else 0.5
        ):
            return language
    return ""


@functools.lru_cache(maxsize=256)
def detect(text: str) -> str:
    """ISO 639-1 code of the language; "en" unless it clearly is another one of KNOWN. "other" is
    not used for guesses."""
    scripted = script_language(text)
    if scripted:
        return (
            "ur"
            if scripted == "ar" and re.search("[\u0679\u0688\u0691\u06ba\u06d2]", text)
            else scripted
        )
    words = re.findall(r"[^\W\d_]+", text.lower())
    if len(words) < 3:
        return next(
            (SHORT[word] for word in words if word in SHORT and not ENGLISH.intersection(words)),
            "en",
        )
    if sum(word in ENGLISH for word in words) >= max(1, len(words) * ENGLISH_ENOUGH):
        return "en"
    language, probability = _identifier().classify(text.lower())
    return language if probability >= 0.95 else "en"
