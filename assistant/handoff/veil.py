"""Contact details and other personal data are taken out of what is stored of a conversation: they
belong into the request alone.

A turn of the form carries `masks`, a mapping from words to what is stored instead of them. The
stores apply them to what the visitor wrote and to the turn, and drop them. What assistant.redaction
finds in the visitor's words is masked in every message, in the form or not.
"""

import re
from typing import Any, Dict, Iterable, List, Optional, Tuple

from assistant import redaction
from assistant.handoff.details import DIGITS, EMAIL
from assistant.handoff.fields import MASKS

NAME, PHONE, MAIL = (redaction.MASKS[kind] for kind in ("name", "phone", "email"))
ANSWER = "[answer to the form]"
#: Keys whose values the program reads: a visitor who is called User or Pain must not change them.
MACHINE = frozenset(
    "event name input_channel message_id topic topics answered kind urgency role id type decision"
    " request intent action_name level who when policy timestamp sender_id masks".split()
)


def masks(text: str, known: Optional[Dict[str, Any]], shown: Iterable[str] = ()) -> Dict[str, str]:
    """What to store instead of the contact details in `text`, and of those that are `known` of the
    request; `shown` are other spellings of its phone number."""
    found = {match.group().strip(): MAIL for match in EMAIL.finditer(text)}
    for match in DIGITS.finditer(text):
        if len(re.sub(r"\D", "", match.group())) >= 5:
            found[match.group().strip()] = PHONE
    known = known or {}
    for key, mask in MASKS.items():
        if known.get(key):
            found[known[key]] = mask
    for word in (known.get("name") or "").split():
        if len(word) > 2:
            found[word] = NAME
    return {**found, **{number: PHONE for number in shown if number}}


def veil(data: Any, words: Dict[str, str]) -> Any:
    """`data` (texts in nested lists and mappings) with every key of `words` replaced, whatever its
    case; keys of mappings stay, and so do the values of MACHINE."""
    if not words:
        return data
    longest = sorted(words, key=len, reverse=True)
    pattern = re.compile("|".join(rf"(?<!\w){re.escape(word)}(?!\w)" for word in longest), re.I)
    lower = {word.lower(): mask for word, mask in words.items()}

    def walk(node: Any) -> Any:
        if isinstance(node, str):
            return pattern.sub(lambda match: lower[match.group().lower()], node)
        if isinstance(node, list):
            return [walk(item) for item in node]
        if isinstance(node, dict):
            return {
                key: value if key in MACHINE and not isinstance(value, dict) else walk(value)
                for key, value in node.items()
            }
        return node

    return walk(data)


def merged(turns: Iterable[Dict[str, Any]]) -> Dict[str, str]:
    """The masks of several turns."""
    result: Dict[str, str] = {}
    for turn in turns:
        result.update(turn.get("masks") or {})
    return result


def storable(turn: Dict[str, Any]) -> Dict[str, Any]:
    """A turn as it may be stored: its details masked, the masks dropped."""
    rest = {key: value for key, value in turn.items() if key != "masks"}
    return veil(rest, turn.get("masks") or {})


def stored_message(
    said: Optional[str], turn: Dict[str, Any], country: str
) -> Tuple[Optional[str], Dict[str, Any]]:
    """What a visitor wrote and the turn that answers it, as they may be stored. `country`: the
    clinic's, whose phone numbers need no +."""
    words = {**redaction.words(said or "", country), **(turn.get("masks") or {})}
    return veil(redaction.redact(said, country), words) if said else said, storable(
        {**turn, "masks": words}
    )


def event_texts(events: List[Dict[str, Any]], country: str) -> List[Dict[str, Any]]:
    """Rasa's events of one message, as dictionaries, as they may be stored; an answer that no turn
    of the form answered is replaced whole."""
    turns = [
        turn
        for event in events
        for turn in [((event.get("data") or {}).get("custom") or {}).get("turn")]
        if turn
    ]
    words, known = merged(turns), any(turn["kind"] in ("form", "handoff") for turn in turns)
    for event in events:
        if event.get("event") == "user":
            words = {**redaction.words(event.get("text") or "", country), **words}
    result = []
    for event in events:
        if event.get("event") == "user":
            parts = {
                key: event[key] for key in ("text", "parse_data", "metadata") if event.get(key)
            }
            event = {**event, **redaction.redact_all(parts, country, MACHINE)}
        event = veil(event, words)
        custom = (event.get("data") or {}).get("custom") or {}
        if custom.get("turn"):
            event = {
                **event,
                "data": {
                    **event["data"],
                    "custom": {
                        **custom,
                        "turn": {
                            key: value for key, value in custom["turn"].items() if key != "masks"
                        },
                    },
                },
            }
        if (
            event.get("event") == "user"
            and not known
            and (event.get("parse_data") or {}).get("meaning", {}).get("in_form")
        ):
            event = veil(event, {event["text"]: ANSWER}) if event.get("text") else event
        result.append(event)
    return result
