"""Mistakes in data/safety: danger signs, circumstances, other languages, training messages, and the
texts that must stand for each of them. A patient meets such a mistake first, so all are found
before a start."""

import re
from pathlib import Path
from typing import Any, Callable, Dict, Iterator, List, Optional, Tuple, Type, Union

from pydantic import Field, conint, constr, validator

from assistant import paths
from assistant.clinic import Strict
from assistant.knowledge import LEVELS, Knowledge, one_of
from assistant.safety import languages, replies
from assistant.safety.crisis import CrisisSigns
from assistant.safety.replies import URGENT
from assistant.safety.triage import compile_sign
from assistant.yamlfile import ContentError, Problem, YamlFile, plain

#: Rows of the triage table (docs/triage.md).
Row = conint(ge=1, le=99)
Words = constr(min_length=1)
#: How a pattern's mistake is explained to somebody who knows no regular expressions.
PATTERN_MEND = (
    "Each ( and [ needs its ) and ]; copy the way of a line beside it, or bring the last version"
    " back"
)


class RedFlag(Strict):
    """Signs of one row of the triage table."""

    row: Row
    level: str
    with_: List[str] = Field([], alias="with")
    plain: bool = False
    signs: List[Words] = Field(min_items=1)

    _level = validator("level", allow_reuse=True)(one_of(LEVELS))


class Crisis(Strict):
    """Signs of one situation of a crisis: those that are enough, and those that need the model."""

    situation: Words
    plain: List[Words] = []
    anchors: List[Words] = []


class Stated(Strict):
    """The words of one circumstance."""

    signs: List[Words] = Field(min_items=1)
    past: Optional[Words]
    not_: Optional[Words] = Field(None, alias="not")
    kinds: Dict[str, Words] = {}


class Joined(Strict):
    """Circumstances that are more together."""

    level: str
    row: Row
    pairs: List[List[str]] = Field(min_items=1)

    _level = validator("level", allow_reuse=True)(one_of(LEVELS))


class Foreign(Strict):
    """The signs of one language."""

    but: Words
    and_: Words = Field(alias="and")
    denied: Words
    general: Words
    past: Words
    settled: Words
    crisis: Words
    emergency: Dict[Row, List[Words]]
    same_day: Dict[Row, List[Words]] = {}
    unspaced: bool = False


class Statements(Strict):
    """Training messages of one circumstance."""

    circumstance: str
    states: List[Words] = Field(min_items=1)
    not_: List[Words] = Field([], alias="not")


class Messages(Strict):
    """Training messages of one level of triage; `row` is a row of the triage table,
    or the kind of what needs no care."""

    level: str
    row: Union[int, str]
    batch: int
    texts: List[Words] = Field(min_items=1)

    _level = validator("level", allow_reuse=True)(one_of(LEVELS))


class Never(Strict):
    """One of the statements never to be made."""

    number: int
    says: Words
    patterns: List[Words] = Field(min_items=1)
    other_languages: List[Words] = []
    allowed: Optional[Words]
    deniable: bool = True
    mend: Words


def entries(
    file: YamlFile, key: str, model: Type[Strict], kind: type, problems: List[Problem]
) -> Iterator[Tuple[Tuple[Any, ...], Strict]]:
    """Place and contents of each entry below `key`, a mapping or a list (`kind`); what is wrong is
    put into `problems`."""
    node = file.data.get(key)
    if not isinstance(node, kind) or not node:
        problems.append(
            file.problem((), f"`{key}:` is missing or empty", "Bring the last version back.")
        )
        return
    names = list(node) if kind is dict else list(range(len(node)))
    for name in names:
        if not isinstance(node[name], dict):
            problems.append(
                file.problem((key, name), "the entry has no keys", "Write them below it, indented.")
            )
            continue
        parsed, found = file.parse(model, (key, name), **aliases(node[name], model))
        problems.extend(found)
        if parsed is not None:
            yield (key, name), parsed


def aliases(node: Dict[Any, Any], model: Type[Strict]) -> Dict[str, Any]:
    """Levels with their rows as numbers: the only keys of these files that are no words."""
    if model is not Foreign:
        return {}
    return {level: plain(node[level]) for level in languages.LEVELS if level in node}


def pattern_problem(
    file: YamlFile, place: Tuple[Any, ...], text: str, compiled: Callable[[str], Any]
) -> List[Problem]:
    """What is wrong with the words of a pattern; nothing when they can be used."""
    try:
        compiled(text)
    except re.error as error:
        at = "" if error.pos is None else f", near `{text[max(0, error.pos - 12) :][:24]}`"
        what = f"these words cannot be looked for: {error.msg}{at}"
        return [file.problem(place, what, f"{PATTERN_MEND}.")]
    return []


def red_flags(folder: Path) -> List[Problem]:
    """Mistakes in red_flags.yml."""
    file, problems = YamlFile.read(folder / "red_flags.yml", paths.ROOT), []
    concepts = file.data.get("concepts") or {}
    for name, signs in concepts.items():
        for number, sign in enumerate(signs or []):
            problems += pattern_problem(file, ("concepts", name, number), sign, compile_sign)
    for place, flag in entries(file, "red_flags", RedFlag, list, problems):
        for number, sign in enumerate(flag.signs):
            problems += pattern_problem(file, (*place, "signs", number), sign, compile_sign)
        for name in flag.with_:
            if name not in concepts:
                mend = f"Use one of: {', '.join(concepts)}."
                problems.append(
                    file.problem((*place, "with"), f"`{name}` is not among the concepts", mend)
                )
    return problems


def crisis(folder: Path) -> List[Problem]:
    """Mistakes in crisis.yml."""
    file, problems = YamlFile.read(folder / "crisis.yml", paths.ROOT), []
    found = list(entries(file, "crisis", Crisis, list, problems))
    for name, kind in (("words", dict), ("not", list), ("goes_on", str)):
        if not isinstance(file.data.get(name), kind):
            mend = "Bring the last version back."
            problems.append(file.problem((), f"`{name}:` is missing", mend))
    if problems or not found:
        return problems
    try:
        CrisisSigns(folder / "crisis.yml")
    except ContentError as error:
        problems += error.problems
    return problems


def circumstances(folder: Path, kb: Knowledge) -> List[Problem]:
    """Mistakes in circumstances.yml and statements.yml, and circumstances that only one of them and
    cautions.yml knows."""
    file, problems = YamlFile.read(folder / "circumstances.yml", paths.ROOT), []
    found = dict(entries(file, "circumstances", Stated, dict, problems))
    known = {name for _, name in found}
    for place, stated in found.items():
        patterns = {("signs", number): sign for number, sign in enumerate(stated.signs)}
        patterns.update({("kinds", kind): sign for kind, sign in stated.kinds.items()})
        patterns.update({("past",): stated.past, ("not",): stated.not_})
        for inside, sign in patterns.items():
            if sign:
                problems += pattern_problem(file, (*place, *inside), sign, compile_sign)
    for name in sorted(known - kb.circumstances.keys()):
        problems.append(
            file.problem(
                ("circumstances", name),
                f"nothing is said about `{name}`",
                "Write its texts under `circumstances:` in data/knowledge/cautions.yml.",
            )
        )
    whole = set(file.data.get("circumstances") or ())
    for name in sorted(kb.circumstances.keys() - whole):
        problems.append(
            kb.files["cautions"].problem(
                ("circumstances", name),
                f"no visitor's words lead to `{name}`",
                "Write its words in data/safety/circumstances.yml, or correct the id.",
            )
        )
    for place, joined in entries(file, "together", Joined, dict, problems):
        for told in (told for pair in joined.pairs for told in pair):
            name, _, kind = told.partition("/")
            stated = found.get(("circumstances", name))
            if name not in whole or (kind and stated and kind not in stated.kinds):
                problems.append(
                    file.problem(
                        (*place, "pairs"), f"`{told}` is no circumstance", "Correct the id."
                    )
                )
    return problems + statements(folder, whole)


def statements(folder: Path, known: set) -> List[Problem]:
    """Mistakes in statements.yml."""
    file, problems = YamlFile.read(folder / "statements.yml", paths.ROOT), []
    for place, entry in entries(file, "statements", Statements, list, problems):
        if entry.circumstance not in known:
            problems.append(
                file.problem(
                    (*place, "circumstance"),
                    f"`{entry.circumstance}` is not in data/safety/circumstances.yml",
                    f"Use one of: {', '.join(sorted(known))}.",
                )
            )
    return problems


def foreign(folder: Path) -> List[Problem]:
    """Mistakes in languages.yml."""
    file, problems = YamlFile.read(folder / "languages.yml", paths.ROOT), []
    for place, _ in entries(file, "languages", Foreign, dict, problems):
        entry = plain(file.value(place))
        for level in languages.LEVELS:
            for row, signs in (entry.get(level) or {}).items():
                for number, sign in enumerate(signs):
                    where = (*place, level, row, number)
                    problems += pattern_problem(file, where, sign, languages.compile_words)
        for name in ("crisis", "general", "past", "settled", "denied", "but", "and"):
            problems += pattern_problem(file, (*place, name), entry[name], languages.compile_words)
    return problems


def messages(folder: Path) -> List[Problem]:
    """Mistakes in messages/*.yml, which teach triage: one file for each level."""
    problems: List[Problem] = []
    for level in LEVELS:
        try:
            file = YamlFile.read(folder / "messages" / f"{level}.yml", paths.ROOT)
        except ContentError as error:
            problems += error.problems
            continue
        for place, entry in entries(file, "messages", Messages, list, problems):
            if entry.level != level:
                problems.append(
                    file.problem(
                        (*place, "level"),
                        f"`{entry.level}` stands in the file of `{level}`",
                        f"Write `{level}`, or move it to messages/{entry.level}.yml.",
                    )
                )
    return problems


def never(folder: Path) -> List[Problem]:
    """Mistakes in never.yml."""
    file, problems = YamlFile.read(folder / "never.yml", paths.ROOT), []
    denial = file.data.get("denial")
    if not isinstance(denial, str):
        problems.append(file.problem((), "`denial:` is missing", "Bring the last version back."))
    else:
        problems += pattern_problem(file, ("denial",), denial, re.compile)
    for place, entry in entries(file, "statements", Never, list, problems):
        patterns = {("patterns", n): text for n, text in enumerate(entry.patterns)}
        patterns.update({("other_languages", n): t for n, t in enumerate(entry.other_languages)})
        patterns.update({("allowed",): entry.allowed} if entry.allowed else {})
        for inside, text in patterns.items():
            problems += pattern_problem(file, (*place, *inside), text, re.compile)
    return problems


def findings(languages_known: List[str]) -> Iterator[Dict[str, Any]]:
    """Everything that triage can find, as far as the reply depends on it: each level, row, crisis
    and language."""
    situations = (
        "general",
        "suicidal",
        "self_harm_now",
        "abuse_at_home",
        "other_person",
        "body_image",
    )
    for language in ["en", *languages_known]:
        for level in URGENT:
            rows = {
                row for table in (replies.BY_ROW, replies.BY_ROW_ABROAD) for row in table[level]
            }
            for row in (0, *sorted(rows)):
                yield {"level": level, "rows": [row], "language": language}
        for crisis in situations:
            yield {"level": "none", "rows": [], "language": language, "crisis": crisis}


def answered(kb: Knowledge, folder: Path) -> List[Problem]:
    """Every danger sign and crisis has its text, in every language that is looked for."""
    domain = YamlFile.read(paths.ROOT / "domain.yml", paths.ROOT)
    responses = domain.data.get("responses") or {}
    spoken = list(YamlFile.read(folder / "languages.yml", paths.ROOT).data.get("languages") or ())
    names = dict.fromkeys(replies.response_name(finding) for finding in findings(spoken))
    problems = [
        domain.problem(
            ("responses",),
            f"`{name}` is missing: an urgent message would be answered with nothing",
            f"Write `{name}:` with its text, or bring the last version back.",
        )
        for name in names
        if not _says(responses.get(name))
    ]
    said = {f"still_{level}" for level in URGENT}
    said |= {f"still_emergency_{code}" for code in replies.WITH_EMERGENCY}
    said |= {f"still_same_day_{code}" for code in replies.WITH_LEVELS}
    rows = replies.BY_ROW["contact_clinic"]
    said |= {replies.clinic_reply({"level": "contact_clinic", "rows": [row]}) for row in (0, *rows)}
    file = kb.files["replies"]
    problems += [
        file.problem(
            ("replies",),
            f"`{name}` is missing or empty",
            f"Write `{name}:` with its text, or bring the last version back.",
        )
        for name in sorted(said)
        if not kb.replies.get(name)
    ]
    apologies = kb.replies.get("languages") or {}
    numbers = kb.files.get("countries") or YamlFile.read(
        paths.knowledge_folder() / "countries.yml", paths.ROOT
    )
    for code in spoken:
        if not apologies.get(code):
            problems.append(
                file.problem(
                    ("replies", "languages"),
                    f"nothing is said to somebody who writes in `{code}`",
                    f"Write `{code}:` with the words that the assistant reads English.",
                )
            )
        if not (numbers.data.get("languages") or {}).get(code):
            problems.append(
                numbers.problem(
                    ("languages",),
                    f"`{code}` is missing",
                    f"Write `{code}:` with `or` and `local_number` in that language.",
                )
            )
    return problems


def _says(response: Any) -> bool:
    """Whether a response of the domain has a text."""
    return bool(
        isinstance(response, list)
        and response
        and isinstance(response[0], dict)
        and str(response[0].get("text") or "").strip()
    )


def check(kb: Knowledge, folder: Path = paths.SAFETY) -> List[Problem]:
    """Every mistake of the folder, file by file."""
    problems: List[Problem] = []
    for part in (
        lambda: red_flags(folder),
        lambda: crisis(folder),
        lambda: circumstances(folder, kb),
        lambda: foreign(folder),
        lambda: messages(folder),
        lambda: never(folder),
        lambda: answered(kb, folder),
    ):
        try:
            problems += part()
        except ContentError as error:
            problems += error.problems
    return list(dict.fromkeys(problems))
