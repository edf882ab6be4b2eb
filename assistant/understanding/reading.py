"""What travels from reading a message to answering it."""

from typing import Any, Dict, List, Optional


def certain(
    text: str,
    topic: str,
    situation: Optional[str] = None,
    entities: Optional[Dict[str, List[str]]] = None,
) -> Dict[str, Any]:
    """A question whose topic is certain, with its entities by kind and its situation."""
    return {
        "text": text,
        "topic": topic,
        "confidence": 1.0,
        "candidates": [],
        "entities": {**(entities or {}), **({"situation": [situation]} if situation else {})},
        "decision": "answer",
    }
