"""What answers a message: a request that was sent, a privacy request, or the knowledge base. The state after it."""
from typing import Any, Dict, Optional, Tuple

from assistant import compose
from assistant.conversation import manners, privacy
from assistant.handoff import afterwards
from assistant.handoff.form import Said
from assistant.handoff.veil import veil
from assistant.turn import Turn
from assistant.webstore import WebStore


def reply(said: Said, before: Optional[Dict[str, Any]], memory: Dict[str, Any], in_form: bool) -> Tuple[Turn, Dict[str, Any]]:
    """The turn for a message and the state after it. `before` is the state so far, `memory` that of the request form, `in_form` whether the form is open."""
    state = {**compose.new_state(), **(before or {})}
    turn = privacy.turn_for(said.text, said.meaning, state, said.session, said.kb)
    if turn is not None:
        turn.settles = True
        if turn.erase:
            return turn, {"erase": True}
        pending = "erase" if any(choice.meaning.get("request") == "erase" for choice in turn.choices) else None
        return turn, {**compose.remember(turn, [], state), "pending": pending}
    turn = about_request(said, memory, in_form)
    if turn is not None:
        turn.begins_form = bool(said.form.get("consent") or said.form.get("again"))
        turn.settles = not turn.begins_form
        masked = Turn.from_dict(veil(turn.as_dict(), turn.masks))
        return turn, compose.remember(masked, [], state)
    thumb = manners.thumbs(said.text) if state["topics"] else None
    meaning = said.meaning
    if thumb:
        question = {"text": said.text, "topic": "feedback", "confidence": 1.0, "candidates": [], "entities": {"situation": [thumb]}, "decision": "answer"}
        meaning = {**meaning, "questions": [question]}
    turn, after = compose.compose(meaning, state, said.kb)
    keep_vote(said, turn, meaning, state)
    turn.begins_form = "human_handoff" in turn.topics and turn.urgency not in ("same_day", "emergency") and "minor" not in after["circumstances"]
    return turn, after


def about_request(said: Said, memory: Dict[str, Any], in_form: bool) -> Optional[Turn]:
    """The turn for a message about a request: when the team calls, a late detail, a withdrawal."""
    if not in_form:
        return afterwards.follow_up(said, memory) or (afterwards.closed(said) if said.form else None)
    return afterwards.when_call(said.kb, said.text) if afterwards.asks_when(said.text) else None


def keep_vote(said: Said, turn: Turn, meaning: Dict[str, Any], state: Dict[str, Any]) -> None:
    """A thumb or a "that helped" in words is kept like a click on a thumb, with the turn and the topic that it is about."""
    names = [name for question in meaning.get("questions", []) if question["topic"] == "feedback" for name in (question.get("entities") or {}).get("situation", [])]
    vote = "up" if "helped" in names else "down" if "not_helped" in names else None
    if vote and turn.topics == ["feedback"] and state.get("last_id") and state["topic"]:
        WebStore().vote(said.session, state["last_id"], state["topic"], vote, None)
