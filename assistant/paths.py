"""Where the project's files are, independent of the current directory."""

import os
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
KNOWLEDGE = ROOT / "data" / "knowledge"
LANGUAGE = ROOT / "data" / "language"
LEXICON = ROOT / "data" / "lexicon"
NLU = ROOT / "data" / "nlu"
SAFETY = ROOT / "data" / "safety"
ENCODER = ROOT / "assets" / "encoder"


def clinic_file() -> Path:
    """The clinic's file: `clinic.yml`, or what the environment variable CLINIC_FILE names (tests,
    several clinics)."""
    return Path(os.environ.get("CLINIC_FILE") or ROOT / "clinic.yml")


def knowledge_folder() -> Path:
    """The knowledge base: `data/knowledge`, or what the environment variable KNOWLEDGE_DIR
    names."""
    return Path(os.environ.get("KNOWLEDGE_DIR") or KNOWLEDGE)


def state_folder() -> Path:
    """Where the running assistant keeps its databases and secret: `var`, or what ASSISTANT_STATE
    names."""
    return Path(os.environ.get("ASSISTANT_STATE") or ROOT / "var")


def own_file(file: Path) -> None:
    """Make `file`, or what is beside it under its name (SQLite's log), readable by its owner alone,
    whatever the umask is; a folder that is made for it, too. Raises OSError."""
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    os.close(os.open(file, os.O_CREAT | os.O_RDWR, 0o600))
    for found in (file, file.with_name(f"{file.name}-wal"), file.with_name(f"{file.name}-shm")):
        if found.exists() and found.stat().st_uid == os.getuid():
            found.chmod(0o600)
