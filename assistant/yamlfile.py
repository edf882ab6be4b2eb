"""YAML files that people edit: reading them so that an error can name file, line, entry and
mend."""

import functools
import re
from dataclasses import dataclass
from datetime import date
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Dict, Iterator, List, Optional, Sequence, Tuple, Type, TypeVar

from pydantic import BaseModel, PydanticValueError, ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError

Model = TypeVar("Model", bound=BaseModel)


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong in a file: where it is, what it is and what to write instead."""

    file: str
    line: int
    entry: str
    what: str
    mend: str

    def __str__(self) -> str:
        where = f"{self.file}:{self.line}" + (f" ({self.entry})" if self.entry else "")
        return f"{where}: {self.what}. {self.mend}"


class ContentError(Exception):
    """One or more problems in files that people edit; `problems` lists them."""

    def __init__(self, problems: Sequence[Problem]):
        self.problems = list(problems)
        super().__init__("\n".join(map(str, self.problems)))


class Wrong(PydanticValueError):
    """A value that a model refuses: what is wrong with it, and what to write instead."""

    code = "content"
    msg_template = "{what}. {mend}"

    def __init__(self, what: str, mend: str):
        super().__init__(what=what, mend=mend)


NUMBER = "Write digits only, with a point before the last two: 299 or 249.50."
#: What pydantic says of a value, in the words of somebody who edits the file: (what is wrong, what
#: to write instead), filled with the value and with pydantic's own context.
EXPLAINED: Dict[str, Tuple[str, str]] = {
    "type_error.none.not_allowed": (
        "nothing is written here",
        "Write a value, or delete the line where the entry may be left out.",
    ),
    "type_error.float": ("`{value}` is not a number", NUMBER),
    "type_error.integer": ("`{value}` is not a whole number", "Write digits only, such as 30."),
    "type_error.bool": ("`{value}` is neither yes nor no", "Write true or false."),
    "type_error.list": (
        "`{value}` stands where a list belongs",
        "Write it in square brackets: [{value}]",
    ),
    "type_error.dict": (
        "`{value}` stands where entries belong",
        "Write each entry on a line below it, indented by two spaces.",
    ),
    "type_error.str": ("this is not a text", "Write one text, in quotes where it is a number."),
    "value_error.any_str.max_length": (
        "the text has {length} characters",
        "Use at most {limit_value}.",
    ),
    "value_error.any_str.min_length": (
        "the text is too short ({length} characters)",
        "Use at least {limit_value}, or delete the line.",
    ),
    "value_error.date": ("`{value}` is not a date", "Write year, month, day: 2026-12-24."),
    "type_error.date": ("`{value}` is not a date", "Write year, month, day: 2026-12-24."),
    "value_error.list.min_items": ("the list is empty", "Write at least {limit_value} entry."),
    "value_error.number.not_gt": ("{value} is too small", "Write more than {limit_value}."),
    "value_error.number.not_ge": (
        "{value} is too small",
        "Write a number greater than or equal to {limit_value}.",
    ),
    "value_error.number.not_lt": ("{value} is too large", "Write less than {limit_value}."),
    "value_error.number.not_le": ("{value} is too large", "Write at most {limit_value}."),
}


class YamlFile:
    """A parsed YAML file that can say on which line each entry stands."""

    def __init__(self, path: Path, text: str, data: Any, name: str):
        self.path, self.text, self.data, self.name = path, text, data, name

    @functools.cached_property
    def _marked(self) -> Any:
        """The data with the position of each entry; parsed when something has to be said about one,
        as it takes ten times as long."""
        return YAML(typ="rt").load(self.text)

    @classmethod
    def read(cls, path: Path, root: Path = None) -> "YamlFile":
        """Parse `path` (UTF-8). Raises ContentError when it is missing, not YAML, or not a mapping
        at the top."""
        name = str(path.relative_to(root)) if root and root in path.parents else path.name
        try:
            text = path.read_text("utf-8")
        except FileNotFoundError:
            raise ContentError(
                [Problem(name, 1, "", "the file is missing", f"Put it back at {path}.")]
            ) from None
        except (UnicodeDecodeError, OSError) as error:
            raise ContentError(
                [
                    Problem(
                        name,
                        1,
                        "",
                        f"the file cannot be read ({error})",
                        "Save it as UTF-8 text (in the editor: save as, encoding UTF-8).",
                    )
                ]
            ) from None
        try:
            data = quickly(text)
        except MarkedYAMLError as error:
            raise ContentError([yaml_problem(name, text, error)]) from None
        except ValueError as error:
            raise ContentError([value_problem(name, text, error)]) from None
        except RecursionError:
            mend = "Look for a long row of brackets, and take them out."
            raise ContentError(
                [Problem(name, 1, "", "entries are nested too deeply", mend)]
            ) from None
        except YAMLError as error:
            what = "not valid YAML: " + " ".join(str(error).split())
            raise ContentError(
                [Problem(name, 1, "", what, "Check the file's first lines and its characters.")]
            ) from None
        if data is None:
            raise ContentError(
                [Problem(name, 1, "", "the file is empty", "Bring its last version back.")]
            )
        if not isinstance(data, dict):
            raise ContentError(
                [
                    Problem(
                        name,
                        1,
                        "",
                        "the top of the file is not a mapping",
                        "Begin it with a key, for example `topics:`.",
                    )
                ]
            )
        return cls(path, text, data, name)

    def line(self, location: Sequence[Any]) -> int:
        """The line (from 1) of the entry at `location` (keys and list positions from the top), or
        of the nearest entry above it."""
        node, line = self._marked, 1
        for key in location:
            try:
                if isinstance(node, dict):
                    line = node.lc.key(key)[0] + 1
                else:
                    line = node.lc.item(key)[0] + 1
                node = node[key]
            except (KeyError, IndexError, TypeError, AttributeError):
                break
        return line

    def problem(self, location: Sequence[Any], what: str, mend: str) -> Problem:
        """A Problem at `location`."""
        return Problem(self.name, self.line(location), ".".join(map(str, location)), what, mend)

    def parse(
        self, model: Type[Model], location: Tuple[Any, ...] = (), **extra: Any
    ) -> Tuple[Model, List[Problem]]:
        """The entry at `location`, with the fields `extra`, as `model`; the model is None where
        problems are returned."""
        node = self.data
        for key in location:
            node = node[key]
        split = [place for place in odd_keys(node, location) if place]
        if split:
            return None, [
                self.problem(
                    place,
                    "a comma inside { } begins a new entry",
                    "Write amounts with a point (249.50), and put texts with a comma in quotes.",
                )
                for place in split
            ]
        try:
            return model.parse_obj({**plain(node), **extra}), []
        except ValidationError as error:
            return None, [self._explain(model, location, item) for item in error.errors()]

    def value(self, location: Sequence[Any]) -> Any:
        """What stands at `location`; None where nothing does."""
        node = self.data
        for key in location:
            try:
                node = node[key]
            except (KeyError, IndexError, TypeError):
                return None
        return node

    def _explain(self, model: Type[BaseModel], location: Tuple[Any, ...], item: dict) -> Problem:
        inside = tuple(part for part in item["loc"] if part not in ("__root__", "__key__"))
        kind, context, place = item["type"], item.get("ctx", {}), location + inside
        if kind == "value_error.missing":
            return self.problem(
                location + inside[:-1],
                f"`{inside[-1]}` is missing",
                f"Add `{inside[-1]}:` with a value.",
            )
        if kind == "value_error.extra":
            return self.problem(
                place,
                f"`{inside[-1]}` is not a known key",
                known_words(str(inside[-1]), fields_at(model, inside[:-1])),
            )
        if kind == "value_error.content":
            if "__key__" in item["loc"]:  # pydantic does not say which key it is
                keys = [key for key in self.value(place) or () if f"`{key}`" in context["what"]]
                place += tuple(keys[:1])
            return self.problem(place, context["what"], context["mend"])
        if kind in ("value_error.const", "type_error.enum") or "permitted" in context:
            allowed = ", ".join(str(v) for v in context.get("permitted", []))
            return self.problem(
                place, "the value is not one of those allowed", f"Use one of: {allowed}."
            )
        kind = "type_error.bool" if kind == "value_error.strictbool" else kind
        if kind in EXPLAINED:
            value = self.value(place)
            filled = {**context, "value": short(value), "length": len(str(value))}
            what, mend = (text.format(**filled) for text in EXPLAINED[kind])
            return self.problem(place, what, mend)
        return self.problem(place, item["msg"], "Correct the value.")


def short(value: Any) -> str:
    """A value as it is quoted in a message."""
    text = " ".join(str(value).split())
    return text if len(text) <= 60 else f"{text[:57]}..."


def known_words(name: str, known: List[str]) -> str:
    """The mend of a key that is not known: the keys that are, and the one that may be meant."""
    near = get_close_matches(name, known, 1)
    meant = f" Perhaps `{near[0]}` is meant." if near else ""
    return f"Known keys here: {', '.join(sorted(known)) or 'none'}.{meant}"


def odd_keys(node: Any, location: Tuple[Any, ...]) -> Iterator[Tuple[Any, ...]]:
    """Places of mappings that a comma has cut through: a number is a key with nothing behind it
    ("{amount: 249,50}")."""
    if isinstance(node, dict):
        if any(value is None and not isinstance(key, str) for key, value in node.items()):
            yield location
        for key, value in node.items():
            yield from odd_keys(value, (*location, key))
    elif isinstance(node, list):
        for number, value in enumerate(node):
            yield from odd_keys(value, (*location, number))


#: Lines that begin an entry; its name, and a text that begins with a quotation mark.
ENTRY = re.compile(r"""^\s*(?:- )?(?P<key>[\w-]+):(?:\s+(?P<text>.*))?$""")
#: A text without quotes in which a colon and a blank stand.
COLON = re.compile(r"""^\s*(?:- )?[\w-]+:\s+[^"'>|{\[#&*\s][^#]*:(?:\s|$)""")


def unclosed(lines: List[str], last: int) -> Optional[int]:
    """The line (from 1, at most `last`) of a text whose opening quotation mark has no partner."""
    for number, line in enumerate(lines[:last], 1):
        entry = ENTRY.match(line)
        text = (entry["text"] or "") if entry else ""
        if text[:1] not in ('"', "'"):
            continue
        rest = text[1:].replace('\\"', "").replace("''", "")
        following = lines[number] if number < len(lines) else ""
        if text[0] not in rest and (number == len(lines) or ENTRY.match(following)):
            return number
    return None


def yaml_problem(name: str, text: str, error: MarkedYAMLError) -> Problem:
    """What is wrong in a file that is not YAML, where it most likely is, and how to mend it."""
    mark, lines = error.problem_mark or error.context_mark, text.splitlines()
    line = mark.line + 1 if mark else 1
    reason = " ".join(str(error.problem or error.context).split())
    written = lines[line - 1] if line <= len(lines) else ""
    open_at = unclosed(lines, line)
    if "duplicate key" in reason:
        key = re.search(r'"(.*?)"', reason)
        what = f"`{key[1] if key else ''}` stands here a second time"
        mend = "Delete one of the two."
    elif open_at:
        line, what = open_at, "a quotation mark is opened in this line and not closed"
        mend = "Put the same mark at the end of the text."
    elif "\\t" in reason or "\t" in written[: len(written) - len(written.lstrip())]:
        what, mend = "there is a tab in this line", "Indent with spaces: two for each step."
    elif re.search(r""":\s+'[^']*\w'\w""", "\n".join(lines[max(0, line - 2) : line])):
        what = "an apostrophe ends the text that began with one"
        mend = 'Put the text into double quotes: "it\'s"'
    elif COLON.match(written):
        what = "a text has a colon and no quotes"
        mend = 'Put the whole text after the first colon into double quotes: "..."'
    else:
        what = reason
        mend = (
            "Check the indentation, colons and quotes at and just above this line; a text with a"
            " colon needs quotes or a >- block."
        )
    return Problem(name, line, "", f"not valid YAML: {what}", mend)


def value_problem(name: str, text: str, error: ValueError) -> Problem:
    """What is wrong in a file with a value that no YAML reader can take: a date that does not
    exist."""
    for number, line in enumerate(text.splitlines(), 1):
        for found in re.findall(r"\b\d{4}-\d\d?-\d\d?\b", line):
            try:
                date(*map(int, found.split("-")))
            except ValueError:
                return Problem(
                    name, number, "", f"the day {found} does not exist", "Write one that does."
                )
    return Problem(name, 1, "", f"a value cannot be read ({error})", "Put it in quotes.")


def quickly(text: str) -> Any:
    """The data of a YAML text, by the parser in C. It knows an older YAML: what it refuses is read,
    or refused with a better reason, by the one in Python.

    Raises YAMLError.
    """
    try:
        return YAML(typ="safe").load(text)
    except YAMLError:
        return YAML(typ="rt").load(text)


def fields_at(model: Type[BaseModel], inside: Sequence[Any]) -> List[str]:
    """Names of the fields that `model` knows at a nested location."""
    for part in inside:
        field = getattr(model, "__fields__", {}).get(part)
        if (
            field is not None
            and isinstance(field.type_, type)
            and issubclass(field.type_, BaseModel)
        ):
            model = field.type_
    return [field.alias for field in model.__fields__.values()]


def plain(node: Any) -> Any:
    """ruamel's round-trip containers and scalars as builtins."""
    if isinstance(node, dict):
        return {plain(k): plain(v) for k, v in node.items()}
    if isinstance(node, list):
        return [plain(v) for v in node]
    if isinstance(node, bool) or node is None:
        return node
    if isinstance(node, str):
        return str(node)
    if isinstance(node, int):
        return int(node)
    if isinstance(node, float):
        return float(node)
    return node
