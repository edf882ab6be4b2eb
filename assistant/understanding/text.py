"""Cleaning what a visitor typed, before anything reads it."""

import functools
import re
import unicodedata

#: Characters that are invisible or change the direction of writing: they have no place in a
#: question.
INVISIBLE = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f"
    "\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\U000e0000-\U000e007f]"
)
QUOTES = str.maketrans(
    {
        "\u2018": "'",
        "\u2019": "'",
        "\u201b": "'",
        "\u02bc": "'",
        "\u201c": '"',
        "\u201d": '"',
        "\u2013": "-",
        "\u2014": "-",
        "\u2026": "...",
    }
)

#: A part that asks something.
QUESTION = re.compile(
    r"\?|^(?:(?:and|also|but|so|plus|n|ok|okay|hi|hiya|hey|hello|please|pls|well|then|btw|just|"
    r"right)\b[\s,]*)*(?:how|what|whats|when|where|who|why|which|can|could|do|does|is|are|will|"
    r"would|should|may|am|any|price|cost)\b",
    re.I,
)
#: Cyrillic and Greek letters that look like Latin ones; they are replaced in a word that mixes
#: scripts.
LOOKALIKES = str.maketrans(
    "\u0430\u0435\u043e\u0440\u0441\u0443\u0445\u0456\u0458\u0455\u043a\u043c\u0442\u0432"
    "\u043d\u0410\u0415\u041e\u0420\u0421\u0425\u03bf\u03b1\u03b5\u03b9\u03c1\u03bd",
    "aeopcyxijskmtbhAEOPCXoaeipv",
)


def one_script(text: str) -> str:
    """Words that mix Latin letters with look-alikes of other scripts, in Latin letters; a message
    with Latin words has no lone look-alikes."""
    if not re.search(r"[A-Za-z]", text):
        return text

    def latin(match: re.Match) -> str:
        word = match.group().translate(LOOKALIKES)
        return word if word.isascii() else match.group()

    return re.sub(r"[^\W\d_]+", latin, text)


#: Characters of a message that are read: what is longer loses its middle.
MOST_READ = 64_000


def bounded(text: str, most: int = MOST_READ) -> str:
    """A text of at most `most` characters: begin and end of one that is longer."""
    if len(text) <= most:
        return text
    half = (most - 1) // 2
    return f"{text[:half]}\n{text[-half:]}"


@functools.lru_cache(maxsize=256)
def normalise(text: str) -> str:
    """NFKC, without invisible and control characters, straight quotes, one script a word, white
    space folded to single blanks (line breaks kept as one); at most MOST_READ characters (NFKC
    makes up to 18 of one)."""
    text = bounded(unicodedata.normalize("NFKC", bounded(text)))
    text = one_script(INVISIBLE.sub("", text).translate(QUOTES))
    text = "".join(
        " " if unicodedata.category(c) in ("Cc", "Cs", "Co", "Cn") and c not in "\n\t" else c
        for c in text
    )
    text = re.sub(r"[ \t\u00a0]+", " ", text)
    text = re.sub(r" ?\n[ \n]*", "\n", text)
    return text.strip()


def has_words(text: str) -> bool:
    """Whether the text holds at least one letter or digit in any script."""
    return any(unicodedata.category(c)[0] in "LN" for c in text)
