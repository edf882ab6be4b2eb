"""What is said to an act that asks about no topic: a doubt, "where does that come from", "I don't
understand", yes and no."""

from typing import Any, Callable, Dict, List

from assistant.knowledge import Knowledge, Source, Topic
from assistant.turn import Choice, Turn

#: Most sources that an answer names.
MOST_NAMED = 3
#: Groups of topics that rest on the clinic's own facts, not on studies.
OWN_FACTS = ("clinic", "boundaries")


def talked_of(state: Dict[str, Any], kb: Knowledge) -> List[Topic]:
    """The topics of the last answer."""
    return [kb.topic(name) for name in state.get("topics") or [] if name in kb.topics]


def in_words(source: Source) -> str:
    """A source by title, publisher and year."""
    published = ", ".join(str(part) for part in (source.publisher, source.year) if part)
    return f"{source.title} ({published})"


def cited(state: Dict[str, Any], kb: Knowledge) -> str:
    """What the last answer rests on, and how sure it is, in words."""
    topics = talked_of(state, kb)
    last = (state.get("last") or {}).get("sources") or []
    names = [source["id"] for source in last if source["id"] in kb.sources]
    names = names or [name for topic in topics for name in topic.sources]
    named = "; ".join(
        in_words(kb.sources[name]) for name in list(dict.fromkeys(names))[:MOST_NAMED]
    )
    if not named or all(topic.group in OWN_FACTS for topic in topics):
        return kb.talk("acts", "own_facts")
    evidence = topics[0].evidence.replace("-", "_")
    return f"{kb.talk('acts', 'sources', list=named)} {kb.talk('acts', f'evidence_{evidence}')}"


def reviewed(state: Dict[str, Any], kb: Knowledge) -> str:
    """Who wrote and checked the answers, and when."""
    topics = talked_of(state, kb) or list(kb.topics.values())
    review = min((topic.reviewed for topic in topics), key=lambda review: review.on)
    name = "signed" if review.clinician else "not_signed"
    return kb.talk(
        "acts", name, date=f"{review.on:%-d %B %Y}", reviewer=review.clinician or review.by
    )


def cite(state: Dict[str, Any], kb: Knowledge) -> Turn:
    """Where the last answer comes from."""
    return _about_last(state, kb, f"{cited(state, kb)} {kb.talk('acts', 'who_wrote')}")


def doubt(state: Dict[str, Any], kb: Knowledge) -> Turn:
    """The visitor does not believe the last answer, or was told otherwise."""
    return _about_last(state, kb, f"{kb.talk('acts', 'doubt')} {cited(state, kb)}")


def reviewer(state: Dict[str, Any], kb: Knowledge) -> Turn:
    """Whether somebody medical has checked the answers."""
    return _about_last(state, kb, reviewed(state, kb), "privacy")


def how_likely(state: Dict[str, Any], kb: Knowledge) -> Turn:
    """How often what was said happens: the topic's own words for it, or that nobody knows."""
    topics = talked_of(state, kb)
    own = next((topic.how_often for topic in topics if topic.how_often), None)
    text = kb.phrases.fill(own) if own else kb.talk("acts", "no_rate")
    return _about_last(state, kb, text)


def explain(state: Dict[str, Any], kb: Knowledge) -> Turn:
    """The last answer in fewer words, with the reason."""
    topics = talked_of(state, kb)[:1]
    if not topics:
        return _asks_again(state, kb)
    text = " ".join(part for part in (topics[0].short, topics[0].why) if part)
    return _about_last(state, kb, kb.phrases.fill(text))


def affirm(state: Dict[str, Any], kb: Knowledge) -> Turn:
    """A yes: to the only thing that was offered, to "which of these", or to go on."""
    kind = (state.get("last") or {}).get("kind")
    topics = talked_of(state, kb)
    if kind == "clarify":
        return _asks_again(state, kb)
    if topics and topics[0].group != "boundaries" and topics[0].more:
        return _about_last(state, kb, kb.phrases.fill(topics[0].more))
    turn = Turn("smalltalk", topics=["smalltalk"])
    turn.say("answer", kb.talk("acts", "go_on"), "smalltalk")
    return turn


def deny(state: Dict[str, Any], kb: Knowledge) -> Turn:
    """A no to more. (None of what was offered: assistant.compose.missed.)"""
    turn = Turn("smalltalk", topics=["smalltalk"])
    turn.say("answer", kb.talk("acts", "no_more"), "smalltalk")
    return turn


def _about_last(
    state: Dict[str, Any], kb: Knowledge, text: str, otherwise: str = "smalltalk"
) -> Turn:
    """A turn about what was said last, or about the topic `otherwise` where nothing was."""
    topics = [topic.id for topic in talked_of(state, kb)] or [otherwise]
    turn = Turn("answer", topics=topics)
    turn.say("answer", text, topics[0])
    turn.sources = list((state.get("last") or {}).get("sources") or [])
    return turn


def _asks_again(state: Dict[str, Any], kb: Knowledge) -> Turn:
    """Asks which of the choices is meant."""
    turn = Turn("clarify")
    turn.say("question", kb.talk("acts", "which_one"))
    turn.choices = [Choice(**choice) for choice in state.get("choices") or []]
    return turn


Act = Callable[[Dict[str, Any], Knowledge], Turn]
#: What is said to each act.
SAID: Dict[str, Act] = {
    "affirm": affirm,
    "deny": deny,
    "doubt": doubt,
    "cite": cite,
    "reviewer": reviewer,
    "how_likely": how_likely,
    "explain": explain,
}
