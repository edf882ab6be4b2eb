"""Whom a short message is about: "and me?", "what about her?", "not me, my sister", "I'm 27, not
17". The words are in data/language/persons.yml."""

import functools
import re
from typing import Any, Dict, List, Optional

from assistant import paths
from assistant.safety.triage import compile_sign
from assistant.yamlfile import YamlFile, plain

PERSONS = paths.LANGUAGE / "persons.yml"
#: Requests that only mean something once a circumstance was told.
CORRECTIONS = ("not_me", "not_other")


@functools.cache
def _words() -> Dict[str, Any]:
    return plain(YamlFile.read(PERSONS, paths.ROOT).data)


@functools.cache
def _requests() -> Dict[str, re.Pattern]:
    lead, other = _words()["lead"], _words()["other"]
    return {
        name: compile_sign(rf"\W*{lead}(?:{text.replace('{other}', other)})\W*$")
        for name, text in _words()["requests"].items()
    }


@functools.cache
def _taken_back() -> Dict[str, re.Pattern]:
    return {name: compile_sign(rf"{text}(?!\w)") for name, text in _words()["taken_back"].items()}


def request(text: str, state: Dict[str, Any]) -> Optional[str]:
    """Which of the file's `requests` a message is, in a conversation that has something to be about
    somebody; None for any other message."""
    if len(text.split()) > _words()["words"] or not state.get("last"):
        return None
    found = [name for name, sign in _requests().items() if sign.match(text)]
    told = bool(state.get("circumstances"))
    fit = [name for name in found if told or name not in CORRECTIONS]
    fit = [name for name in fit if told or name != "about_both"]
    return fit[0] if fit else None


def taken_back(text: str, known: Dict[str, Dict[str, Any]]) -> List[Dict[str, Any]]:
    """The visitor's own circumstances that a message takes back without naming them: an age that is
    of age, a test that was negative."""
    return [
        {"id": name, "who": "self", "when": "now", "denied": True}
        for name, sign in _taken_back().items()
        if known.get(name, {}).get("who") == "self" and sign.search(text)
    ]
