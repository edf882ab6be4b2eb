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
