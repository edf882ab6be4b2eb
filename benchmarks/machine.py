"""The machine that measures: what it is, what processes cost on it (from /proc), and the report
that figures are written into."""

import os
import platform
import re
import signal
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Dict, Iterable, List, Optional

from assistant import paths

DOCUMENT = paths.ROOT / "docs" / "benchmarks.md"
IMAGES = paths.ROOT / "docs" / "images"
TICKS = os.sysconf("SC_CLK_TCK")


def description() -> str:
    """Processor, cores, memory, system, Python and Rasa."""
    from importlib.metadata import version

    processor = re.search(
        r"model name\s*:\s*(.+)", Path("/proc/cpuinfo").read_text("ascii", "replace")
    )
    memory = (
        int(re.search(r"MemTotal:\s*(\d+)", Path("/proc/meminfo").read_text("ascii")).group(1))
        / 2**20
    )
    return (
        f"{processor.group(1) if processor else platform.machine()}, {os.cpu_count()} cores,"
        f" {memory:.0f} GiB, Linux {platform.release().split('-')[0]}, Python"
        f" {platform.python_version()}, Rasa {version('rasa')}"
    )


def commit() -> str:
    """The commit that was measured, with a plus where files differ from it; "?" outside a clone."""

    def git(*arguments: str) -> str:
        return subprocess.run(
            ["git", *arguments], cwd=paths.ROOT, capture_output=True, text=True
        ).stdout.strip()

    changed = git("status", "--porcelain", "--untracked-files=no", "--", ".", ":!docs")
    return (git("rev-parse", "--short", "HEAD") or "?") + ("+" if changed else "")


@dataclass(frozen=True)
class Start:
    """When a measurement began: time.time(), the load average of the last minute, the commit."""

    time: float
    load: float
    commit: str


def begin() -> Start:
    """Begin a measurement; from now on Ctrl-C and SIGTERM end the command by SystemExit, so that
    what it started is ended first."""

    def leave(*_: Any) -> None:
        raise SystemExit("!! ended before it was finished; nothing was written")

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, leave)
    return Start(time.time(), os.getloadavg()[0], commit())


def origin(command: str, start: Start) -> str:
    """Date, command, duration, commit, machine, and how busy it was at the start and at the end,
    for the report."""
    return (
        f"Measured on {time.strftime('%Y-%m-%d', time.localtime(start.time))} with `{command}` in"
        f" {(time.time() - start.time) / 60:.0f} minutes, commit {start.commit}.\nMachine:"
        f" {description()}; load average {start.load:.1f} before it began and"
        f" {os.getloadavg()[0]:.1f} at the end."
    )


# -- processes


def fields(pid: int) -> Optional[List[str]]:
    """The fields of /proc/PID/stat after the name: state, parent, ...; None when the process is
    gone."""
    try:
        return Path(f"/proc/{pid}/stat").read_text("ascii", "replace").rpartition(")")[2].split()
    except OSError:
        return None


def family(roots: Iterable[int]) -> List[int]:
    """The processes `roots` and everything that descends from them."""
    children: Dict[int, List[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            found = fields(int(entry.name))
            if found:
                children.setdefault(int(found[1]), []).append(int(entry.name))
    found, waiting = [], list(roots)
    while waiting:
        pid = waiting.pop()
        if pid not in found and fields(pid):
            found.append(pid)
            waiting += children.get(pid, [])
    return found


def resident(pids: Iterable[int]) -> float:
    """Resident memory in megabytes (10^6 bytes) of processes, each counted whole (VmRSS)."""
    total = 0
    for pid in pids:
        try:
            found = re.search(
                r"VmRSS:\s*(\d+)", Path(f"/proc/{pid}/status").read_text("ascii", "replace")
            )
        except OSError:
            continue
        total += int(found.group(1)) * 1024 if found else 0
    return total / 1e6


def processor_seconds(pids: Iterable[int]) -> float:
    """Processor time in seconds of processes, theirs and that of their children that have ended."""
    return sum(sum(map(int, found[11:15])) for found in map(fields, pids) if found) / TICKS


# -- the report


def write_section(name: str, text: str) -> None:
    """Put `text` between the lines `<!-- begin: NAME -->` and `<!-- end: NAME -->` of
    docs/benchmarks.md. Raises SystemExit when they are missing."""
    begin, end = f"<!-- begin: {name} -->", f"<!-- end: {name} -->"
    document = DOCUMENT.read_text("utf-8")
    if document.count(begin) != 1 or document.count(end) != 1:
        raise SystemExit(
            f"!! {DOCUMENT} has no place for the figures: put the lines {begin} and {end} into it"
        )
    before, rest = document.split(begin)
    DOCUMENT.write_text(f"{before}{begin}\n{text.strip()}\n{end}{rest.split(end)[1]}", "utf-8")


def table(rows: List[List[str]]) -> str:
    """Rows as a table in Markdown; the first one is the head."""
    return "\n".join(
        "| " + " | ".join(row) + " |" for row in [rows[0], ["---"] * len(rows[0]), *rows[1:]]
    )


def ratio(value: Optional[float], reference: Optional[float]) -> str:
    """`value` as a multiple of `reference`, with as many digits as mean something; a dash where
    there is none."""
    if value is None or not reference:
        return "–"
    times = value / reference
    return (
        f"{times:.0f} ×" if times >= 10 else f"{times:.1f} ×" if times >= 1.5 else f"{times:.2f} ×"
    )
