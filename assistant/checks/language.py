"""Mistakes in the patterns of data/language that whole messages are read by (dates, persons)."""

from pathlib import Path
from typing import List

from assistant import paths
from assistant.checks.safety import pattern_problem
from assistant.safety.triage import compile_sign
from assistant.yamlfile import Problem, YamlFile, plain

#: The entries of each file that are patterns, or mappings of patterns.
PATTERNS = {
    "dates.yml": ("events", "needling", "called_off", "then"),
    "persons.yml": ("lead", "other", "requests", "taken_back"),
}


def check(folder: Path = paths.LANGUAGE) -> List[Problem]:
    """Patterns that are missing or cannot be looked for. Raises ContentError for no YAML."""
    problems: List[Problem] = []
    for name, entries in PATTERNS.items():
        file = YamlFile.read(folder / name, paths.ROOT)
        for entry in entries:
            found = plain(file.data.get(entry))
            if not found:
                mend = "Bring the last version back."
                problems.append(file.problem((), f"`{entry}:` is missing or empty", mend))
                continue
            texts = found if isinstance(found, dict) else {None: found}
            for key, text in texts.items():
                place = (entry,) if key is None else (entry, key)
                problems += pattern_problem(file, place, str(text), compile_sign)
    return problems
