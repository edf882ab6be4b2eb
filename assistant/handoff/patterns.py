"""What the contact form listens for, as patterns read from data/language/contact_form.yml."""

import functools
import re
from pathlib import Path
from typing import Dict, FrozenSet, Optional

from assistant import paths
from assistant.yamlfile import ContentError, Problem, YamlFile

FILE = paths.LANGUAGE / "contact_form.yml"


class Patterns:
    """The patterns by their names, and the names of people that are words as well."""

    def __init__(self, found: Dict[str, "re.Pattern[str]"], names: FrozenSet[str]):
        self._found, self.names = found, names

    def match(self, name: str, text: str) -> Optional["re.Match[str]"]:
        """Where the pattern `name` is in `text`, or None. Raises KeyError for an unknown name."""
        return self._found[name].search(text.replace("\u2019", "'"))

    def has(self, name: str, text: str) -> bool:
        """Whether the pattern `name` is in `text`."""
        return self.match(name, text) is not None

    def without(self, name: str, text: str) -> str:
        """`text` with a comma in place of what the pattern `name` finds."""
        return self._found[name].sub(" , ", text.replace("\u2019", "'"))


def load(path: Path = FILE) -> Patterns:
    """The patterns of a file. Raises ContentError with file and line of a bad one."""
    file = YamlFile.read(path, paths.ROOT)
    found: Dict[str, re.Pattern[str]] = {}
    problems = []
    for part, frame in (("anywhere", "{}"), ("whole", r"^\W*(?:{})\W*$")):
        for name, expressions in (file.data.get(part) or {}).items():
            try:
                joined = "|".join(f"(?:{line})" for line in expressions.splitlines() if line)
                found[name] = re.compile(frame.format(joined), re.I)
            except (re.error, AttributeError) as error:
                line = file.line((part, name))
                mend = "Write a text block (|) of regular expressions, one a line."
                problems.append(Problem(file.name, line, name, f"a bad pattern: {error}", mend))
    if problems:
        raise ContentError(problems)
    return Patterns(found, frozenset(str(file.data.get("names") or "").split()))


@functools.lru_cache(maxsize=1)
def shared() -> Patterns:
    """The patterns of this process, read once."""
    return load()
