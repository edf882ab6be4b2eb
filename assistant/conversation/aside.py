"""What a message says besides: cautions and advice for what a visitor tells while the request form,
or a request that was sent, takes the message."""

from typing import Any, Dict, Optional, Tuple

from assistant import compose
from assistant.handoff import afterwards, requests, words
from assistant.handoff.form import Said
from assistant.safety import circumstances
from assistant.turn import Turn


def carry(turn: Turn, said: Said, state: Dict[str, Any]) -> Dict[str, Any]:
    """Add to `turn` the cautions for circumstances that the message states, and the advice to
    contact the clinic; the state that remembers them."""
    stated = [
        item
        for item in said.meaning.get("circumstances", [])
        if item["id"] in said.kb.circumstances
    ]
    known = circumstances.remember(state["circumstances"], stated)
    now_stated = [item for item in stated if not item["denied"]]
    compose.caution(turn, now_stated, {}, state, said.kb, circumstances.met(known))
    finding = said.meaning.get("triage") or {}
    if finding.get("level") == "contact_clinic":
        compose.triage(turn, said.meaning, {**state, "urgent": None}, said.kb)
    return {**state, "circumstances": known}


def beside(
    said: Said, memory: Dict[str, Any], state: Optional[Dict[str, Any]]
) -> Tuple[Optional[Turn], Dict[str, Any]]:
    """What is said before the form goes on, or None, and the state after it. `memory["answer"]`:
    whether the message's own questions are answered too."""
    state = {**compose.new_state(), **(state or {})}
    questions = said.others() if memory.get("answer") else []
    if memory.get("answer") and afterwards.asks_when(said.text):
        turn = afterwards.when_call(said.kb, said.text)
        state = carry(turn, said, state)
    elif questions:
        turn, state = compose.compose(
            {**said.meaning, "questions": questions, "request": None}, state, said.kb
        )
    else:
        turn = Turn("handoff", topics=[words.TOPIC])
        state = carry(turn, said, state)
    if not turn.messages:
        return None, state
    turn.choices = []
    turn.masks = words.hidden(
        said.text,
        (requests.get(memory["request"]) if memory.get("request") else None) or {},
        said.kb,
    )
    return turn, state
