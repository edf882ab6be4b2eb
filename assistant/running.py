"""Which store the commands of the Makefile work on: that of the running cluster when one runs here,
else the one that the environment names, else the file in `var`."""

import json
import os
from pathlib import Path
from typing import Dict

from assistant import database, paths

#: What says in the environment where everything is kept: with one of them set, nothing is looked
#: for.
NAMED = ("ASSISTANT_DATABASE_URL", "ASSISTANT_STATE")


def cluster_folder() -> Path:
    """Everything of a cluster: `var/cluster`, or what ASSISTANT_CLUSTER names."""
    return Path(os.environ.get("ASSISTANT_CLUSTER") or paths.ROOT / "var" / "cluster").resolve()


def cluster_runs(folder: Path) -> bool:
    """Whether the cluster of this folder runs now."""
    try:
        os.kill(json.loads((folder / "status.json").read_text("utf-8"))["pid"], 0)
        return True
    except PermissionError:  # it runs, for another user
        return True
    except (OSError, ValueError, KeyError):
        return False


def written(file: Path) -> Dict[str, str]:
    """The settings of a file of lines NAME='value' (the supervisor writes it). Raises OSError."""
    pairs = (line.partition("=") for line in file.read_text("utf-8").splitlines())
    return {name: value.strip("'") for name, _, value in pairs if name}


def choose() -> str:
    """Let this process use the store of the running assistant, and say in a sentence which one it
    is. Raises StoreError."""
    named = [name for name in NAMED if os.environ.get(name, "").strip()]
    folder = cluster_folder()
    if named:
        return f"the store is {database.place()} ({' and '.join(named)} in the environment)"
    if cluster_runs(folder):
        try:
            os.environ.update({k: v for k, v in written(folder / "environment").items() if v})
        except OSError as error:
            raise database.StoreError(
                f"a cluster runs here, and its file {folder / 'environment'} cannot be read"
                f" ({error.strerror}): use the user that started it"
            ) from None
        database.engine.cache_clear()
        return f"the store is that of the running cluster: {database.place()}"
    idle = (folder / "environment").exists()
    return f"the store is {database.place()}" + (
        "; a cluster has one of its own, which is used while `make cluster` runs" if idle else ""
    )
