"""Where a message might fall into several questions."""

import re
from typing import List

#: A full stop, question mark, exclamation mark or line break between sentences, or the number of
#: the next one ("1) ... 2) ...").
SENTENCE = re.compile(r"(?<=[?!.])\s+|\n+|\s*;\s*|(?:^|\s+)(?:\(?\d\)|\d\.)\s+")
#: Words and signs that join two questions.
JOINT = re.compile(
    r"\s*,\s*(?:and|n|&|plus|also|or)?\s+|\s+(?:and also|and|also|plus|n|&|\+|but|then)\s+|"
    r"\s*[/&+]\s*",
    re.I,
)
#: Where a further question begins inside a sentence: "who should do it, and what can go wrong?"
NEXT_QUESTION = re.compile(
    r"\s*(?:[,;]\s*(?:(?:and|n|or|plus|also|but|then)\s+)?|\s(?:and also|and|n|&|plus|or|"
    r"but)\s+)(?=(?:also |then )?(?:how|what|whats|what's|when|where|who|why|which|can|could|do|"
    r"does|is|are|will|would|should|may|am)\b)",
    re.I,
)
#: Most joints that are tried in one message; each costs two encodings.
MOST_JOINTS = 4
#: Most parts of one way to cut a message: the last ones, where the questions are.
MOST_PARTS = 6


def sentences(text: str) -> List[str]:
    """The sentences of a message, without empty ones."""
    return [part.strip(" ,") for part in SENTENCE.split(text) if part and part.strip(" ,.!?")]


#: The numbers of a list of questions, and how a question begins.
NUMBERED = re.compile(r"(?:^|\s)(?:\(?\d\)|\d\.)\s+")
BEGINS = re.compile(
    r"^(?:and |also |then )*(?:how|what|whats|what's|when|where|who|why|which|can|could|do|does|"
    r"is|are|will|would|should|may|am)\b",
    re.I,
)
#: Fewest questions that a list without numbers has.
FEWEST_LISTED = 3


def listed(text: str) -> List[str]:
    """The items of a message that lists its questions, by numbers or each with its own question
    word; none where it is no list."""
    if len(NUMBERED.findall(text)) > 1:
        return sentences(text)
    items = [
        item.strip(" ,?.!")
        for part in sentences(text)
        for item in NEXT_QUESTION.split(part)
        if item.strip(" ,.?!")
    ]
    if len(items) >= FEWEST_LISTED and all(BEGINS.match(item) for item in items):
        return items
    return []


def candidates(text: str) -> List[List[str]]:
    """Ways in which the message might be cut into questions, the plainest first; each a list of two
    or more parts."""
    result = []
    parts = sentences(text)
    if len(parts) > 1:
        result.append(parts[-MOST_PARTS:])
    finer = [
        piece.strip(" ,")
        for part in parts
        for piece in NEXT_QUESTION.split(part)
        if piece.strip(" ,.!?")
    ]
    if len(parts) > 1 and len(finer) > len(parts):
        result.append(finer[-MOST_PARTS:])
    if len(text) > 240:
        return result
    joints = list(JOINT.finditer(text))[:MOST_JOINTS]
    for joint in joints:
        left, right = text[: joint.start()].strip(), text[joint.end() :].strip()
        if left and right and left.strip(".,?!") and right.strip(".,?!"):
            result.append([left, right])
    if len(joints) > 1:
        pieces, start = [], 0
        for joint in joints:
            pieces.append(text[start : joint.start()].strip())
            start = joint.end()
        pieces.append(text[start:].strip())
        result.append([piece for piece in pieces if piece.strip(".,?!")])
    return [way for way in result if len(way) > 1]
