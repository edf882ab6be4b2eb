"""Danger signs in other languages than English (data/safety/languages.yml), so that an emergency
never meets an apology only."""

import re
import unicodedata
from dataclasses import dataclass
from pathlib import Path
from typing import Dict, List, Tuple

from assistant import paths
from assistant.safety.triage import LONGEST_DENIAL, Finding, compile_sign, more_urgent
from assistant.yamlfile import ContentError, YamlFile, plain

LEVELS = ("emergency", "same_day")


#: A sign that is a negation itself ("no puedo respirar") is not denied by another before it.
NEGATIVE = re.compile(r"(?:non?|nao|ne|nicht|kein\w*|sin|sans|sem|senza)\b", re.I)


#: Words that make a clause say the opposite.
OPPOSITE = re.compile(
    r"\b(?:no|nao|non|not|ne|n|pas|nicht|kein\w*|nadie|nessuno|personne|ninguem)\b", re.I
)


def without_accents(text: str) -> str:
    """ "né" gives "ne"; the German sharp s becomes "ss"."""
    return "".join(
        c
        for c in unicodedata.normalize("NFKD", text.replace("ß", "ss").replace("œ", "oe"))
        if not unicodedata.combining(c)
    )


@dataclass(frozen=True)
class Language:
    """The signs of one language: (level, row, pattern), those of a crisis, and the words that take
    a sign back."""

    signs: List[Tuple[str, int, re.Pattern]]
    crisis: re.Pattern
    general: re.Pattern
    denied: re.Pattern
    past: re.Pattern
    settled: re.Pattern
    but: re.Pattern

    @classmethod
    def of(cls, entry: Dict) -> "Language":
        """From an entry of the file. Raises re.error."""
        signs = [
            (level, int(row), compile_sign(without_accents(sign)))
            for level in LEVELS
            for row, signs in entry[level].items()
            for sign in signs
        ]
        words = {
            key: compile_sign(without_accents(entry[key]))
            for key in ("crisis", "general", "past", "settled")
        }
        gap = f"(?:_|')(?:(?!(?:{entry['and']})_)\\w+(?:_|')){{0,2}}$"
        denied = compile_sign(
            without_accents(f"(?:{entry['denied']}){gap}".replace("_|", "[\\s\\-]+|"))
        )
        return cls(
            signs,
            denied=denied,
            but=re.compile(rf"[,.;:!?\n]+|\b(?:{entry['but']})\b", re.I),
            **words,
        )

    def clauses(self, text: str) -> List[str]:
        """The clauses of a text: what one asks or denies says nothing about the others."""
        return [clause for clause in self.but.split(text) if clause.strip()]

    def reports(self, clause: str, sign: re.Pattern) -> bool:
        """Whether a sign in the clause happens to somebody now: not asked about in general, not
        denied, not long past."""
        if not sign.search(clause) or self.past.search(clause):
            return False
        general = self.general.search(clause)
        asked_from = general.end() if general else len(clause)
        return any(
            match.start() < asked_from
            and (NEGATIVE.match(match.group()) or not self.denies(clause, match.start()))
            for match in sign.finditer(clause)
        )

    def denies(self, clause: str, at: int) -> bool:
        """Whether the words right before `at` deny what stands there."""
        return bool(self.denied.search(clause[max(0, at - LONGEST_DENIAL) : at]))


class ForeignFlags:
    """Finds danger signs in the languages of the file. Raises ContentError that names the entry."""

    def __init__(self, path: Path = paths.SAFETY / "languages.yml"):
        file = YamlFile.read(path, paths.ROOT)
        self.languages: Dict[str, Language] = {}
        problems = []
        for code, entry in plain(file.data["languages"]).items():
            try:
                self.languages[code] = Language.of(entry)
            except re.error as error:
                problems.append(
                    file.problem(
                        ("languages", code), f"not a pattern ({error})", "Check brackets and signs."
                    )
                )
        if problems:
            raise ContentError(problems)

    def find(self, text: str, language: str, sure: bool = True) -> Finding:
        """The most urgent level whose sign `text` reports, with the rows met at it, and whether it
        tells of wanting to die; looked for in `language` and in the others (short messages are
        easily taken for a neighbouring language). Unless `language` is `sure`, the reply is in the
        language of the sign.
        """
        plain_text = without_accents(text)
        best, spoken = Finding(), self.languages.get(language)

        def reported(entry: Language, sign: re.Pattern) -> bool:
            return any(
                entry.reports(clause, sign) and (spoken is None or spoken.reports(clause, sign))
                for clause in (spoken or entry).clauses(plain_text)
            )

        for code in sorted(self.languages, key=lambda code: code != language):
            entry, said_in = self.languages[code], language if spoken and sure else code
            despair = reported(entry, entry.crisis)
            if despair and not best.crisis:
                best = Finding(
                    best.level,
                    best.rows,
                    best.language if best.rows else said_in,
                    crisis="suicidal",
                )
            for level, row, sign in entry.signs:
                if reported(entry, sign):
                    best = more_urgent(best, Finding(level, (row,), said_in))
        return best

    def settled(self, text: str) -> bool:
        """Whether `text` says, in one of the languages, that somebody was seen or that it is
        settled."""
        return "?" not in text and any(
            entry.settled.search(clause) and not OPPOSITE.search(clause)
            for entry in self.languages.values()
            for clause in entry.clauses(without_accents(text))
        )
