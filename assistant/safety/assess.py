"""Triage of a message before everything else: patterns, other languages and the trained model; the more urgent wins."""
import functools
from typing import Optional

from assistant.safety.classifier import TriageModel
from assistant.safety.languages import ForeignFlags
from assistant.safety.triage import Finding, RedFlags, more_urgent
from assistant.understanding.language import detect, maybe_foreign

#: Characters of a message that the trained model reads; the patterns read everything.
MOST_FOR_MODEL = 4000
#: Levels at which a pattern is not believed when the trained model is sure that nothing is reported ("nearly passed out at the price").
DOUBTED = ("expected", "contact_clinic", "same_day", "emergency")


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
            if found.level in DOUBTED and len(begin) == len(text) and self.model.sees_nothing(begin):
                found = Finding()
            found = more_urgent(found, self.model.find(begin))
        return found
