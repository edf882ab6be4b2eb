"""What the Rasa process holds once: the live knowledge base, the danger signs."""

import functools
import logging
from typing import Optional

from assistant import paths
from assistant.knowledge import LiveKnowledge
from assistant.safety.assess import Triage
from assistant.safety.circumstances import Circumstances
from assistant.safety.classifier import TriageModel
from assistant.understanding.spelling import Speller
from assistant.yamlfile import YamlFile

logger = logging.getLogger(__name__)


def report(problems) -> None:
    """Log what is wrong with an edit of the knowledge base; the last good version stays in use."""
    for problem in problems:
        logger.error("the last good version stays in use: %s", problem)


@functools.cache
def live_knowledge() -> LiveKnowledge:
    """The knowledge base of this process. Raises ContentError when it does not validate at first
    loading."""
    return LiveKnowledge(report=report)


@functools.cache
def circumstances() -> Circumstances:
    """Circumstances by their patterns alone, for messages that are too long for Rasa. Raises
    ContentError."""
    return Circumstances()


_triage: Optional[Triage] = None


def triage() -> Triage:
    """Triage as this process can do it now: with the trained model once one is loaded. Raises
    ContentError."""
    global _triage
    if _triage is None:
        _triage = Triage()
    return _triage


def use_triage_model(model: TriageModel, speller: Optional[Speller] = None) -> Triage:
    """Let the channel, too, look at messages with a model that Rasa has loaded."""
    global _triage
    _triage = Triage(model, speller)
    return _triage


@functools.cache
def responses() -> dict:
    """The texts of domain.yml's responses by name: urgent replies are there even when no model is
    loaded."""
    file = YamlFile.read(paths.ROOT / "domain.yml", paths.ROOT)
    return {name: str(variations[0]["text"]) for name, variations in file.data["responses"].items()}
