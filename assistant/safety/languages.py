"""Danger signs in other languages than English (data/safety/languages.yml), so that an emergency never meets an apology only."""
import re
import unicodedata
from pathlib import Path
from typing import Dict, List, Tuple

from assistant import paths
from assistant.safety.triage import Finding, compile_sign, more_urgent
from assistant.yamlfile import ContentError, YamlFile, plain

LEVELS = ("emergency", "same_day")


def without_accents(text: str) -> str:
    """"né" gives "ne"; the German sharp s becomes "ss"."""
    return "".join(c for c in unicodedata.normalize("NFKD", text.replace("ß", "ss").replace("œ", "oe")) if not unicodedata.combining(c))


class ForeignFlags:
    """Finds danger signs in the languages of the file. Raises ContentError that names the entry."""

    def __init__(self, path: Path = paths.SAFETY / "languages.yml"):
        file = YamlFile.read(path, paths.ROOT)
        self.signs: Dict[str, List[Tuple[str, re.Pattern]]] = {}
        self.general: Dict[str, re.Pattern] = {}
        problems = []
        for language, entry in plain(file.data["languages"]).items():
            try:
                self.general[language] = compile_sign(without_accents(entry["general"]))
                self.signs[language] = [(level, compile_sign(without_accents(sign))) for level in LEVELS for sign in entry[level]]
            except re.error as error:
                problems.append(file.problem(("languages", language), f"not a pattern ({error})", "Check brackets and signs."))
        if problems:
            raise ContentError(problems)

    def find(self, text: str, language: str) -> Finding:
        """The most urgent level whose sign `text` reports, looked for in `language` first and then in the others (short messages are easily
        taken for a neighbouring language), outside questions about people in general."""
        plain_text = without_accents(text)
        sentences = [s for s in re.split(r"(?<=[.!?;])\s+|\n", plain_text) if s]
        best = Finding()
        for name in sorted(self.signs, key=lambda code: code != language):
            for level, sign in self.signs[name]:
                if any(sign.search(sentence) and not self.general[name].search(sentence) for sentence in sentences):
                    best = more_urgent(best, Finding(level, (), language if language in self.signs else name))
                    break
        return best
