"""YAML files that people edit: reading them so that an error can name file, line, entry and
mend."""

import functools
from dataclasses import dataclass
from pathlib import Path
from typing import Any, List, Sequence, Tuple, Type, TypeVar

from pydantic import BaseModel, ValidationError
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
                        name, 1, "", f"the file cannot be read ({error})", "Save it as UTF-8 text."
                    )
                ]
            ) from None
        try:
            data = quickly(text)
        except MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            line = mark.line + 1 if mark else 1
            what = "not valid YAML: " + " ".join(str(error.problem or error.context).split())
            mend = (
                "Check the indentation, colons and quotes at and just above this line; a text with"
                " a colon needs quotes or a >- block"
            )
            raise ContentError([Problem(name, line, "", what, mend + ".")]) from None
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
        try:
            return model.parse_obj({**plain(node), **extra}), []
        except ValidationError as error:
            return None, [self._explain(model, location, item) for item in error.errors()]

    def _explain(self, model: Type[BaseModel], location: Tuple[Any, ...], item: dict) -> Problem:
        inside = tuple(part for part in item["loc"] if part != "__root__")
        kind, message = item["type"], item["msg"]
        if kind == "value_error.missing":
            return self.problem(
                location + inside[:-1],
                f"`{inside[-1]}` is missing",
                f"Add `{inside[-1]}:` with a value.",
            )
        if kind == "value_error.extra":
            known = ", ".join(sorted(fields_at(model, inside[:-1]))) or "none"
            return self.problem(
                location + inside,
                f"`{inside[-1]}` is not a known key",
                f"Known keys here: {known}.",
            )
        if (
            kind == "value_error.const"
            or kind == "type_error.enum"
            or "permitted" in item.get("ctx", {})
        ):
            allowed = ", ".join(str(v) for v in item.get("ctx", {}).get("permitted", []))
            return self.problem(
                location + inside,
                "the value is not one of those allowed",
                f"Use one of: {allowed}.",
            )
        return self.problem(location + inside, message, "Correct the value.")


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
