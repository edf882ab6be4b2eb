"""What the Rasa process holds once: the live knowledge base, the danger signs."""
import functools
import logging

from assistant import paths
from assistant.knowledge import LiveKnowledge
from assistant.safety.triage import RedFlags
from assistant.yamlfile import YamlFile

logger = logging.getLogger(__name__)


def report(problems) -> None:
    """Log what is wrong with an edit of the knowledge base; the last good version stays in use."""
    for problem in problems:
        logger.error("the last good version stays in use: %s", problem)


@functools.cache
def live_knowledge() -> LiveKnowledge:
    """The knowledge base of this process. Raises ContentError when it does not validate at first loading."""
    return LiveKnowledge(report=report)


@functools.cache
def red_flags() -> RedFlags:
    """The danger signs. Raises ContentError."""
    return RedFlags()


@functools.cache
def responses() -> dict:
    """The texts of domain.yml's responses by name: urgent replies are there even when no model is loaded."""
    file = YamlFile.read(paths.ROOT / "domain.yml", paths.ROOT)
    return {name: str(variations[0]["text"]) for name, variations in file.data["responses"].items()}
