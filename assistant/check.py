"""`make check`: looks for mistakes in clinic.yml, the knowledge base and the training data; each
with file, line, entry and mend."""

import argparse
import datetime as dt
import re
import sys
from difflib import get_close_matches
from functools import cache
from string import Formatter
from typing import Dict, Iterable, Iterator, List, NamedTuple, Optional, Tuple
from urllib.parse import urlsplit

from ruamel.yaml import YAML

from assistant import knowledge, paths
from assistant.checks import language, lists, safety, texts
from assistant.knowledge import QUESTIONS, Knowledge
from assistant.safety.circumstances import combinations
from assistant.understanding import acts
from assistant.understanding.model import GENERAL
from assistant.yamlfile import ContentError, Problem, YamlFile, plain

#: Words that each text of a topic may have: fewest, most.
LENGTHS = {"short": (2, 32), "answer": (8, 105), "why": (4, 65), "more": (8, 160)}
VARIANT_LENGTH = (2, 85)
#: Words of the answer to a specific question: most of its lead, most in all.
LONGEST_LEAD, LONGEST_QUESTION = 42, 90
#: Highest U.S. school grade (Flesch-Kincaid 1975) of an answer; the knowledge base aims at a
#: reading age of about 12.
HIGHEST_GRADE, HIGHEST_MEAN_GRADE = 10.0, 7.5
#: Answers that say that no clinician has signed the texts off: topic and specific question.
UNSIGNED = (("privacy", "who_wrote_answers"), ("privacy", "doctor_checked"))
#: Fewest training examples of an intent.
FEWEST_EXAMPLES = 25


class Said(NamedTuple):
    """A text that can reach a visitor, and where it stands."""

    file: YamlFile
    location: Tuple
    text: str


#: Where a clause ends, so that a denial in it no longer governs what follows.
CLAUSE_END = re.compile(r"[,;:()–—]|\b(?:but|so|and|because|while)\b", re.I)


class Statement(NamedTuple):
    """One of the twelve forbidden statements, compiled."""

    number: int
    says: str
    patterns: List[re.Pattern]
    denial: Optional[re.Pattern]
    allowed: Optional[re.Pattern]
    mend: str

    def broken_by(self, text: str) -> Optional[str]:
        """The sentence of `text` that makes the statement, or None."""
        for sentence in re.split(r"(?<=[.!?])\s+|\n", text):
            if not sentence.rstrip().endswith("?") and any(
                not self._excused(sentence, match)
                for p in self.patterns
                for match in p.finditer(sentence)
            ):
                return sentence
        return None

    def _excused(self, sentence: str, match: re.Match) -> bool:
        """Whether a denial before the claim, in its own clause, governs it; or the words are ones
        that this statement allows."""
        claim = next(
            (match.start(name) for name, value in match.groupdict().items() if value), match.start()
        )
        begin = max((end.end() for end in CLAUSE_END.finditer(sentence, 0, claim)), default=0)
        if self.denial and any(
            denied.end() <= claim for denied in self.denial.finditer(sentence, begin)
        ):
            return True
        return bool(self.allowed and self.allowed.search(sentence, begin, match.end()))


def forbidden(folder=paths.SAFETY) -> List[Statement]:
    """The twelve statements of data/safety/never.yml."""
    data = plain(YamlFile.read(folder / "never.yml", paths.ROOT).data)
    denial = re.compile(data["denial"], re.I)
    return [
        Statement(
            e["number"],
            e["says"],
            [re.compile(p, re.I) for p in [*e["patterns"], *e.get("other_languages", [])]],
            denial if e.get("deniable", True) else None,
            re.compile(e["allowed"], re.I) if e.get("allowed") else None,
            e["mend"],
        )
        for e in data["statements"]
    ]


def texts_in(file: YamlFile, node, location: Tuple = ()) -> Iterator[Said]:
    """Every text with a blank in it below `node`, keys that are not shown to visitors left out."""
    if isinstance(node, dict):
        for key, value in node.items():
            if key not in (
                "reviewed",
                "sources",
                "note",
                "url",
                "seen",
                "publisher",
                "key",
                "unsaid",
            ):
                yield from texts_in(file, value, (*location, key))
    elif isinstance(node, list):
        for number, value in enumerate(node):
            yield from texts_in(file, value, (*location, number))
    elif isinstance(node, str) and " " in node:
        yield Said(file, location, str(node))


def visitor_texts(kb: Knowledge) -> Iterator[Said]:
    """Every text of the knowledge base that can reach a visitor; the bibliography is not among
    them."""
    for name, file in kb.files.items():
        if name != "sources":
            yield from texts_in(file, file.data)
    domain = YamlFile.read(paths.ROOT / "domain.yml", paths.ROOT)
    yield from texts_in(domain, domain.data.get("responses") or {}, ("responses",))
    clinic = YamlFile.read(paths.clinic_file(), paths.ROOT)
    yield from texts_in(clinic, clinic.data)


def wording(kb: Knowledge) -> List[Problem]:
    """Forbidden statements, blank lines and unknown placeholders in any text that can reach a
    visitor."""
    problems, statements, known = [], forbidden(), kb.phrases.values
    for said in visitor_texts(kb):
        if "\n\n" in said.text.strip():
            problems.append(
                said.file.problem(
                    said.location,
                    "a blank line inside a text becomes two bubbles",
                    "Use a `>-` block without empty lines.",
                )
            )
        try:
            fields = [field for _, field, _, _ in Formatter().parse(said.text) if field is not None]
        except ValueError:
            problems.append(
                said.file.problem(
                    said.location,
                    "a brace stands alone",
                    "Write placeholders as {name}; a brace as such is {{ or }}.",
                )
            )
            continue
        by_name = said.file in [kb.files[name] for name in texts.FILES]  # texts.check knows more
        for field in () if by_name else fields:
            if field not in known:
                problems.append(
                    said.file.problem(
                        said.location,
                        f"`{{{field}}}` is not a placeholder",
                        f"Use one of: {', '.join(sorted(known))}.",
                    )
                )
        for statement in statements:
            sentence = statement.broken_by(said.text)
            if sentence:
                what = (
                    f'"{sentence.strip()[:90]}" {statement.says} (statement {statement.number} of'
                    " those never to be made)"
                )
                problems.append(said.file.problem(said.location, what, statement.mend))
    return problems


def links(kb: Knowledge) -> List[Problem]:
    """Caveats, sources and follow-ups exist and are used; risk topics carry a caveat."""
    problems: List[Problem] = []
    for topic in kb.topics.values():
        file, where = kb.files[topic.group], ("topics", topic.id)
        for field, table, name in (
            ("caveats", kb.caveats, "caveats.yml"),
            ("sources", kb.sources, "sources.yml"),
            ("follow_ups", kb.topics, "the topic files"),
        ):
            for number, entry in enumerate(getattr(topic, field)):
                if entry not in table:
                    problems.append(
                        file.problem(
                            (*where, field, number),
                            f"`{entry}` is not in {name}",
                            "Correct the id, or add the entry there.",
                        )
                    )
        for name, question in topic.questions.items():
            for number, source in enumerate(question.sources):
                if source not in kb.sources:
                    problems.append(
                        kb.files[f"{QUESTIONS}/{topic.id}"].problem(
                            ("questions", name, "sources", number),
                            f"`{source}` is not in sources.yml",
                            "Correct the id, or add the entry there.",
                        )
                    )
        if topic.id in topic.follow_ups:
            problems.append(
                file.problem(
                    (*where, "follow_ups"), "the topic follows up on itself", "Name other topics."
                )
            )
        for circumstance in topic.cautions:
            if circumstance not in kb.circumstances:
                problems.append(
                    file.problem(
                        (*where, "cautions", circumstance),
                        f"`{circumstance}` is not in cautions.yml",
                        "Correct the id, or add the entry there.",
                    )
                )
        if topic.id in kb.risk_topics and not topic.caveats:
            problems.append(
                file.problem(
                    where,
                    "a topic about a risk has no caveat",
                    f"Add `caveats:` with one of: {', '.join(kb.caveats)}.",
                )
            )
        if not topic.sources and topic.group not in ("clinic", "boundaries"):
            problems.append(
                file.problem(
                    where,
                    "a medical answer has no source",
                    "Add `sources:` with ids of sources.yml.",
                )
            )
    for name, caveat in kb.caveats.items():
        file = kb.files["caveats"]
        for number, topic in enumerate(caveat.topics):
            if topic not in kb.topics:
                problems.append(
                    file.problem(
                        ("caveats", name, "topics", number),
                        f"`{topic}` is not a topic",
                        "Correct the id.",
                    )
                )
            elif name not in kb.topics[topic].caveats:
                problems.append(
                    kb.files[kb.topics[topic].group].problem(
                        ("topics", topic),
                        f"the caveat `{name}` belongs on this topic (caveats.yml says so)",
                        f"Add `{name}` to its `caveats:`.",
                    )
                )
    for name, circumstance in kb.circumstances.items():
        file, where = kb.files["cautions"], ("circumstances", name)
        named = circumstance.applies_to if isinstance(circumstance.applies_to, list) else []
        for topic in [circumstance.topic, *named]:
            if topic not in kb.topics:
                problems.append(file.problem(where, f"`{topic}` is not a topic", "Correct the id."))
        for source in circumstance.sources:
            if source not in kb.sources:
                problems.append(
                    file.problem(
                        where,
                        f"`{source}` is not in sources.yml",
                        "Correct the id, or add the entry there.",
                    )
                )
    for name, together in kb.together.items():
        file, where = kb.files["cautions"], ("together", name)
        for circumstance in together.silences:
            if circumstance not in kb.circumstances:
                problems.append(
                    file.problem(where, f"`{circumstance}` is no circumstance", "Correct the id.")
                )
    for name in combinations().keys() ^ kb.together.keys():
        problems.append(
            kb.files["cautions"].problem(
                ("together",),
                f"`{name}` is not in both cautions.yml and data/safety/circumstances.yml",
                "Write it under `together:` of both files.",
            )
        )
    for name in kb.replies["suggested_topics"]:
        if name not in kb.topics:
            problems.append(
                kb.files["replies"].problem(
                    ("replies", "suggested_topics"), f"`{name}` is not a topic", "Correct the id."
                )
            )
    return problems


def source_links(kb: Knowledge) -> List[Problem]:
    """Each link of the bibliography leads to its publisher's own site or to a public register
    (both declared in sources.yml), over https."""
    file = kb.files["sources"]
    declared = plain(file.data)
    publishers, registers = declared.get("publishers") or {}, declared.get("registers") or []
    problems = []
    for name, source in kb.sources.items():
        if source.url and not leads_to(
            source.url, [*registers, *publishers.get(source.publisher, [])]
        ):
            problems.append(
                file.problem(
                    ("sources", name, "url"),
                    f"{source.url} is not an address of {source.publisher}",
                    "Link to the publisher's own page (its domain stands under `publishers:`), or"
                    " leave `url:` out and say in `note:` where the text was read.",
                )
            )
    return problems


def leads_to(url: str, domains: List[str]) -> bool:
    """Whether an https address is on one of the domains or below it."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    return parts.scheme == "https" and any(
        host == domain or host.endswith(f".{domain}") for domain in domains
    )


def unused(kb: Knowledge) -> List[Problem]:
    """Sources, their publishers and caveats that nothing uses."""
    questions = [entry for topic in kb.topics.values() for entry in topic.questions.values()]
    entries = [*kb.topics.values(), *questions, *kb.caveats.values(), *kb.circumstances.values()]
    cited = {name for entry in entries for name in entry.sources}
    shown = {name for topic in kb.topics.values() for name in topic.caveats}
    linked = {source.publisher for source in kb.sources.values() if source.url}
    publishers = plain(kb.files["sources"].data).get("publishers") or {}
    lost = [
        *(("sources", "sources", name) for name in kb.sources if name not in cited),
        *(("sources", "publishers", name) for name in publishers if name not in linked),
        *(("caveats", "caveats", name) for name in kb.caveats if name not in shown),
    ]
    return [
        kb.files[file].problem((section, name), "nothing uses this entry", "Use it or delete it.")
        for file, section, name in lost
    ]


def consistency(kb: Knowledge) -> List[Problem]:
    """What must hold before an edit is taken over by a running assistant."""
    return texts.check(kb) + links(kb) + source_links(kb) + wording(kb)


def words(text: str) -> int:
    """Number of words; a placeholder counts as one."""
    return len(text.split())


def grade(text: str) -> float:
    """Flesch-Kincaid grade level of a text (textstat), placeholders read as a plain word."""
    import textstat

    return textstat.flesch_kincaid_grade(
        re.sub(r"\{\w+\}", "the clinic", re.sub(r"^- ", "", text, flags=re.M).replace("**", ""))
    )


def style(kb: Knowledge) -> List[Problem]:
    """Lengths and reading level of the topics' texts."""
    problems, grades = [], []
    for topic in kb.topics.values():
        if topic.group == "boundaries":
            continue
        file, where = kb.files[topic.group], ("topics", topic.id)
        for field, (fewest, most) in LENGTHS.items():
            text = getattr(topic, field)
            if text and not fewest <= words(text) <= most:
                problems.append(
                    file.problem(
                        (*where, field), f"{words(text)} words", f"Use {fewest} to {most}."
                    )
                )
        for kind, variants in topic.by.items():
            for value, text in variants.items():
                if (
                    isinstance(text, str)
                    and not VARIANT_LENGTH[0] <= words(text) <= VARIANT_LENGTH[1]
                ):
                    problems.append(
                        file.problem(
                            (*where, "by", kind, value),
                            f"{words(text)} words",
                            f"Use at most {VARIANT_LENGTH[1]}.",
                        )
                    )
        for name, question in topic.questions.items():
            for field, text, most in (
                ("lead", question.lead, LONGEST_LEAD),
                ("rest", question.answer, LONGEST_QUESTION),
            ):
                if words(text) > most:
                    problems.append(
                        kb.files[f"{QUESTIONS}/{topic.id}"].problem(
                            ("questions", name, field),
                            f"{words(text)} words with the lead",
                            f"Use at most {most}.",
                        )
                    )
        level = grade(topic.answer)
        grades.append(level)
        if level > HIGHEST_GRADE:
            problems.append(
                file.problem(
                    (*where, "answer"),
                    f"reading level is grade {level:.1f}",
                    f"Use shorter sentences and words, down to grade {HIGHEST_GRADE:.0f}.",
                )
            )
    mean = sum(grades) / max(1, len(grades))
    if mean > HIGHEST_MEAN_GRADE:
        problems.append(
            Problem(
                "data/knowledge",
                1,
                "",
                f"the mean reading level is grade {mean:.1f}",
                f"Simplify the hardest answers, down to {HIGHEST_MEAN_GRADE}.",
            )
        )
    return problems


def unsigned(kb: Knowledge) -> List[Problem]:
    """What the assistant says about its own review is true: once a clinician has signed every topic
    off, no answer denies it."""
    if not all(topic.reviewed.clinician for topic in kb.topics.values()):
        return []
    return [
        kb.files[f"{QUESTIONS}/{topic}"].problem(
            ("questions", name),
            "says that no clinician has signed the answers off, and one has",
            "Name the clinician and the date instead.",
        )
        for topic, name in UNSIGNED
        if "sign" in kb.topics[topic].questions[name].answer
    ]


def reviews(kb: Knowledge, today: dt.date) -> List[Problem]:
    """Texts whose review is due."""
    overdue = [t for t in kb.topics.values() if t.reviewed.due < today]
    return [
        kb.files[t.group].problem(
            ("topics", t.id, "reviewed"),
            f"the review was due on {t.reviewed.due}",
            "Have a clinician read it and renew `on`, `by` and `due`.",
        )
        for t in overdue
    ]


def variants(kb: Knowledge) -> List[Problem]:
    """Variants are reachable: the lexicon can produce their values."""
    from assistant.understanding import lexicon

    names, problems = lexicon.load().names, []
    for topic in kb.topics.values():
        for kind, wordings in topic.by.items():
            for value in wordings:
                if kind != "situation" and value not in names[kind]:
                    mend = f"Use a value of data/lexicon, or add `{value}` there under `{kind}`."
                    problems.append(
                        kb.files[topic.group].problem(
                            ("topics", topic.id, "by", kind, value),
                            f"no visitor's words lead to {kind} `{value}`",
                            mend,
                        )
                    )
    return problems


def offers(kb: Knowledge) -> List[Problem]:
    """What clinic.yml offers or not has names that visitors' words lead to."""
    from assistant.understanding import lexicon

    names = lexicon.load().names
    known = {value for kind in ("treatment", "device", "area") for value in names[kind]}
    file = YamlFile.read(paths.clinic_file(), paths.ROOT)
    return [
        file.problem(
            ("offers", name),
            f"no visitor's words lead to `{name}`",
            "Use an id of data/lexicon (treatments, devices or areas), such as `prp` or `scalp`.",
        )
        for name in kb.clinic.offers
        if name not in known
    ] + [
        file.problem(
            ("prices", number, "topic"),
            f"`{price.topic}` is not a topic",
            f"{nearest(price.topic, kb.topics)} docs/topics.md lists them; or delete the line.",
        )
        for number, price in enumerate(kb.clinic.prices or [])
        if price.topic and price.topic not in kb.topics
    ]


def nearest(name: str, known: Iterable[str]) -> str:
    """A sentence that names the id that is meant, or asks to correct it."""
    near = get_close_matches(name, list(known), 1)
    return f"Perhaps `{near[0]}` is meant." if near else "Correct the id."


def training_examples() -> Dict[str, List[Tuple[str, int, str]]]:
    """Training examples by intent: (file, line, text)."""
    result: Dict[str, List[Tuple[str, int, str]]] = {}
    for path in sorted(paths.NLU.rglob("*.yml")):
        for intent, line, text in examples_in(path.read_text("utf-8")):
            result.setdefault(intent, []).append((str(path.relative_to(paths.NLU)), line, text))
    return result


@cache
def examples_in(text: str) -> List[Tuple[str, int, str]]:
    """(intent, line, example) of the text of a file of training data, by the parser in C: its nodes
    know their lines."""
    found = []
    whole = {key.value: value for key, value in YAML(typ="safe").compose(text).value}
    for item in whole["nlu"].value:
        fields = {key.value: (key.start_mark.line, value.value) for key, value in item.value}
        start, examples = fields["examples"]
        found += [
            (fields["intent"][1], start + 2 + offset, re.sub(r"^- ", "", line))
            for offset, line in enumerate(examples.splitlines())
        ]
    return found


def taught_situations() -> Dict[str, Dict[str, Tuple[YamlFile, Tuple]]]:
    """By intent, the situations that training examples are marked with, and where."""
    result: Dict[str, Dict[str, Tuple[YamlFile, Tuple]]] = {}
    for path in sorted(paths.NLU.rglob("*.yml")):
        file = YamlFile.read(path, paths.ROOT)
        for number, item in enumerate(file.data["nlu"]):
            situation = (item.get("metadata") or {}).get("situation")
            if situation:
                place = (file, ("nlu", number, "metadata", "situation"))
                result.setdefault(str(item["intent"]), {}).setdefault(str(situation), place)
    return result


def situations(kb: Knowledge) -> List[Problem]:
    """Specific questions are reachable, and what the examples are marked with has an answer."""
    taught, problems = taught_situations(), []
    for topic in kb.topics.values():
        examples = taught.get(f"ask_{topic.id}", {})
        for name in topic.questions.keys() - examples.keys():
            problems.append(
                kb.files[f"{QUESTIONS}/{topic.id}"].problem(
                    ("questions", name),
                    "no visitor's words lead to this question",
                    f"Write examples with `metadata: {{situation: {name}}}` in"
                    f" data/nlu/{QUESTIONS}/{topic.id}.yml.",
                )
            )
        answers = topic.questions.keys() | topic.by.get("situation", {}).keys()
        if topic.group == "boundaries":
            continue
        for name in examples.keys() - answers - {GENERAL}:
            file, location = examples[name]
            problems.append(
                file.problem(
                    location,
                    f"`{name}` has no answer",
                    f"Write it in data/knowledge/{QUESTIONS}/{topic.id}.yml, or correct the id.",
                )
            )
    return problems


def training(kb: Knowledge) -> List[Problem]:
    """Every topic has an intent with enough examples; no intent is without a topic; no text stands
    in two intents."""
    problems, examples = [], training_examples()
    for topic in kb.topics.values():
        found = examples.get(f"ask_{topic.id}", [])
        if len(found) < FEWEST_EXAMPLES:
            problems.append(
                kb.files[topic.group].problem(
                    ("topics", topic.id),
                    f"the intent ask_{topic.id} has {len(found)} training examples",
                    f"Write at least {FEWEST_EXAMPLES} in data/nlu/{topic.group}.yml.",
                )
            )
    seen: Dict[str, Tuple[str, str, int]] = {}
    for intent, lines in examples.items():
        topical = intent.startswith("ask_") and intent[4:] in kb.topics
        if not topical and intent not in acts.names():
            problems.append(
                Problem(
                    f"data/nlu/{lines[0][0]}",
                    lines[0][1],
                    intent,
                    "this intent has no topic",
                    "Rename it, or add the topic to the knowledge base.",
                )
            )
        for file, line, text in lines:
            key = re.sub(r"\W+", " ", text.lower()).strip()
            if key and key in seen:
                other = seen[key]
                where = f"{other[1]}:{other[2]}" + (
                    f" under {other[0]}" if other[0] != intent else ""
                )
                problems.append(
                    Problem(
                        f"data/nlu/{file}",
                        line,
                        intent,
                        f'"{text}" stands at {where} too',
                        "Delete one of them.",
                    )
                )
            seen[key] = (intent, f"data/nlu/{file}", line)
    return problems


def stale(kb: Knowledge) -> Dict[str, str]:
    """What generated files should hold, of those that do not."""
    from assistant.generate import files

    return {
        name: text
        for name, text in files(kb).items()
        if not (paths.ROOT / name).exists() or (paths.ROOT / name).read_text("utf-8") != text
    }


def generated(kb: Knowledge) -> List[Problem]:
    """Generated files are fresh."""
    return [
        Problem(name, 1, "", "is not what data/knowledge gives", "Run `make generate`.")
        for name in stale(kb)
    ]


def write_pages() -> List[str]:
    """Write the generated pages of docs/ anew that an edit of a text has made old: nothing depends
    on them. Gives their names; none where the knowledge base cannot be read."""
    try:
        pages = {name: t for name, t in stale(knowledge.load()).items() if name[:5] == "docs/"}
    except ContentError:
        return []
    for name, text in pages.items():
        (paths.ROOT / name).write_text(text, "utf-8")
    return list(pages)


def quick() -> List[Problem]:
    """The checks that `make run` makes: everything that a visitor would notice."""
    try:
        kb = knowledge.load()
        return [*language.check(), *safety.check(kb)] or consistency(kb)
    except ContentError as error:
        return error.problems


def everything(today: dt.date) -> List[Problem]:
    """All checks."""
    broken = lists.examples_problems() + safety.never(paths.SAFETY)
    if broken:  # the checks below read these files
        return broken
    try:
        kb = knowledge.load()
        found = [
            *consistency(kb),
            *language.check(),
            *safety.check(kb),
            *lists.lexicon_problems(),
            *unused(kb),
            *style(kb),
            *reviews(kb, today),
            *unsigned(kb),
            *variants(kb),
            *offers(kb),
            *training(kb),
        ]
        return found or generated(kb)  # what is generated follows from what is right
    except ContentError as error:
        return error.problems


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--today",
        type=dt.date.fromisoformat,
        default=dt.date.today(),
        help="the date that review dates are compared with",
    )
    for name in write_pages():
        print(f"-- written anew, as a text that it shows was edited: {name}")
    problems = everything(parser.parse_args().today)
    for problem in problems:
        print(problem)
    count = "1 problem" if len(problems) == 1 else f"{len(problems)} problems"
    print(count if problems else "no problems found")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
