"""What travels from reading a message to answering it."""

from typing import Any, Dict, Optional


def certain(text: str, topic: str, situation: Optional[str] = None) -> Dict[str, Any]:
    """A question whose topic is certain."""
    return {
        "text": text,
        "topic": topic,
        "confidence": 1.0,
        "candidates": [],
        "entities": {"situation": [situation]} if situation else {},
        "decision": "answer",
    }
