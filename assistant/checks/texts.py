"""Texts that the code asks for by name, and what may stand in their braces: `texts.txt` beside this
file lists them. A text that is missing or misspelt would only be noticed while a visitor waits.

`make generate` adds what is new to the list and takes nothing away: who removes a text from the
code removes its line by hand.
"""

from difflib import get_close_matches
from pathlib import Path
from string import Formatter
from typing import Any, Dict, FrozenSet, Iterator, List, Set, Tuple

from assistant.knowledge import Knowledge
from assistant.yamlfile import Problem

LIST = Path(__file__).with_name("texts.txt")
#: Files of data/knowledge whose texts are asked for by name.
FILES = ("replies", "conversation", "phrases")
#: Entries whose names are free: the languages that are apologised in.
FREE = ("replies.languages.",)


def leaves(node: Any, place: Tuple[str, ...]) -> Iterator[Tuple[Tuple[str, ...], Any]]:
    """Every text (or list of texts) below `node`, with its place."""
    if isinstance(node, dict):
        for key, value in node.items():
            yield from leaves(value, (*place, str(key)))
    else:
        yield place, node


def fields(text: Any) -> Set[str]:
    """The names in the braces of a text; none where its braces are broken."""
    try:
        return {field for _, field, _, _ in Formatter().parse(str(text)) if field}
    except ValueError:
        return set()


def present(kb: Knowledge) -> Dict[str, Tuple[Tuple[str, ...], Any]]:
    """The texts of the files by their full names ("replies.replies.welcome")."""
    found = {}
    for name in FILES:
        for place, value in leaves(kb.files[name].data, ()):
            found[".".join((name, *place))] = (place, value)
    return found


def listed(path: Path = LIST) -> Dict[str, FrozenSet[str]]:
    """What may stand in the braces of each text that the code asks for, by its full name."""
    result = {}
    for line in path.read_text("utf-8").splitlines() if path.exists() else ():
        name, _, words = line.partition(":")
        result[name] = frozenset(words.split())
    return result


def listing(kb: Knowledge, path: Path = LIST) -> str:
    """The list with the texts that are new."""
    known, values = listed(path), kb.phrases.values
    for name, (_, value) in present(kb).items():
        if name not in known and not name.startswith(FREE):
            known[name] = frozenset(fields(value) - set(values))
    lines = [f"{name}: {' '.join(sorted(words))}".rstrip() for name, words in known.items()]
    return "\n".join(sorted(lines)) + "\n"


def check(kb: Knowledge, path: Path = LIST) -> List[Problem]:
    """Texts that are missing, empty, no text, of a name that nothing asks for, or with a word in
    braces that nothing fills in there."""
    known, found, problems = listed(path), present(kb), []
    lost = [name for name in known if name not in found]
    for name in lost:
        file, place = kb.files[name.split(".")[0]], tuple(name.split(".")[1:])
        problems.append(
            file.problem(
                place,
                f"the text `{place[-1]}` is missing, and the assistant asks for it",
                f"Write `{place[-1]}:` with its text, or bring the last version back.",
            )
        )
    for name, (place, value) in found.items():
        file = kb.files[name.split(".")[0]]
        if name not in known and not name.startswith(FREE):
            near = get_close_matches(name, lost, 1)
            if near:  # else it is new, and `make generate` says so
                mend = f"Perhaps `{near[0].split('.')[-1]}` is meant."
                problems.append(file.problem(place, "nothing asks for this text", mend))
            continue
        problems += _text_problems(kb, name, place, value, known.get(name, frozenset()))
    return problems


def _text_problems(
    kb: Knowledge, name: str, place: Tuple[str, ...], value: Any, allowed: FrozenSet[str]
) -> List[Problem]:
    """What is wrong with one text."""
    file = kb.files[name.split(".")[0]]
    texts = value if isinstance(value, list) else [value]
    if not texts or not all(isinstance(text, str) and text.strip() for text in texts):
        return [
            file.problem(
                place, "this is empty or not a text", "Write words, in quotes if they are a number."
            )
        ]
    known = {*kb.phrases.values, *allowed}
    odd = sorted(set().union(*map(fields, texts)) - known)
    return [
        file.problem(
            place,
            f"nothing fills in {{{word}}} here",
            f"Use one of: {', '.join(sorted(allowed)) or 'none of its own'}; or of phrases.yml.",
        )
        for word in odd
    ]
