"""Triage of a message before everything else: patterns, other languages and the trained model; the more urgent wins."""
import functools
from typing import Optional

from assistant.safety.classifier import TriageModel
from assistant.safety.languages import ForeignFlags
from assistant.safety.triage import Finding, RedFlags, more_urgent
from assistant.understanding.language import detect, maybe_foreign

#: Characters of a message that the trained model reads; the patterns read everything.
MOST_FOR_MODEL = 4000


class Triage:
    """Gives the finding for a message. Without a trained model (none loaded yet, or its file is damaged) the patterns alone decide."""

    def __init__(self, model: Optional[TriageModel] = None):
        self.red_flags, self.foreign, self.model = RedFlags(), ForeignFlags(), model
        self.find = functools.lru_cache(maxsize=256)(self._find)

    def _find(self, text: str) -> Finding:
        """How soon what `text` (normalised) reports needs care."""
        language = detect(text)
        found = self.red_flags.find(text)
        if language != "en" or maybe_foreign(text):
            found = more_urgent(self.foreign.find(text, language), found)
            if language in self.foreign.signs:
                found = Finding(found.level, found.rows, language)
        if language == "en" and self.model:
            begin = text[:MOST_FOR_MODEL]
            if found.level != "none" and len(begin) == len(text) and self.model.doubts(begin, found.level):
                found = Finding()  # "nearly passed out at the price"
            found = more_urgent(found, self.model.find(begin))
        return found
