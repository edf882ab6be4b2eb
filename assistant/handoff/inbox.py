"""`make inbox`: the requests of visitors, for the clinic.

make inbox                                 every request, newest first (the same as ARGS="list")
make inbox ARGS="list --open"              only those that nobody has marked done
make inbox ARGS="show ID"                  one request with all its details
make inbox ARGS="done ID"                  mark it done; `reopen ID` takes that back
make inbox ARGS="export requests.csv"      all of them as CSV
make inbox ARGS="erase ID"                 delete it for good, the copies in the write-ahead log
included
"""

import argparse
import csv
import datetime as dt
import re
import sys
from pathlib import Path
from typing import Any, Dict, List, Optional

from rich.console import Console
from rich.table import Table
from rich.text import Text

from assistant import database, paths, running
from assistant.clinic import Clinic, load_clinic
from assistant.handoff import fields, requests
from assistant.handoff.delivery import missing_settings
from assistant.handoff.details import shown
from assistant.hours import Opening
from assistant.yamlfile import ContentError

COLUMNS = (
    "id",
    "received",
    "status",
    *fields.COLUMNS,
    "topics",
    "delivered",
)


#: The beginning of a formula (also in full width), at the start of a cell or behind what a
#: spreadsheet may take for the border of one: semicolons where the comma is a decimal sign, tabs,
#: lines.
SIGN = r"[=+\-@\uff1d\uff0b\uff0d\uff20]"
FORMULA = re.compile(rf"""^(?=[\s"]*{SIGN}|[\t\r])|(?<=[;\t\r\n])(?=(?:"|[^\S\r\n])*{SIGN})""")


def safe_cell(value: Any) -> str:
    """A CSV cell that no spreadsheet takes for a formula (OWASP, "CSV Injection"): an apostrophe
    goes before =, +, -, @, tab and return, behind every border of a cell."""
    text = "" if value is None else str(value)
    return FORMULA.sub("'", text)


class Inbox:
    """Shows requests of the database in the clinic's time zone. Visitors' words are printed as they
    are, never as markup."""

    def __init__(self, clinic: Clinic, console: Optional[Console] = None):
        self.clinic, self.console, self.opening = clinic, console or Console(), Opening(clinic)

    def moment(self, seconds: Optional[float]) -> str:
        """A time of the database as the clinic's clock showed it."""
        if not seconds:
            return ""
        moment = self.opening.local(dt.datetime.fromtimestamp(seconds, dt.timezone.utc))
        return f"{moment:%Y-%m-%d %H:%M}"

    def delivery(self, item: Dict[str, Any]) -> str:
        """What became of a request's delivery."""
        if item["problem"]:
            return f"waiting: {item['problem']}"
        if item["waiting"]:
            return "waiting"
        return self.moment(item["delivered"]) or "inbox only"

    def contact(self, item: Dict[str, Any]) -> str:
        """Phone and email."""
        phone = shown(item["phone"], self.clinic.country) if item["phone"] else None
        return ", ".join(value for value in (phone, item["email"]) if value)

    def list(self, status: Optional[str] = None) -> int:
        """Print a table of requests."""
        items = requests.listing(status)
        if not items:
            self.console.print("No requests.")
            return 0
        table = Table("request", "from", "asks")
        for item in items:
            state = f"{item['status']}; {self.delivery(item)}"
            name, best_time = item["name"] or "no name", item["best_time"] or ""
            question = " ".join((item["question"] or "").split())
            cells = (
                f"{item['id']}\n{self.moment(item['created'])}\n{state}",
                f"{name}\n{self.contact(item)}\n{best_time}".rstrip(),
                question[:120] + ("..." if len(question) > 120 else ""),
            )
            table.add_row(*map(Text, cells), end_section=True)
        self.console.print(table)
        problem = missing_settings(self.clinic)
        if problem:
            self.console.print(Text(f"Nothing is delivered: {problem}.", style="bold"))
        return 0

    def find(self, name: str) -> Dict[str, Any]:
        """The one request whose id begins with `name`. Raises SystemExit."""
        found = [item for item in requests.listing() if item["id"].startswith(name)]
        if len(found) != 1:
            raise SystemExit(
                f"!! {'no request has' if not found else f'{len(found)} requests have'} an id that"
                f" begins with {name!r}: `make inbox` lists them"
            )
        return found[0]

    def show(self, name: str) -> int:
        """Print one request."""
        item = self.find(name)
        rows = (
            ("id", item["id"]),
            ("received", self.moment(item["created"])),
            ("status", item["status"]),
            ("name", item["name"]),
            ("contact", self.contact(item)),
            ("best time", item["best_time"]),
            ("talked about", ", ".join(item["topics"])),
            ("delivered", self.delivery(item)),
            ("question", item["question"]),
            ("conversation", item["session"]),
        )
        for label, value in rows:
            self.console.print(Text(f"{label + ':':<14}{value or 'not given'}"))
        return 0

    def mark(self, name: str, status: str) -> int:
        """Mark a request."""
        item = self.find(name)
        requests.mark(item["id"], status)
        self.console.print(Text(f"{item['id']} is {status}."))
        return 0

    def erase(self, name: str) -> int:
        """Delete a request for good."""
        item = self.find(name)
        requests.drop(item["id"])
        self.console.print(
            Text(
                f"{item['id']} is erased."
                + (
                    " It was delivered before: delete that copy as well."
                    if item["delivered"]
                    else ""
                )
            )
        )
        return 0

    def export(self, path: str) -> int:
        """Write every request to a CSV file (UTF-8 with a byte order mark, as spreadsheets like
        it)."""
        items = requests.listing()
        paths.own_file(Path(path))
        with open(path, "w", encoding="utf-8-sig", newline="") as handle:
            writer = csv.writer(handle, quoting=csv.QUOTE_ALL)
            writer.writerow(COLUMNS)
            for item in items:
                row = {
                    **item,
                    "received": self.moment(item["created"]),
                    "topics": ", ".join(item["topics"]),
                    "delivered": self.delivery(item),
                }
                writer.writerow([safe_cell(row[column]) for column in COLUMNS])
        self.console.print(Text(f"{len(items)} requests written to {path}."))
        return 0


def main(arguments: Optional[List[str]] = None) -> int:
    parser = argparse.ArgumentParser(
        prog="make inbox", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = parser.add_subparsers(dest="command")
    commands.add_parser("list").add_argument("--open", action="store_true")
    for name in ("show", "done", "reopen", "erase"):
        commands.add_parser(name).add_argument("id")
    commands.add_parser("export").add_argument("file")
    args = parser.parse_args(arguments)
    try:
        inbox = Inbox(load_clinic())
        inbox.console.print(Text(f"{running.choose()}.", style="dim"), soft_wrap=True)
        database.engine()
    except (ContentError, database.StoreError) as error:
        raise SystemExit(f"!! {error}") from None
    if args.command in ("done", "reopen"):
        return inbox.mark(args.id, "done" if args.command == "done" else "open")
    if args.command in ("show", "erase"):
        return getattr(inbox, args.command)(args.id)
    if args.command == "export":
        try:
            return inbox.export(args.file)
        except OSError as error:
            raise SystemExit(f"!! {args.file} cannot be written: {error.strerror}") from None
    return inbox.list("open" if getattr(args, "open", False) else None)


if __name__ == "__main__":
    sys.exit(main())
