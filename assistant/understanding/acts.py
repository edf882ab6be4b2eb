"""What a message does in the conversation: it agrees, doubts, asks for the source, complains.

The acts are Rasa intents (data/nlu/acts.yml); data/language/acts.yml says when each is possible.
P(act | text, state) is P(act | text) where the state allows it and 0 elsewhere, divided by what is
left.
"""

import functools
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Dict, List, Optional

from pydantic import confloat, conint, validator

from assistant import paths
from assistant.clinic import Strict
from assistant.yamlfile import ContentError, YamlFile

#: What must have been said before an act is possible.
NEEDS = ("nothing", "anything", "answer", "urgent")


class ActRule(Strict):
    """When an act is possible (`needs`, one of NEEDS), the probability from which it is believed
    (`least`), and the most words of a message that does it."""

    needs: str
    least: confloat(gt=0, lt=1)
    words: conint(gt=0)

    @validator("needs")
    def _needs(cls, value):
        if value not in NEEDS:
            raise ValueError(f"`{value}` is not known; use one of: {', '.join(NEEDS)}")
        return value


@dataclass(frozen=True)
class Acts:
    """The rules of the acts by their names."""

    rules: Dict[str, ActRule]

    def possible(self, name: str, state: Dict[str, Any]) -> bool:
        """Whether the conversation so far allows an act."""
        needs = self.rules[name].needs
        if needs == "urgent":
            return bool(state.get("urgent"))
        if needs == "answer":
            return bool(state.get("topics"))
        return needs == "nothing" or bool(state.get("last"))

    def in_state(self, likely: Dict[str, float], state: Dict[str, Any]) -> Dict[str, float]:
        """P(act | text, state) from P(act | text)."""
        left = {name: p for name, p in likely.items() if self.possible(name, state)}
        lost = sum(likely.values()) - sum(left.values())
        return {name: p / max(1.0 - lost, 1e-6) for name, p in left.items()}

    def believed(self, text: str, likely: Dict[str, float], state: Dict[str, Any]) -> Optional[str]:
        """The act of a message, or None where a question, or nothing, is more likely."""
        probable = self.in_state(likely, state)
        best = max(probable, key=probable.get, default=None)
        if best is None:
            return None
        rule = self.rules[best]
        fits = probable[best] >= rule.least and len(text.split()) <= rule.words
        return best if fits else None


def load(path: Path = paths.LANGUAGE / "acts.yml") -> Acts:
    """The acts of a file. Raises ContentError."""
    file = YamlFile.read(path, paths.ROOT)
    rules, problems = {}, []
    for name in file.data.get("acts") or {}:
        parsed, found = file.parse(ActRule, ("acts", name))
        problems += found
        rules[name] = parsed
    if problems:
        raise ContentError(problems)
    return Acts(rules)


@functools.lru_cache(maxsize=1)
def shared() -> Acts:
    """The acts of this process, read once."""
    return load()


def names() -> List[str]:
    """The intents that are acts."""
    return list(shared().rules)
