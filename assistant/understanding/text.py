"""Cleaning what a visitor typed, before anything reads it."""
import re
import unicodedata

#: Characters that are invisible or change the direction of writing: they have no place in a question.
INVISIBLE = re.compile("[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\U000e0000-\U000e007f]")
QUOTES = str.maketrans({"\u2018": "'", "\u2019": "'", "\u201b": "'", "\u02bc": "'", "\u201c": '"', "\u201d": '"', "\u2013": "-", "\u2014": "-", "\u2026": "..."})


def normalise(text: str) -> str:
    """NFKC, without invisible and control characters, straight quotes, white space folded to single blanks (line breaks kept as one)."""
    text = unicodedata.normalize("NFKC", text)
    text = INVISIBLE.sub("", text).translate(QUOTES)
    text = "".join(" " if unicodedata.category(c) in ("Cc", "Cs", "Co", "Cn") and c not in "\n\t" else c for c in text)
    text = re.sub(r"[ \t\u00a0]+", " ", text)
    text = re.sub(r" ?\n[ \n]*", "\n", text)
    return text.strip()


def has_words(text: str) -> bool:
    """Whether the text holds at least one letter or digit in any script."""
    return any(unicodedata.category(c)[0] in "LN" for c in text)
