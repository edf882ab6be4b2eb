"""No source has a line of more than 100 columns. `make lint` runs it: ruff leaves some alone (one
long word), prettier every string and comment."""

import os
import sys
from pathlib import Path
from typing import Iterator

MOST = 100
KINDS = {".py", ".ts", ".css", ".mjs"}
#: Folders of what is built, fetched or left over; hidden ones are passed over too.
OTHERS = {"dist", "node_modules", "models", "results", "var"}


def sources(root: Path) -> Iterator[Path]:
    """The sources below a folder."""
    for folder, folders, names in os.walk(root):
        folders[:] = sorted(n for n in folders if n not in OTHERS and not n.startswith("."))
        yield from (Path(folder, name) for name in sorted(names) if Path(name).suffix in KINDS)


def main() -> int:
    """Name every line that is too long. Exit status 1 when there is one."""
    root = Path(__file__).resolve().parent.parent
    status = 0
    for path in sources(root):
        for number, line in enumerate(path.read_text("utf-8").splitlines(), 1):
            if len(line) > MOST:
                print(f"{path.relative_to(root)}:{number}: {len(line)} columns, {MOST} at most")
                status = 1
    return status


if __name__ == "__main__":
    sys.exit(main())
