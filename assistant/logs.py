"""Logs that hold ids, topics, levels and times, and never a visitor's words: one JSON object a
line, or readable lines on a terminal.

What this project logs is kept. Of what Rasa and other libraries log, the place in their source is
kept and the words are not: many of their lines contain messages, slots or whole conversations. Of
an error its type and place are kept, not its text.
"""

import logging
import os
import re
import sys
import traceback
import warnings
from pathlib import Path
from types import TracebackType
from typing import Any, Dict, List, MutableMapping, Optional, Type

import structlog

from assistant import paths, redaction

Event = MutableMapping[str, Any]
OWN = ("assistant", "actions")
#: Everything that a line may hold. A new key is added here on purpose, and never one for what
#: somebody wrote.
KEYS = frozenset(
    (
        "event",
        "level",
        "time",
        "logger",
        "process",
        "conversation",
        "message",
        "topics",
        "urgency",
        "kind",
        "confidence",
        "milliseconds",
        "model",
        "worker",
        "choice",
        "faults",
        "error",
        "place",
        "_record",
        "_from_structlog",
    )
)
#: Names of events as Rasa makes them; anything else in their place is a sentence, which may hold a
#: visitor's words.
EVENT_NAME = re.compile(r"[a-z_]+(?:\.[a-z_]+)+")


def as_json() -> bool:
    """Whether lines are JSON: ASSISTANT_LOGS=json or console decides, otherwise whether the output
    is a terminal."""
    wanted = os.environ.get("ASSISTANT_LOGS", "")
    if wanted not in ("", "json", "console"):
        raise SystemExit(f"!! ASSISTANT_LOGS is {wanted!r}: write json or console, or leave it out")
    return wanted == "json" or (not wanted and not sys.stdout.isatty())


def short_path(file: str) -> str:
    """A source file's path within the project or its package."""
    path = Path(file)
    if paths.ROOT in path.parents and "site-packages" not in path.parts:
        return str(path.relative_to(paths.ROOT))
    return "/".join(
        path.parts[path.parts.index("site-packages") + 1 :]
        if "site-packages" in path.parts
        else path.parts[-2:]
    )


def place_of(trace: Optional[TracebackType]) -> Optional[str]:
    """Where an error arose: the innermost place of this project, then the innermost of all when
    that is in a library."""
    frames = traceback.extract_tb(trace)
    if not frames:
        return None
    own = [
        frame
        for frame in frames
        if paths.ROOT in Path(frame.filename).parents and "site-packages" not in frame.filename
    ]
    chosen = [own[-1]] if own else []
    chosen += [frames[-1]] if frames[-1] not in chosen else []
    return " > ".join(
        f"{short_path(frame.filename)}:{frame.lineno} {frame.name}" for frame in chosen
    )


def described(error: BaseException) -> Dict[str, Any]:
    """Type and place of an error and of what caused it; nothing of its text."""
    names: List[str] = []
    first: Optional[BaseException] = error
    while first is not None and len(names) < 4:
        names.append(
            f"{type(first).__module__}.{type(first).__qualname__}".removeprefix("builtins.")
        )
        first = first.__cause__ or (None if first.__suppress_context__ else first.__context__)
    return {"error": " < ".join(names), "place": place_of(error.__traceback__)}


def error_of(event: Event) -> Optional[BaseException]:
    """The error that a line was logged with."""
    given = event.pop("exc_info", None) or getattr(event.get("_record"), "exc_info", None)
    if given is True:
        given = sys.exc_info()
    return (
        given[1]
        if isinstance(given, tuple)
        else given
        if isinstance(given, BaseException)
        else None
    )


def without_words(_logger: Any, _method: str, event: Event) -> Event:
    """The line without anything that somebody may have written. A processor of structlog, for its
    own lines and those of `logging`."""
    record, error = event.get("_record"), error_of(event)
    name = event.get("logger") or getattr(record, "name", "")
    if error is not None:
        event.update(described(error))
    if name.split(".")[0] in OWN:
        event["event"] = redaction.redact(str(event.get("event", "")))
    elif record is not None and not event.get("_from_structlog"):
        event["event"] = "line of a library"
        event.setdefault(
            "place", f"{short_path(record.pathname)}:{record.lineno} {record.funcName}"
        )
    elif not EVENT_NAME.fullmatch(str(event.get("event", ""))):
        event["event"] = "line of a library"
    for key in [key for key in event if key not in KEYS]:
        del event[key]
    return event


def configure(process: str) -> None:
    """Let everything that this process logs go through `without_words`, to standard output.
    `process` is its name in every line.

    Raises SystemExit for an ASSISTANT_LOGS that means nothing.
    """

    def named(_logger: Any, _method: str, event: Event) -> Event:
        return {**event, "process": process}

    shared = [
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="time"),
        without_words,
        named,
    ]
    renderer: Any = (
        structlog.processors.JSONRenderer()
        if as_json()
        else structlog.dev.ConsoleRenderer(colors=sys.stdout.isatty())
    )
    if not as_json():
        renderer = _readable(renderer)
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
            keep_exc_info=False,
            keep_stack_info=False,
        )
    )
    for logger in [logging.getLogger(name) for name in list(logging.root.manager.loggerDict)]:
        logger.handlers.clear()
        logger.propagate = True
    logging.root.handlers = [handler]
    if logging.root.level == logging.NOTSET or logging.root.level < logging.WARNING:
        logging.root.setLevel(logging.WARNING)
    for own in OWN:
        logging.getLogger(own).setLevel(logging.INFO)
    logging.captureWarnings(True)
    warnings.simplefilter("once", UserWarning)
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )
    sys.excepthook = uncaught


def uncaught(
    kind: Type[BaseException], error: BaseException, trace: Optional[TracebackType]
) -> None:
    """What ends a process is logged like every other error; a sentence for the operator
    (SystemExit) and Ctrl-C go their usual way."""
    if issubclass(kind, KeyboardInterrupt):
        sys.__excepthook__(kind, error, trace)
        return
    logging.getLogger("assistant").critical("the process ends", exc_info=(kind, error, trace))


def _readable(render: Any) -> Any:
    """`render` for a terminal: the hour instead of the whole time, without names that every line
    repeats."""

    def line(logger: Any, method: str, event: Event) -> Any:
        event = {
            key: value
            for key, value in event.items()
            if key not in ("logger", "process", "conversation", "message", "model", "worker")
            and value not in (None, [], "")
        }
        event["timestamp"] = event.pop("time", "")[11:19]
        return render(logger, method, event)

    return line
