"""What is said when the talk turns to another person, and when the visitor puts something right
that was told of somebody."""

from typing import Any, Dict, List, Optional, Tuple

from assistant.conversation.memory import was_said
from assistant.knowledge import Knowledge
from assistant.turn import Turn

Known = Dict[str, Dict[str, Any]]
#: Whose circumstances each request is about.
WHOSE = {
    "about_me": ("self",),
    "about_other": ("other",),
    "about_both": ("self", "other"),
}


def titles(names: List[str], kb: Knowledge) -> str:
    """Circumstances in words, in a sentence."""
    words = [kb.circumstances[name].title for name in names]
    return " and ".join(word[0].lower() + word[1:] for word in words)


def reminder(name: str, who: str, state: Dict[str, Any], kb: Knowledge) -> str:
    """What follows from a circumstance, in words that were not said yet where there are some."""
    entry = kb.circumstances[name]
    texts = [kb.phrases.fill(text) for text in (entry.reminder, entry.booking)]
    if who == "other":
        texts = [kb.reply("for_the_other", reminder=text) for text in texts]
    return next((text for text in texts if not was_said(text, state)), texts[0])


def about(request: str, state: Dict[str, Any], kb: Knowledge) -> Turn:
    """ "And me?", "what about her?", "so neither of us?": what was told of that person and what
    follows from it, or else the last answer in short."""
    turn = Turn("answer")
    for who in WHOSE[request]:
        names = [
            name
            for name, how in state["circumstances"].items()
            if name in kb.circumstances and (how["who"] == "other") == (who == "other")
        ]
        for name in names:
            turn.say("caution", reminder(name, who, state, kb), kb.circumstances[name].topic)
            turn.cautions.append(name)
            turn.topics.append(kb.circumstances[name].topic)
        if not names:
            turn.say("answer", kb.talk("persons", f"nothing_{who}"), "candidacy")
    if turn.cautions:
        turn.kind = "caution"
    turn.topics = list(dict.fromkeys(turn.topics)) or ["candidacy"]
    last = [kb.topic(name) for name in state.get("topics") or [] if name in kb.topics]
    if request != "about_both" and not turn.cautions and last:
        turn.say("answer", kb.phrases.fill(last[-1].short), last[-1].id)
        turn.topics = [last[-1].id]
    return turn


def moved(request: str, state: Dict[str, Any], kb: Knowledge) -> Tuple[Optional[Turn], Known]:
    """ "Not me, my sister": what was told last is the other person's, or the visitor's own. The
    turn (None where nothing was told) and the circumstances after it."""
    known = dict(state["circumstances"])
    right = "self" if request == "not_other" else "other"
    told = state.get("stated_last") or list(known)[-1:]
    names = [name for name in told if name in known and name in kb.circumstances]
    if not names:
        return None, known
    known.update({name: {**known[name], "who": right} for name in names})
    turn = Turn("answer", topics=[kb.circumstances[name].topic for name in names])
    turn.say(
        "answer", kb.talk("persons", f"now_{right}", circumstances=titles(names, kb)), "candidacy"
    )
    return turn, known


def corrected(names: List[str], who: str, kb: Knowledge) -> Turn:
    """A circumstance that was told is taken back."""
    turn = Turn("answer", topics=[kb.circumstances[name].topic for name in names])
    key = "corrected_other" if who == "other" else "corrected"
    turn.say("answer", kb.talk("persons", key, circumstances=titles(names, kb)), turn.topics[0])
    return turn
