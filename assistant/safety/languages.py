"""Danger signs in other languages than English (data/safety/languages.yml), so that an emergency
never meets an apology only."""

import re
import unicodedata
from dataclasses import dataclass
from pathlib import Path
from typing import Dict, FrozenSet, List, Tuple

from assistant import paths
from assistant.safety.triage import Finding, compile_sign, more_urgent
from assistant.understanding.language import ENGLISH
from assistant.yamlfile import ContentError, YamlFile, plain

LEVELS = ("emergency", "same_day")
WORDS, WORD_END = re.compile(r"[^\W\d_]+"), re.compile(r"\w*")


#: Characters around a sign among which the words that take it back are looked for.
AROUND = 240
#: Words from which on the language that a whole message is in says more than that of one sign.
ENOUGH_WORDS = 6
#: Characters from which on a message counts as long: its language is certain, and where it is taken
#: for English, only its clauses that do not look so are read, MOST_UNLIKE characters of them.
LONG, MOST_UNLIKE = 1500, 8000
#: A sign that is a negation itself ("no puedo respirar") is not denied by another before it.
NEGATIVE = re.compile(
    r"(?:non?|nao|ne|n'|nicht|kein\w*|geen|niet|nie|nu|не|нечем|без|sin|sans|sem|senza|لا|ما|مش)\b",
    re.I,
)
#: Words that make a clause say the opposite.
OPPOSITE = re.compile(
    r"\b(?:no|nao|non|not|ne|n|pas|nicht|kein\w*|nadie|nessuno|personne|ninguem|geen|niet|nie|nu|"
    r"не|нет|ні|لا|لم|degil|नहीं|نہیں)\b",
    re.I,
)
#: Letters that Unicode does not take apart into a letter and an accent.
PLAIN_LETTERS = str.maketrans({"ß": "ss", "œ": "oe", "ł": "l", "Ł": "L", "ı": "i", "đ": "d"})


def without_accents(text: str) -> str:
    """ "né" gives "ne"; the German sharp s becomes "ss"."""
    return "".join(
        c
        for c in unicodedata.normalize("NFKD", text.translate(PLAIN_LETTERS))
        if not unicodedata.combining(c)
    )


def compile_words(text: str) -> re.Pattern:
    """Words of the file as a pattern, each from the beginning of a word on; an article or pronoun
    with an apostrophe may stand before it ("m'évanouis")."""
    return compile_sign(f"(?:\\w{{1,2}}')?(?:{without_accents(text)})")


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
    unspaced: bool = False

    @classmethod
    def of(cls, entry: Dict) -> "Language":
        """From an entry of the file. Raises re.error."""
        signs = [
            (level, int(row), compile_words(sign))
            for level in LEVELS
            for row, signs in (entry.get(level) or {}).items()
            for sign in signs
        ]
        words = {key: compile_words(entry[key]) for key in ("crisis", "general", "past", "settled")}
        gap = f"(?:_|')(?:(?!(?:{entry['and']})_)\\w+(?:_|')){{0,2}}$"
        denied = compile_sign(
            without_accents(f"(?:{entry['denied']}){gap}".replace("_|", "[\\s\\-]+|"))
        )
        return cls(
            signs,
            denied=denied,
            but=re.compile(rf"[,.;:!?\n。、،؛؟।]+|\b(?:{without_accents(entry['but'])})\b", re.I),
            unspaced=bool(entry.get("unspaced")),
            **words,
        )

    def clauses(self, text: str) -> List[str]:
        """The clauses of a text: what one asks or denies says nothing about the others."""
        return [clause for clause in self.but.split(text) if clause.strip()]

    def happens(self, clause: str, match: re.Match) -> bool:
        """Whether the sign at `match` in the clause happens to somebody now: not asked about in
        general, not denied, not long past."""
        around = clause[max(0, match.start() - AROUND) : match.end() + AROUND]
        begin = match.end() if self.unspaced else match.start()
        before = clause[max(0, begin - AROUND) : begin]
        return (
            not self.past.search(around)
            and not self.general.search(before)
            and bool(NEGATIVE.match(match.group()) or not self.denied.search(before))
        )

    def has_levels(self) -> FrozenSet[str]:
        """The levels of which it has signs."""
        return frozenset(level for level, _, _ in self.signs)


def unlike_english(text: str) -> str:
    """The clauses of a long text of which less than half the words are everyday English ones; the
    first and the last of them where they are very many."""
    clauses = []
    for clause in re.split(r"[,.;:!?\n]+", text):
        words = WORDS.findall(clause.lower())
        if words and sum(word in ENGLISH for word in words) < len(words) / 2:
            clauses.append(clause)
    kept = "\n".join(clauses)
    return (
        kept
        if len(kept) <= MOST_UNLIKE
        else f"{kept[: MOST_UNLIKE // 2]}\n{kept[-MOST_UNLIKE // 2 :]}"
    )


class ForeignFlags:
    """Finds danger signs in the languages of the file. Raises ContentError that names the entry."""

    def __init__(self, path: Path = paths.SAFETY / "languages.yml"):
        file = YamlFile.read(path, paths.ROOT)
        data = plain(file.data)
        self.languages: Dict[str, Language] = {}
        self.english = re.compile(rf"(?:{data['english']})", re.I)
        problems = []
        for code, entry in data["languages"].items():
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

    def is_english(self, clause: str, match: re.Match) -> bool:
        """Whether the sign at `match` consists of words that English has too, and so says nothing
        about the language."""
        end = WORD_END.match(clause, match.end()).end()
        return all(
            word.lower() in ENGLISH or self.english.fullmatch(word)
            for word in WORDS.findall(clause[match.start() : end])
        )

    def find(self, text: str, language: str, sure: bool = True) -> Finding:
        """The most urgent level whose sign `text` reports, with the rows met at it, and whether it
        tells of wanting to die; looked for in every language, because short messages are easily
        taken for another one.

        Where `language` is `sure`, it has to agree that nothing takes the sign back. Where it is
        not, the sign must be no English words, and what is not an emergency is left when any
        language takes it back ("sem urticária" is no Spanish rash). The reply is in the language of
        the sign, or in `language` where the message is long enough to be sure of it.
        """
        plain_text = without_accents(text)
        spoken = self.languages.get(language) if sure else None
        best = Finding()
        asked = sorted(self.languages, key=lambda code: code != language)
        if len(text) > LONG:
            plain_text = plain_text if spoken else unlike_english(plain_text)
            asked = asked[:1] if spoken else asked
        certain = spoken is not None and len(text.split()) >= ENOUGH_WORDS

        def reported(entry: Language, sign: re.Pattern, level: str) -> bool:
            judges = (
                [entry, spoken]
                if spoken
                else [entry]
                if level == "emergency"
                else list(self.languages.values())
            )
            return any(
                (spoken or not self.is_english(clause, match))
                and all(judge.happens(clause, match) for judge in judges)
                for clause in clauses[id(spoken or entry)]
                for match in sign.finditer(clause)
            )

        clauses = {
            id(entry): entry.clauses(plain_text)
            for entry in ([spoken] if spoken else self.languages.values())
        }
        for code in asked:
            entry, said_in = self.languages[code], language if certain else code
            if not best.crisis and reported(entry, entry.crisis, "emergency"):
                best = Finding(
                    best.level,
                    best.rows,
                    best.language if best.rows else said_in,
                    crisis="suicidal",
                )
            for level, row, sign in entry.signs:
                if reported(entry, sign, level):
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
