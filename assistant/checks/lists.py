"""Mistakes in the word lists of data/lexicon and in the training examples of data/nlu."""

from pathlib import Path
from typing import Any, Dict, List, Tuple

from assistant import paths
from assistant.yamlfile import ContentError, Problem, YamlFile, plain


def lexicon_problems(folder: Path = paths.LEXICON) -> List[Problem]:
    """Names that lead to two things, and `broader` values that no names lead to."""
    from assistant.understanding import lexicon  # spaCy: not for a process that only takes edits

    try:
        names = lexicon.load(folder).names
    except ContentError as error:
        return error.problems
    values = {value for kind in names.values() for value in kind}
    problems: List[Problem] = []
    leads: Dict[str, Tuple[str, str]] = {}
    for path in sorted(folder.glob("*.yml")):
        file = YamlFile.read(path, paths.ROOT)
        for kind, entries in plain(file.data).items():
            for value, words in (entries or {}).items():
                place = (kind, value)
                if kind == "broader":
                    problems += [
                        file.problem(
                            place,
                            f"no visitor's words lead to `{name}`",
                            "Correct the id: it must stand in one of the other lists.",
                        )
                        for name in (value, words)
                        if name not in values
                    ]
                    continue
                for word in words:
                    other = leads.setdefault(word.lower(), place)
                    if other != place:
                        problems.append(
                            file.problem(
                                place,
                                f'"{word}" leads to `{other[1]}` ({other[0]}) too',
                                "Delete it in one of the two places.",
                            )
                        )
    return problems


def examples_problems(folder: Path = paths.NLU) -> List[Problem]:
    """Training files in which something is not where Rasa looks for it."""
    problems: List[Problem] = []
    for path in sorted(folder.rglob("*.yml")):
        try:
            file = YamlFile.read(path, paths.ROOT)
        except ContentError as error:
            problems += error.problems
            continue
        items = file.data.get("nlu")
        if not isinstance(items, list):
            problems.append(
                file.problem(
                    (), "`nlu:` with the examples is missing", "Begin the list with `nlu:`."
                )
            )
            continue
        for number, item in enumerate(items):
            problems += _example_problems(file, ("nlu", number), item)
    return problems


def _example_problems(file: YamlFile, place: Tuple[Any, ...], item: Any) -> List[Problem]:
    """Mistakes in the examples of one intent."""
    if not isinstance(item, dict) or not item.get("intent"):
        mend = "Write `- intent: ask_<topic>` and `examples: |` below it."
        return [file.problem(place, "`intent:` is missing", mend)]
    examples = item.get("examples")
    if not isinstance(examples, str):
        mend = "Write `examples: |` and, below it, each question after a dash: `- does it hurt`."
        return [file.problem((*place, "examples"), "the examples are not one text", mend)]
    start = file.line((*place, "examples")) + 1
    return [
        Problem(
            file.name,
            start + number,
            str(item["intent"]),
            f'"{line.strip()[:60]}" has no dash before it, so that it is not learned',
            "Write `- ` before it.",
        )
        for number, line in enumerate(examples.splitlines())
        if line.strip() and not line.startswith("- ")
    ]
