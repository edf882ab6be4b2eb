"""Where a message might fall into several questions."""
import re
from typing import List

#: A full stop, question mark, exclamation mark or line break between sentences.
SENTENCE = re.compile(r"(?<=[?!.])\s+|\n+|\s*;\s*")
#: Words and signs that join two questions.
JOINT = re.compile(r"\s*,\s*(?:and|n|&|plus|also|or)?\s+|\s+(?:and also|and|also|plus|n|&|\+|but|then)\s+|\s*[/&+]\s*", re.I)
#: Most joints that are tried in one message; each costs two encodings.
MOST_JOINTS = 4


def sentences(text: str) -> List[str]:
    """The sentences of a message, without empty ones."""
    return [part.strip(" ,") for part in SENTENCE.split(text) if part and part.strip(" ,.!?")]


def candidates(text: str) -> List[List[str]]:
    """Ways in which the message might be cut into questions, the plainest first; each a list of two or more parts."""
    result = []
    parts = sentences(text)
    if len(parts) > 1:
        result.append(parts[-6:])
    if len(text) > 240:
        return result
    joints = list(JOINT.finditer(text))[:MOST_JOINTS]
    for joint in joints:
        left, right = text[:joint.start()].strip(), text[joint.end():].strip()
        if left and right and left.strip(".,?!") and right.strip(".,?!"):
            result.append([left, right])
    if len(joints) > 1:
        pieces, start = [], 0
        for joint in joints:
            pieces.append(text[start:joint.start()].strip())
            start = joint.end()
        pieces.append(text[start:].strip())
        result.append([piece for piece in pieces if piece.strip(".,?!")])
    return [way for way in result if len(way) > 1]
