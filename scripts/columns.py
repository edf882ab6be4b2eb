"""No tracked source has a line of more than 100 columns. `make lint` runs it: ruff leaves some
alone (one long word), prettier every string and comment."""

import subprocess
import sys
from pathlib import Path

MOST = 100
SOURCES = ("*.py", "*.ts", "*.css", "*.mjs")
#: Built, not written.
BUILT = "widget/dist/"


def main() -> int:
    """Name every line that is too long. Exit status 1 when there is one."""
    root = Path(__file__).resolve().parent.parent
    try:
        names = subprocess.run(
            ["git", "ls-files", "-z", "--", *SOURCES],
            cwd=root,
            check=True,
            capture_output=True,
            text=True,
        ).stdout.split("\0")
    except (OSError, subprocess.CalledProcessError) as error:
        print(f"!! the length of lines is checked in a git checkout only: {error}", file=sys.stderr)
        return 1
    long = [
        f"{name}:{number}: {len(line)} columns"
        for name in filter(None, names)
        if not name.startswith(BUILT) and (root / name).exists()
        for number, line in enumerate((root / name).read_text("utf-8").splitlines(), 1)
        if len(line) > MOST
    ]
    print(*long, sep="\n", end="\n" if long else "")
    return 1 if long else 0


if __name__ == "__main__":
    sys.exit(main())
